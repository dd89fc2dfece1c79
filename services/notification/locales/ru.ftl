# Русский. The value is the title (of a letter: the subject); .body is the text.

order-placed = Заказ принят
    .body = Ваш заказ { $number } принят. Следите за ним в разделе заказов.
order-paid = Оплата получена
    .body = Оплата заказа { $number } получена. Продавец готовит его к отправке.
order-paid-after-end = Оплата пришла с опозданием
    .body = Оплата заказа { $number } пришла после его закрытия. Деньги будут возвращены.
order-accepted = Заказ готовится
    .body = Продавец начал собирать заказ { $number }.
order-shipped = Заказ в пути
    .body = Ваш заказ { $number } передан в доставку.
order-delivered = Заказ доставлен
    .body = Ваш заказ { $number } доставлен. Спасибо за покупку!
order-cancelled = Заказ отменён
    .body = Заказ { $number } отменён. Если он был оплачен, деньги будут возвращены.
order-expired = Время оплаты истекло
    .body = Заказ { $number } отменён, потому что не был оплачен вовремя.
order-refunded = Деньги возвращены
    .body = Деньги за заказ { $number } возвращены.

merchant-order-placed = Новый заказ
    .body = Поступил новый заказ { $number }. Примите и отправьте его.
merchant-applied = Заявка принята
    .body = Заявка магазина «{ $name }» рассматривается.
merchant-application = Новая заявка продавца
    .body = «{ $name }» хочет стать продавцом.
merchant-approved = Магазин подтверждён
    .body = Магазин «{ $name }» подтверждён. Теперь можно размещать товары.
merchant-rejected = Заявка отклонена
    .body = Заявка магазина «{ $name }» отклонена. Причина: { $reason }
merchant-suspended = Магазин приостановлен
    .body = Продажи магазина «{ $name }» временно приостановлены. Обратитесь в поддержку.

otp-code = Код подтверждения
    .body = UltraMarket: код подтверждения { $code }. Никому его не сообщайте.
password-reset = Восстановление пароля
    .body = UltraMarket: код для смены пароля { $token }. Если вы его не запрашивали, ничего не делайте.
