//! The `[payment]` table of the configuration.

use std::{fmt, net::SocketAddr};

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `sqlite:<file>` or `postgres://<user>@<host>/<database>`.
    pub store: String,
    /// Terms with Payme.
    #[serde(default)]
    pub payme: Payme,
    /// Terms with Click.
    #[serde(default)]
    pub click: Click,
    /// Terms with ATMOS, which charges UzCard.
    #[serde(default)]
    pub uzcard: Uzcard,
    /// Terms with Stripe.
    #[serde(default)]
    pub stripe: Stripe,
}

/// A cash desk of Payme. Without a merchant id or any key, Payme is off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payme {
    /// `m` of the checkout link.
    #[serde(deserialize_with = "text")]
    pub merchant_id: String,
    /// Password of `Paycom` in calls to us.
    #[serde(deserialize_with = "secret")]
    pub key: SecretString,
    /// The same for Payme's sandbox; set it only while the cash desk is in test mode.
    #[serde(deserialize_with = "secret")]
    pub test_key: SecretString,
    /// The checkout page.
    pub base_url: String,
}

/// A service of Click. Without a service id, a merchant id or a secret key, Click is off.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Click {
    /// The service.
    #[serde(deserialize_with = "text")]
    pub service_id: String,
    /// Its owner.
    #[serde(deserialize_with = "text")]
    pub merchant_id: String,
    /// Who calls the Merchant API.
    #[serde(deserialize_with = "text")]
    pub merchant_user_id: String,
    /// Signs calls to us.
    #[serde(deserialize_with = "secret")]
    pub secret_key: SecretString,
    /// The payment page.
    pub base_url: String,
    /// The Merchant API, which gives money back; empty: people do.
    pub api_url: String,
}

/// A store of ATMOS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Uzcard {
    /// The store.
    #[serde(deserialize_with = "text")]
    pub store_id: String,
    /// Login for tokens.
    #[serde(deserialize_with = "text")]
    pub consumer_key: String,
    /// Password for tokens.
    #[serde(deserialize_with = "secret")]
    pub consumer_secret: SecretString,
    /// Signs calls to us.
    #[serde(deserialize_with = "secret")]
    pub api_key: SecretString,
    /// The gateway of ATMOS.
    pub base_url: String,
}

/// An account of Stripe.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stripe {
    /// `sk_...`
    #[serde(deserialize_with = "secret")]
    pub secret_key: SecretString,
    /// `whsec_...`
    #[serde(deserialize_with = "secret")]
    pub webhook_secret: SecretString,
    /// What cards are charged in.
    pub currency: String,
    /// Stripe's API.
    pub base_url: String,
}

impl Default for Payme {
    fn default() -> Self {
        Self {
            merchant_id: String::new(),
            key: SecretString::default(),
            test_key: SecretString::default(),
            base_url: "https://checkout.paycom.uz".to_owned(),
        }
    }
}

impl Default for Click {
    fn default() -> Self {
        Self {
            service_id: String::new(),
            merchant_id: String::new(),
            merchant_user_id: String::new(),
            secret_key: SecretString::default(),
            base_url: "https://my.click.uz".to_owned(),
            api_url: "https://api.click.uz".to_owned(),
        }
    }
}

impl Default for Uzcard {
    fn default() -> Self {
        Self {
            store_id: String::new(),
            consumer_key: String::new(),
            consumer_secret: SecretString::default(),
            api_key: SecretString::default(),
            base_url: "https://apigw.atmos.uz".to_owned(),
        }
    }
}

impl Default for Stripe {
    fn default() -> Self {
        Self {
            secret_key: SecretString::default(),
            webhook_secret: SecretString::default(),
            currency: "usd".to_owned(),
            base_url: "https://api.stripe.com".to_owned(),
        }
    }
}

/// Text that the environment may present as a number: ids and keys are often digits only.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl de::Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }
        // Errors of serde quote what they refuse: a secret must not get that far.
        fn visit_f64<E: de::Error>(self, _: f64) -> Result<String, E> {
            Err(E::custom("expected a text: put it in quotes"))
        }
        fn visit_bool<E: de::Error>(self, _: bool) -> Result<String, E> {
            Err(E::custom("expected a text: put it in quotes"))
        }
    }
    deserializer.deserialize_any(Text)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    text(deserializer).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_text_and_secrets_are_not_shown() {
        let click: Click =
            serde_json::from_str(r#"{"service_id": 10001, "secret_key": "hidden"}"#).unwrap();
        assert_eq!(click.service_id, "10001");
        assert!(!format!("{click:?}").contains("hidden"));
        assert!(serde_json::from_str::<Click>(r#"{"secret": "x"}"#).is_err(), "an unknown key");
    }
}
