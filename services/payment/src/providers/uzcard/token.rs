//! The access token of ATMOS: kept as long as it is good, asked for by one caller at a time.

use std::sync::{Mutex, PoisonError};

use clock::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;

/// A token.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) text: SecretString,
    good_until: Timestamp,
    /// Which one it is, so that one that was refused is forgotten once.
    number: u64,
}

#[derive(Debug, Default)]
struct Kept {
    token: Option<Token>,
    given: u64,
}

/// Keeps the token.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    kept: Mutex<Kept>,
    /// Held by the one who asks for a token, while it asks: the others wait for the same answer.
    flight: tokio::sync::Mutex<()>,
}

impl Tokens {
    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn good(&self, now: Timestamp) -> Option<Token> {
        self.with(|kept| kept.token.clone().filter(|token| now < token.good_until))
    }

    /// A token that is good now, from `ask` when there is none.
    pub(crate) async fn get<E, F>(
        &self,
        now: Timestamp,
        ask: impl FnOnce() -> F,
    ) -> Result<Token, E>
    where
        F: Future<Output = Result<(SecretString, Timestamp), E>>,
    {
        if let Some(token) = self.good(now) {
            return Ok(token);
        }
        let _alone = self.flight.lock().await;
        if let Some(token) = self.good(now) {
            return Ok(token);
        }
        let (text, good_until) = ask().await?;
        Ok(self.with(|kept| {
            kept.given += 1;
            let token = Token { text, good_until, number: kept.given };
            kept.token = Some(token.clone());
            token
        }))
    }

    /// This one was refused.
    pub(crate) fn forget(&self, refused: &Token) {
        self.with(|kept| {
            if kept.token.as_ref().is_some_and(|token| token.number == refused.number) {
                kept.token = None;
            }
        });
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: i64,
}

/// The token in an answer, and until when it is good.
pub(crate) fn granted(
    status: u16,
    body: &[u8],
    now: Timestamp,
) -> Option<(SecretString, Timestamp)> {
    let granted: Granted = serde_json::from_slice(body).ok().filter(|_| status == 200)?;
    Some((granted.access_token, super::good_until(now, granted.expires_in)))
}
