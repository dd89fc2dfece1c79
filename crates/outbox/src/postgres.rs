//! Outbox and inbox in PostgreSQL. Each service's migrations create the two tables:
//!
//! ```sql
//! create table outbox (
//!     row          bigint generated always as identity primary key,
//!     event        uuid        not null,
//!     subscriber   text        not null,
//!     kind         text        not null,
//!     subject      text        not null,
//!     payload      bytea       not null,
//!     written_at   timestamptz not null,
//!     next_at      timestamptz not null,
//!     leased_until timestamptz,
//!     attempts     integer     not null default 0,
//!     parked       boolean     not null default false,
//!     error        text,
//!     unique (event, subscriber)
//! );
//! create index outbox_due on outbox (subscriber, row) where not parked;
//! create table inbox (event uuid primary key, at timestamptz not null);
//! -- Rows live for a moment: payloads stay where they are while a lease is written, and what is gone is cleared away early.
//! alter table outbox alter column payload set storage external;
//! alter table outbox set (toast_tuple_target = 128, fillfactor = 50, autovacuum_vacuum_scale_factor = 0,
//!                         autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
//! ```
//!
//! Relays of several processes share the work: a claim leases rows that nobody else holds, and skips those that are being claimed
//! in the same moment. A lease that ran out belongs to whoever claims next.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::EventId;
use mesh::Role;
use postgres::{Error, Postgres, moment, timestamp};
use sqlx::{
    PgConnection, QueryBuilder, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use crate::{AHEAD, Backlog, Draft, LEASE, OutboxStore, Parcel, Parked, born_before};

/// Writes events in the caller's transaction, all in one statement.
pub async fn append(
    connection: &mut PgConnection,
    drafts: &[Draft],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if drafts.iter().all(|draft| draft.subscribers.is_empty()) {
        return Ok(());
    }
    let mut statement = QueryBuilder::default();
    push(&mut statement, drafts, now, "(select) as always");
    statement.build().execute(connection).await?;
    Ok(())
}

/// The same as a part of a larger statement: an `insert` that writes each event as often as `held`, which is a relation of that
/// statement, has rows.
pub fn push(
    statement: &mut QueryBuilder<sqlx::Postgres>,
    drafts: &[Draft],
    now: Timestamp,
    held: &'static str,
) {
    let mut rows = Columns::default();
    for draft in drafts {
        for subscriber in draft.subscribers {
            rows.events.push(postgres::uuid(draft.id));
            rows.subscribers.push(subscriber.as_str());
            rows.kinds.push(draft.kind);
            rows.subjects.push(&draft.subject);
            rows.payloads.push(&draft.payload);
        }
    }
    statement
        .push(
            "insert into outbox (event, subscriber, kind, subject, payload, written_at, next_at)
             select event, subscriber, kind, subject, payload, ",
        )
        .push_bind(moment(now))
        .push(", ")
        .push_bind(moment(now))
        .push(" from ")
        .push(held)
        .push(", unnest(")
        .push_bind(rows.events)
        .push(", ")
        .push_bind(rows.subscribers)
        .push(", ")
        .push_bind(rows.kinds)
        .push(", ")
        .push_bind(rows.subjects)
        .push(", ")
        .push_bind(rows.payloads)
        .push(") as events (event, subscriber, kind, subject, payload)");
}

#[derive(Default)]
struct Columns<'d> {
    events: Vec<sqlx::types::Uuid>,
    subscribers: Vec<&'static str>,
    kinds: Vec<&'static str>,
    subjects: Vec<&'d str>,
    payloads: Vec<&'d [u8]>,
}

/// Records a received event in the caller's transaction; false when it has taken effect before.
///
/// Two deliveries of one event at once wait for each other here: the second sees what the first came to.
pub async fn first_time(
    connection: &mut PgConnection,
    event: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let event: EventId = event.parse().map_err(Error::value)?;
    let inserted =
        sqlx::query("insert into inbox (event, at) values ($1, $2) on conflict do nothing")
            .bind(postgres::uuid(event))
            .bind(moment(now))
            .execute(connection)
            .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Forgets events that were received before a moment, at most `limit` of them; how many. Processes that forget at once share the
/// work.
pub async fn forget(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: u32,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(
        "delete from inbox where event = any(array(
         select event from inbox where event < $1 and at < $2 order by event limit $3 for update skip locked))",
    )
    .bind(postgres::uuid(born_before(before)))
    .bind(moment(before))
    .bind(i64::from(limit))
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}

/// The relay's side of a database.
#[derive(Debug)]
pub struct PostgresOutbox {
    database: Postgres,
}

impl PostgresOutbox {
    /// The outbox of a database.
    pub fn new(database: Postgres) -> Self {
        Self { database }
    }

