//! Notifications in SQLite. What was acknowledged may be lost with the power, not with the process.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{EventId, NotificationId};
use sqlite::{Connection, Durability, Error, Sqlite, params};

use super::{Counts, GLANCE, NotificationStore, Outcome, Place, Watch};
use crate::domain::{Delivery, Effects, Message, Notification, Recipient};

mod deliveries;
mod lists;
mod realtime;
mod rows;

/// Append only: a step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] =
    &[include_str!("../../migrations/sqlite/0001_notifications.sql")];

pub(super) struct SqliteNotifications {
    database: Sqlite,
}

impl SqliteNotifications {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, MIGRATIONS).await? })
    }
}

#[async_trait]
impl NotificationStore for SqliteNotifications {
    async fn apply(
        &self,
        events: Vec<(String, Effects)>,
        now: Timestamp,
    ) -> Result<Vec<bool>, Fault> {
        let apply = move |connection: &Connection| {
            events
                .into_iter()
                .map(|(event, effects)| apply(connection, &event, effects, now))
                .collect()
        };
        Ok(self.database.write::<_, Error, _>(apply).await?)
    }

    async fn notifications(
        &self,
        audience: &[Recipient],
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Notification>, Fault> {
        let audience = audience.to_vec();
        let page = move |connection: &Connection| lists::page(connection, &audience, after, limit);
        Ok(self.database.read(page).await?)
    }

    async fn count(&self, audience: &[Recipient]) -> Result<Counts, Fault> {
        let audience = audience.to_vec();
        Ok(self.database.read(move |connection| lists::count(connection, &audience)).await?)
    }

    async fn mark_read(
        &self,
        audience: &[Recipient],
        ids: &[NotificationId],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (audience, ids) = (audience.to_vec(), ids.to_vec());
        let mark =
            move |connection: &Connection| lists::mark_read(connection, &audience, &ids, now);
        Ok(self.database.write(mark).await?)
    }

    async fn resume(
        &self,
        audience: &[Recipient],
        last: Option<EventId>,
        bound: u32,
    ) -> Result<i64, Fault> {
        let audience = audience.to_vec();
        let resume =
            move |connection: &Connection| realtime::resume(connection, &audience, last, bound);
        Ok(self.database.read(resume).await?)
    }

    async fn messages(
        &self,
        audience: &[Recipient],
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Message)>, Fault> {
        let audience = audience.to_vec();
        let messages =
            move |connection: &Connection| realtime::messages(connection, &audience, after, limit);
        Ok(self.database.read(messages).await?)
    }

    async fn glance(&self, after: Option<i64>) -> Result<(i64, Vec<Recipient>), Fault> {
        let glance = move |connection: &Connection| realtime::glance(connection, after, GLANCE);
        Ok(self.database.read(glance).await?)
    }

    /// One process at a time runs on a file.
    fn watch(&self) -> Option<Box<dyn Watch>> {
        None
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Fault> {
        let claim = move |connection: &Connection| deliveries::claim(connection, now, lease, limit);
        Ok(self.database.write(claim).await?)
    }

    async fn settle(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let attempt = (delivery.id, delivery.attempts);
        let settle =
            move |connection: &Connection| deliveries::settle(connection, attempt, outcome, now);
        Ok(self.database.write(settle).await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let forget = move |connection: &Connection| {
            let mut forgotten = 0;
            for statement in [
                "delete from realtime where seq in
                 (select seq from realtime where at < ? order by seq limit ?)",
                "delete from deliveries where id in
                 (select id from deliveries where state <> 'queued' and settled_at < ? limit ?)",
                "delete from inbox where event in (select event from inbox where at < ? limit ?)",
            ] {
                forgotten += connection.execute(statement, params![before.millis(), limit])?;
            }
            Ok::<_, Error>(forgotten)
        };
        Ok(self.database.write(forget).await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

/// False when the event was applied before.
fn apply(
    connection: &Connection,
    event: &str,
    effects: Effects,
    now: Timestamp,
) -> Result<bool, Error> {
    if !outbox::sqlite::first_time(connection, event, now)? {
        return Ok(false);
    }
    for one in effects.notifications {
        lists::insert(connection, &one)?;
    }
    for delivery in effects.deliveries {
        deliveries::insert(connection, event, &delivery, now)?;
    }
    for message in effects.messages {
        realtime::insert(connection, &message)?;
    }
    Ok(true)
}
