//! Who visits: the access token of the session cookie, checked with the auth service's public keys, and its renewal.

use std::sync::{Arc, Mutex, PoisonError};

use clock::{Clock, Timestamp};
use fault::{Code, Fault};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use mesh::{Caller, Kind, Mesh, StaffRole};
use moka::future::Cache;
use proto::auth::{Client, GetKeysRequest, RefreshRequest, Tokens};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::time::Duration;

/// Tickets for sockets have another one.
const AUDIENCE: &str = "ultramarket";
/// Keys are asked for anew after this time.
const KEYS_FRESH: Duration = Duration::from_mins(5);
/// An unknown key id asks again, but no more often than this.
const KEYS_RETRY: Duration = Duration::from_secs(5);
/// A token this close to its end is renewed.
const LEEWAY_SECONDS: i64 = 5;
/// Several tabs renew at once with the same token, which works only once: they all get the first one's answer.
const RENEWAL_KEPT: Duration = Duration::from_mins(1);
const MANY: u64 = 10_000;

/// The sessions of all visitors. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    mesh: Mesh,
    clock: Clock,
    keys: Mutex<Keys>,
    renewed: Cache<[u8; 32], Tokens>,
}

#[derive(Clone, Default)]
struct Keys {
    set: Option<Arc<JwkSet>>,
    read_at: Timestamp,
}

/// What the cookie turned out to mean.
pub(crate) struct Resolved {
    pub(crate) caller: Caller,
    /// The value that the cookie gets now: `Some("")` removes it.
    pub(crate) cookie: Option<String>,
}

/// What an access token says; `services/auth` writes it.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(default)]
    sid: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    mer: String,
    #[serde(default)]
    mrole: String,
}

enum Verdict {
    Valid(Caller),
    Expired,
    Invalid,
    /// Nobody can tell: the keys cannot be had.
    Unknown,
}

/// The value of the session cookie.
pub(crate) fn cookie(tokens: &Tokens) -> String {
    format!("{}~{}", tokens.access_token, tokens.refresh_token)
}

impl Sessions {
    pub(crate) fn new(mesh: Mesh, clock: Clock) -> Self {
        let renewed = Cache::builder().max_capacity(MANY).time_to_live(RENEWAL_KEPT).build();
        Self(Arc::new(Inner { mesh, clock, keys: Mutex::default(), renewed }))
    }

    /// Who a cookie stands for. Never fails: without auth the visitor is a guest until it is back.
    pub(crate) async fn resolve(&self, cookie: &str, client: Client) -> Resolved {
        let guest = |cookie| Resolved { caller: Caller::guest(), cookie };
        let Some((access, refresh)) = cookie.split_once('~') else {
            return guest(Some(String::new()));
        };
        match self.verify(access).await {
            Verdict::Valid(caller) => Resolved { caller, cookie: None },
            Verdict::Invalid => guest(Some(String::new())),
            Verdict::Unknown => guest(None),
            Verdict::Expired => match self.renew(refresh, client).await {
                Ok(tokens) => match self.verify(&tokens.access_token).await {
                    Verdict::Valid(caller) => {
                        Resolved { caller, cookie: Some(self::cookie(&tokens)) }
                    }
                    _ => guest(None),
                },
                Err(fault) if fault.code == Code::Unauthenticated => guest(Some(String::new())),
                Err(_) => guest(None),
            },
        }
    }

    /// The caller behind tokens that were just issued.
    pub(crate) async fn caller(&self, tokens: &Tokens) -> Result<Caller, Fault> {
        match self.verify(&tokens.access_token).await {
            Verdict::Valid(caller) => Ok(caller),
            _ => Err(Fault::unavailable("the keys of the accounts cannot be had")),
        }
    }

    async fn renew(&self, refresh: &str, client: Client) -> Result<Tokens, Arc<Fault>> {
        let key: [u8; 32] = Sha256::digest(refresh).into();
        let mut auth = self.0.mesh.auth();
        let request = RefreshRequest { refresh_token: refresh.to_owned(), client: Some(client) };
        let renewal = async move {
            let answer = mesh::detach(async move { auth.refresh(request).await }).await?;
            let tokens = answer.map_err(Fault::from)?.into_inner().tokens;
            tokens.ok_or_else(|| Fault::unavailable("no tokens came"))
        };
        self.0.renewed.try_get_with(key, renewal).await
    }

    async fn verify(&self, token: &str) -> Verdict {
        let Ok(header) = jsonwebtoken::decode_header(token) else {
            return Verdict::Invalid;
        };
        let kid = header.kid.unwrap_or_default();
        let Some(keys) = self.keys(&kid).await else {
            return Verdict::Unknown;
        };
        let Some(key) = keys.find(&kid).and_then(|jwk| DecodingKey::from_jwk(jwk).ok()) else {
            return Verdict::Invalid;
        };
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["aud", "exp", "sub"]);
        // Checked below, by our clock.
        validation.validate_exp = false;
        let Ok(data) = jsonwebtoken::decode::<Claims>(token, &key, &validation) else {
            return Verdict::Invalid;
        };
        let claims = data.claims;
        if claims.exp - LEEWAY_SECONDS <= self.0.clock.now().millis() / 1000 {
            return Verdict::Expired;
        }
        claims.caller().map_or(Verdict::Invalid, Verdict::Valid)
    }

    /// The keys, with the one of this name if it exists.
    async fn keys(&self, kid: &str) -> Option<Arc<JwkSet>> {
        let now = self.0.clock.now();
        let known = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let age = now.since(known.read_at);
        let holds = known.set.as_ref().is_some_and(|set| set.find(kid).is_some());
        if known.set.is_some() && (age < KEYS_RETRY || (holds && age < KEYS_FRESH)) {
            return known.set;
        }
        let answer = self.0.mesh.auth().get_keys(GetKeysRequest {}).await;
        let fresh = answer
            .ok()
            .and_then(|answer| serde_json::from_str::<JwkSet>(&answer.into_inner().jwks).ok());
        match fresh {
            Some(set) => {
                let set = Some(Arc::new(set));
                let keys = Keys { set: set.clone(), read_at: now };
                *self.0.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
                set
            }
            // Old keys are better than none while auth is away.
            None => known.set.filter(|_| holds),
        }
    }
}

impl Claims {
    fn caller(self) -> Option<Caller> {
        let merchant = self.mer.parse().ok().zip(StaffRole::parse(&self.mrole));
        Some(Caller {
            kind: Kind::User,
            user: Some(self.sub.parse().ok()?),
            session: self.sid.parse().ok(),
            roles: self.roles,
            merchant,
            ..Caller::guest()
        })
    }
}