    async fn claimed(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Error> {
        let mut connection = self.database.connection().await?;
        let rows = sqlx::query(
            // The rows are chosen once: a join might choose again, beyond the limit.
            "update outbox set leased_until = $3 where row = any(array(
                 select due.row from unnest($1::text[]) as told (subscriber), lateral (
                     select row from outbox where outbox.subscriber = told.subscriber and not parked
                         and (next_at <= $2 or next_at >= $5)
                         and (leased_until is null or leased_until <= $2 or leased_until >= $5)
                     order by row limit $4 for update skip locked) as due))
             returning row, event, subscriber, kind, subject, payload, attempts",
        )
        .bind(subscribers.iter().map(|subscriber| subscriber.as_str()).collect::<Vec<_>>())
        .bind(moment(now))
        .bind(moment(now.plus(LEASE)))
        .bind(i64::from(limit))
        .bind(moment(now.plus(AHEAD)))
        .fetch_all(&mut *connection)
        .await?;
        let mut claimed: Vec<(Role, Vec<Parcel>)> =
            subscribers.iter().map(|subscriber| (*subscriber, Vec::new())).collect();
        for row in rows {
            let subscriber: &str = row.try_get("subscriber")?;
            let ours = claimed.iter_mut().find(|(role, _)| role.as_str() == subscriber);
            if let Some((_, parcels)) = ours {
                parcels.push(parcel(&row)?);
            }
        }
        for (_, parcels) in &mut claimed {
            parcels.sort_unstable_by_key(|parcel| parcel.row);
        }
        claimed.retain(|(_, parcels)| !parcels.is_empty());
        Ok(claimed)
    }

    /// What is one statement.
    async fn execute(
        &self,
        statement: Query<'_, sqlx::Postgres, PgArguments>,
    ) -> Result<u64, Error> {
        let mut connection = self.database.connection().await?;
        Ok(statement.execute(&mut *connection).await?.rows_affected())
    }

    async fn counted(&self) -> Result<Backlog, Error> {
        let mut connection = self.database.connection().await?;
        let row = sqlx::query(
            "select count(*) filter (where not parked) as pending, count(*) filter (where parked) as parked,
                    min(written_at) filter (where not parked) as oldest from outbox",
        )
        .fetch_one(&mut *connection)
        .await?;
        Ok(Backlog {
            pending: row.try_get("pending")?,
            parked: row.try_get("parked")?,
            oldest: row.try_get::<Option<_>, _>("oldest")?.map(timestamp),
        })
    }

    async fn set_aside(&self, limit: u32) -> Result<Vec<Parked>, Error> {
        let mut connection = self.database.connection().await?;
        let rows = sqlx::query(
            "select event, kind, subject, subscriber, attempts, error, written_at from outbox
             where parked order by row limit $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
        Ok(rows.iter().map(parked).collect::<Result<_, _>>()?)
    }
}

fn parcel(row: &PgRow) -> Result<Parcel, sqlx::Error> {
    Ok(Parcel {
        row: row.try_get("row")?,
        event: event(row)?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        payload: row.try_get("payload")?,
        attempts: attempts(row)?,
    })
}

fn parked(row: &PgRow) -> Result<Parked, sqlx::Error> {
    Ok(Parked {
        event: event(row)?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        subscriber: row.try_get("subscriber")?,
        attempts: attempts(row)?,
        error: row.try_get::<Option<_>, _>("error")?.unwrap_or_default(),
        written_at: timestamp(row.try_get("written_at")?),
    })
}

fn event(row: &PgRow) -> Result<String, sqlx::Error> {
    Ok(postgres::id::<ids::kind::Event>(row.try_get("event")?).to_string())
}

fn attempts(row: &PgRow) -> Result<u32, sqlx::Error> {
    Ok(row.try_get::<i32, _>("attempts")?.unsigned_abs())
}

#[async_trait]
impl OutboxStore for PostgresOutbox {
    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault> {
        Ok(self.claimed(subscribers, now, limit).await?)
    }

    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault> {
        let settle = sqlx::query("delete from outbox where row = any($1)").bind(rows);
        self.execute(settle).await?;
        Ok(())
    }

    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault> {
        let fail = sqlx::query(
            "update outbox set attempts = attempts + 1, error = $2, parked = $3, leased_until = null,
             next_at = coalesce($4, next_at) where row = $1",
        );
        let fail = fail.bind(row).bind(error).bind(next.is_none()).bind(next.map(moment));
        self.execute(fail).await?;
        Ok(())
    }

    async fn release(&self, rows: Vec<i64>, next: Timestamp) -> Result<(), Fault> {
        let release =
            sqlx::query("update outbox set leased_until = null, next_at = $2 where row = any($1)");
        self.execute(release.bind(rows).bind(moment(next))).await?;
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        Ok(self.counted().await?)
    }

    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, Fault> {
        Ok(self.set_aside(limit).await?)
    }

    async fn replay(&self, event: Option<EventId>, now: Timestamp) -> Result<u64, Fault> {
        let replay = sqlx::query(
            "update outbox set parked = false, attempts = 0, leased_until = null, next_at = $2
             where parked and ($1::uuid is null or event = $1)",
        );
        let replay = replay.bind(event.map(postgres::uuid)).bind(moment(now));
        Ok(self.execute(replay).await?)
    }
}
