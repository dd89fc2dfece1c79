//! Fiscal receipts: what the tax office calls a sale, and what it is asked with.

use serde::Deserialize;

use super::{FiscalLine, Snapshot};

/// What a receipt is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The sale.
    Sale,
    /// Its return.
    Refund,
}

impl Kind {
    /// The name in stores, which is Payme's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "PERFORM",
            Self::Refund => "CANCEL",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sale, Self::Refund].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A receipt as it is shown to a shopper. What its issuer did not say is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Of what.
    pub kind: Kind,
    /// Where it can be looked at.
    pub qr_url: String,
    /// Its number at the terminal.
    pub receipt_id: String,
    /// The fiscal sign.
    pub fiscal_sign: String,
    /// The virtual cash register.
    pub terminal_id: String,
    /// As the issuer writes it: "YYYYMMDDHHMMSS".
    pub issued_at: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    receipt_id: Option<serde_json::Value>,
    fiscal_sign: Option<serde_json::Value>,
    terminal_id: Option<serde_json::Value>,
    qr_code_url: Option<String>,
    date: Option<serde_json::Value>,
}

impl Receipt {
    /// Reads what an issuer sent; `None` when nothing can be shown of it.
    pub fn read(kind: Kind, body: &str) -> Option<Self> {
        let body: Body = serde_json::from_str(body).ok()?;
        let text = |value: Option<serde_json::Value>| match value {
            Some(serde_json::Value::String(text)) => text,
            Some(serde_json::Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let qr_url = body.qr_code_url.filter(|url| is_link(url))?;
        Some(Self {
            kind,
            qr_url,
            receipt_id: text(body.receipt_id),
            fiscal_sign: text(body.fiscal_sign),
            terminal_id: text(body.terminal_id),
            issued_at: text(body.date),
        })
    }
}

/// What may become a link on a page: nothing that could run there.
fn is_link(url: &str) -> bool {
    let web = url.starts_with("https://") || url.starts_with("http://");
    web && url.len() <= 2048 && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// How the delivery stands on a receipt, and who sells it: the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryCodes {
    /// MXIK of the service.
    pub mxik: String,
    /// Its package code.
    pub package_code: String,
    /// VAT rate in percent.
    pub vat_percent: u32,
    /// TIN or PINFL of the platform.
    pub tin: String,
}

/// A line of a sale as it is sent to a provider that issues the receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was sold.
    pub title: String,
    /// MXIK, 17 digits.
    pub mxik: String,
    /// Package code.
    pub package_code: String,
    /// Unit of measure code.
    pub units: Option<i64>,
    /// Of one piece, tiyin.
    pub unit_price: i64,
    /// Pieces.
    pub quantity: u32,
    /// Of the line before the discount, tiyin.
    pub price: i64,
    /// Of the line, tiyin.
    pub discount: i64,
    /// Contained in what is paid for the line, tiyin.
    pub vat: i64,
    /// Percent.
    pub vat_percent: u32,
    /// TIN (9 digits) or PINFL (14 digits) of the seller.
    pub seller: String,
}

/// Why no receipt can be made of a sale, in words for whoever looks after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// No lines, or they do not come to what was paid.
    #[error("lines and delivery do not come to what was paid")]
    Sum,
    /// A line without MXIK or package code.
    #[error("a line has no MXIK or no package code")]
    Codes,
    /// A line without the seller's number.
    #[error("a line has no TIN or PINFL of its seller")]
    Seller,
    /// The delivery was paid, and has no codes.
    #[error(
        "the delivery has no codes: set payment.fiscal.delivery_mxik, delivery_package_code and tin"
    )]
    Delivery,
}

/// VAT contained in a sum, to the nearest tiyin.
pub fn vat_in(sum: i64, percent: u32) -> i64 {
    let percent = i128::from(percent);
    let (part, whole) = (i128::from(sum) * percent, 100 + percent);
    i64::try_from((part + whole / 2) / whole).unwrap_or(0)
}

