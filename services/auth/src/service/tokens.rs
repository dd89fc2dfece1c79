//! Access tokens: Ed25519 JWTs that anybody can verify with the published keys.

use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clock::Timestamp;
use fault::Fault;
use ids::SessionId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{domain::User, error::Error, store::SigningKey};

/// Seconds that a ticket for a WebSocket is good for.
pub(super) const TICKET: Duration = Duration::from_mins(1);

/// Signs tokens. Shows nothing of its key.
pub(super) struct Tokens {
    key: EncodingKey,
    header: Header,
    jwks: String,
    lifetime: Duration,
}

/// What a token says. Times are Unix seconds.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'static str,
    aud: &'static str,
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    roles: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    mer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mrole: Option<&'static str>,
    iat: i64,
    exp: i64,
}

/// A fresh key.
pub(super) fn generate(now: Timestamp) -> Result<SigningKey, Error> {
    let pair = Ed25519KeyPair::generate().map_err(|_| broken("no signing key could be made"))?;
    let pkcs8 = pair.to_pkcs8().map_err(|_| broken("the signing key could not be written"))?;
    let kid = thumbprint(&public(&pair));
    Ok(SigningKey { kid, pkcs8: pkcs8.as_ref().to_vec(), created_at: now })
}

impl Tokens {
    /// Signs with the first of the keys and publishes all of them.
    pub(super) fn new(keys: &[SigningKey], lifetime: Duration) -> Result<Self, Error> {
        let newest = keys.first().ok_or_else(|| broken("there is no signing key"))?;
        let header = Header { kid: Some(newest.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        let key = EncodingKey::from_ed_der(&newest.pkcs8);
        let mut published = Vec::new();
        for key in keys {
            let pair = Ed25519KeyPair::from_pkcs8(&key.pkcs8)
                .map_err(|why| broken(format!("signing key {} cannot be read: {why}", key.kid)))?;
            published.push(serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "x": public(&pair),
                "kid": key.kid, "use": "sig", "alg": "EdDSA",
            }));
        }
        let jwks = serde_json::json!({ "keys": published }).to_string();
        Ok(Self { key, header, jwks, lifetime })
    }

    pub(super) fn jwks(&self) -> &str {
        &self.jwks
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// An access token.
    pub(super) fn access(
        &self,
        user: &User,
        session: SessionId,
        at: Timestamp,
    ) -> Result<String, Error> {
        self.sign("ultramarket", user, Some(session), at, self.lifetime)
    }

    /// A ticket that opens a WebSocket.
    pub(super) fn ticket(
        &self,
        user: &User,
        session: Option<SessionId>,
        at: Timestamp,
    ) -> Result<String, Error> {
        self.sign("ws", user, session, at, TICKET)
    }

    fn sign(
        &self,
        aud: &'static str,
        user: &User,
        session: Option<SessionId>,
        at: Timestamp,
        lifetime: Duration,
    ) -> Result<String, Error> {
        let roles = user.roles();
        let seconds = |time: Timestamp| time.millis().div_euclid(1000);
        let claims = Claims {
            iss: "ultramarket",
            aud,
            sub: user.id.to_string(),
            sid: session.map(|id| id.to_string()),
            roles: &roles,
            mer: user.membership.map(|membership| membership.merchant.to_string()),
            mrole: user.membership.map(|membership| membership.role.as_str()),
            iat: seconds(at),
            exp: seconds(at.plus(lifetime)),
        };
        let token = jsonwebtoken::encode(&self.header, &claims, &self.key);
        Ok(token.map_err(Fault::internal)?)
    }
}

fn broken(what: impl Into<String>) -> Error {
    Fault::internal(std::io::Error::other(what.into())).into()
}

fn public(pair: &Ed25519KeyPair) -> String {
    URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())
}

/// RFC 7638: the name of a key follows from the key.
fn thumbprint(x: &str) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_key_is_its_thumbprint() {
        // The example of RFC 8037, appendix A.3.
        let name = thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(name, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_published_set_holds_no_private_part() {
        let key = generate(Timestamp::from_millis(0)).unwrap();
        let tokens = Tokens::new(std::slice::from_ref(&key), Duration::from_mins(1)).unwrap();
        let set: serde_json::Value = serde_json::from_str(tokens.jwks()).unwrap();
        let published = set["keys"][0].as_object().unwrap();
        let members: Vec<&str> = published.keys().map(String::as_str).collect();
        assert_eq!(members, ["kty", "crv", "x", "kid", "use", "alg"]);
        assert!(!format!("{key:?}").contains("pkcs8"));
    }
}
