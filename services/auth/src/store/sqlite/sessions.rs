//! Sessions, refresh tokens and failed sign-ins in SQLite.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{SessionId, UserId};
use sqlite::{FutureExt as _, SqliteConnection};
use sqlx::Row as _;

use super::{SqliteAuth, parsed};
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
        let write = self.database.write::<_, Error, _>(move |connection| {
            async move {
                forget_failures(&mut *connection, attempts).await?;
                begin(connection, user, &session).await
            }
            .boxed()
        });
        write.await
    }

    async fn rotate(&self, used: Hash, next: NewSession) -> Result<Rotation, Error> {
        self.database.write(move |connection| rotate(connection, used, next).boxed()).await
    }

    async fn end_session(&self, id: SessionId, at: Timestamp) -> Result<(), Error> {
        let id = id.to_string();
        self.database.write(move |connection| end(connection, id, at).boxed()).await
    }

    async fn end_sessions(&self, user: UserId, at: Timestamp) -> Result<(), Error> {
        self.database.write(move |connection| end_all(connection, user, at).boxed()).await
    }

    async fn list_sessions(
        &self,
        user: UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Error> {
        let rows = sqlx::query(
            "select id, created_at, last_used_at, expires_at, ip, user_agent from sessions
             where user_id = ? and ended_at is null and expires_at > ? order by id desc limit ?",
        )
        .bind(user.to_string())
        .bind(now.millis())
        .bind(limit)
        .fetch_all(self.database.read())
        .await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let time = |column| Ok::<_, sqlx::Error>(Timestamp::from_millis(row.try_get(column)?));
            Ok(Session {
                id: parsed(row.try_get("id")?)?,
                user,
                created_at: time("created_at")?,
                last_used_at: time("last_used_at")?,
                expires_at: time("expires_at")?,
                client: Client { ip: row.try_get("ip")?, user_agent: row.try_get("user_agent")? },
            })
        };
        rows.iter().map(read).collect()
    }

    async fn is_alive(&self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Error> {
        let found: Option<i64> = sqlx::query_scalar(
            "select 1 from sessions
             where id = ? and user_id = ? and ended_at is null and expires_at > ?",
        )
        .bind(id.to_string())
        .bind(user.to_string())
        .bind(now.millis())
        .fetch_optional(self.database.read())
        .await?;
        Ok(found.is_some())
    }

    async fn failure(
        &self,
        key: Hash,
        since: Timestamp,
        limit: u32,
    ) -> Result<Option<Timestamp>, Error> {
        let at: Option<i64> = sqlx::query_scalar(NTH_ATTEMPT)
            .bind(key.as_slice())
            .bind(since.millis())
            .bind(limit.saturating_sub(1))
            .fetch_optional(self.database.read())
            .await?;
        Ok(at.map(Timestamp::from_millis))
    }

    async fn note_failure(&self, key: Hash, at: Timestamp) -> Result<(), Error> {
        self.database.write(move |connection| note_attempt(connection, key, at).boxed()).await
    }

    async fn forgive(&self, key: Hash) -> Result<(), Error> {
        self.database.write(move |connection| forget_failures(connection, key).boxed()).await
    }
}

/// The attempt that is so many before the newest.
pub(super) const NTH_ATTEMPT: &str =
    "select at from login_attempts where key = ? and at > ? order by at desc limit 1 offset ?";

pub(super) async fn note_attempt(
    connection: &mut SqliteConnection,
    key: Hash,
    at: Timestamp,
) -> Result<(), Error> {
    sqlx::query("insert into login_attempts (key, at) values (?, ?)")
        .bind(key.as_slice())
        .bind(at.millis())
        .execute(connection)
        .await?;
    Ok(())
}

async fn forget_failures(connection: &mut SqliteConnection, key: Hash) -> Result<(), Error> {
    sqlx::query("delete from login_attempts where key = ?")
        .bind(key.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// Begins a session with its first token.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    user: UserId,
    session: &NewSession,
) -> Result<(), Error> {
    sqlx::query(
        "insert into sessions (id, user_id, created_at, last_used_at, expires_at, ip, user_agent)
         values (?1, ?2, ?3, ?3, ?4, ?5, ?6)",
    )
    .bind(session.id.to_string())
    .bind(user.to_string())
    .bind(session.at.millis())
    .bind(session.expires_at.millis())
    .bind(&session.client.ip)
    .bind(&session.client.user_agent)
    .execute(&mut *connection)
    .await?;
    add_token(connection, &session.id.to_string(), session).await
}

async fn add_token(
    connection: &mut SqliteConnection,
    family: &str,
    session: &NewSession,
) -> Result<(), Error> {
    sqlx::query(
        "insert into refresh_tokens (hash, family, issued_at, expires_at) values (?, ?, ?, ?)",
    )
    .bind(session.refresh.as_slice())
    .bind(family)
    .bind(session.at.millis())
    .bind(session.expires_at.millis())
    .execute(connection)
    .await?;
    Ok(())
}

async fn rotate(
    connection: &mut SqliteConnection,
    used: Hash,
    next: NewSession,
) -> Result<Rotation, Error> {
    let found: Option<(String, String, bool, bool)> = sqlx::query_as(
        "select s.id, s.user_id, t.used_at is not null, s.ended_at is null and t.expires_at > ?
         from refresh_tokens t join sessions s on s.id = t.family where t.hash = ?",
    )
    .bind(next.at.millis())
    .bind(used.as_slice())
    .fetch_optional(&mut *connection)
    .await?;
    let Some((family, user, was_used, good)) = found else { return Ok(Rotation::Unknown) };
    if was_used {
        end(connection, family, next.at).await?;
        return Ok(Rotation::Reused);
    }
    if !good {
        return Ok(Rotation::Unknown);
    }
    sqlx::query("update refresh_tokens set used_at = ? where hash = ? and used_at is null")
        .bind(next.at.millis())
        .bind(used.as_slice())
        .execute(&mut *connection)
        .await?;
    add_token(&mut *connection, &family, &next).await?;
    sqlx::query(
        "update sessions set last_used_at = ?, expires_at = ?, ip = ?, user_agent = ? where id = ?",
    )
    .bind(next.at.millis())
    .bind(next.expires_at.millis())
    .bind(&next.client.ip)
    .bind(&next.client.user_agent)
    .bind(&family)
    .execute(connection)
    .await?;
    Ok(Rotation::Rotated(parsed(&family)?, parsed(&user)?))
}

async fn end(connection: &mut SqliteConnection, id: String, at: Timestamp) -> Result<(), Error> {
    sqlx::query("update sessions set ended_at = ? where id = ? and ended_at is null")
        .bind(at.millis())
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends every session of a user.
pub(super) async fn end_all(
    connection: &mut SqliteConnection,
    user: UserId,
    at: Timestamp,
) -> Result<(), Error> {
    sqlx::query("update sessions set ended_at = ? where user_id = ? and ended_at is null")
        .bind(at.millis())
        .bind(user.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
