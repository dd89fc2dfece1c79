//! Events that leave with the change that caused them, and arrive once.
//!
//! A service writes a [`Draft`] in the transaction of the change itself ([`sqlite::append`]): one row for each subscriber. The
//! [`Relay`] claims rows, delivers them with `EventService.Deliver`, and removes what the subscriber says it has applied. A
//! subscriber records the event's id in the transaction of the effect ([`sqlite::first_time`]), so a repeated delivery changes
//! nothing. A row that keeps failing is parked after [`ATTEMPTS`] tries and counted; it never holds up the others.

use std::time::Duration;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::EventId;
use mesh::Role;
use prost::Message as _;

pub mod postgres;
mod receive;
mod relay;
pub mod sqlite;

pub use receive::apply_each;
pub use relay::{Relay, Watch};

/// Tries before an event is parked.
pub const ATTEMPTS: u32 = 20;

/// How long a claimed row belongs to its worker.
pub const LEASE: Duration = Duration::from_secs(30);

/// An event about to be written.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Its name for inboxes.
    pub id: EventId,
    /// For example "order.paid".
    pub kind: &'static str,
    /// What it is about.
    pub subject: String,
    /// The encoded `ultramarket.event.v1.Event`.
    pub payload: Vec<u8>,
    /// Who is told.
    pub subscribers: &'static [Role],
}

impl Draft {
    /// Encodes a fact. `version` grows with each change of the subject; `kind` is what subscribers tell events apart by.
    pub fn new(
        kind: &'static str,
        subject: impl Into<String>,
        version: i64,
        at: Timestamp,
        data: proto::event::event::Data,
    ) -> Self {
        let (id, subject) = (EventId::new(), subject.into());
        let event = proto::event::Event {
            id: id.to_string(),
            r#type: kind.to_owned(),
            subject: subject.clone(),
            version,
            at_ms: at.millis(),
            traceparent: mesh::Context::current().traceparent.to_string(),
            data: Some(data),
        };
        Self { id, kind, subject, payload: event.encode_to_vec(), subscribers: &[] }
    }

    /// The same for these subscribers.
    #[must_use]
    pub fn to(self, subscribers: &'static [Role]) -> Self {
        Self { subscribers, ..self }
    }
}

/// A row to deliver.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// Key of the row.
    pub row: i64,
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The encoded event.
    pub payload: Vec<u8>,
    /// Failed tries so far.
    pub attempts: u32,
}

/// What waits, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Rows to deliver.
    pub pending: i64,
    /// Rows set aside.
    pub parked: i64,
    /// When the oldest pending row was written.
    pub oldest: Option<Timestamp>,
}

/// The relay's side of a store.
#[async_trait]
pub trait OutboxStore: Send + Sync + 'static {
    /// Takes rows of a subscriber that are due, oldest first, and keeps other workers from them for [`LEASE`].
    async fn claim(
        &self,
        subscriber: Role,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Parcel>, Fault>;
    /// The same for several subscribers at once: those for which there is something, each with at most `limit` rows.
    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault> {
        let mut claimed = Vec::new();
        for subscriber in subscribers {
            let parcels = self.claim(*subscriber, now, limit).await?;
            if !parcels.is_empty() {
                claimed.push((*subscriber, parcels));
            }
        }
        Ok(claimed)
    }
    /// Removes delivered rows.
    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault>;
    /// Puts a row back for later, or sets it aside.
    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault>;
    /// Counts what waits.
    async fn backlog(&self) -> Result<Backlog, Fault>;
}

/// The pause before the next try: doubling from a quarter of a second to a minute.
pub(crate) fn pause(attempts: u32) -> Duration {
    Duration::from_millis(250u64.saturating_mul(1 << attempts.min(8))).min(Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn pauses_grow_to_a_minute() {
        assert_eq!(super::pause(0), Duration::from_millis(250));
        assert_eq!(super::pause(3), Duration::from_secs(2));
        assert_eq!(super::pause(30), Duration::from_mins(1));
    }
}
