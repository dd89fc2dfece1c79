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
use sqlite::{Error, FutureExt as _, Sqlite, SqliteConnection};

use crate::{Backlog, Draft, OutboxStore, Parcel};

/// Writes events in the caller's transaction.
pub async fn append(
    connection: &mut SqliteConnection,
    drafts: &[Draft],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for draft in drafts {
        let subscribers: Vec<&str> = draft.subscribers.iter().map(|role| role.as_str()).collect();
        sqlx::query(
            "insert into outbox (event, subscriber, kind, subject, payload, written_at, next_at)
             select ?1, value, ?2, ?3, ?4, ?5, ?5 from json_each(?6)",
        )
        .bind(draft.id.to_string())
        .bind(draft.kind)
        .bind(&draft.subject)
        .bind(&draft.payload)
        .bind(now.millis())
        // Names of roles need no escaping.
        .bind(format!("[\"{}\"]", subscribers.join("\",\"")))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Records a received event in the caller's transaction; false when it has taken effect before.
pub async fn first_time(
    connection: &mut SqliteConnection,
    event: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let inserted =
        sqlx::query("insert into inbox (event, at) values (?, ?) on conflict do nothing")
            .bind(event)
            .bind(now.millis())
            .execute(connection)
            .await?;
    Ok(inserted.rows_affected() == 1)
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
        let rows: Vec<Row> = sqlx::query_as(
            "select row, event, kind, subject, payload, attempts from outbox
             where subscriber = ? and parked = 0 and next_at <= ? order by row limit ?",
        )
        .bind(subscriber.as_str())
        .bind(now.millis())
        .bind(limit)
        .fetch_all(self.database.read())
        .await
        .map_err(Error::from)?;
        let mut leased = self.leased();
        let parcels = rows.into_iter().map(|(row, event, kind, subject, payload, attempts)| {
            Parcel { row, event, kind, subject, payload, attempts }
        });
        Ok(parcels.filter(|parcel| leased.insert(parcel.row)).collect())
    }

    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault> {
        let list = serde_list(&rows);
        self.database
            .write::<_, Error, _>(move |connection| {
                async move {
                    sqlx::query("delete from outbox where row in (select value from json_each(?))")
                        .bind(list)
                        .execute(connection)
                        .await?;
                    Ok(())
                }
                .boxed()
            })
            .await?;
        let mut leased = self.leased();
        for row in rows {
            leased.remove(&row);
        }
        Ok(())
    }

    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault> {
        let outcome = self
            .database
            .write::<_, Error, _>(move |connection| {
                async move {
                    sqlx::query(
                        "update outbox set attempts = attempts + 1, error = ?, parked = ?,
                         next_at = coalesce(?, next_at) where row = ?",
                    )
                    .bind(error)
                    .bind(next.is_none())
                    .bind(next.map(Timestamp::millis))
                    .bind(row)
                    .execute(connection)
                    .await?;
                    Ok(())
                }
                .boxed()
            })
            .await;
        self.leased().remove(&row);
        Ok(outcome?)
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        let (pending, parked, oldest): (i64, i64, Option<i64>) = sqlx::query_as(
            "select coalesce(sum(parked = 0), 0), coalesce(sum(parked), 0),
             min(case when parked = 0 then written_at end) from outbox",
        )
        .fetch_one(self.database.read())
        .await
        .map_err(Error::from)?;
        Ok(Backlog { pending, parked, oldest: oldest.map(Timestamp::from_millis) })
    }
}

/// Row keys as the JSON array that `json_each` reads.
fn serde_list(rows: &[i64]) -> String {
    let list: Vec<String> = rows.iter().map(i64::to_string).collect();
    format!("[{}]", list.join(","))
}
