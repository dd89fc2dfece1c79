//! Sessions, refresh tokens and failed sign-ins in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{SessionId, UserId};
use sqlite::{Connection, FromRow, Row, params};

use super::{SqliteAuth, id, parsed, time};
use crate::{
    domain::{Client, Session},
    error::Error,
    store::{Hash, NewSession, Rotation, SessionStore},
};

#[async_trait]
impl SessionStore for SqliteAuth {
    async fn sign_in(
        &self,
        user: UserId,
        session: NewSession,
        attempts: Hash,
    ) -> Result<(), Error> {
        let sign_in = move |connection: &Connection| {
            forget_failures(connection, attempts)?;
            begin(connection, user, &session)
        };
        Ok(self.database.write(sign_in).await?)
    }

    async fn rotate(&self, used: Hash, next: NewSession) -> Result<Rotation, Error> {
        Ok(self.database.write(move |connection| rotate(connection, used, &next)).await?)
    }

    async fn end_session(&self, id: SessionId, at: Timestamp) -> Result<(), Error> {
        Ok(self.database.write(move |connection| end(connection, &id.to_string(), at)).await?)
    }

    async fn end_sessions(&self, user: UserId, at: Timestamp) -> Result<(), Error> {
        Ok(self.database.write(move |connection| end_all(connection, user, at)).await?)
    }

    async fn list_sessions(
        &self,
        user: UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Error> {
        let list = move |connection: &Connection| {
            connection.all(
                "select id, user_id, created_at, last_used_at, expires_at, ip, user_agent
                 from sessions where user_id = ? and ended_at is null and expires_at > ?
                 order by id desc limit ?",
                params![user.to_string(), now.millis(), limit],
            )
        };
        Ok(self.database.read(list).await?)
    }

    async fn is_alive(&self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Error> {
        let find = move |connection: &Connection| {
            connection.first::<i64>(
                "select 1 from sessions
                 where id = ? and user_id = ? and ended_at is null and expires_at > ?",
                params![id.to_string(), user.to_string(), now.millis()],
            )
        };
        Ok(self.database.read(find).await?.is_some())
    }

    async fn failure(
        &self,
        key: Hash,
        since: Timestamp,
        limit: u32,
    ) -> Result<Option<Timestamp>, Error> {
        Ok(self.database.read(move |connection| nth_attempt(connection, key, since, limit)).await?)
    }

    async fn note_failure(&self, key: Hash, at: Timestamp) -> Result<(), Error> {
        Ok(self.database.write(move |connection| note_attempt(connection, key, at)).await?)
    }

    async fn forgive(&self, key: Hash) -> Result<(), Error> {
        Ok(self.database.write(move |connection| forget_failures(connection, key)).await?)
    }
}

/// When the attempt happened that is the `number`th newest after `since`; the newest is the first.
pub(super) fn nth_attempt(
    connection: &Connection,
    key: Hash,
    since: Timestamp,
    number: u32,
) -> Result<Option<Timestamp>, sqlite::Error> {
    let at = connection.first(
        "select at from login_attempts where key = ? and at > ? order by at desc limit 1 offset ?",
        params![key, since.millis(), number.saturating_sub(1)],
    )?;
    Ok(at.map(Timestamp::from_millis))
}

pub(super) fn note_attempt(
    connection: &Connection,
    key: Hash,
    at: Timestamp,
) -> Result<(), sqlite::Error> {
    connection
        .execute("insert into login_attempts (key, at) values (?, ?)", params![key, at.millis()])?;
    Ok(())
}

fn forget_failures(connection: &Connection, key: Hash) -> Result<(), sqlite::Error> {
    connection.execute("delete from login_attempts where key = ?", params![key])?;
    Ok(())
}

/// Begins a session with its first token.
pub(super) fn begin(
    connection: &Connection,
    user: UserId,
    session: &NewSession,
) -> Result<(), sqlite::Error> {
    let id = session.id.to_string();
    connection.execute(
        "insert into sessions (id, user_id, created_at, last_used_at, expires_at, ip, user_agent)
         values (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
        params![
            id,
            user.to_string(),
            session.at.millis(),
            session.expires_at.millis(),
            session.client.ip,
            session.client.user_agent,
        ],
    )?;
    add_token(connection, &id, session)
}

fn add_token(
    connection: &Connection,
    family: &str,
    session: &NewSession,
) -> Result<(), sqlite::Error> {
    connection.execute(
        "insert into refresh_tokens (hash, family, issued_at, expires_at) values (?, ?, ?, ?)",
        params![session.refresh, family, session.at.millis(), session.expires_at.millis()],
    )?;
    Ok(())
}

fn rotate(
    connection: &Connection,
    used: Hash,
    next: &NewSession,
) -> Result<Rotation, sqlite::Error> {
    let found = connection.first::<(String, String, bool, bool)>(
        "select s.id, s.user_id, t.used_at is not null, s.ended_at is null and t.expires_at > ?
         from refresh_tokens t join sessions s on s.id = t.family where t.hash = ?",
        params![next.at.millis(), used],
    )?;
    let Some((family, user, was_used, good)) = found else { return Ok(Rotation::Unknown) };
    if was_used {
        end(connection, &family, next.at)?;
        return Ok(Rotation::Reused);
    }
    if !good {
        return Ok(Rotation::Unknown);
    }
    connection.execute(
        "update refresh_tokens set used_at = ? where hash = ? and used_at is null",
        params![next.at.millis(), used],
    )?;
    add_token(connection, &family, next)?;
    connection.execute(
        "update sessions set last_used_at = ?, expires_at = ?, ip = ?, user_agent = ? where id = ?",
        params![
            next.at.millis(),
            next.expires_at.millis(),
            next.client.ip,
            next.client.user_agent,
            family,
        ],
    )?;
    Ok(Rotation::Rotated(parsed(&family)?, parsed(&user)?))
}

fn end(connection: &Connection, id: &str, at: Timestamp) -> Result<(), sqlite::Error> {
    connection.execute(
        "update sessions set ended_at = ? where id = ? and ended_at is null",
        params![at.millis(), id],
    )?;
    Ok(())
}

/// Ends every session of a user.
pub(super) fn end_all(
    connection: &Connection,
    user: UserId,
    at: Timestamp,
) -> Result<(), sqlite::Error> {
    connection.execute(
        "update sessions set ended_at = ? where user_id = ? and ended_at is null",
        params![at.millis(), user.to_string()],
    )?;
    Ok(())
}

impl FromRow for Session {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        Ok(Self {
            id: id(row, "id")?,
            user: id(row, "user_id")?,
            created_at: time(row, "created_at")?,
            last_used_at: time(row, "last_used_at")?,
            expires_at: time(row, "expires_at")?,
            client: Client { ip: row.get("ip")?, user_agent: row.get("user_agent")? },
        })
    }
}
