//! Results as Payme reads them.

use clock::Timestamp;
use ids::PaymentId;
use serde::Serialize;
use serde_json::Value;

use super::rpc::Problem;
use crate::domain::{
    FiscalLine, Snapshot,
    payme::{Refusal, Transaction},
};

/// CheckPerformTransaction: yes, and what the receipt will say when lines and codes are complete.
#[derive(Serialize)]
pub(crate) struct Allowed<'a> {
    allow: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail<'a>>,
}

#[derive(Serialize)]
pub(super) struct Detail<'a> {
    receipt_type: u8,
    items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping: Option<Shipping>,
}

#[derive(Serialize)]
struct Item<'a> {
    title: &'a str,
    price: i64,
    count: u32,
    code: &'a str,
    package_code: &'a str,
    vat_percent: u32,
    discount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    units: Option<i64>,
}

#[derive(Serialize)]
struct Shipping {
    title: &'static str,
    price: i64,
}

pub(crate) fn allowed(payable: &Snapshot) -> Allowed<'_> {
    Allowed { allow: true, detail: detail(payable) }
}

/// What the receipt will say, when lines and codes are complete.
pub(super) fn detail(payable: &Snapshot) -> Option<Detail<'_>> {
    payable.is_fiscal().then(|| Detail {
        receipt_type: 0,
        items: payable.lines.iter().map(item).collect(),
        shipping: (payable.delivery > 0).then(|| shipping(payable)),
    })
}

fn item(line: &FiscalLine) -> Item<'_> {
    Item {
        title: &line.title,
        price: line.unit_price,
        count: line.quantity,
        code: &line.mxik,
        package_code: &line.package_code,
        vat_percent: line.vat_percent,
        discount: line.discount,
        units: line.unit_code.parse().ok(),
    }
}

fn shipping(payable: &Snapshot) -> Shipping {
    let title = match payable.locale.as_str() {
        "ru" => "Доставка",
        "en" => "Delivery",
        _ => "Yetkazib berish",
    };
    Shipping { title, price: payable.delivery }
}

/// CreateTransaction.
#[derive(Serialize)]
pub(crate) struct Created {
    create_time: i64,
    transaction: PaymentId,
    state: i64,
}

pub(crate) fn created(transaction: &Transaction) -> Created {
    Created {
        create_time: transaction.create_time.millis(),
        transaction: transaction.payment,
        state: transaction.state.code(),
    }
}

/// PerformTransaction.
#[derive(Serialize)]
pub(crate) struct Performed {
    transaction: PaymentId,
    perform_time: i64,
    state: i64,
}

pub(crate) fn performed(transaction: &Transaction) -> Performed {
    Performed {
        transaction: transaction.payment,
        perform_time: millis(transaction.perform_time),
        state: transaction.state.code(),
    }
}

/// CancelTransaction.
#[derive(Serialize)]
pub(crate) struct Cancelled {
    transaction: PaymentId,
    cancel_time: i64,
    state: i64,
}

pub(crate) fn cancelled(transaction: &Transaction) -> Cancelled {
    Cancelled {
        transaction: transaction.payment,
        cancel_time: millis(transaction.cancel_time),
        state: transaction.state.code(),
    }
}

/// CheckTransaction.
#[derive(Serialize)]
pub(crate) struct Checked {
    create_time: i64,
    perform_time: i64,
    cancel_time: i64,
    transaction: PaymentId,
    state: i64,
    reason: Option<i64>,
}

pub(crate) fn checked(transaction: &Transaction) -> Checked {
    Checked {
        create_time: transaction.create_time.millis(),
        perform_time: millis(transaction.perform_time),
        cancel_time: millis(transaction.cancel_time),
        transaction: transaction.payment,
        state: transaction.state.code(),
        reason: transaction.reason,
    }
}

/// GetStatement.
#[derive(Serialize)]
pub(crate) struct Statement<'a> {
    transactions: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    time: i64,
    amount: i64,
    account: Value,
    #[serde(flatten)]
    state: Checked,
    /// Always null: nobody shares a payment.
    receivers: Option<()>,
}

pub(crate) fn statement(transactions: &[Transaction]) -> Statement<'_> {
    let line = |transaction| {
        let Transaction { id, time, amount, account, .. }: &Transaction = transaction;
        Line {
            id,
            time: time.millis(),
            amount: *amount,
            account: serde_json::from_str(account).unwrap_or_default(),
            state: checked(transaction),
            receivers: None,
        }
    };
    Statement { transactions: transactions.iter().map(line).collect() }
}

/// SetFiscalData.
#[derive(Serialize)]
pub(crate) struct Success {
    success: bool,
}

pub(crate) fn success() -> Success {
    Success { success: true }
}

/// A refusal as its number; of account problems the field is named.
pub(crate) fn refused(refusal: Refusal) -> Problem {
    let account = |code| Problem { code, data: Some("order_id".to_owned()) };
    match refusal {
        Refusal::NoOrder => account(-31050),
        Refusal::Paid => account(-31051),
        Refusal::Over => account(-31052),
        Refusal::Busy => account(-31053),
        Refusal::Amount => Problem::plain(-31001),
        Refusal::NotFound => Problem::plain(-31003),
        Refusal::Impossible => Problem::plain(-31008),
        Refusal::Delivered => Problem::plain(-31007),
    }
}

/// What has not happened is 0.
fn millis(moment: Option<Timestamp>) -> i64 {
    moment.map_or(0, Timestamp::millis)
}
