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
    /// What fiscal receipts say of the platform's own part.
    #[serde(default)]
    pub fiscal: Fiscal,
    /// When payments are compared with what providers say.
    #[serde(default)]
    pub reconciliation: Reconciliation,
}

/// What stands on fiscal receipts for the delivery, which the platform sells.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fiscal {
    /// TIN or PINFL of the platform.
    #[serde(deserialize_with = "text")]
    pub tin: String,
    /// MXIK of delivering, 17 digits.
    #[serde(deserialize_with = "text")]
    pub delivery_mxik: String,
    /// Its package code.
    #[serde(deserialize_with = "text")]
    pub delivery_package_code: String,
    /// Its VAT rate in percent.
    pub delivery_vat_percent: u32,
}

/// Comparing with what providers say.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reconciliation {
    /// From this hour of the day on in Tashkent the day before is compared; 24 and more: only when somebody asks.
    pub hour: u8,
}

impl Default for Reconciliation {
    fn default() -> Self {
        Self { hour: 3 }
    }
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
    /// Whether Payme may replace the key by its call ChangePassword.
    pub change_password: bool,
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
    /// With which hash.
    pub callback_hash: CallbackHash,
    /// A terminal of the store; empty: the store's own.
    #[serde(deserialize_with = "text")]
    pub terminal_id: String,
    /// Whether ATMOS is told the digits of an order's number only.
    pub digits_only: bool,
    /// The gateway of ATMOS.
    pub base_url: String,
    /// The payment page.
    pub page_url: String,
}

/// How ATMOS signs calls to us: its pages do not name the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallbackHash {
    /// Told by the length of what was received.
    #[default]
    Auto,
    /// 32 digits.
    Md5,
    /// 64 digits.
    Sha256,
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
    /// So'm for one unit of that currency, with at most two decimals; not needed for "uzs".
    #[serde(deserialize_with = "decimal")]
    pub rate: String,
    /// The least that is charged at once, in hundredths of the currency.
    pub min: i64,
    /// The most.
    pub max: i64,
    /// Stripe's API.
    pub base_url: String,
    /// Where Stripe's pages are: shoppers are led there and nowhere else.
    pub page_url: String,
}

impl Default for Payme {
    fn default() -> Self {
        Self {
            merchant_id: String::new(),
            key: SecretString::default(),
            test_key: SecretString::default(),
            change_password: false,
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
            callback_hash: CallbackHash::Auto,
            terminal_id: String::new(),
            digits_only: false,
            base_url: "https://apigw.atmos.uz".to_owned(),
            page_url: "https://checkout.pays.uz".to_owned(),
        }
    }
}

impl Default for Stripe {
    fn default() -> Self {
        Self {
            secret_key: SecretString::default(),
            webhook_secret: SecretString::default(),
            currency: "usd".to_owned(),
            rate: String::new(),
            min: 50,
            max: 99_999_999,
            base_url: "https://api.stripe.com".to_owned(),
            page_url: "https://checkout.stripe.com".to_owned(),
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

/// A decimal number, which the environment may present as one.
fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Decimal {
        Text(String),
        Whole(i64),
        // Written as short as it was: 12650.5 stays 12650.5.
        Broken(f64),
    }
    Ok(match Decimal::deserialize(deserializer)? {
        Decimal::Text(text) => text,
        Decimal::Whole(number) => number.to_string(),
        Decimal::Broken(number) => number.to_string(),
    })
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
        for (rate, text) in
            [("12650.5", "12650.5"), ("12650", "12650"), ("\"12650.50\"", "12650.50")]
        {
            let stripe: Stripe = serde_json::from_str(&format!(r#"{{"rate": {rate}}}"#)).unwrap();
            assert_eq!(stripe.rate, text);
        }
    }
}
