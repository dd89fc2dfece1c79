//! The store in SQLite. What was acknowledged survives the loss of power: a password, a session, an approval.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{MerchantId, UserId};
use outbox::{OutboxStore, sqlite::SqliteOutbox};
use sqlite::{Connection, Durability, FromRow, Row, Sqlite, params};

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
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_accounts.sql"),
    include_str!("../../migrations/sqlite/0002_merchants.sql"),
    include_str!("../../migrations/sqlite/0003_events.sql"),
];

/// How long attempts and sent codes count; older rows are of no use.
const ATTEMPTS_KEPT: std::time::Duration = std::time::Duration::from_hours(1);

pub(super) struct SqliteAuth {
    database: Sqlite,
    outbox: Arc<SqliteOutbox>,
    encode: Encode,
}

impl SqliteAuth {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, sqlite::Error> {
        let database = Sqlite::open(address, Durability::Full, MIGRATIONS).await?;
        let outbox = Arc::new(SqliteOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode })
    }
}

#[async_trait]
impl AuthStore for SqliteAuth {
    async fn signing_keys(&self, first: SigningKey) -> Result<Vec<SigningKey>, Error> {
        Ok(self.database.write(move |connection| signing_keys(connection, &first)).await?)
    }

    async fn forget(&self, now: Timestamp, limit: u32) -> Result<bool, Error> {
        Ok(self.database.write(move |connection| forget(connection, now, limit)).await?)
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

fn signing_keys(
    connection: &Connection,
    first: &SigningKey,
) -> Result<Vec<SigningKey>, sqlite::Error> {
    connection.execute(
        "insert into signing_keys select ?, ?, ? where not exists (select 1 from signing_keys)",
        params![first.kid, first.pkcs8, first.created_at.millis()],
    )?;
    connection
        .all("select kid, pkcs8, created_at from signing_keys order by created_at desc, kid", ())
}

impl FromRow for SigningKey {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let created_at = time(row, "created_at")?;
        Ok(Self { kid: row.get("kid")?, pkcs8: row.get("pkcs8")?, created_at })
    }
}

fn forget(connection: &Connection, now: Timestamp, limit: u32) -> Result<bool, sqlite::Error> {
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
        let deleted = connection.execute(statement, params![before.millis(), limit])?;
        more |= deleted >= u64::from(limit);
    }
    Ok(more)
}

/// Writes an event in the caller's transaction.
fn append(
    connection: &Connection,
    encode: Encode,
    event: &Event,
    at: Timestamp,
) -> Result<(), sqlite::Error> {
    outbox::sqlite::append(connection, &[encode(event, at)], at)
}

/// A line of the audit trail in the caller's transaction.
fn note(
    connection: &Connection,
    (who, what): (&str, &str),
    subject: &str,
    merchant: MerchantId,
    detail: &str,
    at: Timestamp,
) -> Result<(), sqlite::Error> {
    connection.execute(
        "insert into audit (who, what, subject, merchant_id, detail, at) values (?, ?, ?, ?, ?, ?)",
        params![who, what, subject, merchant.to_string(), detail, at.millis()],
    )?;
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

impl FromRow for User {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let membership = match read_or_null(row, "merchant_id", |text| text.parse().ok())? {
            Some(merchant) => {
                Some(Membership { merchant, role: read(row, "role", StaffRole::parse)? })
            }
            None => None,
        };
        Ok(Self {
            id: id(row, "id")?,
            phone: read_or_null(row, "phone", Phone::parse)?,
            email: read_or_null(row, "email", Email::parse)?,
            name: row.get("name")?,
            admin: row.get("is_admin")?,
            phone_verified: row.get("phone_verified")?,
            locale: read(row, "locale", Locale::parse)?,
            created_at: time(row, "created_at")?,
            membership,
        })
    }
}

fn user_by_id(connection: &Connection, id: UserId) -> Result<Option<User>, sqlite::Error> {
    connection.first(select_users!("where u.id = ?"), [id.to_string()])
}

fn user_by_login(connection: &Connection, login: &Login) -> Result<Option<User>, sqlite::Error> {
    connection.first(by_login(login), [login.as_str()])
}

/// The row of a user by login.
fn by_login(login: &Login) -> &'static str {
    match login {
        Login::Phone(_) => select_users!("where u.phone = ?"),
        Login::Email(_) => select_users!("where lower(u.email) = ?"),
    }
}

fn parsed<K: ids::Kind>(text: &str) -> Result<ids::Id<K>, sqlite::Error> {
    text.parse().map_err(|error: ids::ParseIdError| sqlite::Error::value(error))
}

fn id<K: ids::Kind>(row: &Row<'_>, column: &str) -> Result<ids::Id<K>, sqlite::Error> {
    read(row, column, |text| text.parse().ok())
}

fn time(row: &Row<'_>, column: &str) -> Result<Timestamp, sqlite::Error> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

/// What the text of a column says, or an error that names the column and not what it holds.
fn read<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, sqlite::Error> {
    read_or_null(row, column, parse)?.ok_or_else(|| broken(column))
}

fn read_or_null<T>(
    row: &Row<'_>,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, sqlite::Error> {
    let text = row.get_ref(column)?.as_str_or_null().map_err(sqlite::Error::value)?;
    text.map(|text| parse(text).ok_or_else(|| broken(column))).transpose()
}

fn broken(column: &str) -> sqlite::Error {
    sqlite::Error::value(format!("{column} holds what is not one"))
}