/// TIN or PINFL.
fn is_taxpayer(number: &str) -> bool {
    matches!(number.len(), 9 | 14) && number.bytes().all(|digit| digit.is_ascii_digit())
}

fn line(line: &FiscalLine) -> Result<Line, Incomplete> {
    if line.mxik.len() != 17 || line.package_code.is_empty() {
        return Err(Incomplete::Codes);
    }
    if !is_taxpayer(&line.seller_tin) {
        return Err(Incomplete::Seller);
    }
    let price = line.unit_price.checked_mul(i64::from(line.quantity)).ok_or(Incomplete::Sum)?;
    Ok(Line {
        title: line.title.clone(),
        mxik: line.mxik.clone(),
        package_code: line.package_code.clone(),
        units: line.unit_code.parse().ok(),
        unit_price: line.unit_price,
        quantity: line.quantity,
        price,
        discount: line.discount,
        vat: vat_in(price - line.discount, line.vat_percent),
        vat_percent: line.vat_percent,
        seller: line.seller_tin.clone(),
    })
}

/// The lines of a sale, the delivery among them; they come to what was paid, or there are none.
pub fn lines(sale: &Snapshot, delivery: &DeliveryCodes) -> Result<Vec<Line>, Incomplete> {
    let mut lines: Vec<Line> = sale.lines.iter().map(line).collect::<Result<_, _>>()?;
    if sale.delivery > 0 {
        let complete = delivery.mxik.len() == 17
            && !delivery.package_code.is_empty()
            && is_taxpayer(&delivery.tin);
        if !complete {
            return Err(Incomplete::Delivery);
        }
        lines.push(Line {
            title: "Yetkazib berish".to_owned(),
            mxik: delivery.mxik.clone(),
            package_code: delivery.package_code.clone(),
            units: None,
            unit_price: sale.delivery,
            quantity: 1,
            price: sale.delivery,
            discount: 0,
            vat: vat_in(sale.delivery, delivery.vat_percent),
            vat_percent: delivery.vat_percent,
            seller: delivery.tin.clone(),
        });
    }
    let sum = lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.price - line.discount));
    if lines.is_empty() || sum != Some(sale.amount.amount) {
        return Err(Incomplete::Sum);
    }
    Ok(lines)
}

/// How far the asking for a receipt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// The lines are to be sent.
    Waiting,
    /// They are sent; its link is asked for.
    Sent,
    /// The receipt is here.
    Done,
    /// There is nothing to ask for; the error says why.
    Skipped,
    /// Given up after many tries.
    Failed,
}

impl JobState {
    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Waiting, Self::Sent, Self::Done, Self::Skipped, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// Tries before a receipt is given up: with the pauses between them, some four days.
pub const TRIES: u32 = 40;

/// How long to wait after so many tries: half a minute, twice as long each time, three hours at most.
pub fn pause(attempts: u32) -> std::time::Duration {
    let factor = 1_u32.checked_shl(attempts.min(12)).unwrap_or(u32::MAX);
    std::time::Duration::from_secs(30)
        .saturating_mul(factor)
        .min(std::time::Duration::from_hours(3))
}

#[cfg(test)]
mod tests {
    use clock::Timestamp;
    use ids::OrderId;
    use money::Money;
    use proptest::prelude::*;

    use super::*;

    fn sold(title: &str, unit_price: i64, quantity: u32, discount: i64) -> FiscalLine {
        FiscalLine {
            title: title.to_owned(),
            unit_price,
            quantity,
            discount,
            mxik: "06912001001000000".to_owned(),
            package_code: "1501319".to_owned(),
            vat_percent: 12,
            unit_code: "241092".to_owned(),
            seller_tin: "301234567".to_owned(),
        }
    }

    fn sale(lines: Vec<FiscalLine>, delivery: i64, amount: i64) -> Snapshot {
        Snapshot {
            order: OrderId::new(),
            reference: "1K".to_owned(),
            amount: Money::uzs(amount),
            payable_until: Timestamp::from_millis(0),
            lines,
            delivery,
            customer_phone: String::new(),
            locale: "uz".to_owned(),
        }
    }

