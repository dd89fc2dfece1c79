//! The store in PostgreSQL. Several processes share it: whatever must not happen twice is held off by a constraint, a conditional
//! update or a lock, never by what one of them remembers.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{Id, Kind, MerchantId, UserId};
use outbox::{OutboxStore, postgres::PostgresOutbox};
use postgres::{Error as Failure, Postgres, moment, timestamp, uuid};
use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as};

use super::{AuthStore, Encode, SigningKey};
use crate::{
    domain::{Email, Event, Locale, Login, Membership, Phone, StaffRole, User},
    error::Error,
};

mod accounts;
mod addresses;
mod codes;
mod merchants;
mod sessions;
mod staff;

/// Append only: a step that was released is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_accounts.sql"),
    include_str!("../../migrations/postgres/0002_merchants.sql"),
    include_str!("../../migrations/postgres/0003_events.sql"),
    include_str!("../../migrations/postgres/0004_outbox.sql"),
];

/// How long attempts and sent codes count; older rows are of no use.
const ATTEMPTS_KEPT: std::time::Duration = std::time::Duration::from_hours(1);

/// Brings the tables of an address up to date.
pub(super) async fn migrate(address: &str) -> Result<(), Failure> {
    postgres::migrate(address, MIGRATIONS).await
}

/// The same, but no further than to this version.
pub(super) async fn migrate_to(address: &str, version: i64) -> Result<(), Failure> {
    postgres::migrate_to(address, MIGRATIONS, version).await
}

/// The newest version.
pub(super) fn schema() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(super) struct PostgresAuth {
    database: Postgres,
    outbox: Arc<PostgresOutbox>,
    encode: Encode,
}

impl PostgresAuth {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, Failure> {
        let database = Postgres::open(address, MIGRATIONS).await?;
        let outbox = Arc::new(PostgresOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode })
    }
}

#[async_trait]
impl AuthStore for PostgresAuth {
    async fn signing_keys(&self, first: SigningKey) -> Result<Vec<SigningKey>, Error> {
        let mut transaction = self.database.begin().await?;
        // Two processes that start at once must not each begin to sign with a key of its own.
        take_turn(&mut transaction, "signing_keys", "").await?;
        query("insert into signing_keys select $1, $2, $3 where not exists (select from signing_keys)")
            .bind(first.kid)
            .bind(first.pkcs8)
            .bind(moment(first.created_at))
            .execute(&mut *transaction)
            .await?;
        let keys = query_as(
            "select kid, pkcs8, created_at from signing_keys order by created_at desc, kid",
        );
        let keys = keys.fetch_all(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(keys)
    }

    async fn forget(&self, now: Timestamp, limit: u32) -> Result<bool, Error> {
        let mut transaction = self.database.begin().await?;
        let more = forget(&mut transaction, now, limit).await?;
        transaction.commit().await?;
        Ok(more)
    }

    fn outbox(&self) -> Arc<dyn OutboxStore> {
        Arc::clone(&self.outbox) as Arc<dyn OutboxStore>
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

impl FromRow<'_, PgRow> for SigningKey {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let created_at = time(row, "created_at")?;
        Ok(Self { kid: row.try_get("kid")?, pkcs8: row.try_get("pkcs8")?, created_at })
    }
}

/// Rows that somebody works with are passed over: they are there the next time. The rows are picked by `array(..)`, which is
/// evaluated once; of a subquery under `in` the planner may make a loop that picks anew for each row, beyond the limit.
async fn forget(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: u32,
) -> Result<bool, sqlx::Error> {
    let old = now.minus(ATTEMPTS_KEPT);
    let mut more = false;
    for (statement, before) in [
        (
            "delete from refresh_tokens where hash = any(array(select hash from refresh_tokens
             where expires_at < $1 limit $2 for update skip locked))",
            now,
        ),
        // Deleting a session takes its tokens along: only sessions that have none any more go.
        (
            "delete from sessions where id = any(array(select id from sessions where expires_at < $1
             and not exists (select from refresh_tokens where family = sessions.id)
             limit $2 for update skip locked))",
            now,
        ),
        (
            "delete from otps where row = any(array(
             select row from otps where sent_at < $1 limit $2 for update skip locked))",
            old,
        ),
        (
            "delete from login_attempts where row = any(array(
             select row from login_attempts where at < $1 limit $2 for update skip locked))",
            old,
        ),
        (
            "delete from password_resets where hash = any(array(select hash from password_resets
             where expires_at < $1 limit $2 for update skip locked))",
            now,
        ),
    ] {
        let deleted = query(statement).bind(moment(before)).bind(i64::from(limit));
        let deleted = deleted.execute(&mut *connection).await?.rows_affected();
        more |= deleted >= u64::from(limit);
    }
    Ok(more)
}

