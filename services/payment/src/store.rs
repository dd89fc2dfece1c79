//! The port to the store. Each method is one transaction.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::OrderId;
use outbox::{Draft, OutboxStore};

use crate::domain::{Event, Payable, Payment, Provider, Snapshot, click, payme};

pub mod fiscal;
pub mod hosted;
mod postgres;
pub mod reconciliation;
pub mod refunds;
mod sqlite;

/// Makes the message of an event.
pub type Encode = fn(&Event<'_>) -> Draft;

/// What a use case ends with: the outer failure is the store's, the inner refusal a rule's. What a refusal had to write stays written.
pub type Verdict<T, R> = Result<Result<T, R>, Fault>;

/// Makes the journal's line of what a call came to. It runs inside the transaction of the call, so that the line is kept with the
/// effect or not at all; keep it short, for others wait to write. It runs again when somebody else was faster and the call begins anew.
pub type Note<T> = Box<dyn Fn(&T) -> Entry + Send + Sync>;

/// What a provider's call came to, and its line in the journal.
pub type Noted<T> = Result<(T, Entry), Fault>;

/// Payables, payments and the transactions of providers; every acknowledged write survives a loss of power.
#[async_trait]
pub trait PaymentStore:
    refunds::RefundStore
    + hosted::HostedStore
    + fiscal::FiscalStore
    + reconciliation::ReconciliationStore
{
    /// Takes over the snapshot and opens a payment. A known key gives its payment and takes over nothing but a better redirect.
    async fn open(&self, request: Open, now: Timestamp) -> Verdict<Payment, OpenRefusal>;
    /// Closes an order for payment; also one that was never heard of.
    async fn close(&self, request: Close, now: Timestamp) -> Result<Closing, Fault>;
    /// Notes that the goods of an order are with the shopper.
    async fn delivered(&self, order: OrderId, now: Timestamp) -> Result<(), Fault>;
    /// Payments of an order, latest first.
    async fn payments(&self, order: OrderId, limit: u32) -> Result<Vec<Payment>, Fault>;
    /// Whether a payment was opened with this key.
    async fn is_opened(&self, key: &str) -> Result<bool, Fault>;
    /// What an order's number stands for at this moment.
    async fn payable(&self, reference: &str, now: Timestamp) -> Result<Option<Known>, Fault>;

    /// Payme: creates a transaction, or finds the one that was created before.
    async fn payme_create(
        &self,
        draft: payme::Draft,
        now: Timestamp,
        note: Note<Result<payme::Transaction, payme::Refusal>>,
    ) -> Noted<Result<payme::Transaction, payme::Refusal>>;
    /// Payme: the money is here.
    async fn payme_perform(
        &self,
        id: String,
        now: Timestamp,
        note: Note<Result<Moved<payme::Transaction>, payme::Refusal>>,
    ) -> Noted<Result<Moved<payme::Transaction>, payme::Refusal>>;
    /// Payme: takes a transaction back, before or after it was performed.
    async fn payme_cancel(
        &self,
        id: String,
        reason: i64,
        now: Timestamp,
        note: Note<Result<Moved<payme::Transaction>, payme::Refusal>>,
    ) -> Noted<Result<Moved<payme::Transaction>, payme::Refusal>>;
    /// Payme: reads a transaction.
    async fn payme_find(&self, id: &str) -> Result<Option<payme::Transaction>, Fault>;
    /// Payme: transactions by Payme's time, both ends included, ascending.
    async fn payme_statement(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<payme::Transaction>, Fault>;
    /// Payme: keeps a fiscal receipt, the last word for each kind; false when there is no such transaction.
    async fn fiscal_receipt(
        &self,
        receipt: Receipt,
        now: Timestamp,
        note: Note<bool>,
    ) -> Noted<bool>;

    /// Click: announces an attempt, or finds the one that was announced before.
    async fn click_prepare(
        &self,
        call: click::Call,
        now: Timestamp,
        note: Note<Result<click::Transaction, click::Refusal>>,
    ) -> Noted<Result<click::Transaction, click::Refusal>>;
    /// Click: the money is here, or will not come.
    async fn click_complete(
        &self,
        prepare_id: i64,
        call: click::Call,
        now: Timestamp,
        note: Note<Result<click::Transaction, click::Refusal>>,
    ) -> Noted<Result<click::Transaction, click::Refusal>>;

    /// Ends at most `limit` holds whose time is over; how many.
    async fn expire(&self, now: Timestamp, limit: u32) -> Result<u32, Fault>;
    /// Writes down calls that changed nothing, or came to nothing.
    async fn journal(&self, entries: Vec<Entry>) -> Result<(), Fault>;
    /// Forgets journal entries before a moment, and all but the newest `keep`.
    async fn trim_journal(&self, before: Timestamp, keep: u32) -> Result<(), Fault>;

    /// Calls `wake` after each commit that holds events, and after no other: looking for events is a trip to the store as well.
    /// The first `wake` stays.
    fn when_told(&self, wake: Box<dyn Fn() + Send + Sync>);
    /// The relay's side.
    fn outbox(&self) -> Arc<dyn OutboxStore>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close_store(&self);
}

/// What it takes to open a payment.
#[derive(Debug, Clone)]
pub struct Open {
    /// The order.
    pub payable: Snapshot,
    /// With whom.
    pub provider: Provider,
    /// What makes it idempotent.
    pub key: String,
    /// Where to send the shopper; empty for cash.
    pub redirect_url: String,
    /// Whether `redirect_url` leads back to the shop, so that it is better than one opened without the way back.
    pub returns: bool,
}

/// Why a payment is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenRefusal {
    /// The order is paid.
    Paid,
    /// The order is closed or out of time.
    Over,
    /// A provider holds the order.
    Busy {
        /// Until then, unless it is paid or given up before.
        until: Timestamp,
    },
    /// The key belongs to another order or provider.
    Key,
    /// The reference belongs to another order.
    Reference,
}

/// What an order's number stands for.
#[derive(Debug, Clone)]
pub struct Known {
    /// Whether it may be paid.
    pub payable: Payable,
    /// What the order service said of it last.
    pub snapshot: Snapshot,
    /// Whether a provider holds it.
    pub held: bool,
}

/// What it takes to close an order for payment.
#[derive(Debug, Clone)]
pub struct Close {
    /// Which.
    pub order: OrderId,
    /// "cancelled" or "expired".
    pub reason: String,
    /// Leave it open while a provider holds it.
    pub spare_live: bool,
}

/// What closing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Nobody may pay any more.
    Closed,
    /// The money is here already.
    Paid,
    /// Left open: a provider holds it until then.
    Live(Timestamp),
}

