//! Payme's checkout link: base64 of `key=value` pairs joined by `;`.

use std::collections::BTreeMap;

use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::ACCOUNT;
use crate::{page, texts::Lang};

const RULES: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// What to pay for, as the link says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// `m`
    pub(super) merchant: String,
    /// `ac.<field>`
    pub(super) account: BTreeMap<String, String>,
    /// `a`, tiyin.
    pub(super) amount: i64,
    /// `l`; Russian when absent, as at Payme.
    pub(super) lang: Lang,
    /// `c` with its placeholders filled by [`Link::back`].
    back: Option<String>,
    /// `ct`, milliseconds.
    pub(super) wait_ms: u64,
}

impl Link {
    /// Reads the path of the link; the error is a sentence in the manner of Payme's checkout codes.
    pub(super) fn parse(encoded: &str) -> Result<Self, String> {
        let text = decode(encoded).ok_or("-31610: the link is not base64 of text")?;
        let mut pairs = BTreeMap::new();
        for pair in text.split(';').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or_else(|| format!("-31610: {pair}"))?;
            pairs.insert(key, value);
        }
        let merchant = pairs.get("m").ok_or("-31601: m is missing")?;
        let account: BTreeMap<String, String> = pairs
            .iter()
            .filter_map(|(key, value)| {
                Some((key.strip_prefix("ac.")?.to_owned(), (*value).to_owned()))
            })
            .collect();
        if account.get(ACCOUNT).is_none_or(String::is_empty) {
            return Err(format!("-31610: ac.{ACCOUNT} is missing"));
        }
        let amount = pairs.get("a").and_then(|text| text.parse().ok()).filter(|amount| *amount > 0);
        Ok(Self {
            merchant: (*merchant).to_owned(),
            account,
            amount: amount.ok_or("-31610: a is not a sum in tiyin")?,
            lang: pairs.get("l").and_then(|code| Lang::parse(code)).unwrap_or(Lang::Ru),
            back: pairs.get("c").map(|url| (*url).to_owned()),
            wait_ms: pairs.get("ct").and_then(|text| text.parse().ok()).unwrap_or(0),
        })
    }

    pub(super) fn reference(&self) -> &str {
        self.account.get(ACCOUNT).map_or("", String::as_str)
    }

    /// Where the payer goes afterwards, with `:transaction` and `:account.<field>` filled in.
    pub(super) fn back(&self, transaction: Option<&str>) -> Option<String> {
        let mut url = self.back.clone()?.replace(":transaction", transaction.unwrap_or("null"));
        for (field, value) in &self.account {
            url = url.replace(&format!(":account.{field}"), value);
        }
        page::return_url(&url)
    }
}

fn decode(encoded: &str) -> Option<String> {
    // A careless client leaves `+` to become a space on the way.
    let encoded = encoded.trim().replace(' ', "+");
    let bytes = GeneralPurpose::new(&STANDARD, RULES)
        .decode(&encoded)
        .or_else(|_| GeneralPurpose::new(&URL_SAFE, RULES).decode(&encoded))
        .ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn reads_the_sample_of_the_protocol() {
        let link = Link::parse("bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw")
            .unwrap();
        assert_eq!(link.merchant, "587f72c72cac0d162c722ae2");
        assert_eq!((link.reference(), link.amount, link.lang), ("197", 500, Lang::Ru));
        assert_eq!(link.back(None), None);
    }

    #[test]
    fn reads_every_key() {
        let text = "m=1;ac.order_id=1000001K;a=500;l=uz;c=https://shop.uz/o/:account.order_id?t=:transaction;ct=3000";
        let link = Link::parse(&BASE64_STANDARD.encode(text)).unwrap();
        assert_eq!((link.lang, link.wait_ms), (Lang::Uz, 3000));
        assert_eq!(link.back(Some("ab")).unwrap(), "https://shop.uz/o/1000001K?t=ab");
        assert_eq!(link.back(None).unwrap(), "https://shop.uz/o/1000001K?t=null");
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, code) in [
            ("ac.order_id=1;a=5", "-31601"),
            ("m=1;a=5", "-31610"),
            ("m=1;ac.order_id=1", "-31610"),
            ("m=1;ac.order_id=1;a=-5", "-31610"),
            ("m=1;ac.order_id=1;a=5.5", "-31610"),
        ] {
            let error = Link::parse(&BASE64_STANDARD.encode(text)).unwrap_err();
            assert!(error.starts_with(code), "{text}: {error}");
        }
        assert!(Link::parse("%%%").is_err());
    }
}
