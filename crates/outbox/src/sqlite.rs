//! Outbox and inbox in the embedded store. Each service's migrations create the two tables:
//!
//! ```sql
//! create table outbox (
//!     row        integer primary key,
//!     event      text    not null,
//!     subscriber text    not null,
//!     kind       text    not null,
//!     subject    text    not null,
//!     payload    blob    not null,
//!     written_at integer not null,
//!     next_at    integer not null,
//!     attempts   integer not null default 0,
//!     parked     integer not null default 0,
//!     error      text,
//!     unique (event, subscriber)
//! ) strict;
//! create index outbox_due on outbox (subscriber, row) where parked = 0;
//! create table inbox (event text primary key, at integer not null) strict, without rowid;
//! ```
//!
//! One process owns an embedded store, so a lease needs no write: it is kept in memory and forgotten with the process. A row
//! that another process replays ([`OutboxStore::replay`]) has no lease, for it was set aside.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::EventId;
use mesh::Role;
use sqlite::{Connection, Error, FromRow, Row, Sqlite, params};

use crate::{AHEAD, Backlog, Draft, LEASE, OutboxStore, Parcel, Parked, born_before};

/// Writes events in the caller's transaction.
pub fn append(connection: &Connection, drafts: &[Draft], now: Timestamp) -> Result<(), Error> {
    for draft in drafts {
        for subscriber in draft.subscribers {
            connection.execute(
                "insert into outbox (event, subscriber, kind, subject, payload, written_at, next_at)
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                params![
                    draft.id.to_string(),
                    subscriber.as_str(),
                    draft.kind,
                    draft.subject,
                    draft.payload,
                    now.millis(),
                ],
            )?;
        }
    }
    Ok(())
}

/// Records a received event in the caller's transaction; false when it has taken effect before.
pub fn first_time(connection: &Connection, event: &str, now: Timestamp) -> Result<bool, Error> {
    let inserted = connection.execute(
        "insert into inbox (event, at) values (?, ?) on conflict do nothing",
        params![event, now.millis()],
    )?;
    Ok(inserted == 1)
}

/// Forgets events that were received before a moment, at most `limit` of them; how many.
pub fn forget(connection: &Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    connection.execute(
        "delete from inbox where event in
         (select event from inbox where event < ?1 and at < ?2 order by event limit ?3)",
        params![born_before(before).to_string(), before.millis(), limit],
    )
}

/// The relay's side of an embedded store.
#[derive(Debug)]
pub struct SqliteOutbox {
    database: Sqlite,
    /// Rows that a worker has, and until when.
    leases: Mutex<HashMap<i64, Timestamp>>,
    /// One claim at a time: between its look and its leases, no other may take and give back the same rows.
    claiming: tokio::sync::Mutex<()>,
}

impl SqliteOutbox {
    /// The outbox of a database.
    pub fn new(database: Sqlite) -> Self {
        Self { database, leases: Mutex::default(), claiming: tokio::sync::Mutex::default() }
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, HashMap<i64, Timestamp>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows that are taken, as the JSON array that `json_each` reads.
    fn taken(&self, now: Timestamp) -> String {
        let leases = self.leases();
        let taken = leases.iter().filter(|(_, until)| **until > now && **until < now.plus(AHEAD));
        let taken: Vec<String> = taken.map(|(row, _)| row.to_string()).collect();
        format!("[{}]", taken.join(","))
    }

    /// Writes, and gives the rows back to everybody.
    async fn give_back<F>(&self, rows: &[i64], write: F) -> Result<(), Fault>
    where
        F: FnOnce(&Connection) -> Result<(), Error> + Send + 'static,
    {
        self.database.write(write).await?;
        let mut leases = self.leases();
        for row in rows {
            leases.remove(row);
        }
        Ok(())
    }
}

impl FromRow for Parcel {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            row: row.get("row")?,
            event: row.get("event")?,
            kind: row.get("kind")?,
            subject: row.get("subject")?,
            payload: row.get("payload")?,
            attempts: row.get("attempts")?,
        })
    }
}

