//! Who asks: access tokens verified here with the keys of the auth service, API keys asked of it.
//!
//! What cannot be verified is refused, on public routes too; nothing is ever taken on trust because auth is away.

use std::{
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use clock::Clock;
use fault::{Code, Fault};
use http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use mesh::{Caller, Context, Kind, Link, StaffRole};
use moka::sync::Cache;
use proto::auth::{
    AuthenticateApiKeyRequest, GetKeysRequest, auth_service_client::AuthServiceClient,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::Mutex;

use crate::problem::{Problem, refuse};

/// Keys are asked for anew after this time.
const KEYS_AGE: Duration = Duration::from_mins(15);
/// Tokens with unknown keys make us ask at most this often.
const KEYS_PAUSE: Duration = Duration::from_secs(1);
/// A key that was taken back works at most this long.
const API_KEY_AGE: Duration = Duration::from_secs(30);
/// Verified tokens are not verified again for this long.
const TOKEN_AGE: Duration = Duration::from_mins(1);
const REMEMBERED: u64 = 10_000;

/// Turns credentials into callers.
pub(crate) struct Authentication {
    auth: AuthServiceClient<Link>,
    clock: Clock,
    keys: RwLock<Arc<Keys>>,
    refresh: Mutex<()>,
    tokens: Cache<[u8; 32], (Arc<Caller>, i64)>,
    api_keys: Cache<[u8; 32], Arc<Caller>>,
}

#[derive(Default)]
struct Keys {
    set: Vec<(String, DecodingKey)>,
    fetched: Option<Instant>,
    json: Arc<str>,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    sid: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    mer: String,
    #[serde(default)]
    mrole: String,
    exp: i64,
}

fn invalid() -> Problem {
    refuse(Code::Unauthenticated, "TOKEN_INVALID", "the token is not valid or has expired")
}

impl Authentication {
    pub(crate) fn new(auth: AuthServiceClient<Link>, clock: Clock) -> Self {
        let cache = |age| Cache::builder().max_capacity(REMEMBERED).time_to_live(age).build();
        Self {
            auth,
            clock,
            keys: RwLock::default(),
            refresh: Mutex::new(()),
            tokens: cache(TOKEN_AGE),
            api_keys: Cache::builder().max_capacity(REMEMBERED).time_to_live(API_KEY_AGE).build(),
        }
    }

    /// The caller behind the `Authorization` header; a guest without one.
    pub(crate) async fn caller(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Ok(Arc::new(Caller::guest()));
        };
        let (scheme, token) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(invalid)?;
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(invalid());
        }
        let name: [u8; 32] = Sha256::digest(token).into();
        if token.starts_with("sk_") {
            return self.merchant_server(token, name).await;
        }
        if let Some((caller, until)) = self.tokens.get(&name)
            && until > self.clock.now().millis()
        {
            return Ok(caller);
        }
        let (caller, until) = self.verify(token, "ultramarket").await?;
        let caller = Arc::new(caller);
        self.tokens.insert(name, (Arc::clone(&caller), until));
        Ok(caller)
    }

    /// The caller behind a ticket for a WebSocket.
    pub(crate) async fn ticket(&self, ticket: &str) -> Result<Arc<Caller>, Problem> {
        self.verify(ticket, "ws").await.map(|(caller, _)| Arc::new(caller))
    }

    async fn verify(&self, token: &str, audience: &str) -> Result<(Caller, i64), Problem> {
        let head = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
        let kid = head.kid.filter(|_| head.alg == Algorithm::EdDSA).ok_or_else(invalid)?;
        let key = self.key(&kid).await?.ok_or_else(invalid)?;
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["aud", "exp", "sub"]);
        // Judged below, by our own clock.
        rules.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &rules);
        let claims = claims.map_err(|_| invalid())?.claims;
        let until = claims.exp.saturating_mul(1000);
        if until <= self.clock.now().millis() {
            return Err(invalid());
        }
        let user = claims.sub.parse().map_err(|_| invalid())?;
        let merchant = claims.mer.parse().ok().zip(StaffRole::parse(&claims.mrole));
        let session = claims.sid.parse().ok();
        let caller = Caller { session, roles: claims.roles, merchant, ..Caller::user(user) };
        Ok((caller, until))
    }

    async fn key(&self, kid: &str) -> Result<Option<DecodingKey>, Problem> {
        let find =
            |keys: &Keys| keys.set.iter().find(|(name, _)| name == kid).map(|(_, key)| key.clone());
        let keys = self.known();
        if let Some(key) = find(&keys)
            && !keys.is_older_than(KEYS_AGE)
        {
            return Ok(Some(key));
        }
        let refreshed = self.refreshed(kid).await;
        match (find(&keys), refreshed) {
            (_, Ok(keys)) => Ok(find(&keys)),
            // A key that was good a quarter of an hour ago is still verified against; an unknown one is not.
            (Some(key), Err(problem)) => {
                tracing::warn!(reason = %problem.0.reason, "the keys could not be asked for anew");
                Ok(Some(key))
            }
            (None, Err(problem)) => Err(problem),
        }
    }

    /// A key was taken back: it must not be believed any longer here. Other gateways notice when it has aged.
    pub(crate) fn forget_api_keys(&self) {
        self.api_keys.invalidate_all();
    }

    fn known(&self) -> Arc<Keys> {
        match self.keys.read() {
            Ok(keys) => Arc::clone(&keys),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    async fn refreshed(&self, kid: &str) -> Result<Arc<Keys>, Problem> {
        let _one_at_a_time = self.refresh.lock().await;
        let keys = self.known();
        let known = keys.set.iter().any(|(name, _)| name == kid);
        if !keys.is_older_than(if known { KEYS_AGE } else { KEYS_PAUSE }) {
            return Ok(keys);
        }
        let context = Context::current().as_service("gateway").within(Duration::from_secs(5));
        let answer = context.scope(self.auth.clone().get_keys(GetKeysRequest {})).await?;
        let json = answer.into_inner().jwks;
        let set: JwkSet =
            serde_json::from_str(&json).map_err(|error| Problem(Fault::internal(error)))?;
        let key = |key: &jsonwebtoken::jwk::Jwk| {
            Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?))
        };
        let set = set.keys.iter().filter_map(key).collect();
        let keys = Arc::new(Keys { set, fetched: Some(Instant::now()), json: json.into() });
        match self.keys.write() {
            Ok(mut place) => *place = Arc::clone(&keys),
            Err(poisoned) => *poisoned.into_inner() = Arc::clone(&keys),
        }
        Ok(keys)
    }

    /// The key set as the auth service gave it, at most a quarter of an hour old.
    pub(crate) async fn key_set(&self) -> Result<Arc<str>, Problem> {
        let keys = self.known();
        if !keys.is_older_than(KEYS_AGE) {
            return Ok(Arc::clone(&keys.json));
        }
        Ok(Arc::clone(&self.refreshed("").await?.json))
    }

    async fn merchant_server(&self, key: &str, name: [u8; 32]) -> Result<Arc<Caller>, Problem> {
        if let Some(caller) = self.api_keys.get(&name) {
            return Ok(caller);
        }
        let context = Context::current().as_service("gateway").within(Duration::from_secs(5));
        let request = AuthenticateApiKeyRequest { key: key.to_owned() };
        let answer = context.scope(self.auth.clone().authenticate_api_key(request)).await;
        let answer = answer.map_err(|status| match Fault::from(status) {
            fault
                if matches!(fault.code, Code::Unauthenticated | Code::NotFound | Code::Invalid) =>
            {
                invalid()
            }
            fault => Problem(fault),
        })?;
        let answer = answer.into_inner();
        let merchant = answer.merchant_id.parse().map_err(|_| invalid())?;
        let caller = Arc::new(Caller {
            kind: Kind::ApiKey,
            merchant: Some((merchant, StaffRole::Operator)),
            scopes: answer.scopes,
            ..Caller::guest()
        });
        self.api_keys.insert(name, Arc::clone(&caller));
        Ok(caller)
    }
}

impl Keys {
    fn is_older_than(&self, age: Duration) -> bool {
        self.fetched.is_none_or(|fetched| fetched.elapsed() > age)
    }
}
