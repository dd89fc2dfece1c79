//! Getting an account, signing in, staying signed in, signing out.

use std::time::Duration;

use ids::SessionId;
use mesh::Caller;

use super::{Auth, SignedIn, hash, person, tokens::TICKET};
use crate::{
    domain::{Client, Locale, Login, NewUser, Registration, Session, Wrong},
    error::Error,
    store::{Hash, Rotation},
};

/// Failures of one login that lock it.
const FAILURES: u32 = 10;
/// Within which time.
const WINDOW: Duration = Duration::from_mins(15);
/// Sessions that are listed.
const LISTED: u32 = 100;

impl Auth {
    /// Makes an account and signs it in.
    pub(crate) async fn register(
        &self,
        form: [&str; 6],
        locale: Locale,
        client: Client,
    ) -> Result<SignedIn, Error> {
        let form = Registration::parse(form)?;
        let password = self.passwords.hash(form.password).await?;
        let (session, refresh) = self.new_session(client);
        let user = NewUser {
            id: ids::UserId::new(),
            phone: form.phone,
            email: form.email,
            name: form.name,
            locale: form.locale.unwrap_or(locale),
            referral_code: form.referral_code,
            phone_verified: false,
            password: Some(password),
            at: session.at,
        };
        let user = self.store.register(user, session.clone()).await?;
        self.signed_in(user, session.id, refresh, session.at).await
    }

    /// Signs in with a password. An unknown login is answered as a wrong password is, after the same work.
    pub(crate) async fn login(
        &self,
        login: &str,
        password: &str,
        client: Client,
    ) -> Result<SignedIn, Error> {
        let mut missing = Vec::new();
        for (field, text) in [("login", login), ("password", password)] {
            if text.trim().is_empty() {
                missing.push(Wrong::new(field, "REQUIRED", "must not be empty"));
            }
        }
        if !missing.is_empty() {
            return Err(missing.into());
        }
        let parsed = Login::parse(login);
        let key = failures_of(parsed.as_ref().map_or(login, Login::as_str));
        // Failures are counted within a turn, so that many tries at once cannot all come before the count.
        let turn = self.passwords.turn().await?;
        let now = self.clock.now();
        if let Some(failure) = self.store.failure(key, now.minus(WINDOW), FAILURES).await? {
            return Err(Error::TooManyAttempts(failure.plus(WINDOW).since(now)));
        }
        let found = match &parsed {
            Some(login) => self.store.find_login(login).await?,
            None => None,
        };
        let (user, known) = found.map_or((None, None), |(user, known)| (Some(user), known));
        let known = known.unwrap_or_else(|| self.passwords.nobody());
        let (right, turn) = turn.verify(password.to_owned(), known).await?;
        let Some(user) = user.filter(|_| right) else {
            self.store.note_failure(key, now).await?;
            return Err(Error::InvalidCredentials);
        };
        drop(turn);
        let (session, refresh) = self.new_session(client);
        self.store.sign_in(user.id, session.clone(), key).await?;
        self.signed_in(user, session.id, refresh, session.at).await
    }

    /// Swaps a refresh token for a new pair.
    pub(crate) async fn refresh(&self, token: &str, client: Client) -> Result<SignedIn, Error> {
        let (next, refresh) = self.new_session(client);
        let at = next.at;
        match self.store.rotate(hash(&[token]), next).await? {
            Rotation::Rotated(session, user) => {
                // Read anew: rights may have changed since the last token.
                let user = self.store.find_user(user).await?.ok_or(Error::RefreshTokenInvalid)?;
                self.signed_in(user, session, refresh, at).await
            }
            Rotation::Reused => Err(Error::RefreshTokenReused),
            Rotation::Unknown => Err(Error::RefreshTokenInvalid),
        }
    }

    /// Ends the caller's session.
    pub(crate) async fn logout(&self, caller: &Caller) -> Result<(), Error> {
        let user = person(caller)?;
        if let Some(session) = caller.session
            && self.store.is_alive(user, session, self.clock.now()).await?
        {
            self.store.end_session(session, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Ends every session of the caller.
    pub(crate) async fn revoke_sessions(&self, caller: &Caller) -> Result<(), Error> {
        self.store.end_sessions(person(caller)?, self.clock.now()).await
    }

    /// The caller's sessions, newest first.
    pub(crate) async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, Error> {
        self.store.list_sessions(person(caller)?, self.clock.now(), LISTED).await
    }

    /// A ticket for a WebSocket, and how long it is good for.
    pub(crate) async fn ticket(&self, caller: &Caller) -> Result<(String, Duration), Error> {
        let (id, now) = (person(caller)?, self.clock.now());
        if let Some(session) = caller.session {
            self.check_alive(id, session).await?;
        }
        let user = self.store.find_user(id).await?.ok_or(Error::UserNotFound)?;
        Ok((self.tokens().await?.ticket(&user, caller.session, now)?, TICKET))
    }

    async fn check_alive(&self, user: ids::UserId, session: SessionId) -> Result<(), Error> {
        if self.store.is_alive(user, session, self.clock.now()).await? {
            Ok(())
        } else {
            Err(Error::SessionEnded)
        }
    }
}

/// Under what the failures of a login are counted. What cannot be a login is counted by its text.
pub(super) fn failures_of(login: &str) -> Hash {
    hash(&["login", &login.trim().to_lowercase()])
}
