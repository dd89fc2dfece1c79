//! Results as Payme reads them.

use clock::Timestamp;
use serde_json::{Value, json};

use super::rpc::Problem;
use crate::domain::{
    FiscalLine, Snapshot,
    payme::{Refusal, Transaction},
};

/// CheckPerformTransaction: yes, and what the receipt will say when lines and codes are complete.
pub(crate) fn allowed(payable: &Snapshot) -> Value {
    if !payable.is_fiscal() {
        return json!({ "allow": true });
    }
    let items: Vec<Value> = payable.lines.iter().map(item).collect();
    let mut detail = json!({ "receipt_type": 0, "items": items });
    if payable.delivery > 0
        && let Some(detail) = detail.as_object_mut()
    {
        let title = match payable.locale.as_str() {
            "ru" => "Доставка",
            "en" => "Delivery",
            _ => "Yetkazib berish",
        };
        let shipping = json!({ "title": title, "price": payable.delivery });
        detail.insert("shipping".to_owned(), shipping);
    }
    json!({ "allow": true, "detail": detail })
}

fn item(line: &FiscalLine) -> Value {
    let mut item = json!({
        "title": line.title,
        "price": line.unit_price,
        "count": line.quantity,
        "code": line.mxik,
        "package_code": line.package_code,
        "vat_percent": line.vat_percent,
        "discount": line.discount,
    });
    if let (Ok(units), Some(item)) = (line.unit_code.parse::<i64>(), item.as_object_mut()) {
        item.insert("units".to_owned(), units.into());
    }
    item
}

pub(crate) fn created(transaction: &Transaction) -> Value {
    json!({
        "create_time": transaction.create_time.millis(),
        "transaction": transaction.payment.to_string(),
        "state": transaction.state.code(),
    })
}

pub(crate) fn performed(transaction: &Transaction) -> Value {
    json!({
        "transaction": transaction.payment.to_string(),
        "perform_time": millis(transaction.perform_time),
        "state": transaction.state.code(),
    })
}

pub(crate) fn cancelled(transaction: &Transaction) -> Value {
    json!({
        "transaction": transaction.payment.to_string(),
        "cancel_time": millis(transaction.cancel_time),
        "state": transaction.state.code(),
    })
}

pub(crate) fn checked(transaction: &Transaction) -> Value {
    json!({
        "create_time": transaction.create_time.millis(),
        "perform_time": millis(transaction.perform_time),
        "cancel_time": millis(transaction.cancel_time),
        "transaction": transaction.payment.to_string(),
        "state": transaction.state.code(),
        "reason": transaction.reason,
    })
}

pub(crate) fn statement(transactions: &[Transaction]) -> Value {
    let each = |transaction: &Transaction| {
        json!({
            "id": transaction.id,
            "time": transaction.time.millis(),
            "amount": transaction.amount,
            "account": serde_json::from_str::<Value>(&transaction.account).unwrap_or_default(),
            "create_time": transaction.create_time.millis(),
            "perform_time": millis(transaction.perform_time),
            "cancel_time": millis(transaction.cancel_time),
            "transaction": transaction.payment.to_string(),
            "state": transaction.state.code(),
            "reason": transaction.reason,
            "receivers": null,
        })
    };
    json!({ "transactions": transactions.iter().map(each).collect::<Vec<_>>() })
}

pub(crate) fn success() -> Value {
    json!({ "success": true })
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
