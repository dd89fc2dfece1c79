//! One-time codes and password resets in SQLite.

use std::time::Duration;

use async_trait::async_trait;
use clock::Timestamp;
use ids::UserId;
use sqlite::{Connection, params};
use subtle::ConstantTimeEq as _;

use super::{
    SqliteAuth, accounts, append, parsed,
    sessions::{self, nth_attempt},
    user_by_id, user_by_login,
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
        let encode = self.encode;
        self.database.write(move |connection| send_otp(connection, encode, &otp, message)).await
    }

    async fn try_otp(
        &self,
        hash: Hash,
        attempts: u32,
        user: NewUser,
        session: NewSession,
    ) -> Result<OtpOutcome, Error> {
        self.database
            .write(move |connection| try_otp(connection, hash, attempts, &user, &session))
            .await
    }

    async fn send_reset(&self, reset: NewReset, message: Message) -> Result<(), Error> {
        let encode = self.encode;
        Ok(self
            .database
            .write(move |connection| send_reset(connection, encode, &reset, message))
            .await?)
    }

    async fn reset_password(
        &self,
        hash: Hash,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<UserId, Error> {
        self.database.write(move |connection| reset_password(connection, hash, &password, at)).await
    }
}

fn send_otp(
    connection: &Connection,
    encode: Encode,
    otp: &NewOtp,
    message: Message,
) -> Result<(), Error> {
    let sent = connection.all::<i64>(
        "select sent_at from otps where phone = ? and sent_at > ? order by row desc limit ?",
        params![otp.phone.as_str(), otp.at.minus(HOUR).millis(), otp.per_hour],
    )?;
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
    connection.execute(
        "insert into otps (phone, hash, sent_at, expires_at) values (?, ?, ?, ?)",
        params![otp.phone.as_str(), otp.hash, otp.at.millis(), otp.expires_at.millis()],
    )?;
    Ok(append(connection, encode, &Event::Message(message), otp.at)?)
}

fn try_otp(
    connection: &Connection,
    hash: Hash,
    attempts: u32,
    user: &NewUser,
    session: &NewSession,
) -> Result<OtpOutcome, Error> {
    let Some(phone) = &user.phone else { return Ok(OtpOutcome::Wrong) };
    let newest = connection.first::<(i64, Hash, u32, bool)>(
        "select row, hash, attempts, used_at is null and expires_at > ? from otps
         where phone = ? order by row desc limit 1",
        params![session.at.millis(), phone.as_str()],
    )?;
    let Some((row, known, tried, true)) = newest else { return Ok(OtpOutcome::Wrong) };
    if tried >= attempts {
        return Ok(OtpOutcome::Exhausted);
    }
    if !bool::from(known.ct_eq(&hash)) {
        connection.execute("update otps set attempts = attempts + 1 where row = ?", [row])?;
        return Ok(OtpOutcome::Wrong);
    }
    connection.execute("update otps set used_at = ? where row = ?", [session.at.millis(), row])?;
    let proved = connection.first::<String>(
        "update users set phone_verified = 1 where phone = ? returning id",
        [phone.as_str()],
    )?;
    let id = match proved {
        Some(id) => parsed(&id)?,
        None => {
            accounts::insert_user(connection, user, false)?;
            user.id
        }
    };
    sessions::begin(connection, id, session)?;
    let user = user_by_id(connection, id)?.ok_or(Error::UserNotFound)?;
    Ok(OtpOutcome::SignedIn(user))
}

fn send_reset(
    connection: &Connection,
    encode: Encode,
    reset: &NewReset,
    message: Message,
) -> Result<(), sqlite::Error> {
    let nth = |since, number| nth_attempt(connection, reset.key, since, number);
    let too_many = nth(reset.at.minus(HOUR), reset.per_hour)?.is_some();
    let too_soon = nth(reset.at.minus(reset.resend), 1)?.is_some();
    if too_many || too_soon {
        return Ok(());
    }
    // Written for logins that nobody has, too: the answer must not take longer for the others.
    sessions::note_attempt(connection, reset.key, reset.at)?;
    let Some(user) = user_by_login(connection, &reset.login)? else { return Ok(()) };
    connection.execute(
        "insert into password_resets (hash, user_id, expires_at) values (?, ?, ?)",
        params![reset.hash, user.id.to_string(), reset.expires_at.millis()],
    )?;
    let message = Message { user: Some(user.id), ..message };
    append(connection, encode, &Event::Message(message), reset.at)
}

fn reset_password(
    connection: &Connection,
    hash: Hash,
    password: &PasswordHash,
    at: Timestamp,
) -> Result<UserId, Error> {
    let user = connection.first::<String>(
        "delete from password_resets where hash = ? and expires_at > ? returning user_id",
        params![hash, at.millis()],
    )?;
    let user = user.ok_or(Error::ResetTokenInvalid)?;
    connection.execute("delete from password_resets where user_id = ?", [&user])?;
    let user = parsed(&user)?;
    accounts::set_password(connection, user, password, at)?;
    sessions::end_all(connection, user, at)?;
    Ok(user)
}
