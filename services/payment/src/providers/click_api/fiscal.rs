//! Fiscal receipts by Click. Here sums are in tiyin, other than in the rest of Click's calls.

use serde::{Deserialize, Serialize};

use super::ClickApi;
use crate::{domain::fiscal::Line, providers::form};

/// Characters of a title.
const TITLE: usize = 63;
/// Characters of a package code.
const PACKAGE: usize = 20;

#[derive(Debug, Serialize)]
pub(crate) struct Items<'a> {
    service_id: i64,
    payment_id: i64,
    #[serde(rename = "items")]
    lines: Vec<Item<'a>>,
    received_ecash: i64,
    received_cash: i64,
    received_card: i64,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "SPIC")]
    mxik: &'a str,
    #[serde(rename = "PackageCode")]
    package_code: String,
    #[serde(rename = "GoodPrice")]
    unit_price: i64,
    /// Of the line, before the discount.
    #[serde(rename = "Price")]
    price: i64,
    #[serde(rename = "Amount")]
    quantity: u32,
    #[serde(rename = "VAT")]
    vat: i64,
    #[serde(rename = "VATPercent")]
    vat_percent: u32,
    #[serde(rename = "Discount")]
    discount: i64,
    #[serde(rename = "Units", skip_serializing_if = "Option::is_none")]
    units: Option<i64>,
    #[serde(rename = "CommissionInfo")]
    seller: Seller<'a>,
}

/// A TIN has nine digits, a PINFL fourteen.
#[derive(Debug, Serialize)]
enum Seller<'a> {
    #[serde(rename = "TIN")]
    Tin(&'a str),
    #[serde(rename = "PINFL")]
    Pinfl(&'a str),
}

/// What an answer to the lines comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    Taken,
    /// Click does not take them, and why.
    Refused(String),
    /// Nothing that could be taken for a verdict.
    Nothing,
}

#[derive(Deserialize)]
struct Verdict {
    error_code: Option<i64>,
    #[serde(default)]
    error_note: String,
}

#[derive(Deserialize)]
struct Receipt {
    #[serde(rename = "qrCodeURL")]
    qr_url: Option<String>,
}

impl ClickApi {
    /// Where the lines of a sale go.
    pub(crate) fn submit_items(&self) -> String {
        format!("{}/ofd_data/submit_items", self.url)
    }

    /// Where the receipt of a payment is.
    pub(crate) fn receipt(&self, paydoc: i64) -> String {
        format!("{}/ofd_data/{}/{paydoc}", self.url, form::encode(&self.service_id))
    }

    /// The lines of a sale, all of which was paid with Click.
    pub(crate) fn items<'a>(&self, paydoc: i64, lines: &'a [Line]) -> Items<'a> {
        let paid = lines.iter().map(|line| line.price - line.discount).sum();
        Items {
            service_id: self.service_id.parse().unwrap_or_default(),
            payment_id: paydoc,
            lines: lines.iter().map(item).collect(),
            received_ecash: paid,
            received_cash: 0,
            received_card: 0,
        }
    }
}

fn item(line: &Line) -> Item<'_> {
    Item {
        name: line.title.chars().take(TITLE).collect(),
        mxik: &line.mxik,
        package_code: line.package_code.chars().take(PACKAGE).collect(),
        unit_price: line.unit_price,
        price: line.price,
        quantity: line.quantity,
        vat: line.vat,
        vat_percent: line.vat_percent,
        discount: line.discount,
        units: line.units,
        seller: match line.seller.len() {
            9 => Seller::Tin(&line.seller),
            _ => Seller::Pinfl(&line.seller),
        },
    }
}

/// Reads the answer to the lines.
pub(crate) fn sent(status: u16, body: &[u8]) -> Sent {
    match serde_json::from_slice::<Verdict>(body) {
        Ok(Verdict { error_code: Some(0), .. }) if status < 300 => Sent::Taken,
        Ok(Verdict { error_code: Some(code), error_note }) if status < 500 && code != 0 => {
            Sent::Refused(format!("Click refuses: {code} {error_note}"))
        }
        _ => Sent::Nothing,
    }
}

/// The link of a receipt that is issued, as it is kept.
pub(crate) fn issued(status: u16, body: &[u8]) -> Option<String> {
    let receipt: Receipt = serde_json::from_slice(body).ok().filter(|_| status < 300)?;
    let url = receipt.qr_url.filter(|url| !url.is_empty())?;
    Some(serde_json::json!({ "qr_code_url": url }).to_string())
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::config;

    #[test]
    fn lines_are_as_click_documents_them() {
        let config = config::Click {
            service_id: "77001".to_owned(),
            merchant_id: "77002".to_owned(),
            merchant_user_id: "77003".to_owned(),
            secret_key: SecretString::from("c"),
            api_url: "http://click".to_owned(),
            ..Default::default()
        };
        let api = ClickApi::new(&config).unwrap();
        let base = "http://click/v2/merchant/payment/ofd_data";
        assert_eq!(api.submit_items(), format!("{base}/submit_items"));
        assert_eq!(api.receipt(9), format!("{base}/77001/9"));
        let line = Line {
            title: "ў".repeat(70),
            mxik: "06912001001000000".to_owned(),
            package_code: "1501319".to_owned(),
            units: None,
            unit_price: 1000,
            quantity: 2,
            price: 2000,
            discount: 500,
            vat: 161,
            vat_percent: 12,
            seller: "301234567".to_owned(),
        };
        let person = Line { seller: "12345678901234".to_owned(), ..line.clone() };
        let lines = [line, person];
        let sent = serde_json::to_value(api.items(9, &lines)).unwrap();
        assert_eq!(sent["received_ecash"], 3000);
        assert_eq!((&sent["service_id"], &sent["payment_id"]), (&77001.into(), &9.into()));
        let first = &sent["items"][0];
        assert_eq!(first["Name"].as_str().unwrap().chars().count(), 63);
        assert_eq!(
            (&first["Price"], &first["Amount"], &first["VAT"]),
            (&2000.into(), &2.into(), &161.into())
        );
        assert_eq!(first["CommissionInfo"], serde_json::json!({ "TIN": "301234567" }));
        assert_eq!(
            sent["items"][1]["CommissionInfo"],
            serde_json::json!({ "PINFL": "12345678901234" })
        );
        assert!(first.get("Units").is_none());
    }

    #[test]
    fn answers() {
        assert_eq!(sent(200, br#"{"error_code": 0, "error_note": ""}"#), Sent::Taken);
        let no = br#"{"error_code": -16, "error_note": "no such payment"}"#;
        assert_eq!(sent(400, no), Sent::Refused("Click refuses: -16 no such payment".to_owned()));
        for (status, body) in [(502, no.as_slice()), (200, b"{}"), (200, b"<html>")] {
            assert_eq!(sent(status, body), Sent::Nothing);
        }
        let there = br#"{"paymentId": 9, "qrCodeURL": "https://ofd.soliq.uz/check?t=1"}"#;
        assert!(issued(200, there).unwrap().contains("check?t=1"));
        for not_yet in [br#"{"paymentId": 9, "qrCodeURL": ""}"#.as_slice(), b"{}", b""] {
            assert_eq!(issued(200, not_yet), None);
        }
        assert_eq!(issued(404, there), None);
    }
}
