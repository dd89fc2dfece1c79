//! What pages say, in Uzbek, Russian and English.

use axum::http::{HeaderMap, header::ACCEPT_LANGUAGE};

/// A language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    Uz,
    Ru,
    En,
}

impl Lang {
    pub(crate) const ALL: [Self; 3] = [Self::Uz, Self::Ru, Self::En];

    pub(crate) fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| code.eq_ignore_ascii_case(lang.code()))
    }

    /// The first language of the browser that is spoken here; Uzbek otherwise.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let wanted =
            headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let mut codes = wanted.split(',').filter_map(|part| part.trim().get(..2));
        codes.find_map(Self::parse).unwrap_or(Self::Uz)
    }

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Uz => "uz",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::Uz => &UZ,
            Self::Ru => &RU,
            Self::En => &EN,
        }
    }

    pub(crate) fn money(self, tiyin: i64) -> String {
        self.sum(money::Money::uzs(tiyin))
    }

    pub(crate) fn sum(self, sum: money::Money) -> String {
        let locale = match self {
            Self::Uz => money::Locale::Uz,
            Self::Ru => money::Locale::Ru,
            Self::En => money::Locale::En,
        };
        money::shown(sum, locale)
    }
}

#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) language: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) no_money: &'static str,
    pub(crate) stand_in: &'static str,
    pub(crate) kept_here: &'static str,
    pub(crate) checkout: &'static str,
    pub(crate) merchant: &'static str,
    pub(crate) order: &'static str,
    pub(crate) amount: &'static str,
    pub(crate) pay: &'static str,
    pub(crate) decline: &'static str,
    pub(crate) back: &'static str,
    pub(crate) paid: &'static str,
    pub(crate) paid_more: &'static str,
    pub(crate) declined: &'static str,
    pub(crate) declined_more: &'static str,
    pub(crate) refused: &'static str,
    pub(crate) refused_more: &'static str,
    pub(crate) silent: &'static str,
    pub(crate) silent_more: &'static str,
    pub(crate) bad_link: &'static str,
    pub(crate) bad_link_more: &'static str,
    pub(crate) details: &'static str,
}

static UZ: Texts = Texts {
    language: "Oʻzbekcha",
    tag: "sinov",
    no_money: "Sinov muhiti: haqiqiy pul yoʻq",
    stand_in: "Bu sahifa toʻlov tizimi oʻrnida turadi. Karta soʻralmaydi, pul yechilmaydi.",
    kept_here: "Xabarlar shu yerda saqlanadi va hech kimga yuborilmaydi.",
    checkout: "Toʻlov",
    merchant: "Qabul qiluvchi",
    order: "Buyurtma",
    amount: "Toʻlov summasi",
    pay: "Toʻlash",
    decline: "Rad etish",
    back: "Doʻkonga qaytish",
    paid: "Toʻlov qabul qilindi",
    paid_more: "Hozir doʻkonga qaytasiz.",
    declined: "Toʻlov oʻtmadi",
    declined_more: "Toʻlov rad etildi. Doʻkonga qaytib, yana urinib koʻring.",
    refused: "Doʻkon toʻlovni qabul qilmadi",
    refused_more: "Pul yechilmadi. Doʻkon javobi:",
    silent: "Doʻkon javob bermayapti",
    silent_more: "Toʻlov yakunlanmadi. Birozdan soʻng doʻkondan toʻlovni qayta oching: u toʻxtagan joyidan davom etadi.",
    bad_link: "Toʻlov havolasi notoʻgʻri",
    bad_link_more: "Doʻkonga qaytib, toʻlovni qaytadan boshlang.",
    details: "Yuborilgan soʻrovlar",
};

static RU: Texts = Texts {
    language: "Русский",
    tag: "тест",
    no_money: "Песочница: без настоящих денег",
    stand_in: "Эта страница заменяет платёжную систему. Карта не нужна, деньги не списываются.",
    kept_here: "Сообщения остаются здесь и никому не отправляются.",
    checkout: "Оплата",
    merchant: "Получатель",
    order: "Заказ",
    amount: "Сумма к оплате",
    pay: "Оплатить",
    decline: "Отказаться",
    back: "Вернуться в магазин",
    paid: "Платёж принят",
    paid_more: "Сейчас вы вернётесь в магазин.",
    declined: "Платёж не прошёл",
    declined_more: "Платёж отклонён. Вернитесь в магазин и попробуйте ещё раз.",
    refused: "Магазин не принял платёж",
    refused_more: "Деньги не списаны. Ответ магазина:",
    silent: "Магазин не отвечает",
    silent_more: "Платёж не завершён. Чуть позже откройте оплату из магазина ещё раз: она продолжится с того же места.",
    bad_link: "Неверная ссылка на оплату",
    bad_link_more: "Вернитесь в магазин и начните оплату заново.",
    details: "Отправленные запросы",
};

static EN: Texts = Texts {
    language: "English",
    tag: "sandbox",
    no_money: "Sandbox: no real money",
    stand_in: "This page stands in for the payment system. No card is needed and nothing is charged.",
    kept_here: "Messages stay here and are sent to nobody.",
    checkout: "Payment",
    merchant: "Recipient",
    order: "Order",
    amount: "Amount due",
    pay: "Pay",
    decline: "Decline",
    back: "Back to the shop",
    paid: "Payment accepted",
    paid_more: "You are about to return to the shop.",
    declined: "The payment did not go through",
    declined_more: "The payment was declined. Return to the shop and try again.",
    refused: "The shop did not accept the payment",
    refused_more: "Nothing was charged. The shop's answer:",
    silent: "The shop does not answer",
    silent_more: "The payment is not finished. Open it from the shop again in a little while: it goes on from where it stopped.",
    bad_link: "The payment link is not valid",
    bad_link_more: "Return to the shop and start the payment again.",
    details: "Requests sent",
};