/// Waits until nobody else does the same for the same, and keeps others waiting until the transaction ends: for what is decided
/// by rows that may not be there yet, which no lock of a row could guard. A transaction takes one turn at most.
async fn take_turn(
    connection: &mut PgConnection,
    what: &str,
    whose: &str,
) -> Result<(), sqlx::Error> {
    query("select pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))")
        .bind(what)
        .bind(whose)
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps a user's row from others who take it so, until the transaction ends; [`Error::UserNotFound`].
async fn lock_user(connection: &mut PgConnection, user: UserId) -> Result<(), Error> {
    let lock = query("select from users where id = $1 for no key update").bind(uuid(user));
    lock.fetch_optional(connection).await?.map(drop).ok_or(Error::UserNotFound)
}

/// Keeps a merchant's row from others who take it so, until the transaction ends; [`Error::MerchantNotFound`].
async fn lock_merchant(connection: &mut PgConnection, merchant: MerchantId) -> Result<(), Error> {
    let lock = query("select from merchants where id = $1 for no key update").bind(uuid(merchant));
    lock.fetch_optional(connection).await?.map(drop).ok_or(Error::MerchantNotFound)
}

/// Writes an event in the caller's transaction.
async fn append(
    connection: &mut PgConnection,
    encode: Encode,
    event: &Event,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    outbox::postgres::append(connection, &[encode(event, at)], at).await
}

/// A line of the audit trail in the caller's transaction.
async fn note(
    connection: &mut PgConnection,
    (who, what): (&str, &str),
    subject: &str,
    merchant: MerchantId,
    detail: &str,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    query(
        "insert into audit (who, what, subject, merchant_id, detail, at)
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(who)
    .bind(what)
    .bind(subject)
    .bind(uuid(merchant))
    .bind(detail)
    .bind(moment(at))
    .execute(connection)
    .await?;
    Ok(())
}

/// Users with the active merchant that they work for; a `where` follows.
macro_rules! select_users {
    ($rest:literal) => {
        concat!(
            "select u.id, u.phone, u.email, u.name, u.is_admin, u.phone_verified, u.locale,
             u.created_at, m.id as merchant_id, s.role, c.phc from users u
             left join staff s on s.user_id = u.id
             left join merchants m on m.id = s.merchant_id and m.status = 'active'
             left join credentials c on c.user_id = u.id ",
            $rest
        )
    };
}
use select_users;

impl FromRow<'_, PgRow> for User {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let membership = match row.try_get::<Option<_>, _>("merchant_id")? {
            Some(merchant) => Some(Membership {
                merchant: postgres::id(merchant),
                role: read(row, "role", StaffRole::parse)?,
            }),
            None => None,
        };
        Ok(Self {
            id: id(row, "id")?,
            phone: read_or_null(row, "phone", Phone::parse)?,
            email: read_or_null(row, "email", Email::parse)?,
            name: row.try_get("name")?,
            admin: row.try_get("is_admin")?,
            phone_verified: row.try_get("phone_verified")?,
            locale: read(row, "locale", Locale::parse)?,
            created_at: time(row, "created_at")?,
            membership,
        })
    }
}

async fn user_by_id(
    connection: &mut PgConnection,
    id: UserId,
) -> Result<Option<User>, sqlx::Error> {
    let find = query_as(select_users!("where u.id = $1")).bind(uuid(id));
    find.fetch_optional(connection).await
}

async fn user_by_login(
    connection: &mut PgConnection,
    login: &Login,
) -> Result<Option<User>, sqlx::Error> {
    query_as(by_login(login)).bind(login.as_str()).fetch_optional(connection).await
}

/// The row of a user by login.
fn by_login(login: &Login) -> &'static str {
    match login {
        Login::Phone(_) => select_users!("where u.phone = $1"),
        Login::Email(_) => select_users!("where lower(u.email) = $1"),
    }
}

fn id<K: Kind>(row: &PgRow, column: &str) -> Result<Id<K>, sqlx::Error> {
    Ok(postgres::id(row.try_get(column)?))
}

fn time(row: &PgRow, column: &str) -> Result<Timestamp, sqlx::Error> {
    Ok(timestamp(row.try_get(column)?))
}

/// What the text of a column says, or an error that names the column and not what it holds.
fn read<T>(
    row: &PgRow,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    read_or_null(row, column, parse)?.ok_or_else(|| broken(column))
}

fn read_or_null<T>(
    row: &PgRow,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, sqlx::Error> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| parse(text).ok_or_else(|| broken(column))).transpose()
}

fn broken(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("{column} holds what is not one").into())
}
