//! Sessions, refresh tokens and failed sign-ins in PostgreSQL. Locks are taken tokens first, then sessions, sessions by id.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{SessionId, UserId};
use postgres::{moment, timestamp, uuid};
use sqlx::{
    FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as, query_scalar, types::Uuid,
};

use super::{PostgresAuth, id, time};
use crate::{
    domain::{Client, Session},
    error::Error,
    store::{Hash, NewSession, Rotation, SessionStore},
};

#[async_trait]
impl SessionStore for PostgresAuth {
    async fn sign_in(
        &self,
        user: UserId,
        session: NewSession,
        attempts: Hash,
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        forget_failures(&mut transaction, attempts).await?;
        begin(&mut transaction, user, &session).await?;
        Ok(transaction.commit().await?)
    }

    async fn rotate(&self, used: Hash, next: NewSession) -> Result<Rotation, Error> {
        let mut transaction = self.database.begin().await?;
        let outcome = rotate(&mut transaction, used, &next).await?;
        // An unknown token leaves nothing behind, not even that it was tried.
        if outcome != Rotation::Unknown {
            transaction.commit().await?;
        }
        Ok(outcome)
    }

    async fn end_session(&self, id: SessionId, at: Timestamp) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        end(&mut transaction, uuid(id), at).await?;
        Ok(transaction.commit().await?)
    }

    async fn end_sessions(&self, user: UserId, at: Timestamp) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        end_all(&mut transaction, user, at).await?;
        Ok(transaction.commit().await?)
    }

    async fn list_sessions(
        &self,
        user: UserId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, Error> {
        let mut transaction = self.database.begin().await?;
        let list = query_as(
            "select id, user_id, created_at, last_used_at, expires_at, ip, user_agent from sessions
             where user_id = $1 and ended_at is null and expires_at > $2 order by id desc limit $3",
        )
        .bind(uuid(user))
        .bind(moment(now))
        .bind(i64::from(limit));
        Ok(list.fetch_all(&mut *transaction).await?)
    }

    async fn is_alive(&self, user: UserId, id: SessionId, now: Timestamp) -> Result<bool, Error> {
        let mut transaction = self.database.begin().await?;
        let find = query_scalar(
            "select exists (select from sessions
             where id = $1 and user_id = $2 and ended_at is null and expires_at > $3)",
        )
        .bind(uuid(id))
        .bind(uuid(user))
        .bind(moment(now));
        Ok(find.fetch_one(&mut *transaction).await?)
    }

    async fn failure(
        &self,
        key: Hash,
        since: Timestamp,
        limit: u32,
    ) -> Result<Option<Timestamp>, Error> {
        let mut transaction = self.database.begin().await?;
        let find = query_scalar(
            "select at from login_attempts where key = $1 and at > $2
             order by at desc limit 1 offset $3",
        )
        .bind(key)
        .bind(moment(since))
        .bind(i64::from(limit.saturating_sub(1)));
        Ok(find.fetch_optional(&mut *transaction).await?.map(timestamp))
    }

    async fn note_failure(&self, key: Hash, at: Timestamp) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        note_attempt(&mut transaction, key, at).await?;
        Ok(transaction.commit().await?)
    }

    async fn forgive(&self, key: Hash) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        forget_failures(&mut transaction, key).await?;
        Ok(transaction.commit().await?)
    }
}

pub(super) async fn note_attempt(
    connection: &mut PgConnection,
    key: Hash,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let insert = query("insert into login_attempts (key, at) values ($1, $2)");
    insert.bind(key).bind(moment(at)).execute(connection).await?;
    Ok(())
}

async fn forget_failures(connection: &mut PgConnection, key: Hash) -> Result<(), sqlx::Error> {
    // In order, so that two who forget the same do not wait for each other in a circle.
    let delete = query(
        "delete from login_attempts where row = any(array(
         select row from login_attempts where key = $1 order by row for update))",
    );
    delete.bind(key).execute(connection).await?;
    Ok(())
}

