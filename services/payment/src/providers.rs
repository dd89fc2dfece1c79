//! The providers' protocols: reading what they ask, writing what they are told, leading shoppers to their pages.
//!
//! Pure: nothing here knows the store. What is decided in between is in `service`.

use std::collections::BTreeMap;

use crate::{
    config::Config,
    domain::{Provider, Snapshot},
};

pub(crate) mod cabinet;
pub(crate) mod click;
pub(crate) mod click_api;
mod form;
pub(crate) mod outbound;
pub(crate) mod payme;
pub(crate) mod stripe;
pub(crate) mod uzcard;

/// A call of a provider, as it came in.
#[derive(Debug, Clone)]
pub(crate) struct RawRequest {
    /// The rest of the path.
    pub(crate) action: String,
    pub(crate) method: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) remote_ip: String,
}

/// What the provider is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

impl RawAnswer {
    /// JSON with HTTP 200: both protocols tell errors inside of it.
    pub(crate) fn json(body: String) -> Self {
        Self { status: 200, content_type: "application/json; charset=UTF-8", body }
    }

    /// Nobody here speaks for that provider.
    pub(crate) fn disabled() -> Self {
        Self::problem(404, "Not Found", "PROVIDER_DISABLED")
    }

    /// No verdict: the provider asks again.
    pub(crate) fn later() -> Self {
        Self::problem(503, "Service Unavailable", "UNAVAILABLE")
    }

    fn problem(status: u16, title: &str, code: &str) -> Self {
        let problem = serde_json::json!({
            "type": "about:blank",
            "title": title,
            "status": status,
            "code": code,
        });
        Self { status, content_type: "application/problem+json", body: problem.to_string() }
    }
}

/// Those that are configured.
#[derive(Debug)]
pub(crate) struct Providers {
    pub(crate) payme: Option<payme::Payme>,
    pub(crate) click: Option<click::Click>,
    pub(crate) click_api: Option<click_api::ClickApi>,
    pub(crate) uzcard: Option<uzcard::Atmos>,
    pub(crate) stripe: Option<stripe::Stripe>,
}

impl Providers {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            payme: payme::Payme::new(&config.payme),
            click: click::Click::new(&config.click),
            click_api: click_api::ClickApi::new(&config.click),
            uzcard: uzcard::Atmos::new(&config.uzcard),
            stripe: stripe::Stripe::new(&config.stripe),
        }
    }

    /// What a checkout page may offer.
    pub(crate) fn names(&self) -> Vec<Provider> {
        Provider::ALL.into_iter().filter(|provider| self.offers(*provider)).collect()
    }

    pub(crate) fn offers(&self, provider: Provider) -> bool {
        match provider {
            Provider::Payme => self.payme.is_some(),
            Provider::Click => self.click.is_some(),
            Provider::Uzcard => self.uzcard.is_some(),
            Provider::Stripe => self.stripe.is_some(),
            Provider::Cash => true,
        }
    }

    /// Where to send the shopper; empty for cash and for those that make their pages themselves, `None` for a provider that is not
    /// offered.
    pub(crate) fn page(
        &self,
        provider: Provider,
        payable: &Snapshot,
        return_url: &str,
    ) -> Option<String> {
        match provider {
            Provider::Payme => self.payme.as_ref().map(|payme| payme.page(payable, return_url)),
            Provider::Click => self.click.as_ref().map(|click| click.page(payable, return_url)),
            Provider::Uzcard | Provider::Stripe => self.offers(provider).then(String::new),
            Provider::Cash => Some(String::new()),
        }
    }
}

#[cfg(test)]
mod tests;
