//! What others are told.

use mesh::Role;
use outbox::Draft;
use proto::{
    event::{PaymentChanged, ReceiptIssued, event::Data},
    payment::FiscalReceipt,
};

use clock::Timestamp;

use crate::domain::{
    Event, Happening, Payment,
    fiscal::{Kind, Receipt},
};

/// The message of an event.
pub(crate) fn encode(event: &Event<'_>) -> Draft {
    let kind = match event.what {
        Happening::Started => "payment.started",
        Happening::Paid => "payment.paid",
        Happening::Cancelled => "payment.cancelled",
        Happening::Refunded => "payment.refunded",
    };
    let payment = event.payment;
    let data = Data::Payment(PaymentChanged { payment: Some(super::convert::payment(payment)) });
    Draft::new(kind, payment.id.to_string(), payment.version, event.at, data).to(&[Role::Order])
}

/// The message that a payment has a receipt.
pub(crate) fn receipt(payment: &Payment, receipt: &Receipt, at: Timestamp) -> Draft {
    let kind = match receipt.kind {
        Kind::Sale => "sale",
        Kind::Refund => "refund",
    };
    let receipt = FiscalReceipt {
        kind: kind.to_owned(),
        qr_url: receipt.qr_url.clone(),
        receipt_id: receipt.receipt_id.clone(),
        fiscal_sign: receipt.fiscal_sign.clone(),
        terminal_id: receipt.terminal_id.clone(),
        issued_at: receipt.issued_at.clone(),
    };
    let data = Data::Receipt(ReceiptIssued {
        payment_id: payment.id.to_string(),
        order_id: payment.order.to_string(),
        receipt: Some(receipt),
    });
    let subject = payment.id.to_string();
    Draft::new("payment.receipt", subject, payment.version, at, data).to(&[Role::Order])
}
