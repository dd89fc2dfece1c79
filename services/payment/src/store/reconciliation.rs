//! The port to the store for reconciliation, for keys that providers change, and for cash. Each method is one transaction.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{DifferenceId, OrderId, ReconciliationId};

use super::{Entry, Note};
use crate::domain::{
    Provider,
    reconciliation::{Class, Difference, Ours, Outcome, Run},
};

/// A page of a list that is newest first.
#[derive(Debug, Clone, Copy)]
pub struct Page<I> {
    /// The last one of the page before.
    pub after: Option<I>,
    /// How many.
    pub limit: u32,
}

/// Which differences.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// With this provider only.
    pub provider: Option<Provider>,
    /// With this outcome only.
    pub outcome: Option<Outcome>,
    /// Of this class only.
    pub class: Option<Class>,
}

/// Reconciliation.
#[async_trait]
pub trait ReconciliationStore: Send + Sync + 'static {
    /// Writes a run down that nobody takes before `free_at`; false when its key was used before.
    async fn run_add(&self, run: Run, free_at: Timestamp) -> Result<bool, Fault>;
    /// Takes a run that waits, or one whose worker is gone: nobody else gets it before `until`.
    async fn run_take(&self, now: Timestamp, until: Timestamp) -> Result<Option<Run>, Fault>;
    /// Ends a run with what it found. What is frozen already is not written again, but seen again.
    async fn run_end(&self, run: Run, differences: Vec<Difference>) -> Result<(), Fault>;
    /// Runs, newest first.
    async fn runs(&self, page: Page<ReconciliationId>) -> Result<Vec<Run>, Fault>;
    /// One of them.
    async fn run(&self, id: ReconciliationId) -> Result<Option<Run>, Fault>;

    /// Transactions of a provider that it began in a period, by their numbers here, after `after`.
    async fn ours(
        &self,
        provider: Provider,
        period: (Timestamp, Timestamp),
        after: i64,
        limit: u32,
    ) -> Result<Vec<Ours>, Fault>;
    /// Transactions of a provider by its names of them, whenever they were.
    async fn ours_named(&self, provider: Provider, names: Vec<String>) -> Result<Vec<Ours>, Fault>;

    /// Differences, newest first.
    async fn differences(
        &self,
        wanted: Wanted,
        page: Page<DifferenceId>,
    ) -> Result<Vec<Difference>, Fault>;
    /// Somebody has looked at it, now or before; none when there is no such difference.
    async fn resolve(
        &self,
        id: DifferenceId,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Difference>, Fault>;
    /// How many are frozen, by provider and class.
    async fn frozen(&self) -> Result<Vec<(Provider, Class, i64)>, Fault>;

    /// The digest that replaces a configured key, if a provider changed it.
    async fn key(
        &self,
        provider: Provider,
        configured: [u8; 32],
    ) -> Result<Option<[u8; 32]>, Fault>;
    /// Replaces a configured key, with the line of the call in the journal.
    async fn key_change(
        &self,
        provider: Provider,
        keys: ([u8; 32], [u8; 32]),
        now: Timestamp,
        note: Note<()>,
    ) -> Result<Entry, Fault>;

    /// The courier has handed over so much for an order that is paid in cash; whether that was news.
    async fn cash_paid(&self, order: OrderId, amount: i64, now: Timestamp) -> Result<bool, Fault>;
}
