//! The port to the store for fiscal receipts. Each method is one transaction.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{OrderId, PaymentId};
use outbox::Draft;

use crate::domain::{
    Payment, Snapshot, Status,
    fiscal::{JobState, Receipt},
};

/// Makes the message that a payment has a receipt.
pub type Tell = fn(&Payment, &Receipt, Timestamp) -> Draft;

/// A sale whose receipt is asked of Click.
#[derive(Debug, Clone)]
pub struct Job {
    /// Of which payment.
    pub payment: PaymentId,
    /// Click's number of it.
    pub paydoc: i64,
    /// Whether the lines were sent.
    pub sent: bool,
    /// Tries so far, this one included.
    pub attempts: u32,
    /// How the payment stands now.
    pub status: Status,
    /// What was sold.
    pub sale: Snapshot,
}

/// Receipts that wait, and those that were given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FiscalBacklog {
    /// They are asked for.
    pub waiting: i64,
    /// Given up.
    pub failed: i64,
}

/// Fiscal receipts.
#[async_trait]
pub trait FiscalStore: Send + Sync + 'static {
    /// Takes at most `limit` sales whose receipt is due: nobody else gets them before `until`.
    async fn fiscal_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>, Fault>;
    /// Notes how far the asking is, and when it goes on. What has ended stays as it is.
    async fn fiscal_state(
        &self,
        payment: PaymentId,
        state: JobState,
        error: &str,
        next_at: Timestamp,
    ) -> Result<(), Fault>;
    /// Keeps the receipt of a sale, tells the order, and ends the asking.
    async fn fiscal_done(
        &self,
        payment: PaymentId,
        body: String,
        tell: Tell,
        now: Timestamp,
    ) -> Result<(), Fault>;
    /// What waits.
    async fn fiscal_backlog(&self) -> Result<FiscalBacklog, Fault>;
    /// What issuers have sent of an order's payments: the kind and their words, oldest first.
    async fn fiscal_receipts(&self, order: OrderId) -> Result<Vec<Receipt>, Fault>;
}
