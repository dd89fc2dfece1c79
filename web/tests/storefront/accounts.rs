//! Accounts with real tokens: signed here, verified by the pages.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ids::UserId;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mesh::Context;
use proto::auth::{self as pb, auth_service_server::AuthService};
use tonic::{Request, Response, Status};

use super::{Answer, Fake};

/// The password that works.
pub(crate) const PASSWORD: &str = "olma-anor-uzum";

pub(crate) struct Keys {
    key: EncodingKey,
    jwks: String,
    user: UserId,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwks = serde_json::json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "k1", "use": "sig", "alg": "EdDSA"}]});
        let key = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
        Self { key, jwks: jwks.to_string(), user: UserId::new() }
    }

    pub(crate) fn token(&self, audience: &str, expires_at: i64) -> String {
        let claims = serde_json::json!({"sub": self.user.to_string(), "aud": audience, "roles": [], "exp": expires_at});
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }

    fn signed_in(&self) -> pb::SignedInResponse {
        // Fifteen minutes from the start of a lab's clock.
        let expires_at = testkit::START.millis() / 1000 + 900;
        let tokens = pb::Tokens {
            access_token: self.token("ultramarket", expires_at),
            refresh_token: ids::token::secret("rt_"),
            expires_in: 900,
        };
        pb::SignedInResponse { user: Some(self.account()), tokens: Some(tokens) }
    }

    fn account(&self) -> pb::User {
        pb::User {
            id: self.user.to_string(),
            name: "Aziza Karimova".to_owned(),
            phone: "+998901234567".to_owned(),
            ..Default::default()
        }
    }
}

#[tonic::async_trait]
impl AuthService for Fake {
    async fn register(
        &self,
        request: Request<pb::RegisterRequest>,
    ) -> Answer<pb::SignedInResponse> {
        let request = request.into_inner();
        self.note(&format!("register {} {} {}", request.name, request.phone, request.locale));
        if request.phone == "+998900000000" {
            return Err(
                fault::Fault::new(fault::Code::AlreadyExists, "LOGIN_TAKEN", "taken").into()
            );
        }
        Ok(Response::new(self.1.signed_in()))
    }

    async fn login(&self, request: Request<pb::LoginRequest>) -> Answer<pb::SignedInResponse> {
        let request = request.into_inner();
        self.note(&format!("login {}", request.login));
        if request.password != PASSWORD {
            return Err(fault::Fault::new(
                fault::Code::Unauthenticated,
                "INVALID_CREDENTIALS",
                "no",
            )
            .into());
        }
        Ok(Response::new(self.1.signed_in()))
    }

    async fn refresh(&self, request: Request<pb::RefreshRequest>) -> Answer<pb::SignedInResponse> {
        let token = request.into_inner().refresh_token;
        self.note("refresh");
        let mut state = self.state();
        if state.used.contains(&token) || !token.starts_with("rt_") {
            return Err(fault::Fault::unauthenticated().into());
        }
        state.used.push(token);
        Ok(Response::new(self.1.signed_in()))
    }

    async fn logout(&self, _: Request<pb::LogoutRequest>) -> Answer<pb::LogoutResponse> {
        self.note("logout");
        Ok(Response::new(pb::LogoutResponse {}))
    }

    async fn get_me(&self, _: Request<pb::GetMeRequest>) -> Answer<pb::GetMeResponse> {
        Context::caller().require_user().map_err(Status::from)?;
        Ok(Response::new(pb::GetMeResponse { user: Some(self.1.account()) }))
    }

    async fn get_keys(&self, _: Request<pb::GetKeysRequest>) -> Answer<pb::GetKeysResponse> {
        self.up("auth")?;
        Ok(Response::new(pb::GetKeysResponse { jwks: self.1.jwks.clone() }))
    }
}