    fn codes() -> DeliveryCodes {
        DeliveryCodes {
            mxik: "10112006002000000".to_owned(),
            package_code: "1209885".to_owned(),
            vat_percent: 12,
            tin: "300000001".to_owned(),
        }
    }

    #[test]
    fn vat_is_contained_in_the_price() {
        assert_eq!(vat_in(112_000, 12), 12_000);
        assert_eq!((vat_in(100, 12), vat_in(0, 12), vat_in(100, 0)), (11, 0, 0));
    }

    #[test]
    fn a_receipt_needs_everything_or_is_not_asked_for() {
        let whole = sale(vec![sold("a", 1000, 2, 500)], 700, 2200);
        let made = lines(&whole, &codes()).unwrap();
        assert_eq!(made.len(), 2);
        assert_eq!((made[0].price, made[0].vat, made[0].units), (2000, 161, Some(241_092)));
        assert_eq!((made[1].price, made[1].seller.as_str()), (700, "300000001"));
        assert_eq!(lines(&whole, &DeliveryCodes::default()), Err(Incomplete::Delivery));
        let other = sale(vec![sold("a", 1000, 2, 500)], 700, 2201);
        assert_eq!(lines(&other, &codes()), Err(Incomplete::Sum));
        assert_eq!(lines(&sale(Vec::new(), 0, 1), &codes()), Err(Incomplete::Sum));
        let nobody = FiscalLine { seller_tin: String::new(), ..sold("a", 1, 1, 0) };
        assert_eq!(lines(&sale(vec![nobody], 0, 1), &codes()), Err(Incomplete::Seller));
        let uncoded = FiscalLine { mxik: "1".to_owned(), ..sold("a", 1, 1, 0) };
        assert_eq!(lines(&sale(vec![uncoded], 0, 1), &codes()), Err(Incomplete::Codes));
    }

    #[test]
    fn only_what_can_be_linked_to_is_shown() {
        let body = r#"{"receipt_id": 7, "qr_code_url": "https://ofd.uz/7", "date": "20261121143000", "fiscal_sign": "800"}"#;
        let receipt = Receipt::read(Kind::Sale, body).unwrap();
        assert_eq!((receipt.receipt_id.as_str(), receipt.fiscal_sign.as_str()), ("7", "800"));
        assert_eq!(receipt.issued_at, "20261121143000");
        for nothing in [
            "{}",
            "[]",
            "no json",
            r#"{"qr_code_url": null}"#,
            r#"{"qr_code_url": "javascript:alert(1)"}"#,
            r#"{"qr_code_url": "https://a b"}"#,
        ] {
            assert_eq!(Receipt::read(Kind::Refund, nothing), None, "{nothing}");
        }
    }

    #[test]
    fn pauses_grow_to_three_hours() {
        let seconds = |attempts| pause(attempts).as_secs();
        assert_eq!((seconds(0), seconds(1), seconds(5)), (30, 60, 960));
        assert_eq!((seconds(9), seconds(1000)), (10_800, 10_800));
        let all: u64 = (0..TRIES).map(seconds).sum();
        assert!((90..110).contains(&(all / 3600)), "{all}");
    }

    proptest! {
        #[test]
        fn lines_come_to_what_was_paid(
            prices in prop::collection::vec((1_i64..10_000_000, 1_u32..20), 1..10),
            delivery in 0_i64..5_000_000,
        ) {
            let of: Vec<FiscalLine> =
                prices.iter().map(|(price, pieces)| sold("a", *price, *pieces, price / 3)).collect();
            let sum: i64 = prices.iter().map(|(price, pieces)| price * i64::from(*pieces) - price / 3).sum();
            let made = lines(&sale(of, delivery, sum + delivery), &codes()).unwrap();
            prop_assert_eq!(made.iter().map(|it| it.price - it.discount).sum::<i64>(), sum + delivery);
            prop_assert!(made.iter().all(|it| it.vat >= 0 && it.vat <= it.price - it.discount));
        }
    }
}
