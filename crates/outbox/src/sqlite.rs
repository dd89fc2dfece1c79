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
//! One process owns an embedded store, so a lease needs no write: it is kept in memory and forgotten with the process.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use mesh::Role;
use sqlite::{Connection, Error, Sqlite, params};

use crate::{Backlog, Draft, OutboxStore, Parcel};

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

/// The relay's side of an embedded store.
#[derive(Debug)]
pub struct SqliteOutbox {
    database: Sqlite,
    leased: Mutex<HashSet<i64>>,
}

impl SqliteOutbox {
    /// The outbox of a database.
    pub fn new(database: Sqlite) -> Self {
        Self { database, leased: Mutex::default() }
    }

    fn leased(&self) -> std::sync::MutexGuard<'_, HashSet<i64>> {
        self.leased.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Row = (i64, String, String, String, Vec<u8>, u32);

#[async_trait]
impl OutboxStore for SqliteOutbox {
    async fn claim(
        &self,
        subscriber: Role,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Parcel>, Fault> {
        let mut claimed = self.claim_each(&[subscriber], now, limit).await?;
        Ok(claimed.pop().map(|(_, parcels)| parcels).unwrap_or_default())
    }

    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault> {
        let (subscribers, leased) = (subscribers.to_vec(), listed(&self.leased()));
        let due = move |connection: &Connection| {
            let mut found = Vec::new();
            for subscriber in subscribers {
                let rows: Vec<Row> = connection.all(
                    "select row, event, kind, subject, payload, attempts from outbox
                     where subscriber = ?1 and parked = 0 and row not in (select value from json_each(?4))
                         and next_at <= ?2
                     order by row limit ?3",
                    params![subscriber.as_str(), now.millis(), limit, leased],
                )?;
                found.push((subscriber, rows));
            }
            Ok::<_, Error>(found)
        };
        let found = self.database.read(due).await?;
        let mut leased = self.leased();
        let mut claimed = Vec::new();
        for (subscriber, rows) in found {
            let parcels = rows.into_iter().map(|(row, event, kind, subject, payload, attempts)| {
                Parcel { row, event, kind, subject, payload, attempts }
            });
            let parcels: Vec<_> = parcels.filter(|parcel| leased.insert(parcel.row)).collect();
            if !parcels.is_empty() {
                claimed.push((subscriber, parcels));
            }
        }
        Ok(claimed)
    }

    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault> {
        let settled = rows.clone();
        let delete = move |connection: &Connection| {
            for row in settled {
                connection.execute("delete from outbox where row = ?", [row])?;
            }
            Ok::<_, Error>(())
        };
        self.database.write(delete).await?;
        let mut leased = self.leased();
        for row in rows {
            leased.remove(&row);
        }
        Ok(())
    }

    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault> {
        let note = move |connection: &Connection| {
            connection.execute(
                "update outbox set attempts = attempts + 1, error = ?, parked = ?,
                 next_at = coalesce(?, next_at) where row = ?",
                params![error, next.is_none(), next.map(Timestamp::millis), row],
            )
        };
        let outcome = self.database.write(note).await;
        self.leased().remove(&row);
        outcome?;
        Ok(())
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
}

/// Row keys as the JSON array that `json_each` reads.
fn listed(rows: &HashSet<i64>) -> String {
    let list: Vec<String> = rows.iter().map(i64::to_string).collect();
    format!("[{}]", list.join(","))
}
