//! Notifications in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{EventId, NotificationId};
use sqlite::{Durability, Error, FutureExt as _, Sqlite, SqliteConnection};
use sqlx::migrate::Migrator;

use super::{Counts, NotificationStore, Outcome, Place};
use crate::domain::{Delivery, Effects, Message, Notification, Recipient};

mod deliveries;
mod realtime;
mod rows;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(super) struct SqliteNotifications {
    database: Sqlite,
}

impl SqliteNotifications {
    pub(super) async fn open(address: &str) -> Result<Self, Error> {
        Ok(Self { database: Sqlite::open(address, Durability::Process, &MIGRATIONS).await? })
    }
}

#[async_trait]
impl NotificationStore for SqliteNotifications {
    async fn apply(&self, event: &str, effects: Effects, now: Timestamp) -> Result<bool, Fault> {
        let event = event.to_owned();
        let write = self
            .database
            .write::<_, Error, _>(move |connection| apply(connection, event, effects, now).boxed());
        Ok(write.await?)
    }

    async fn notifications(
        &self,
        audience: &[Recipient],
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Notification>, Fault> {
        let (at, id) = after
            .map_or((i64::MAX, String::new()), |place| (place.at.millis(), place.id.to_string()));
        let mut found = Vec::new();
        // Each list by its own index; one statement over all of them would sort them whole.
        for recipient in audience {
            let rows = sqlx::query(
                "select id, recipient, kind, title, body, data, at, read_at from notifications
                 where recipient = ? and (at, id) < (?, ?) order by at desc, id desc limit ?",
            )
            .bind(recipient.to_string())
            .bind(at)
            .bind(&id)
            .bind(limit)
            .fetch_all(self.database.read())
            .await
            .map_err(Error::from)?;
            for row in &rows {
                found.push(rows::notification(row).map_err(Error::from)?);
            }
        }
        found.sort_by_key(|one: &Notification| std::cmp::Reverse((one.at, one.id)));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn count(&self, audience: &[Recipient]) -> Result<Counts, Fault> {
        let (all, unread): (i64, i64) = sqlx::query_as(
            "select count(*), count(*) filter (where read_at is null) from notifications
             where recipient in (select value from json_each(?))",
        )
        .bind(rows::list(audience))
        .fetch_one(self.database.read())
        .await
        .map_err(Error::from)?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Counts { all: count(all), unread: count(unread) })
    }

    async fn mark_read(
        &self,
        audience: &[Recipient],
        ids: &[NotificationId],
        now: Timestamp,
    ) -> Result<(), Fault> {
        let (audience, all, ids) = (rows::list(audience), ids.is_empty(), rows::list(ids));
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                sqlx::query(
                    "update notifications set read_at = ? where read_at is null
                     and recipient in (select value from json_each(?))
                     and (? or id in (select value from json_each(?)))",
                )
                .bind(now.millis())
                .bind(audience)
                .bind(all)
                .bind(ids)
                .execute(connection)
                .await?;
                Ok(())
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn resume(
        &self,
        audience: &[Recipient],
        last: Option<EventId>,
        bound: u32,
    ) -> Result<i64, Fault> {
        Ok(realtime::resume(self.database.read(), audience, last, bound).await?)
    }

    async fn messages(
        &self,
        audience: &[Recipient],
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Message)>, Fault> {
        Ok(realtime::messages(self.database.read(), audience, after, limit).await?)
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Fault> {
        // Looked up first: nothing is written while nothing is due.
        if !deliveries::any_due(self.database.read(), now).await? {
            return Ok(Vec::new());
        }
        let write = self.database.write::<_, Error, _>(move |connection| {
            deliveries::claim(connection, now, lease, limit).boxed()
        });
        Ok(write.await?)
    }

    async fn settle(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let (id, attempts) = (delivery.id, delivery.attempts);
        let write = self.database.write::<_, Error, _>(move |connection| {
            deliveries::settle(connection, (id, attempts), outcome, now).boxed()
        });
        Ok(write.await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                let mut forgotten = 0;
                for statement in [
                    "delete from realtime where seq in (select seq from realtime where at < ? order by seq limit ?)",
                    "delete from deliveries where id in
                     (select id from deliveries where state <> 'queued' and settled_at < ? limit ?)",
                    "delete from inbox where event in (select event from inbox where at < ? limit ?)",
                ] {
                    let delete = sqlx::query(statement).bind(before.millis()).bind(limit);
                    forgotten += delete.execute(&mut *connection).await?.rows_affected();
                }
                Ok(forgotten)
            }
            .boxed()
        });
        Ok(write.await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

async fn apply(
    connection: &mut SqliteConnection,
    event: String,
    effects: Effects,
    now: Timestamp,
) -> Result<bool, Error> {
    if !outbox::sqlite::first_time(&mut *connection, &event, now).await? {
        return Ok(false);
    }
    for one in effects.notifications {
        sqlx::query(
            "insert into notifications (id, recipient, kind, title, body, data, at)
             values (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(one.id.to_string())
        .bind(one.recipient.to_string())
        .bind(one.kind)
        .bind(one.title)
        .bind(one.body)
        .bind(one.data)
        .bind(one.at.millis())
        .execute(&mut *connection)
        .await?;
    }
    for delivery in effects.deliveries {
        deliveries::insert(&mut *connection, &event, delivery, now).await?;
    }
    for message in effects.messages {
        realtime::insert(&mut *connection, message).await?;
    }
    Ok(true)
}
