# Texts of the storefront. The three languages hold the same messages with the same variables: build.rs compares them.

# Frame
skip = Перейти к содержанию
promise = Доставляем по всему Узбекистану
language = Язык
own = Кабинет и корзина
search-label = Поиск товаров
search-hint = Чайник, смартфон, адрас…
search = Найти
login = Войти
account = Кабинет
cart = Корзина
pieces-in-cart = Товаров в корзине:
footer-lead = Товары местных продавцов и мастеров в одном месте. Цены в сумах, с НДС.
footer-pay = Способы оплаты
cash = Наличными
trail = Вы здесь
home = Главная

# Home
home-title = Весь базар в одном месте
home-lead = От чустского ножа до смартфона: местные продавцы, честные цены, быстрая доставка.
promise-delivery = Доставка во все области
promise-pay = Payme, Click или наличными
promise-return = Возврат в течение 10 дней
categories = Разделы
category = Раздел
category-lead = { $title }: цены, отзывы и доставка. UltraMarket
popular = Популярные товары
newest = Новинки
see-all = Смотреть все

# What is away
away-catalogue = Каталог сейчас недоступен. Обновите страницу немного позже.
away-search = Поиск сейчас недоступен. Товары можно найти через разделы.
away-prices = Цены сейчас недоступны. Обновите страницу немного позже.
away-orders = Заказы сейчас недоступны. Обновите страницу немного позже.

# Products in lists
in-stock = В наличии
sold-out = Нет в наличии
few-left = Осталось { $count } шт.
later = Под заказ: отправим, как только поступит
tier = от { $count } шт. — { $price }
no-offer = Нет в продаже
no-offer-text = Сейчас этот товар никто не продаёт.
from-price = от { $price }
old-price = Старая цена
rating = Оценка

# Lists
filters = Сортировка и фильтры
sort = Порядок
sort-relevance = По соответствию
sort-popular = Сначала популярные
sort-new = Сначала новые
sort-price = Сначала дешёвые
sort-price-desc = Сначала дорогие
sort-rating = Сначала с высокой оценкой
brand = Бренд
any-brand = Все бренды
price-soum = Цена, сум
from = от
to = до
price-from = от { $price }
price-to = до { $price }
only-in-stock = Только в наличии
show = Показать
chosen-filters = Выбранные фильтры
remove-filter = Убрать фильтр:
drop-filters = Сбросить фильтры
nothing-filtered = С такими фильтрами ничего не нашлось.
nothing-here = В этом разделе пока нет товаров.
pages = Страницы
next-page = Следующая страница
first-page = В начало

# Search
search-all = Все товары
search-heading = Результаты по запросу «{ $query }»
corrected = По запросу «{ $asked }» ничего нет, показываем результаты для «{ $found }».
nothing-found = По запросу «{ $query }» ничего не нашлось.
hint-spelling = Проверьте, нет ли опечатки.
hint-shorter = Напишите короче: «наушники» вместо «беспроводные наушники».
hint-languages = Искать можно по-русски и по-узбекски, на латинице и кириллице.

# Product
offers = Предложения
quantity = Количество
add-to-cart = В корзину
attributes = Характеристики
reviews = Отзывы
no-reviews = Отзывов пока нет.

# Cart
cart-empty = В корзине пока пусто.
to-shop = Перейти к покупкам
line-gone = Товар закончился или снят с продажи
update = Обновить
remove = Убрать
your-order = Ваш заказ
discount-code = Промокод
apply = Применить
code-refused = не действует на эту корзину
code-early = Этот промокод ещё не действует.
code-late = Срок действия промокода истёк.
code-spent = Этот промокод уже использован максимальное число раз.
code-used = Вы уже использовали этот промокод.
code-min = Сумма товаров слишком мала для этого промокода.
code-goods = Этот промокод не действует на эти товары.
code-alone = Этот промокод не суммируется со скидками на эти товары.
code-many = В корзине слишком много промокодов.
to-checkout = Оформить заказ
cart-not-ready = Чтобы продолжить, уберите товары, которых нет в наличии.
sum-items = Товары
sum-discount = Скидка
sum-delivery = Доставка
sum-delivery-later = зависит от адреса
sum-total = Итого
sum-tax = в том числе НДС

# Checkout
checkout = Оформление заказа
mend-fields = Исправьте отмеченные поля.
step-who = Получатель
step-where = Адрес
step-how = Способ доставки
step-pay = Способ оплаты
name = Имя и фамилия
phone = Номер телефона
district = Район или город
choose = Выберите
street = Махалля, улица
house = Дом, квартира
landmark = Ориентир
landmark-hint = Например: напротив школы № 15
go-on = Продолжить
go-on-text = На следующем шаге вы увидите итог вместе с доставкой.
place-order = Заказать
place-order-text = При онлайн-оплате откроется страница платёжного сервиса. Данные карты к нам не попадают.
courier = Курьер
courier-text = До двери
pickup = Самовывоз
pickup-text = Из пункта выдачи
post = Почта
post-text = До ближайшего отделения
free = Бесплатно
days-range = { $from }–{ $to } дн.
pay-payme = Через приложение Payme или картой
pay-click = Через приложение Click
pay-uzcard = Картой UzCard или Humo
pay-stripe = Международной картой
pay-cash = Оплата при получении

