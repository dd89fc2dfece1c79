//! The port to the store.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{EventId, NotificationId};

use crate::domain::{Delivery, Effects, Message, Notification, Recipient};

mod mongodb;
mod sqlite;

/// Notifications, deliveries and the log of real-time messages, durable enough to survive the process.
#[async_trait]
pub trait NotificationStore: Send + Sync + 'static {
    /// Writes all that these events bring about, in their order and in one step. For each, whether it was new: of one that was applied
    /// before, nothing is written.
    async fn apply(
        &self,
        events: Vec<(String, Effects)>,
        now: Timestamp,
    ) -> Result<Vec<bool>, Fault>;

    /// A page of the lists of these recipients together, newest first, after the given place.
    async fn notifications(
        &self,
        audience: &[Recipient],
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Notification>, Fault>;
    /// How many notifications these recipients have, and how many of them are unread.
    async fn count(&self, audience: &[Recipient]) -> Result<Counts, Fault>;
    /// Marks as read; all of them when no ids are given. Those of other recipients stay as they are.
    async fn mark_read(
        &self,
        audience: &[Recipient],
        ids: &[NotificationId],
        now: Timestamp,
    ) -> Result<(), Fault>;

    /// The place in the log of messages behind which a subscriber begins: after the message `last`, but not further back than the newest
    /// `bound` messages of the audience. Without `last`, the end of the log.
    async fn resume(
        &self,
        audience: &[Recipient],
        last: Option<EventId>,
        bound: u32,
    ) -> Result<i64, Fault>;
    /// Messages after a place in the log, oldest first, with their places.
    async fn messages(
        &self,
        audience: &[Recipient],
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Message)>, Fault>;
    /// For whom messages behind a place in the log are, and the place that was looked to. Without a place: the end of the log, and for
    /// nobody. At most [`GLANCE`] messages.
    async fn glance(&self, after: Option<i64>) -> Result<(i64, Vec<Recipient>), Fault>;
    /// Wakes whoever has to look into the log because other processes may have written to it; none when no other can.
    fn watch(&self) -> Option<Box<dyn Watch>>;

    /// Takes queued deliveries that are due; until `lease` they belong to the caller, who settles them. Counts the attempt.
    async fn claim(
        &self,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Fault>;
    /// Records the outcome of the attempt that `claim` gave; false when it is not the newest attempt or was settled before.
    async fn settle(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, Fault>;

    /// Forgets what happened before: at most `limit` rows of each kind; how many altogether.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// Messages looked at in one glance.
pub const GLANCE: u32 = 1000;

/// Waits for other processes.
#[async_trait]
pub trait Watch: Send {
    /// Waits until another process may have written to the log; true when the server said so, false when it is only time to look.
    async fn woken(&mut self) -> bool;
}

/// Where a page of notifications ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When the last one happened.
    pub at: Timestamp,
    /// Which it was.
    pub id: NotificationId,
}

/// How many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Altogether.
    pub all: u64,
    /// Not read yet.
    pub unread: u64,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is on its way.
    Sent,
    /// Not this time; again then.
    Again(Timestamp, String),
    /// Given up.
    Failed(String),
}

/// Opens the store behind an address.
pub async fn open(address: &str) -> anyhow::Result<Arc<dyn NotificationStore>> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteNotifications::open(address).await?)),
        Some("mongodb" | "mongodb+srv") => {
            Ok(Arc::new(mongodb::MongoNotifications::open(address).await?))
        }
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// Brings the collections behind an address up to date. Safe to run again, and by several at once.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        // It migrates itself when it is opened: nobody else has the file open.
        Some("sqlite") => Ok(()),
        Some("mongodb" | "mongodb+srv") => Ok(mongodb::migrate(address).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The version of the schema that this program works with behind an address; 0 for one that it does not know.
pub fn schema(address: &str) -> i64 {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX),
        Some("mongodb" | "mongodb+srv") => mongodb::SCHEMA,
        _ => 0,
    }
}

const EXPECTED: &str = "notification.store: expected sqlite:<file> or mongodb://<host>/<database>";
