//! Fiscal receipts: the shop sends the lines of a payment, and reads the receipt's link. Sums are in tiyin.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    Click,
    merchant::{Answer, error},
    payment::State as Stage,
};

/// What the shop sends.
#[derive(Debug, Deserialize)]
pub(super) struct Sent {
    service_id: i64,
    payment_id: i64,
    items: Vec<Item>,
    received_ecash: i64,
    received_cash: i64,
    received_card: i64,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "SPIC")]
    mxik: String,
    #[serde(rename = "PackageCode")]
    package_code: String,
    #[serde(rename = "Price")]
    price: i64,
    #[serde(rename = "Amount")]
    quantity: i64,
    #[serde(rename = "VAT")]
    vat: i64,
    #[serde(rename = "VATPercent")]
    vat_percent: i64,
    #[serde(rename = "Discount", default)]
    discount: i64,
    #[serde(rename = "CommissionInfo")]
    seller: Seller,
}

#[derive(Debug, Deserialize)]
struct Seller {
    #[serde(rename = "TIN")]
    tin: Option<String>,
    #[serde(rename = "PINFL")]
    pinfl: Option<String>,
}

impl Item {
    fn is_complete(&self) -> bool {
        let digits = |text: &Option<String>, count: usize| {
            text.as_ref().is_some_and(|text| {
                text.len() == count && text.bytes().all(|digit| digit.is_ascii_digit())
            })
        };
        let sum = self.price - self.discount;
        (1..=63).contains(&self.name.chars().count())
            && self.mxik.len() == 17
            && (1..=20).contains(&self.package_code.chars().count())
            && self.quantity > 0
            && sum >= 0
            && (0..=sum).contains(&self.vat)
            && (0..=100).contains(&self.vat_percent)
            && (digits(&self.seller.tin, 9) || digits(&self.seller.pinfl, 14))
    }
}

/// `POST payment/ofd_data/submit_items`
pub(super) async fn submit(
    State(click): State<Arc<Click>>,
    headers: HeaderMap,
    Json(sent): Json<Sent>,
) -> Answer {
    click.admit(&headers, sent.service_id)?;
    let payment = click.payment(sent.payment_id)?;
    if payment.state != Stage::Paid {
        return Err(error(StatusCode::BAD_REQUEST, "The payment is not paid"));
    }
    let sum: i64 = sent.items.iter().map(|item| item.price - item.discount).sum();
    let received = sent.received_ecash + sent.received_cash + sent.received_card;
    if sent.items.is_empty() || !sent.items.iter().all(Item::is_complete) {
        return Err(error(StatusCode::BAD_REQUEST, "A line is not complete"));
    }
    if sum != payment.amount || received != payment.amount {
        return Err(error(StatusCode::BAD_REQUEST, "The lines do not come to the payment"));
    }
    click.ledger.update(&payment.key, |it| it.receipt = true);
    Ok(Json(json!({ "error_code": 0, "error_note": "Success" })))
}

/// `GET payment/ofd_data/{service_id}/{payment_id}`
pub(super) async fn read(
    State(click): State<Arc<Click>>,
    Path((service_id, payment_id)): Path<(i64, i64)>,
    headers: HeaderMap,
) -> Answer {
    click.admit(&headers, service_id)?;
    let payment = click.payment(payment_id)?;
    let url = if payment.receipt {
        format!("https://ofd.example/check?payment={payment_id}")
    } else {
        String::new()
    };
    Ok(Json(json!({ "paymentId": payment_id, "qrCodeURL": url })))
}