# Forms
wrong-name = Укажите имя
wrong-phone = Введите номер в виде +998 90 123 45 67
wrong-district = Выберите район или город
wrong-street = Укажите махаллю или улицу
wrong-choice = Выберите один из вариантов
wrong-login = Неверный логин или пароль.
wrong-totp = Введите код подтверждения из приложения.
wrong-too-often = Слишком много попыток. Попробуйте позже.
wrong-taken = С этим номером уже есть аккаунт. Попробуйте войти.
wrong-password = Пароль должен быть не короче 8 символов.
phone-or-email = Телефон или эл. почта
password = Пароль
password-hint = Не короче 8 символов
totp = Код подтверждения
no-account = Нет аккаунта?
have-account = Уже есть аккаунт?
register = Регистрация

# Account
logout = Выйти
orders = Заказы
no-orders = Вы ещё ничего не заказывали.

# Orders
order-number = Заказ № { $number }
order-awaiting-payment = Ждёт оплаты
order-paid = Оплачен
order-processing = Собирается
order-shipped = В пути
order-delivered = Доставлен
order-completed = Завершён
order-cancelled = Отменён
order-refunded = Деньги возвращены
payment = Оплата
payment-pending = Ожидается
payment-processing = Выполняется
payment-paid = Оплачено
payment-failed = Не удалась
payment-cancelled = Отменена
payment-refunded = Возвращена
payment-partially-refunded = Возвращена частично
pay-title = Оплата
held-until = Товары отложены для вас до { $time }.
pay-now = Оплатить через { $provider }
pay-otherwise = Оплатить другим способом
pay-again = Оплатить
tracking = Номер для отслеживания
timeline = История заказа
summary = Детали
recipient = Получатель
cancel-order = Отменить заказ
event-placed = Заказ оформлен
event-paid = Оплата получена
event-payment-failed = Оплата не прошла
event-accepted = Продавец принял заказ
event-shipped = Отправлен
event-delivered = Доставлен
event-completed = Завершён
event-cancelled = Отменён
event-expired = Срок оплаты истёк
event-refunded = Деньги возвращены
event-changed = Заказ обновлён

# Notices
said-added = Товар добавлен в корзину.
said-changed = Корзина обновлена.
said-code = Промокод применён.
said-bad-code = Этот промокод не действует.
said-placed = Спасибо! Заказ принят.
said-cancelled = Заказ отменён.
said-not-cancelled = Этот заказ уже нельзя отменить.
said-check = Доставка учтена. Проверьте итог и подтвердите заказ.
said-gone = Этого товара больше нет в продаже.
said-limit = Столько добавить нельзя.
said-stock = Один из товаров закончился. Проверьте корзину.
said-price = Цена изменилась. Проверьте новую сумму и подтвердите заказ.
said-provider = Этот способ оплаты сейчас недоступен. Выберите другой.
said-paid = Этот заказ уже оплачен.
said-in-progress = Предыдущий платёж ещё выполняется. Попробуйте чуть позже.

# Errors
error-missing = Страница не найдена
error-missing-text = Адрес неверен, или товар снят с продажи.
error-refused = Запрос отклонён
error-refused-text = Возможно, страница устарела. Вернитесь назад, обновите её и попробуйте ещё раз.
error-too-much = Слишком много запросов
error-too-much-text = Попробуйте снова через минуту.
error-away = Сервис сейчас не отвечает
error-away-text = Попробуйте немного позже. Ваша корзина сохранится.
error-conflict = Что-то изменилось
error-conflict-text = Вернитесь назад, обновите страницу и попробуйте снова.
error-ours = Ошибка на нашей стороне
error-ours-text = Мы уже знаем об этом. Попробуйте немного позже.

# Dates
months = января февраля марта апреля мая июня июля августа сентября октября ноября декабря

# Counts
products-found = { $count ->
    [one] { $count } товар
    [few] { $count } товара
   *[other] { $count } товаров
}
pieces = { $count ->
    [one] { $count } штука
    [few] { $count } штуки
   *[other] { $count } штук
}
reviews-count = { $count ->
    [one] { $count } отзыв
    [few] { $count } отзыва
   *[other] { $count } отзывов
}
days = { $count ->
    [one] { $count } день
    [few] { $count } дня
   *[other] { $count } дней
}

event-items-cancelled = Часть отменена
event-refund-requested = Деньги возвращаются
pieces-cancelled = отменено: { $count }
returns = Возвраты
return-title = Вернуть товар
return-until = Можно до { $time }.
return-reason = Причина
return-send = Запросить возврат
return-requested = Возврат запрошен
return-approved = Возврат одобрен
return-refused = В возврате отказано
return-received = Товар принят обратно
return-refunded = Возвращено, деньги отправлены
refunds = Возвраты денег
refund-pending = В пути
refund-succeeded = Возвращено
refund-failed = Не возвращено
invoice = Счёт-фактура
said-returned = Ваш запрос отправлен продавцу.
said-not-returned = Эти товары нельзя вернуть.
said-return-empty = Укажите, что вы возвращаете и почему.
