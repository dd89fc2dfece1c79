//! Hashing passwords: slow on purpose, so only so many at once.

use std::{sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use fault::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    domain::{Password, PasswordHash},
    error::Error,
};

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longer texts are nobody's password and are not worth the work.
const LONGEST: usize = 1024;

/// Argon2id with a bound on how many hashes are computed at once: one for each core. Cheap to clone.
#[derive(Clone)]
pub(super) struct Passwords {
    argon: Argon2<'static>,
    turns: Arc<Semaphore>,
    /// Of a password that nobody knows, with today's parameters: what unknown logins are checked against.
    nobody: PasswordHash,
}

/// The right to compute hashes, one after the other.
pub(super) struct Turn {
    argon: Argon2<'static>,
    permit: OwnedSemaphorePermit,
}

impl Passwords {
    pub(super) async fn new(memory_kib: u32, passes: u32) -> anyhow::Result<Self> {
        let params = Params::new(memory_kib, passes, 1, None).map_err(|error| {
            anyhow::anyhow!("auth.password_memory_kib, auth.password_passes: {error}")
        })?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let turns = Arc::new(Semaphore::new(cores));
        let nobody = PasswordHash::new(String::new());
        let mut passwords = Self { argon, turns, nobody };
        let unknown = ids::token::secret("");
        let turn = passwords.turn().await.map_err(Fault::from)?;
        passwords.nobody = turn.hash(unknown).await.map_err(Fault::from)?;
        Ok(passwords)
    }

    /// Waits for a turn; [`Error::TooManyAttempts`] when too many wait.
    pub(super) async fn turn(&self) -> Result<Turn, Error> {
        let busy = Error::TooManyAttempts(PATIENCE * 2);
        let permit = Arc::clone(&self.turns).acquire_owned();
        match tokio::time::timeout(PATIENCE, permit).await {
            Ok(Ok(permit)) => Ok(Turn { argon: self.argon.clone(), permit }),
            _ => Err(busy),
        }
    }

    /// The hash of a password that may be set.
    pub(super) async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        self.turn().await?.hash(password.into_text()).await
    }

    /// The hash to check against when there is no password: takes as long and is never right.
    pub(super) fn nobody(&self) -> PasswordHash {
        self.nobody.clone()
    }
}

impl Turn {
    async fn hash(self, text: String) -> Result<PasswordHash, Error> {
        let work = move || {
            // The turn ends with the work, even when nobody waits for it any more.
            let Self { argon, permit } = self;
            let hash = argon.hash_password(text.as_bytes()).map(|hash| hash.to_string());
            drop(permit);
            hash
        };
        let hash = tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?;
        Ok(PasswordHash::new(hash.map_err(Fault::internal)?))
    }

    /// Whether the text is the password, and the turn back: what follows from a wrong one belongs to it.
    pub(super) async fn verify(
        self,
        text: String,
        known: PasswordHash,
    ) -> Result<(bool, Self), Error> {
        let work = move || {
            let right = text.len() <= LONGEST
                && self.argon.verify_password(text.as_bytes(), known.as_str()).is_ok();
            (right, self)
        };
        Ok(tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_by_its_text_only() {
        let passwords = Passwords::new(64, 1).await.unwrap();
        let password = Password::parse("anorlar gullaganda").unwrap();
        let hash = passwords.hash(password).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", hash.as_str());
        for (text, expected) in [("anorlar gullaganda", true), ("anorlar", false), ("", false)] {
            let turn = passwords.turn().await.unwrap();
            let (right, _) = turn.verify(text.to_owned(), hash.clone()).await.unwrap();
            assert_eq!(right, expected, "{text}");
        }
    }

    #[tokio::test]
    async fn parameters_stay_with_the_hash() {
        let weak = Passwords::new(64, 1).await.unwrap();
        let hash = weak.hash(Password::parse("anorlar gullaganda").unwrap()).await.unwrap();
        let strong = Passwords::new(128, 2).await.unwrap();
        let turn = strong.turn().await.unwrap();
        assert!(turn.verify("anorlar gullaganda".to_owned(), hash).await.unwrap().0);
    }

    #[tokio::test]
    async fn who_waits_too_long_is_sent_away() {
        let passwords = Passwords::new(64, 1).await.unwrap();
        let mut held = Vec::new();
        while let Ok(permit) = Arc::clone(&passwords.turns).try_acquire_owned() {
            held.push(permit);
        }
        assert!(matches!(passwords.turn().await, Err(Error::TooManyAttempts(_))));
        drop(held);
        assert!(passwords.turn().await.is_ok());
    }
}
