//! The store in SQLite. What was acknowledged survives the loss of power: a password, a session, an approval.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{MerchantId, UserId};
use outbox::{OutboxStore, sqlite::SqliteOutbox};
use sqlite::{Durability, FutureExt as _, Sqlite, SqliteConnection};
use sqlx::{Row as _, migrate::Migrator, sqlite::SqliteRow};

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

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long attempts and sent codes count; older rows are of no use.
const ATTEMPTS_KEPT: std::time::Duration = std::time::Duration::from_hours(1);

pub(super) struct SqliteAuth {
    database: Sqlite,
    outbox: Arc<SqliteOutbox>,
    encode: Encode,
}

impl SqliteAuth {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, sqlite::Error> {
        let database = Sqlite::open(address, Durability::Full, &MIGRATIONS).await?;
        let outbox = Arc::new(SqliteOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode })
    }
}

#[async_trait]
impl AuthStore for SqliteAuth {
    async fn signing_keys(&self, first: SigningKey) -> Result<Vec<SigningKey>, Error> {
        self.database.write(move |connection| signing_keys(connection, first).boxed()).await
    }

    async fn forget(&self, now: Timestamp, limit: u32) -> Result<bool, Error> {
        self.database.write(move |connection| forget(connection, now, limit).boxed()).await
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

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        sqlite::Error::from(error).into()
    }
}

async fn signing_keys(
    connection: &mut SqliteConnection,
    first: SigningKey,
) -> Result<Vec<SigningKey>, Error> {
    sqlx::query(
        "insert into signing_keys select ?, ?, ? where not exists (select 1 from signing_keys)",
    )
    .bind(first.kid)
    .bind(first.pkcs8)
    .bind(first.created_at.millis())
    .execute(&mut *connection)
    .await?;
    let rows: Vec<(String, Vec<u8>, i64)> = sqlx::query_as(
        "select kid, pkcs8, created_at from signing_keys order by created_at desc, kid",
    )
    .fetch_all(connection)
    .await?;
    let key = |(kid, pkcs8, at)| SigningKey { kid, pkcs8, created_at: Timestamp::from_millis(at) };
    Ok(rows.into_iter().map(key).collect())
}

async fn forget(
    connection: &mut SqliteConnection,
    now: Timestamp,
    limit: u32,
) -> Result<bool, Error> {
    let old = now.minus(ATTEMPTS_KEPT);
    let mut more = false;
    for (statement, before) in [
        (
            "delete from refresh_tokens where hash in
             (select hash from refresh_tokens where expires_at < ? limit ?)",
            now,
        ),
        // Deleting a session takes its tokens along: only sessions that have none any more go.
        (
            "delete from sessions where id in (select id from sessions where expires_at < ?
             and not exists (select 1 from refresh_tokens where family = sessions.id) limit ?)",
            now,
        ),
        ("delete from otps where row in (select row from otps where sent_at < ? limit ?)", old),
        (
            "delete from login_attempts where row in
             (select row from login_attempts where at < ? limit ?)",
            old,
        ),
        (
            "delete from password_resets where hash in
             (select hash from password_resets where expires_at < ? limit ?)",
            now,
        ),
    ] {
        let deleted = sqlx::query(statement)
            .bind(before.millis())
            .bind(limit)
            .execute(&mut *connection)
            .await?
            .rows_affected();
        more |= deleted >= u64::from(limit);
    }
    Ok(more)
}

/// Writes events in the caller's transaction.
async fn append(
    connection: &mut SqliteConnection,
    encode: Encode,
    event: &Event,
    at: Timestamp,
) -> Result<(), Error> {
    Ok(outbox::sqlite::append(connection, &[encode(event, at)], at).await?)
}

/// A line of the audit trail in the caller's transaction.
async fn note(
    connection: &mut SqliteConnection,
    (who, what): (&str, &str),
    subject: &str,
    merchant: MerchantId,
    detail: &str,
    at: Timestamp,
) -> Result<(), Error> {
    sqlx::query(
        "insert into audit (who, what, subject, merchant_id, detail, at) values (?, ?, ?, ?, ?, ?)",
    )
    .bind(who)
    .bind(what)
    .bind(subject)
    .bind(merchant.to_string())
    .bind(detail)
    .bind(at.millis())
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

fn user(row: &SqliteRow) -> Result<User, sqlx::Error> {
    let merchant = row.try_get::<Option<&str>, _>("merchant_id")?.map(parsed).transpose()?;
    let membership = match merchant {
        Some(merchant) => {
            let role = known(StaffRole::parse(row.try_get("role")?), "role")?;
            Some(Membership { merchant, role })
        }
        None => None,
    };
    let phone = row.try_get::<Option<&str>, _>("phone")?;
    let email = row.try_get::<Option<&str>, _>("email")?;
    Ok(User {
        id: parsed(row.try_get("id")?)?,
        phone: phone.map(|text| known(Phone::parse(text), "phone")).transpose()?,
        email: email.map(|text| known(Email::parse(text), "email")).transpose()?,
        name: row.try_get("name")?,
        admin: row.try_get("is_admin")?,
        phone_verified: row.try_get("phone_verified")?,
        locale: known(Locale::parse(row.try_get("locale")?), "locale")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        membership,
    })
}

/// The row of a user by id, in the caller's transaction.
async fn user_by_id(
    connection: &mut SqliteConnection,
    id: UserId,
) -> Result<Option<User>, sqlx::Error> {
    let row = sqlx::query(select_users!("where u.id = ?"))
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(user).transpose()
}

/// The row of a user by login.
fn by_login(login: &Login) -> &'static str {
    match login {
        Login::Phone(_) => select_users!("where u.phone = ?"),
        Login::Email(_) => select_users!("where lower(u.email) = ?"),
    }
}

fn parsed<K: ids::Kind>(text: &str) -> Result<ids::Id<K>, sqlx::Error> {
    text.parse().map_err(|error: ids::ParseIdError| sqlx::Error::Decode(error.into()))
}

/// What a column holds, or an error that names the column and not what it holds.
fn known<T>(value: Option<T>, column: &str) -> Result<T, sqlx::Error> {
    value.ok_or_else(|| sqlx::Error::Decode(format!("{column} holds what is not one").into()))
}
