//! One-time codes and password resets in PostgreSQL. What concerns one phone, and what is asked for one login, happens in turn.

use std::time::Duration;

use async_trait::async_trait;
use clock::Timestamp;
use ids::UserId;
use postgres::{moment, timestamp, uuid};
use sqlx::{
    PgConnection, query, query_as, query_scalar,
    types::{Uuid, time::OffsetDateTime},
};
use subtle::ConstantTimeEq as _;

use super::{
    PostgresAuth, accounts, append, lock_user, sessions, take_turn, user_by_id, user_by_login,
};
use crate::{
    domain::{Event, Message, NewUser, PasswordHash, Phone, User},
    error::Error,
    store::{CodeStore, Encode, Hash, NewOtp, NewReset, NewSession, OtpOutcome},
};

const HOUR: Duration = Duration::from_hours(1);

#[async_trait]
impl CodeStore for PostgresAuth {
    async fn send_otp(&self, otp: NewOtp, message: Message) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        send_otp(&mut transaction, self.encode, &otp, message).await?;
        Ok(transaction.commit().await?)
    }

    async fn try_otp(
        &self,
        hash: Hash,
        attempts: u32,
        user: NewUser,
        session: NewSession,
    ) -> Result<OtpOutcome, Error> {
        match self.try_code(hash, attempts, &user, &session).await {
            // Somebody registered the phone in the same moment: now the account is found by it.
            Err(Error::LoginTaken) => self.try_code(hash, attempts, &user, &session).await,
            outcome => outcome,
        }
    }

    async fn send_reset(&self, reset: NewReset, message: Message) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        send_reset(&mut transaction, self.encode, &reset, message).await?;
        Ok(transaction.commit().await?)
    }

    async fn reset_password(
        &self,
        hash: Hash,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<UserId, Error> {
        let mut transaction = self.database.begin().await?;
        let user = reset_password(&mut transaction, hash, &password, at).await?;
        transaction.commit().await?;
        Ok(user)
    }
}

impl PostgresAuth {
    async fn try_code(
        &self,
        hash: Hash,
        attempts: u32,
        user: &NewUser,
        session: &NewSession,
    ) -> Result<OtpOutcome, Error> {
        let Some(phone) = &user.phone else { return Ok(OtpOutcome::Wrong) };
        let mut transaction = self.database.begin().await?;
        let outcome = match check_code(&mut transaction, hash, attempts, phone, session.at).await? {
            Some(refused) => refused,
            None => OtpOutcome::SignedIn(enter(&mut transaction, user, phone, session).await?),
        };
        transaction.commit().await?;
        Ok(outcome)
    }
}

async fn send_otp(
    connection: &mut PgConnection,
    encode: Encode,
    otp: &NewOtp,
    message: Message,
) -> Result<(), Error> {
    take_turn(connection, "otp", otp.phone.as_str()).await?;
    let sent = query_scalar::<_, OffsetDateTime>(
        "select sent_at from otps where phone = $1 and sent_at > $2 order by row desc limit $3",
    )
    .bind(otp.phone.as_str())
    .bind(moment(otp.at.minus(HOUR)))
    .bind(i64::from(otp.per_hour))
    .fetch_all(&mut *connection)
    .await?;
    let sent: Vec<Timestamp> = sent.into_iter().map(timestamp).collect();
    let full = sent.len() >= usize::try_from(otp.per_hour).unwrap_or(usize::MAX);
    let next = match (sent.first(), sent.last()) {
        (_, Some(oldest)) if full => oldest.plus(HOUR),
        (Some(newest), _) => newest.plus(otp.resend),
        _ => otp.at,
    };
    if next > otp.at {
        return Err(Error::TooManyAttempts(next.since(otp.at)));
    }
    query("insert into otps (phone, hash, sent_at, expires_at) values ($1, $2, $3, $4)")
        .bind(otp.phone.as_str())
        .bind(otp.hash)
        .bind(moment(otp.at))
        .bind(moment(otp.expires_at))
        .execute(&mut *connection)
        .await?;
    Ok(append(connection, encode, &Event::Message(message), otp.at).await?)
}

