//! One-time codes and password resets in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use clock::Timestamp;
use ids::UserId;
use mesh::Context;
use sqlite::{FutureExt as _, SqliteConnection};
use subtle::ConstantTimeEq as _;

use super::{
    SqliteAuth, accounts, append, by_login, parsed,
    sessions::{self, NTH_ATTEMPT},
    user_by_id,
};
use crate::{
    domain::{Event, Message, NewUser, PasswordHash},
    error::Error,
    store::{CodeStore, Encode, Hash, NewOtp, NewReset, NewSession, OtpOutcome},
};

const HOUR: Duration = Duration::from_hours(1);

#[async_trait]
impl CodeStore for SqliteAuth {
    async fn send_otp(&self, otp: NewOtp, message: Message) -> Result<(), Error> {
        let (encode, context) = (self.encode, Context::current());
        self.database
            .write(move |connection| {
                context.scope(send_otp(connection, encode, otp, message)).boxed()
            })
            .await
    }

    async fn try_otp(
        &self,
        hash: Hash,
        attempts: u32,
        user: NewUser,
        session: NewSession,
    ) -> Result<OtpOutcome, Error> {
        self.database
            .write(move |connection| try_otp(connection, hash, attempts, user, session).boxed())
            .await
    }

    async fn send_reset(&self, reset: NewReset, message: Message) -> Result<(), Error> {
        let (encode, context) = (self.encode, Context::current());
        self.database
            .write(move |connection| {
                context.scope(send_reset(connection, encode, reset, message)).boxed()
            })
            .await
    }

    async fn reset_password(
        &self,
        hash: Hash,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<UserId, Error> {
        self.database
            .write(move |connection| reset_password(connection, hash, password, at).boxed())
            .await
    }
}

async fn send_otp(
    connection: &mut SqliteConnection,
    encode: Encode,
    otp: NewOtp,
    message: Message,
) -> Result<(), Error> {
    let sent: Vec<i64> = sqlx::query_scalar(
        "select sent_at from otps where phone = ? and sent_at > ? order by row desc limit ?",
    )
    .bind(otp.phone.as_str())
    .bind(otp.at.minus(HOUR).millis())
    .bind(otp.per_hour)
    .fetch_all(&mut *connection)
    .await?;
    let sent: Vec<Timestamp> = sent.into_iter().map(Timestamp::from_millis).collect();
    let full = sent.len() >= usize::try_from(otp.per_hour).unwrap_or(usize::MAX);
    let next = match (sent.first(), sent.last()) {
        (_, Some(oldest)) if full => oldest.plus(HOUR),
        (Some(newest), _) => newest.plus(otp.resend),
        _ => otp.at,
    };
    if next > otp.at {
        return Err(Error::TooManyAttempts(next.since(otp.at)));
    }
    sqlx::query("insert into otps (phone, hash, sent_at, expires_at) values (?, ?, ?, ?)")
        .bind(otp.phone.as_str())
        .bind(otp.hash.as_slice())
        .bind(otp.at.millis())
        .bind(otp.expires_at.millis())
        .execute(&mut *connection)
        .await?;
    append(connection, encode, &Event::Message(message), otp.at).await
}

async fn try_otp(
    connection: &mut SqliteConnection,
    hash: Hash,
    attempts: u32,
    user: NewUser,
    session: NewSession,
) -> Result<OtpOutcome, Error> {
    let Some(phone) = &user.phone else { return Ok(OtpOutcome::Wrong) };
    let newest: Option<(i64, Vec<u8>, u32, bool)> = sqlx::query_as(
        "select row, hash, attempts, used_at is null and expires_at > ? from otps
         where phone = ? order by row desc limit 1",
    )
    .bind(session.at.millis())
    .bind(phone.as_str())
    .fetch_optional(&mut *connection)
    .await?;
    let Some((row, known, tried, true)) = newest else { return Ok(OtpOutcome::Wrong) };
    if tried >= attempts {
        return Ok(OtpOutcome::Exhausted);
    }
    if !bool::from(known.ct_eq(&hash)) {
        sqlx::query("update otps set attempts = attempts + 1 where row = ?")
            .bind(row)
            .execute(connection)
            .await?;
        return Ok(OtpOutcome::Wrong);
    }
    sqlx::query("update otps set used_at = ? where row = ?")
        .bind(session.at.millis())
        .bind(row)
        .execute(&mut *connection)
        .await?;
    let proved: Option<String> =
        sqlx::query_scalar("update users set phone_verified = 1 where phone = ? returning id")
            .bind(phone.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    let id = match proved {
        Some(id) => parsed(&id)?,
        None => {
            accounts::insert_user(&mut *connection, &user, false).await?;
            user.id
        }
    };
    sessions::begin(&mut *connection, id, &session).await?;
    let user = user_by_id(connection, id).await?.ok_or(Error::UserNotFound)?;
    Ok(OtpOutcome::SignedIn(user))
}

async fn send_reset(
    connection: &mut SqliteConnection,
    encode: Encode,
    reset: NewReset,
    message: Message,
) -> Result<(), Error> {
    let nth = |since: Timestamp, offset: u32| {
        let query = sqlx::query_scalar::<_, i64>(NTH_ATTEMPT);
        query.bind(reset.key.to_vec()).bind(since.millis()).bind(offset)
    };
    let too_many = nth(reset.at.minus(HOUR), reset.per_hour.saturating_sub(1));
    let too_many = too_many.fetch_optional(&mut *connection).await?.is_some();
    let too_soon = nth(reset.at.minus(reset.resend), 0);
    let too_soon = too_soon.fetch_optional(&mut *connection).await?.is_some();
    if too_many || too_soon {
        return Ok(());
    }
    // Written for logins that nobody has, too: the answer must not take longer for the others.
    sessions::note_attempt(&mut *connection, reset.key, reset.at).await?;
    let row = sqlx::query(by_login(&reset.login))
        .bind(reset.login.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(user) = row.as_ref().map(super::user).transpose()? else { return Ok(()) };
    sqlx::query("insert into password_resets (hash, user_id, expires_at) values (?, ?, ?)")
        .bind(reset.hash.as_slice())
        .bind(user.id.to_string())
        .bind(reset.expires_at.millis())
        .execute(&mut *connection)
        .await?;
    let message = Message { user: Some(user.id), ..message };
    append(connection, encode, &Event::Message(message), reset.at).await
}

async fn reset_password(
    connection: &mut SqliteConnection,
    hash: Hash,
    password: PasswordHash,
    at: Timestamp,
) -> Result<UserId, Error> {
    let user: Option<String> = sqlx::query_scalar(
        "delete from password_resets where hash = ? and expires_at > ? returning user_id",
    )
    .bind(hash.as_slice())
    .bind(at.millis())
    .fetch_optional(&mut *connection)
    .await?;
    let user = parsed(&user.ok_or(Error::ResetTokenInvalid)?)?;
    sqlx::query("delete from password_resets where user_id = ?")
        .bind(user.to_string())
        .execute(&mut *connection)
        .await?;
    accounts::set_password(&mut *connection, user, &password, at).await?;
    sessions::end_all(connection, user, at).await?;
    Ok(user)
}
