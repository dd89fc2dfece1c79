//! What others are told of.

use clock::Timestamp;

use super::Payment;

/// What happened to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// A provider holds the order.
    Started,
    /// The money is here.
    Paid,
    /// The hold ended without money.
    Cancelled,
    /// The money went back.
    Refunded,
}

/// A fact for other services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// What.
    pub what: Happening,
    /// The payment after it.
    pub payment: &'a Payment,
    /// When.
    pub at: Timestamp,
}