/// Uses the newest code of a phone up when it is this one; otherwise what is wrong.
async fn check_code(
    connection: &mut PgConnection,
    hash: Hash,
    attempts: u32,
    phone: &Phone,
    at: Timestamp,
) -> Result<Option<OtpOutcome>, sqlx::Error> {
    take_turn(connection, "otp", phone.as_str()).await?;
    let newest = query_as::<_, (i64, Vec<u8>, i32, bool)>(
        "select row, hash, attempts, used_at is null and expires_at > $2 from otps
         where phone = $1 order by row desc limit 1",
    );
    let newest = newest.bind(phone.as_str()).bind(moment(at));
    let newest = newest.fetch_optional(&mut *connection).await?;
    let Some((row, known, tried, true)) = newest else { return Ok(Some(OtpOutcome::Wrong)) };
    if tried.unsigned_abs() >= attempts {
        return Ok(Some(OtpOutcome::Exhausted));
    }
    let right = bool::from(known.as_slice().ct_eq(&hash));
    let write = if right {
        query("update otps set used_at = $2 where row = $1").bind(row).bind(moment(at))
    } else {
        query("update otps set attempts = attempts + 1 where row = $1").bind(row)
    };
    write.execute(connection).await?;
    Ok((!right).then_some(OtpOutcome::Wrong))
}

/// Signs in whoever has proved the phone; makes the account where there is none.
async fn enter(
    connection: &mut PgConnection,
    user: &NewUser,
    phone: &Phone,
    session: &NewSession,
) -> Result<User, Error> {
    let prove = query_scalar::<_, Uuid>(
        "update users set phone_verified = true where phone = $1 returning id",
    );
    let proved = prove.bind(phone.as_str()).fetch_optional(&mut *connection).await?;
    let id = match proved {
        Some(id) => postgres::id(id),
        None => {
            accounts::insert_user(connection, user, false).await?;
            user.id
        }
    };
    sessions::begin(connection, id, session).await?;
    user_by_id(connection, id).await?.ok_or(Error::UserNotFound)
}

async fn send_reset(
    connection: &mut PgConnection,
    encode: Encode,
    reset: &NewReset,
    message: Message,
) -> Result<(), sqlx::Error> {
    take_turn(connection, "reset", reset.login.as_str()).await?;
    let (asked, soon) = query_as::<_, (i64, bool)>(
        "select count(*), coalesce(max(at) > $3, false) from login_attempts
         where key = $1 and at > $2",
    )
    .bind(reset.key)
    .bind(moment(reset.at.minus(HOUR)))
    .bind(moment(reset.at.minus(reset.resend)))
    .fetch_one(&mut *connection)
    .await?;
    if soon || asked >= i64::from(reset.per_hour) {
        return Ok(());
    }
    // Written for logins that nobody has, too: the answer must not take longer for the others.
    sessions::note_attempt(connection, reset.key, reset.at).await?;
    let Some(user) = user_by_login(connection, &reset.login).await? else { return Ok(()) };
    query("insert into password_resets (hash, user_id, expires_at) values ($1, $2, $3)")
        .bind(reset.hash)
        .bind(uuid(user.id))
        .bind(moment(reset.expires_at))
        .execute(&mut *connection)
        .await?;
    let message = Message { user: Some(user.id), ..message };
    append(connection, encode, &Event::Message(message), reset.at).await
}

async fn reset_password(
    connection: &mut PgConnection,
    hash: Hash,
    password: &PasswordHash,
    at: Timestamp,
) -> Result<UserId, Error> {
    let find = query_scalar::<_, Uuid>("select user_id from password_resets where hash = $1");
    let found = find.bind(hash).fetch_optional(&mut *connection).await?;
    let user = postgres::id(found.ok_or(Error::ResetTokenInvalid)?);
    // Two resets of one user use each other up: the second to come finds its token gone.
    lock_user(connection, user).await?;
    let good = query_scalar::<_, bool>(
        "with gone as (delete from password_resets where user_id = $1 returning hash, expires_at)
         select exists (select from gone where hash = $2 and expires_at > $3)",
    );
    let good = good.bind(uuid(user)).bind(hash).bind(moment(at));
    if !good.fetch_one(&mut *connection).await? {
        return Err(Error::ResetTokenInvalid);
    }
    accounts::set_password(connection, user, password, at).await?;
    sessions::end_all(connection, user, at).await?;
    Ok(user)
}
