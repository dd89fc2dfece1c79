//! Between messages and the domain.

use clock::Timestamp;
use fault::{Fault, Field};
use ids::OrderId;
use money::Money;
use proto::{payment as pb, value};

use crate::{
    domain::{FiscalLine, Payment, Snapshot, Status, refund::RefundState},
    store::refunds::Asking,
};

pub(super) fn order(text: &str) -> Result<OrderId, Fault> {
    text.parse().map_err(|_| {
        Fault::invalid(vec![Field::new("order_id", "INVALID", "this is not the id of an order")])
    })
}

pub(super) fn payment(payment: &Payment) -> pb::Payment {
    let status = match payment.status {
        Status::Pending => pb::PaymentStatus::Pending,
        Status::Processing => pb::PaymentStatus::Processing,
        Status::Paid => pb::PaymentStatus::Paid,
        Status::Failed => pb::PaymentStatus::Failed,
        Status::Cancelled => pb::PaymentStatus::Cancelled,
        Status::Refunded => pb::PaymentStatus::Refunded,
        Status::PartiallyRefunded => pb::PaymentStatus::PartiallyRefunded,
    };
    pb::Payment {
        id: payment.id.to_string(),
        order_id: payment.order.to_string(),
        provider: payment.provider.as_str().to_owned(),
        status: status.into(),
        amount: Some(value::Money {
            amount: payment.amount.amount,
            currency: payment.amount.currency.code().to_owned(),
        }),
        reference: payment.reference.clone(),
        redirect_url: payment.redirect_url.clone(),
        expires_at_ms: payment.expires_at.map_or(0, Timestamp::millis),
        created_at_ms: payment.created_at.millis(),
        paid_at_ms: payment.paid_at.map_or(0, Timestamp::millis),
        provider_ref: payment.provider_ref.clone(),
        version: payment.version,
    }
}

/// The snapshot and the key of a payment to open, or every field that is wrong.
pub(super) fn parse_payable(payable: pb::Payable, key: &str) -> Result<Snapshot, Fault> {
    let mut wrong = Vec::new();
    let order = payable.order_id.parse();
    if order.is_err() {
        wrong.push(Field::new("payable.order_id", "INVALID", "this is not the id of an order"));
    }
    if !is_reference(&payable.reference) {
        let message = "1 to 64 letters, digits, - or _";
        wrong.push(Field::new("payable.reference", "INVALID", message));
    }
    let amount = payable.amount.unwrap_or_default();
    let currency = amount.currency.parse();
    if amount.amount <= 0 || currency.is_err() {
        let message = "expected a sum above zero in UZS or USD";
        wrong.push(Field::new("payable.amount", "INVALID", message));
    }
    let delivery = payable.delivery.map_or(0, |sum| sum.amount);
    if delivery < 0 {
        wrong.push(Field::new("payable.delivery", "INVALID", "must not be below zero"));
    }
    if !(1..=255).contains(&key.len()) {
        wrong.push(Field::new("key", "LENGTH", "a key has 1 to 255 bytes"));
    }
    match (order, currency) {
        (Ok(order), Ok(currency)) if wrong.is_empty() => Ok(Snapshot {
            order,
            reference: payable.reference,
            amount: Money::new(amount.amount, currency),
            payable_until: Timestamp::from_millis(payable.payable_until_ms),
            lines: payable.lines.into_iter().map(line).collect(),
            delivery,
            customer_phone: payable.customer_phone,
            locale: payable.locale,
        }),
        _ => Err(Fault::invalid(wrong)),
    }
}

/// What every provider takes, and what no two readings of Click's signature can cut differently.
fn is_reference(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

fn line(line: pb::FiscalLine) -> FiscalLine {
    let fiscal = line.fiscal.unwrap_or_default();
    FiscalLine {
        title: line.title,
        unit_price: line.unit_price,
        quantity: line.quantity,
        discount: line.discount,
        mxik: fiscal.mxik,
        package_code: fiscal.package_code,
        vat_percent: fiscal.vat_percent,
        unit_code: fiscal.unit_code,
        seller_tin: line.seller_tin,
    }
}

/// What it takes to give money back, or every field that is wrong.
pub(super) fn asking(request: &pb::RefundPaymentRequest) -> Result<Asking, Fault> {
    let wrong = |field: &'static str, message: &str| {
        Fault::invalid(vec![Field::new(field, "INVALID", message.to_owned())])
    };
    let amount = request.amount.as_ref().map_or(0, |sum| sum.amount);
    if amount <= 0 {
        return Err(wrong("amount", "must be above zero"));
    }
    let id = request.id.parse();
    let id = id.map_err(|_| wrong("id", "this is not the id of a refund"))?;
    Ok(Asking { id, order: order(&request.order_id)?, amount })
}

pub(super) fn outcome(state: RefundState) -> pb::refund_payment_response::Outcome {
    use pb::refund_payment_response::Outcome;
    match state {
        RefundState::Pending | RefundState::Asked => Outcome::Pending,
        RefundState::Succeeded => Outcome::Succeeded,
        RefundState::Failed => Outcome::Failed,
        RefundState::NeedsManual => Outcome::NeedsManual,
    }
}
