//! Stripe: Checkout sessions on Stripe's own page, refunds, and signed webhooks. No card comes past here.

use ids::{PaymentId, RefundId};
use secrecy::{ExposeSecret as _, SecretString};

use super::form;
use crate::{
    config,
    domain::hosted::{Charge, Hosted, Limits, Quote},
};

pub(crate) mod answer;
pub(crate) mod event;
pub(crate) mod signature;

/// The API as it is spoken here.
pub(crate) const VERSION: &str = "2025-03-31.basil";

/// An account of Stripe.
#[derive(Debug)]
pub(crate) struct Stripe {
    secret_key: SecretString,
    webhook_secret: SecretString,
    quote: Quote,
    url: String,
}

/// Fields of a form, in order: the same request has the same text.
pub(crate) type Form = Vec<(String, String)>;

impl Stripe {
    /// `None` when it is not configured.
    pub(crate) fn new(config: &config::Stripe) -> Option<Self> {
        let som = config.currency.eq_ignore_ascii_case("uzs");
        let rate = money::parse_decimal(&config.rate).ok().filter(|rate| *rate > 0);
        let absent = config.secret_key.expose_secret().is_empty()
            || config.webhook_secret.expose_secret().is_empty()
            || (!som && rate.is_none());
        (!absent).then(|| Self {
            secret_key: config.secret_key.clone(),
            webhook_secret: config.webhook_secret.clone(),
            quote: Quote {
                currency: config.currency.to_ascii_uppercase(),
                rate: rate.filter(|_| !som),
                limits: Limits { min: config.min, max: config.max },
            },
            url: config.base_url.trim_end_matches('/').to_owned(),
        })
    }

    pub(crate) const fn quote(&self) -> &Quote {
        &self.quote
    }

    pub(crate) const fn secret_key(&self) -> &SecretString {
        &self.secret_key
    }

    /// Whether events are of real money.
    pub(crate) fn is_live(&self) -> bool {
        let key = self.secret_key.expose_secret();
        key.starts_with("sk_live_") || key.starts_with("rk_live_")
    }

    pub(crate) fn sessions(&self) -> String {
        format!("{}/v1/checkout/sessions", self.url)
    }

    pub(crate) fn session(&self, id: &str) -> String {
        format!("{}/{}", self.sessions(), form::encode(id))
    }

    pub(crate) fn expire(&self, id: &str) -> String {
        format!("{}/expire", self.session(id))
    }

    pub(crate) fn refunds(&self) -> String {
        format!("{}/v1/refunds", self.url)
    }

    pub(crate) fn refund(&self, id: &str) -> String {
        format!("{}/{}", self.refunds(), form::encode(id))
    }

    /// A page for a payment.
    pub(crate) fn create(hosted: &Hosted, return_url: &str, locale: &str) -> Form {
        let Charge { sum, .. } = &hosted.charge;
        let (payment, order) = (hosted.payment.to_string(), sum.account.clone());
        let line = |rest: &str| format!("line_items[0]{rest}");
        let mut form: Form = vec![
            ("mode".into(), "payment".into()),
            (line("[quantity]"), "1".into()),
            (line("[price_data][currency]"), sum.currency.to_ascii_lowercase()),
            (line("[price_data][unit_amount]"), sum.amount.to_string()),
            (line("[price_data][product_data][name]"), order.clone()),
            ("client_reference_id".into(), payment.clone()),
            ("success_url".into(), return_url.into()),
            ("cancel_url".into(), return_url.into()),
            ("locale".into(), language(locale).into()),
        ];
        for root in ["metadata", "payment_intent_data[metadata]"] {
            form.push((format!("{root}[order_id]"), order.clone()));
            form.push((format!("{root}[payment_id]"), payment.clone()));
        }
        form
    }

    /// Some of a charge, or all of it.
    pub(crate) fn give_back(charge: &str, amount: i64, refund: RefundId) -> Form {
        vec![
            ("payment_intent".into(), charge.into()),
            ("amount".into(), amount.to_string()),
            ("reason".into(), "requested_by_customer".into()),
            ("metadata[refund_id]".into(), refund.to_string()),
        ]
    }

    /// All of a charge that no order waits for.
    pub(crate) fn give_stray_back(charge: &str, payment: PaymentId) -> Form {
        vec![
            ("payment_intent".into(), charge.into()),
            ("metadata[payment_id]".into(), payment.to_string()),
        ]
    }
}

/// Names of requests: the same request has the same name, whoever sends it and however often.
pub(crate) mod key {
    use ids::{PaymentId, RefundId};

    pub(crate) fn create(payment: PaymentId, attempt: u32) -> String {
        format!("pi-create:{payment}:{attempt}")
    }

    pub(crate) fn refund(refund: RefundId) -> String {
        format!("refund:{refund}")
    }

    pub(crate) fn give_back(payment: PaymentId) -> String {
        format!("return:{payment}")
    }
}

/// Stripe's page does not speak Uzbek.
fn language(locale: &str) -> &'static str {
    match locale {
        "ru" => "ru",
        "en" => "en",
        _ => "auto",
    }
}

#[cfg(test)]
mod tests;
