//! The port to the store for money that goes back. Each method is one transaction.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{OrderId, RefundId};

use super::Verdict;
use crate::domain::refund::{Refund, RefundState};

/// What it takes to give money back.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// The refund's name, which makes it idempotent.
    pub id: RefundId,
    /// Of which order.
    pub order: OrderId,
    /// Tiyin; above zero.
    pub amount: i64,
}

/// The name belongs to another refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameTaken;

/// Refunds.
#[async_trait]
pub trait RefundStore: Send + Sync + 'static {
    /// Writes a refund down, or finds it.
    async fn refund_begin(&self, asking: Asking, now: Timestamp) -> Verdict<Refund, NameTaken>;
    /// Whoever gets `true` asks the provider; nobody else does. Only of one that nobody has asked for, or of one whose answer was lost
    /// when it was asked for at `known`.
    async fn refund_asked(
        &self,
        id: RefundId,
        known: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Fault>;
    /// The provider was not reached: it may be asked.
    async fn refund_unasked(&self, id: RefundId) -> Result<(), Fault>;
    /// Ends a refund, and says so of its payment when the money is back. One that has ended stays as it is, but for one that was sent
    /// by hand.
    async fn refund_settled(
        &self,
        id: RefundId,
        state: RefundState,
        note: &str,
        now: Timestamp,
    ) -> Result<(), Fault>;
    /// Click's number of the payment that a refund is of, and what was paid with it.
    async fn click_paid(&self, id: RefundId) -> Result<Option<(i64, i64)>, Fault>;
}