/// Something after a move that may have been made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved<T> {
    /// As it is now.
    pub now: T,
    /// Whether it moved by this call.
    pub first: bool,
}

/// What the tax office's receipt says.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// Payme's name of the transaction.
    pub transaction: String,
    /// The sale or its return.
    pub kind: crate::domain::fiscal::Kind,
    /// JSON as it was received.
    pub body: String,
    /// How the order is told.
    pub tell: fiscal::Tell,
}

/// A line of the journal of callbacks. Holds no credential and no signature. The journal keeps the beginning of long texts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Entry {
    pub at: Timestamp,
    pub provider: Provider,
    pub method: String,
    pub remote_ip: String,
    pub request: String,
    pub status: u16,
    pub answer: String,
}

/// Characters of a text that the journal keeps.
const KEPT: usize = 4096;

/// What the journal keeps of a text.
pub(crate) fn beginning(text: &str) -> &str {
    if text.len() <= KEPT {
        return text;
    }
    let end = text.char_indices().nth(KEPT).map(|(end, _)| end);
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Opens the store behind an address.
pub async fn open(address: &str, encode: Encode) -> anyhow::Result<Arc<dyn PaymentStore>> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqlitePayments::open(address, encode).await?)),
        Some("postgres" | "postgresql") => {
            Ok(Arc::new(postgres::PostgresPayments::open(address, encode).await?))
        }
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// Brings the tables behind an address up to date. Safe to run again, and by several at once.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        // It migrates itself when it is opened: nobody else has the file open.
        Some("sqlite") => Ok(()),
        Some("postgres" | "postgresql") => Ok(postgres::migrate(address).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The same, but no further than to this version.
pub async fn migrate_to(address: &str, version: i64) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(()),
        Some("postgres" | "postgresql") => Ok(postgres::migrate_to(address, version).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// Leaves out so many of the numbers that Click is given: after a restore, those that may have been given since the backup.
pub async fn skip_numbers(address: &str, count: i64) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(sqlite::skip_numbers(address, count).await?),
        Some("postgres" | "postgresql") => Ok(postgres::skip_numbers(address, count).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The version of the schema that this program works with behind an address; 0 for one that it does not know.
pub fn schema(address: &str) -> i64 {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX),
        Some("postgres" | "postgresql") => postgres::schema(),
        _ => 0,
    }
}

const EXPECTED: &str =
    "payment.store: expected sqlite:<file> or postgres://<user>@<host>/<database>";

#[cfg(test)]
mod tests {
    use super::{KEPT, beginning};

    #[test]
    fn the_journal_cuts_between_characters() {
        assert_eq!(beginning("short"), "short");
        let (whole, long) = ("ў".repeat(KEPT), "ў".repeat(KEPT + 1));
        assert_eq!((beginning(&whole), beginning(&long)), (whole.as_str(), whole.as_str()));
    }
}