impl FromRow for Parked {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            event: row.get("event")?,
            kind: row.get("kind")?,
            subject: row.get("subject")?,
            subscriber: row.get("subscriber")?,
            attempts: row.get("attempts")?,
            error: row.get::<_, Option<String>>("error")?.unwrap_or_default(),
            written_at: Timestamp::from_millis(row.get("written_at")?),
        })
    }
}

#[async_trait]
impl OutboxStore for SqliteOutbox {
    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault> {
        let _one_at_a_time = self.claiming.lock().await;
        let (subscribers, taken) = (subscribers.to_vec(), self.taken(now));
        let due = move |connection: &Connection| {
            let mut claimed: Vec<(Role, Vec<Parcel>)> = Vec::new();
            for subscriber in subscribers {
                let parcels = connection.all(
                    "select row, event, kind, subject, payload, attempts from outbox
                     where subscriber = ?1 and parked = 0 and row not in (select value from json_each(?4))
                         and (next_at <= ?2 or next_at >= ?5)
                     order by row limit ?3",
                    params![subscriber.as_str(), now.millis(), limit, taken, now.plus(AHEAD).millis()],
                )?;
                claimed.push((subscriber, parcels));
            }
            Ok::<_, Error>(claimed)
        };
        let mut claimed = self.database.read(due).await?;
        claimed.retain(|(_, parcels)| !parcels.is_empty());
        let parcels = claimed.iter().flat_map(|(_, parcels)| parcels);
        self.leases().extend(parcels.map(|parcel| (parcel.row, now.plus(LEASE))));
        Ok(claimed)
    }

    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault> {
        let settled = rows.clone();
        let settle = move |connection: &Connection| {
            for row in settled {
                connection.execute("delete from outbox where row = ?", [row])?;
            }
            Ok(())
        };
        self.give_back(&rows, settle).await
    }

    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault> {
        let fail = move |connection: &Connection| {
            connection.execute(
                "update outbox set attempts = attempts + 1, error = ?, parked = ?,
                 next_at = coalesce(?, next_at) where row = ?",
                params![error, next.is_none(), next.map(Timestamp::millis), row],
            )?;
            Ok(())
        };
        self.give_back(&[row], fail).await
    }

    async fn release(&self, rows: Vec<i64>, next: Timestamp) -> Result<(), Fault> {
        let released = rows.clone();
        let release = move |connection: &Connection| {
            for row in released {
                connection.execute(
                    "update outbox set next_at = ? where row = ?",
                    params![next.millis(), row],
                )?;
            }
            Ok(())
        };
        self.give_back(&rows, release).await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        let count = |connection: &Connection| {
            connection.one::<(i64, i64, Option<i64>)>(
                "select coalesce(sum(parked = 0), 0), coalesce(sum(parked), 0),
                 min(case when parked = 0 then written_at end) from outbox",
                (),
            )
        };
        let (pending, parked, oldest) = self.database.read(count).await?;
        Ok(Backlog { pending, parked, oldest: oldest.map(Timestamp::from_millis) })
    }

    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, Fault> {
        let list = move |connection: &Connection| {
            connection.all(
                "select event, kind, subject, subscriber, attempts, error, written_at from outbox
                 where parked = 1 order by row limit ?",
                [limit],
            )
        };
        Ok(self.database.read(list).await?)
    }

    async fn replay(&self, event: Option<EventId>, now: Timestamp) -> Result<u64, Fault> {
        let replay = move |connection: &Connection| {
            connection.execute(
                "update outbox set parked = 0, attempts = 0, next_at = ?1
                 where parked = 1 and (?2 is null or event = ?2)",
                params![now.millis(), event.map(|event| event.to_string())],
            )
        };
        Ok(self.database.write(replay).await?)
    }
}
