//! A laboratory with the auth service, and what its tests do again and again.

use std::time::Duration;

use fault::{Code, Fault};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use mesh::{Caller, Role, StaffRole};
use proto::auth::{self as pb, auth_service_client::AuthServiceClient};
use serde::Deserialize;
use testkit::{FreshDatabase, Lab, RunningLab, WIRINGS, Wiring};

use crate::peers::Seen;

pub(crate) const PASSWORD: &str = "anorlar gullaganda";

/// The service, with a fake order and a fake notification service.
pub(crate) struct Platform {
    pub(crate) lab: RunningLab,
    pub(crate) order: Seen,
    pub(crate) notification: Seen,
    _database: Option<FreshDatabase>,
}

/// How the roles reach each other, and whether the service keeps what it knows in a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    wiring: Wiring,
    server: bool,
}

/// Both wirings with the embedded store, and one with PostgreSQL where there is a server to test against.
pub(crate) fn settings() -> Vec<Setting> {
    let mut settings = WIRINGS.map(|wiring| Setting { wiring, server: false }).to_vec();
    if testkit::real_store("postgres").is_some() {
        settings.push(Setting { wiring: Wiring::Local, server: true });
    }
    settings
}

/// What an access token says.
#[derive(Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) sid: String,
    pub(crate) roles: Vec<String>,
    pub(crate) mer: Option<String>,
    pub(crate) mrole: Option<String>,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
}

pub(crate) fn reason(status: tonic::Status) -> (Code, String) {
    let fault = Fault::from(status);
    (fault.code, fault.reason.into_owned())
}

pub(crate) fn denied(reason: &str) -> (Code, String) {
    (Code::Unauthenticated, reason.to_owned())
}

pub(crate) fn fields(status: tonic::Status) -> Vec<String> {
    Fault::from(status).fields.into_iter().map(|field| field.field).collect()
}

/// As in production, but for hashes that cost next to nothing.
pub(crate) fn config(store: String) -> auth::Config {
    auth::Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        store,
        access_minutes: 15,
        refresh_days: 30,
        password_memory_kib: 64,
        password_passes: 1,
        otp_minutes: 5,
        otp_attempts: 5,
        otp_resend_seconds: 60,
        otp_per_hour: 5,
    }
}

impl Platform {
    pub(crate) async fn new(Setting { wiring, server }: Setting) -> Self {
        let database = if server { FreshDatabase::create().await } else { None };
        let address = database.as_ref().map(|database| database.address.clone());
        let (order, notification) = (Seen::default(), Seen::default());
        let (orders, notifications) = (order.clone(), notification.clone());
        let lab = Lab::new(wiring)
            .role(Role::Auth, |host, mesh, folder| {
                let embedded = || format!("sqlite:{}", folder.join("auth.db").display());
                let config = config(address.unwrap_or_else(embedded));
                Box::pin(async move {
                    auth::migrate(&config).await?;
                    auth::mount(host, config, mesh).await
                })
            })
            .role(Role::Order, |host, _, _| {
                Box::pin(async move {
                    host.grpc(Role::Order, orders.server());
                    Ok(())
                })
            })
            .role(Role::Notification, |host, _, _| {
                Box::pin(async move {
                    host.grpc(Role::Notification, notifications.server());
                    Ok(())
                })
            })
            .start()
            .await;
        Self { lab, order, notification, _database: database }
    }

