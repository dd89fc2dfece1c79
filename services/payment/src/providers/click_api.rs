//! Click's Merchant API: what we call to give money back.

use clock::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};

use super::form;
use crate::config;

pub(crate) mod fiscal;
pub(crate) mod status;

/// The part of the Merchant API that gives money back.
#[derive(Debug)]
pub(crate) struct ClickApi {
    service_id: String,
    user_id: String,
    secret_key: SecretString,
    url: String,
}

/// What an answer comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Done,
    /// Click does not do it, and why.
    Refused(String),
    /// Nothing that could be taken for a verdict.
    Nothing,
}

#[derive(Debug, Deserialize)]
struct Body {
    error_code: Option<i64>,
    #[serde(default)]
    error_note: String,
    payment_status: Option<i64>,
}

impl ClickApi {
    /// `None` when it is not configured.
    pub(crate) fn new(config: &config::Click) -> Option<Self> {
        let absent = config.service_id.is_empty()
            || config.merchant_user_id.is_empty()
            || config.secret_key.expose_secret().is_empty()
            || config.api_url.is_empty();
        (!absent).then(|| Self {
            service_id: config.service_id.clone(),
            user_id: config.merchant_user_id.clone(),
            secret_key: config.secret_key.clone(),
            url: format!("{}/v2/merchant/payment", config.api_url.trim_end_matches('/')),
        })
    }

    /// Where all of a payment is given back.
    pub(crate) fn reversal(&self, paydoc: i64) -> String {
        format!("{}/reversal/{}/{paydoc}", self.url, form::encode(&self.service_id))
    }

    /// Where some of it is; the sum in so'm.
    pub(crate) fn partial_reversal(&self, paydoc: i64, tiyin: i64) -> String {
        let sum = money::format_decimal(tiyin);
        let service = form::encode(&self.service_id);
        format!("{}/partial_reversal/{service}/{paydoc}/{sum}", self.url)
    }

    /// Where a payment says how it stands.
    pub(crate) fn status(&self, paydoc: i64) -> String {
        format!("{}/status/{}/{paydoc}", self.url, form::encode(&self.service_id))
    }

    /// What lets us in.
    pub(crate) fn auth(&self, now: Timestamp) -> String {
        let seconds = (now.millis() / 1000).to_string();
        let mut hash = Sha1::new();
        hash.update(&seconds);
        hash.update(self.secret_key.expose_secret());
        format!("{}:{}:{seconds}", self.user_id, form::hex_text(&hash.finalize()))
    }
}

/// What an answer to a reversal says. Failures of the server say nothing of the money.
pub(crate) fn reversed(status: u16, body: &[u8]) -> Said {
    match serde_json::from_slice::<Body>(body) {
        Ok(Body { error_code: Some(0), .. }) if status < 300 => Said::Done,
        Ok(Body { error_code: Some(code), error_note, .. }) if status < 500 && code != 0 => {
            Said::Refused(format!("Click refuses: {code} {error_note}"))
        }
        _ => Said::Nothing,
    }
}

/// Whether a payment has been reversed; none when the answer does not say.
pub(crate) fn is_reversed(status: u16, body: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<Body>(body) {
        Ok(Body { error_code: Some(0), payment_status: Some(at), .. }) if status < 300 => {
            Some(at < 0)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_as_click_documents_them() {
        let config = config::Click {
            service_id: "77001".to_owned(),
            merchant_id: "77002".to_owned(),
            merchant_user_id: "77003".to_owned(),
            secret_key: SecretString::from("c"),
            api_url: "http://click/".to_owned(),
            ..Default::default()
        };
        let api = ClickApi::new(&config).unwrap();
        assert_eq!(api.reversal(9), "http://click/v2/merchant/payment/reversal/77001/9");
        assert_eq!(
            api.partial_reversal(9, 1_000_050),
            "http://click/v2/merchant/payment/partial_reversal/77001/9/10000.50"
        );
        // SHA-1 of "1000c".
        let auth = api.auth(Timestamp::from_millis(1_000_999));
        assert!(auth.starts_with("77003:") && auth.ends_with(":1000"), "{auth}");
        assert!(!format!("{api:?}").contains("\"c\""));
        let without = config::Click { merchant_user_id: String::new(), ..config };
        assert!(ClickApi::new(&without).is_none());
    }

    #[test]
    fn only_a_verdict_is_taken_for_one() {
        let ok = br#"{"error_code": 0, "error_note": "", "payment_id": 1}"#;
        assert_eq!(reversed(200, ok), Said::Done);
        let no = br#"{"error_code": -400, "error_note": "refused"}"#;
        assert_eq!(reversed(400, no), Said::Refused("Click refuses: -400 refused".to_owned()));
        for (status, body) in
            [(200, b"<html>".as_slice()), (502, ok), (500, no), (200, b"{}"), (404, b"")]
        {
            assert_eq!(reversed(status, body), Said::Nothing, "{status}");
        }
        let back = br#"{"error_code": 0, "error_note": "", "payment_status": -2}"#;
        assert_eq!(is_reversed(200, back), Some(true));
        let paid = br#"{"error_code": 0, "error_note": "", "payment_status": 2}"#;
        assert_eq!((is_reversed(200, paid), is_reversed(500, paid)), (Some(false), None));
    }
}