/// Begins a session with its first token.
pub(super) async fn begin(
    connection: &mut PgConnection,
    user: UserId,
    session: &NewSession,
) -> Result<(), sqlx::Error> {
    query(
        "with begun as (
             insert into sessions (id, user_id, created_at, last_used_at, expires_at, ip, user_agent)
             values ($1, $2, $3, $3, $4, $5, $6) returning id
         )
         insert into refresh_tokens (hash, family, issued_at, expires_at)
         select $7, id, $3, $4 from begun",
    )
    .bind(uuid(session.id))
    .bind(uuid(user))
    .bind(moment(session.at))
    .bind(moment(session.expires_at))
    .bind(&session.client.ip)
    .bind(&session.client.user_agent)
    .bind(session.refresh)
    .execute(connection)
    .await?;
    Ok(())
}

/// Of many who bring the same token, the first to mark it as used goes on; the others wait for that and find it used.
async fn rotate(
    connection: &mut PgConnection,
    used: Hash,
    next: &NewSession,
) -> Result<Rotation, sqlx::Error> {
    let mark = query_scalar::<_, Uuid>(
        "update refresh_tokens set used_at = $2
         where hash = $1 and used_at is null and expires_at > $2 returning family",
    );
    let marked = mark.bind(used).bind(moment(next.at)).fetch_optional(&mut *connection).await?;
    let Some(family) = marked else { return refuse(connection, used, next.at).await };
    // Nothing goes on in a session that was ended, though its token would still be good.
    let user = query_scalar::<_, Uuid>(
        "with going as (
             update sessions set last_used_at = $2, expires_at = $3, ip = $4, user_agent = $5
             where id = $1 and ended_at is null returning id, user_id
         ), given as (
             insert into refresh_tokens (hash, family, issued_at, expires_at)
             select $6, id, $2, $3 from going
         )
         select user_id from going",
    )
    .bind(family)
    .bind(moment(next.at))
    .bind(moment(next.expires_at))
    .bind(&next.client.ip)
    .bind(&next.client.user_agent)
    .bind(next.refresh)
    .fetch_optional(connection)
    .await?;
    Ok(user.map_or(Rotation::Unknown, |user| {
        Rotation::Rotated(postgres::id(family), postgres::id(user))
    }))
}

/// What is wrong with a token that cannot be swapped; one that was used before ends its session.
async fn refuse(
    connection: &mut PgConnection,
    used: Hash,
    at: Timestamp,
) -> Result<Rotation, sqlx::Error> {
    let find = query_scalar::<_, Uuid>(
        "select family from refresh_tokens where hash = $1 and used_at is not null",
    );
    let family = find.bind(used).fetch_optional(&mut *connection).await?;
    let Some(family) = family else { return Ok(Rotation::Unknown) };
    end(connection, family, at).await?;
    Ok(Rotation::Reused)
}

async fn end(connection: &mut PgConnection, id: Uuid, at: Timestamp) -> Result<(), sqlx::Error> {
    let update = query("update sessions set ended_at = $2 where id = $1 and ended_at is null");
    update.bind(id).bind(moment(at)).execute(connection).await?;
    Ok(())
}

/// Ends every session of a user.
pub(super) async fn end_all(
    connection: &mut PgConnection,
    user: UserId,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let update = query(
        "update sessions set ended_at = $2 where id = any(array(select id from sessions
         where user_id = $1 and ended_at is null order by id for no key update))",
    );
    update.bind(uuid(user)).bind(moment(at)).execute(connection).await?;
    Ok(())
}

impl FromRow<'_, PgRow> for Session {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: id(row, "id")?,
            user: id(row, "user_id")?,
            created_at: time(row, "created_at")?,
            last_used_at: time(row, "last_used_at")?,
            expires_at: time(row, "expires_at")?,
            client: Client { ip: row.try_get("ip")?, user_agent: row.try_get("user_agent")? },
        })
    }
}
