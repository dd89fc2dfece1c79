//! What can be done with accounts, sessions, merchants and their staff. One file for each group of use cases.

use std::{sync::Arc, time::Duration};

use clock::{Clock, Timestamp};
use fault::{Code, Fault};
use ids::{SessionId, UserId};
use mesh::{Caller, Kind};
use outbox::Relay;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    domain::{Client, User},
    error::Error,
    store::{AuthStore, Hash, NewSession},
};

mod accounts;
mod addresses;
mod codes;
mod merchants;
mod passwords;
mod sign_in;
mod staff;
mod tokens;

use passwords::Passwords;
use tokens::Tokens;

/// Rows of each kind that are deleted in one go.
const SWEEP: u32 = 500;

/// Everything the service does. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Auth {
    store: Arc<dyn AuthStore>,
    relay: Relay,
    clock: Clock,
    /// Made of the keys in the store as soon as it answers.
    tokens: Arc<OnceCell<Tokens>>,
    passwords: Passwords,
    config: Arc<Config>,
}

/// What somebody gets who signs in.
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) expires_in: Duration,
}

impl Auth {
    pub(crate) async fn new(
        store: Arc<dyn AuthStore>,
        relay: Relay,
        clock: Clock,
        config: &Config,
    ) -> anyhow::Result<Self> {
        let passwords = Passwords::new(config.password_memory_kib, config.password_passes).await?;
        let (tokens, config) = (Arc::default(), Arc::new(config.clone()));
        let auth = Self { store, relay, clock, tokens, passwords, config };
        if let Err(fault) = auth.tokens().await.map_err(Fault::from) {
            // A store that is away is waited for. Keys that cannot be read would not become better.
            anyhow::ensure!(fault.code == Code::Unavailable, "{fault} ({})", fault.causes());
        }
        Ok(auth)
    }

    /// What signs tokens; fails for as long as the store has never answered.
    async fn tokens(&self) -> Result<&Tokens, Error> {
        let make = || async {
            let keys = self.store.signing_keys(tokens::generate(self.clock.now())?).await?;
            let lifetime = Duration::from_secs(u64::from(self.config.access_minutes) * 60);
            Tokens::new(&keys, lifetime)
        };
        self.tokens.get_or_try_init(make).await
    }

    /// The public keys, as a JSON Web Key Set.
    pub(crate) async fn keys(&self) -> Result<String, Error> {
        Ok(self.tokens().await?.jwks().to_owned())
    }

    /// Deletes what has run out, once an hour.
    pub(crate) async fn sweep(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            while !stop.is_cancelled()
                && self.store.forget(self.clock.now(), SWEEP).await.map_err(Fault::from)?
            {
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_hours(1)) => {}
            }
        }
    }

    /// A session about to begin, and its first refresh token.
    fn new_session(&self, client: Client) -> (NewSession, String) {
        let (token, at) = (ids::token::secret("rt_"), self.clock.now());
        let expires_at = at.plus(days(self.config.refresh_days));
        let refresh = hash(&[&token]);
        (NewSession { id: SessionId::new(), refresh, client, at, expires_at }, token)
    }

    async fn signed_in(
        &self,
        user: User,
        session: SessionId,
        refresh: String,
        at: Timestamp,
    ) -> Result<SignedIn, Error> {
        let tokens = self.tokens().await?;
        let access = tokens.access(&user, session, at)?;
        Ok(SignedIn { user, access, refresh, expires_in: tokens.lifetime() })
    }
}

fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 86_400)
}

/// SHA-256 of parts that are told apart.
fn hash(parts: &[&str]) -> Hash {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().into()
}

/// The signed-in person. Keys and services have no account of their own.
fn person(caller: &Caller) -> Result<UserId, Fault> {
    let user = caller.require_user()?;
    if caller.kind == Kind::User { Ok(user) } else { Err(Fault::forbidden("only for people")) }
}

/// The caller's name in the audit trail.
fn who(caller: &Caller) -> String {
    match caller.user {
        Some(user) => user.to_string(),
        None => format!("service:{}", caller.service),
    }
}
