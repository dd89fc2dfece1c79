//! What the stand-ins must share with the platform: addresses, names and keys.

use std::{fmt, sync::Arc};

use clock::Clock;
use futures::future::BoxFuture;
use secrecy::SecretString;

/// Finds what is due for an order reference, in tiyin.
pub type AmountLookup = Arc<dyn Fn(&str) -> BoxFuture<'static, Option<i64>> + Send + Sync>;

/// A stand-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Payme: hosted checkout and Merchant API.
    Payme,
    /// Click: hosted page, SHOP-API and Merchant API v2.
    Click,
    /// ATMOS, which charges UzCard and Humo cards.
    Uzcard,
    /// Stripe: hosted checkout, payment intents, refunds and webhooks.
    Stripe,
    /// Text messages.
    Sms,
    /// Letters.
    Mail,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Payme, Self::Click, Self::Uzcard, Self::Stripe, Self::Sms, Self::Mail];

    /// The name in URLs, configuration and printouts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payme => "payme",
            Self::Click => "click",
            Self::Uzcard => "uzcard",
            Self::Stripe => "stripe",
            Self::Sms => "sms",
            Self::Mail => "mail",
        }
    }

    /// The name on pages.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Payme => "Payme",
            Self::Click => "Click",
            Self::Uzcard => "UzCard",
            Self::Stripe => "Stripe",
            Self::Sms => "SMS",
            Self::Mail => "Mail",
        }
    }
}

/// Ports on 127.0.0.1; 0 takes any free one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ports([u16; 6]);

impl Ports {
    /// Six ports in a row, in the order of [`Provider::ALL`]; 0 takes any free ones.
    pub fn from_base(base: u16) -> Self {
        if base == 0 {
            return Self::default();
        }
        let mut ports = [base; 6];
        for (port, step) in ports.iter_mut().zip(0..) {
            *port = port.saturating_add(step);
        }
        Self(ports)
    }

    pub(crate) fn of(self, provider: Provider) -> u16 {
        let all = Provider::ALL.into_iter().zip(self.0);
        all.into_iter().find(|(each, _)| *each == provider).map_or(0, |(_, port)| port)
    }
}

/// Everything the stand-ins need to know.
#[derive(Clone)]
pub struct Config {
    /// Where to listen.
    pub ports: Ports,
    /// Base URL of the gateway, for example `http://127.0.0.1:8000`; callbacks go to `<gateway>/hooks/...`.
    pub gateway: String,
    /// The shop's name on payment pages.
    pub merchant_name: String,
    /// Where the time comes from.
    pub clock: Clock,
    /// Finds the amount of a reference when `POST /pay` names none and no checkout page was opened for it.
    pub amounts: Option<AmountLookup>,
    /// Payme's terms.
    pub payme: Payme,
    /// Click's terms.
    pub click: Click,
    /// ATMOS's terms.
    pub uzcard: Uzcard,
    /// Stripe's terms.
    pub stripe: Stripe,
}

/// A Payme cash desk.
#[derive(Debug, Clone)]
pub struct Payme {
    /// 24 hexadecimal digits; `m` of the checkout link.
    pub merchant_id: String,
    /// The password of `Paycom` in callbacks.
    pub key: SecretString,
}

/// A Click service.
#[derive(Debug, Clone)]
pub struct Click {
    /// The service.
    pub service_id: i64,
    /// Its owner.
    pub merchant_id: i64,
    /// Who calls the Merchant API.
    pub merchant_user_id: i64,
    /// Signs callbacks and Merchant API calls.
    pub secret_key: SecretString,
}

/// How ATMOS signs its callback: its pages do not name the hash, and integrators report both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hash {
    /// 32 hexadecimal digits.
    #[default]
    Md5,
    /// 64 hexadecimal digits.
    Sha256,
}

/// An ATMOS store.
#[derive(Debug, Clone)]
pub struct Uzcard {
    /// The store.
    pub store_id: i64,
    /// Login of `POST /token`.
    pub consumer_key: String,
    /// Password of `POST /token`.
    pub consumer_secret: SecretString,
    /// Signs callbacks.
    pub api_key: SecretString,
    /// With which hash.
    pub hash: Hash,
}

/// A Stripe account.
#[derive(Debug, Clone)]
pub struct Stripe {
    /// `sk_...`, the bearer token of API calls.
    pub secret_key: SecretString,
    /// `whsec_...`, signs webhooks.
    pub webhook_secret: SecretString,
}

impl Config {
    /// The terms of a demo: free ports, known keys that open nothing real.
    pub fn demo(gateway: impl Into<String>) -> Self {
        Self {
            ports: Ports::default(),
            gateway: gateway.into(),
            merchant_name: "UltraMarket".to_owned(),
            clock: Clock::system(),
            amounts: None,
            payme: Payme {
                merchant_id: "67a1c0de0000000000000001".to_owned(),
                key: SecretString::from("sandbox-payme-key-000000000000000001"),
            },
            click: Click {
                service_id: 10_001,
                merchant_id: 20_001,
                merchant_user_id: 30_001,
                secret_key: SecretString::from("sandbox-click-secret"),
            },
            uzcard: Uzcard {
                store_id: 4001,
                consumer_key: "sandbox-atmos".to_owned(),
                consumer_secret: SecretString::from("sandbox-atmos-secret"),
                api_key: SecretString::from("sandbox-atmos-api-key"),
                hash: Hash::Md5,
            },
            stripe: Stripe {
                secret_key: SecretString::from("sk_test_sandbox"),
                webhook_secret: SecretString::from("whsec_sandbox"),
            },
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("ports", &self.ports)
            .field("gateway", &self.gateway)
            .field("payme", &self.payme)
            .field("click", &self.click)
            .field("uzcard", &self.uzcard)
            .field("stripe", &self.stripe)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_in_a_row_or_any() {
        assert_eq!(Ports::from_base(9100).of(Provider::Payme), 9100);
        assert_eq!(Ports::from_base(9100).of(Provider::Mail), 9105);
        assert_eq!(Ports::from_base(0).of(Provider::Mail), 0);
    }

    #[test]
    fn keys_are_not_shown() {
        assert!(!format!("{:?}", Config::demo("http://localhost")).contains("sandbox-payme-key"));
        assert!(!format!("{:?}", Config::demo("http://localhost")).contains("whsec"));
    }
}
