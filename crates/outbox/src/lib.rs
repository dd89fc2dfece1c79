//! Events that leave with the change that caused them, and arrive once.
//!
//! A service writes a [`Draft`] in the transaction of the change itself ([`sqlite::append`]): one row for each subscriber. The
//! [`Relay`] claims rows, delivers them with `EventService.Deliver`, and removes what the subscriber says it has applied. A
//! subscriber records the event's id in the transaction of the effect ([`sqlite::first_time`]), so a repeated delivery changes
//! nothing. A row that is refused [`ATTEMPTS`] times is parked and counted; it never holds up the others. Parked rows wait for
//! [`OutboxStore::replay`].

use std::time::Duration;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::EventId;
use mesh::Role;
use prost::Message as _;

mod bounded;
pub mod postgres;
mod receive;
mod relay;
pub mod sqlite;

pub use receive::apply_each;
pub use relay::{Relay, Watch};

/// Refusals before an event is parked: with the pauses between them, some two minutes.
pub const ATTEMPTS: u32 = 10;

/// How long a claimed row belongs to its worker.
pub const LEASE: Duration = Duration::from_secs(30);

/// Nothing is leased, or put off, for so long. What seems to be was written by a clock that was ahead, and is due.
pub const AHEAD: Duration = Duration::from_mins(2);

/// How long receivers remember what has taken effect. It is delivered again for minutes at most; what is replayed after weeks
/// never took effect.
pub const REMEMBERED: Duration = Duration::from_hours(30 * 24);

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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Refusals so far.
    pub attempts: u32,
}

/// A row that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// Who refused it.
    pub subscriber: String,
    /// How often.
    pub attempts: u32,
    /// Why, the last time.
    pub error: String,
    /// When it was written.
    pub written_at: Timestamp,
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

/// The relay's side of a store, and the operator's.
#[async_trait]
pub trait OutboxStore: Send + Sync + 'static {
    /// Takes rows of these subscribers that are due, oldest first, and keeps other workers from them for [`LEASE`]: those
    /// subscribers for which there is something, each with at most `limit` rows.
    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault>;
    /// The same for one subscriber.
    async fn claim(
        &self,
        subscriber: Role,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Parcel>, Fault> {
        let claimed = self.claim_each(&[subscriber], now, limit).await?;
        Ok(claimed.into_iter().flat_map(|(_, parcels)| parcels).collect())
    }
    /// Removes delivered rows.
    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault>;
    /// Counts a refusal, and puts the row back for later, or sets it aside.
    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault>;
    /// Puts rows back for later that nobody has refused.
    async fn release(&self, rows: Vec<i64>, next: Timestamp) -> Result<(), Fault>;
    /// Counts what waits.
    async fn backlog(&self) -> Result<Backlog, Fault>;
    /// What was set aside, oldest first; [`Backlog::parked`] says how much there is.
    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, Fault>;
    /// Sends what was set aside again, as if it had never been refused: one event, to every subscriber that refused it, or all.
    /// How many rows.
    async fn replay(&self, event: Option<EventId>, now: Timestamp) -> Result<u64, Fault>;
}

/// The pause before the next try: doubling from a quarter of a second to a minute.
pub(crate) fn pause(attempts: u32) -> Duration {
    Duration::from_millis(250u64.saturating_mul(1 << attempts.min(8))).min(Duration::from_mins(1))
}

/// Every event that was born before a moment has a lower id: inboxes are in the order of birth already, and need no index to be
/// kept short.
pub(crate) fn born_before(moment: Timestamp) -> EventId {
    // The first 48 bits of a version 7 UUID are its milliseconds.
    EventId::from_u128(u128::from(u64::try_from(moment.millis()).unwrap_or(0)) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        assert_eq!(pause(0), Duration::from_millis(250));
        assert_eq!(pause(3), Duration::from_secs(2));
        assert_eq!(pause(30), Duration::from_mins(1));
    }

    #[test]
    fn ids_are_in_the_order_of_birth() {
        let now = clock::Clock::system().now();
        let id = EventId::new();
        assert!(born_before(now.minus(Duration::from_secs(1))) < id);
        assert!(id < born_before(now.plus(Duration::from_mins(1))));
        assert!(id.to_string() < born_before(now.plus(Duration::from_mins(1))).to_string());
    }
}