    pub(crate) fn client(&self) -> AuthServiceClient<mesh::Link> {
        self.lab.mesh.auth()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.lab.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn register(&self, phone: &str) -> pb::SignedInResponse {
        let request = pb::RegisterRequest {
            phone: phone.to_owned(),
            password: PASSWORD.to_owned(),
            name: "Ali".to_owned(),
            ..pb::RegisterRequest::default()
        };
        let mut client = self.client();
        let answer = self.lab.act(Caller::guest(), client.register(request)).await;
        answer.unwrap().into_inner()
    }

    pub(crate) async fn login(
        &self,
        login: &str,
        password: &str,
    ) -> Result<pb::SignedInResponse, tonic::Status> {
        let request = pb::LoginRequest {
            login: login.to_owned(),
            password: password.to_owned(),
            ..pb::LoginRequest::default()
        };
        let mut client = self.client();
        let answer = self.lab.act(Caller::guest(), client.login(request)).await?;
        Ok(answer.into_inner())
    }

    pub(crate) async fn refresh(&self, token: &str) -> Result<pb::SignedInResponse, tonic::Status> {
        let request = pb::RefreshRequest { refresh_token: token.to_owned(), ..Default::default() };
        let mut client = self.client();
        let answer = self.lab.act(Caller::guest(), client.refresh(request)).await?;
        Ok(answer.into_inner())
    }

    /// Verifies an access token as the gateway does: with the published keys and nothing else.
    pub(crate) async fn claims(&self, token: &str, audience: &str) -> Claims {
        let mut client = self.client();
        let keys = client.get_keys(pb::GetKeysRequest {});
        let keys = self.lab.act(Caller::guest(), keys).await.unwrap().into_inner();
        let keys: JwkSet = serde_json::from_str(&keys.jwks).unwrap();
        let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience]);
        validation.set_issuer(&["ultramarket"]);
        // The laboratory's clock is not the machine's.
        validation.validate_exp = false;
        jsonwebtoken::decode::<Claims>(token, &key, &validation).unwrap().claims
    }

    /// The caller that a token stands for.
    pub(crate) async fn caller(&self, signed_in: &pb::SignedInResponse) -> Caller {
        let token = &signed_in.tokens.as_ref().unwrap().access_token;
        let claims = self.claims(token, "ultramarket").await;
        let role = claims.mrole.as_deref().and_then(StaffRole::parse);
        Caller {
            session: claims.sid.parse().ok(),
            roles: claims.roles,
            merchant: claims.mer.and_then(|id| id.parse().ok()).zip(role),
            ..Caller::user(claims.sub.parse().unwrap())
        }
    }

    pub(crate) async fn admin(&self) -> Caller {
        let request = pb::CreateAdminRequest {
            login: "root@example.uz".to_owned(),
            password: PASSWORD.to_owned(),
            name: "Root".to_owned(),
        };
        let mut client = self.client();
        self.lab.as_service(client.create_admin(request)).await.unwrap();
        let signed_in = self.login("root@example.uz", PASSWORD).await.unwrap();
        self.caller(&signed_in).await
    }

    pub(crate) async fn apply(&self, caller: &Caller) -> Result<pb::Merchant, tonic::Status> {
        let request = pb::ApplyMerchantRequest {
            name: "Anor".to_owned(),
            legal_name: "Anor MChJ".to_owned(),
            tin: "123456789".to_owned(),
            phone: "901234567".to_owned(),
            email: "anor@example.uz".to_owned(),
            ..pb::ApplyMerchantRequest::default()
        };
        let mut client = self.client();
        let answer = self.lab.act(caller.clone(), client.apply_merchant(request)).await?;
        Ok(answer.into_inner().merchant.unwrap())
    }

    pub(crate) async fn decide(
        &self,
        caller: &Caller,
        id: &str,
        status: pb::MerchantStatus,
    ) -> Result<pb::Merchant, tonic::Status> {
        let request = pb::DecideMerchantRequest {
            id: id.to_owned(),
            status: status.into(),
            plan: "basic".to_owned(),
            reason: "because".to_owned(),
        };
        let mut client = self.client();
        let answer = self.lab.act(caller.clone(), client.decide_merchant(request)).await?;
        Ok(answer.into_inner().merchant.unwrap())
    }

    /// A merchant that was approved, and its owner as the next token says.
    pub(crate) async fn merchant(&self, phone: &str) -> (String, Caller) {
        let signed_in = self.register(phone).await;
        let merchant = self.apply(&self.caller(&signed_in).await).await.unwrap();
        let service = Caller::service("test");
        self.decide(&service, &merchant.id, pb::MerchantStatus::Active).await.unwrap();
        let signed_in = self.login(phone, PASSWORD).await.unwrap();
        (merchant.id, self.caller(&signed_in).await)
    }

    pub(crate) async fn stop(self) {
        self.lab.stop().await;
    }
}
