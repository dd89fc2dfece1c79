//! What others are told.

use mesh::Role;
use outbox::Draft;
use proto::event::{PaymentChanged, event::Data};

use crate::domain::{Event, Happening};

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
