//! One-time codes and forgotten passwords.

use std::time::Duration;

use ids::UserId;

use super::{Auth, SignedIn, hash, sign_in::failures_of};
use crate::{
    domain::{Client, Locale, Login, Message, NewUser, Password, Phone, Values, Wrong},
    error::Error,
    store::{Hash, NewOtp, NewReset, OtpOutcome},
};

/// Digits of a code.
const DIGITS: u32 = 6;
/// How long a reset is good for.
const RESET: Duration = Duration::from_mins(30);
/// Resets for one login within an hour.
const RESETS: u32 = 5;
/// Pause between two resets for one login.
const RESET_PAUSE: Duration = Duration::from_mins(1);

impl Auth {
    /// Sends a code; how long to wait before the next.
    pub(crate) async fn request_otp(&self, phone: &str, locale: Locale) -> Result<Duration, Error> {
        let phone = parse_phone(phone)?;
        let (code, at) = (ids::token::code(DIGITS), self.clock.now());
        let resend = Duration::from_secs(self.config.otp_resend_seconds.into());
        let otp = NewOtp {
            hash: code_of(&phone, &code),
            phone: phone.clone(),
            at,
            expires_at: at.plus(Duration::from_secs(u64::from(self.config.otp_minutes) * 60)),
            resend,
            per_hour: self.config.otp_per_hour,
        };
        let message = Message {
            user: None,
            to: Login::Phone(phone),
            template: "otp_code",
            values: Values(vec![("code", code)]),
            locale,
        };
        self.store.send_otp(otp, message).await?;
        self.relay.wake();
        Ok(resend)
    }

    /// Signs in with a code; makes the account when the phone is new.
    pub(crate) async fn verify_otp(
        &self,
        phone: &str,
        code: &str,
        locale: Locale,
        client: Client,
    ) -> Result<SignedIn, Error> {
        let (phone, code) = (parse_phone(phone), code.trim());
        let digits = usize::try_from(DIGITS).unwrap_or(usize::MAX);
        let good = code.len() == digits && code.bytes().all(|digit| digit.is_ascii_digit());
        let phone = match (phone, good) {
            (Ok(phone), true) => phone,
            (phone, _) => {
                let code = Wrong::new("code", "INVALID", "expected six digits");
                let code = (!good).then_some(code);
                return Err(phone.err().into_iter().chain(code).collect::<Vec<_>>().into());
            }
        };
        let (session, refresh) = self.new_session(client);
        let user = NewUser {
            id: UserId::new(),
            phone: Some(phone.clone()),
            email: None,
            name: String::new(),
            locale,
            referral_code: String::new(),
            phone_verified: true,
            password: None,
            at: session.at,
        };
        let hash = code_of(&phone, code);
        let attempts = self.config.otp_attempts;
        match self.store.try_otp(hash, attempts, user, session.clone()).await? {
            OtpOutcome::SignedIn(user) => {
                self.signed_in(user, session.id, refresh, session.at).await
            }
            OtpOutcome::Wrong => Err(Error::OtpInvalid),
            OtpOutcome::Exhausted => {
                let wait = Duration::from_secs(self.config.otp_resend_seconds.into());
                Err(Error::TooManyAttempts(wait))
            }
        }
    }

    /// Sends a reset to the login, if it is anybody's; nobody is told which.
    pub(crate) async fn request_reset(&self, login: &str, locale: Locale) -> Result<(), Error> {
        if login.trim().is_empty() {
            return Err(Wrong::new("login", "REQUIRED", "must not be empty").into());
        }
        // What can be nobody's login needs no work to look like a miss: its form alone says so.
        let Some(login) = Login::parse(login) else { return Ok(()) };
        let (token, at) = (ids::token::secret("pr_"), self.clock.now());
        let reset = NewReset {
            key: hash(&["reset", login.as_str()]),
            login: login.clone(),
            hash: hash(&[&token]),
            at,
            expires_at: at.plus(RESET),
            resend: RESET_PAUSE,
            per_hour: RESETS,
        };
        let message = Message {
            user: None,
            to: login,
            template: "password_reset",
            values: Values(vec![("token", token)]),
            locale,
        };
        self.store.send_reset(reset, message).await?;
        self.relay.wake();
        Ok(())
    }

    /// Sets a password with a reset token and ends every session.
    pub(crate) async fn reset_password(&self, token: &str, password: &str) -> Result<(), Error> {
        let password = Password::parse(password)?;
        let password = self.passwords.hash(password).await?;
        let id = self.store.reset_password(hash(&[token]), password, self.clock.now()).await?;
        // Whoever forgot the password has most likely locked the login, too.
        if let Some(user) = self.store.find_user(id).await? {
            let logins = user.phone.map(Login::Phone).into_iter();
            for login in logins.chain(user.email.map(Login::Email)) {
                self.store.forgive(failures_of(login.as_str())).await?;
            }
        }
        Ok(())
    }
}

fn parse_phone(text: &str) -> Result<Phone, Wrong> {
    Phone::parse(text).ok_or(Wrong::new("phone", "INVALID", "expected +998 and nine digits"))
}

fn code_of(phone: &Phone, code: &str) -> Hash {
    hash(&["otp", phone.as_str(), code])
}
