//! A gateway on a free port, and tokens for it.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gateway::{Config, RateLimit};
use ids::{MerchantId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use mesh::Role;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use testkit::{Lab, RunningLab, Wiring};

use crate::fakes::{self, World};

pub(crate) struct Kit {
    pub(crate) lab: RunningLab,
    pub(crate) world: Arc<World>,
    pub(crate) client: Client,
    pub(crate) base: String,
    signer: EncodingKey,
}

/// What tokens are signed with.
pub(crate) struct Key {
    pkcs8: Vec<u8>,
    pub(crate) jwks: String,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k1", "x": x});
        Self { pkcs8: pkcs8.as_ref().to_vec(), jwks: json!({ "keys": [key] }).to_string() }
    }
}

pub(crate) fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        ops_listen: "127.0.0.1:0".parse().unwrap(),
        store: String::new(),
        public_url: "http://localhost".to_owned(),
        cors_origins: vec!["https://shop.example".to_owned()],
        cache_ms: 60_000,
        trusted_proxies: Vec::new(),
        rate_limit: RateLimit {
            enabled: false,
            anonymous_writes_per_minute: 3,
            sign_in_per_minute: 2,
            reads_per_minute: 5,
            shared_wait_ms: 2000,
        },
        secure_cookies: false,
        payment_origins: Vec::new(),
    }
}

impl Kit {
    pub(crate) async fn new() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let key = Key::new();
        let world = Arc::new(World::new(key.jwks.clone()));
        let lab = fakes::mount(fakes::mount_notification(Lab::new(Wiring::Local), &world), &world);
        Self::start(lab, config, world, &key).await
    }

    /// One of several gateways: its store stands in the configuration, and `lab` has its notification service.
    pub(crate) async fn one_of(lab: Lab, config: Config, world: &Arc<World>, key: &Key) -> Self {
        Self::start(fakes::mount(lab, world), config, Arc::clone(world), key).await
    }

    async fn start(lab: Lab, config: Config, world: Arc<World>, key: &Key) -> Self {
        let lab = lab
            .role(Role::Gateway, move |host, mesh, folder| {
                Box::pin(async move {
                    let file = format!("sqlite:{}", folder.join("gateway.db").display());
                    let store = if config.store.is_empty() { file } else { config.store.clone() };
                    gateway::mount(host, Config { store, ..config }, mesh).await
                })
            })
            .start()
            .await;
        let base = lab.bound.get(&Role::Gateway).unwrap().clone();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { lab, world, client, base, signer: EncodingKey::from_ed_der(&key.pkcs8) }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.call(Method::POST, path)
    }

    pub(crate) fn sign(&self, kid: &str, claims: &Value) -> String {
        let head = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&head, claims, &self.signer).unwrap()
    }

    fn claims(&self, audience: &str, ends_in: i64) -> Value {
        self.claims_of(UserId::new(), audience, ends_in)
    }

    fn claims_of(&self, user: UserId, audience: &str, ends_in: i64) -> Value {
        let exp = self.lab.clock.now().millis() / 1000 + ends_in;
        json!({"sub": user.to_string(), "sid": "", "roles": [], "aud": audience, "exp": exp})
    }

    pub(crate) fn shopper(&self) -> String {
        self.sign("k1", &self.claims("ultramarket", 900))
    }

    pub(crate) fn ticket_of(&self, user: UserId) -> String {
        self.sign("k1", &self.claims_of(user, "ws", 60))
    }

    pub(crate) fn ticket(&self, audience: &str) -> String {
        self.sign("k1", &self.claims(audience, 60))
    }

    pub(crate) fn expired(&self) -> String {
        self.sign("k1", &self.claims("ultramarket", -1))
    }

    pub(crate) fn staff(&self, role: &str) -> String {
        let mut claims = self.claims("ultramarket", 900);
        let fields = claims.as_object_mut().unwrap();
        fields.insert("mer".to_owned(), json!(MerchantId::new().to_string()));
        fields.insert("mrole".to_owned(), json!(role));
        self.sign("k1", &claims)
    }

    pub(crate) fn admin(&self) -> String {
        let mut claims = self.claims("ultramarket", 900);
        claims.as_object_mut().unwrap().insert("roles".to_owned(), json!(["admin"]));
        self.sign("k1", &claims)
    }
}

/// Status and `code` of a problem, after a look at its form.
pub(crate) async fn problem(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    let kind = header(&response, "content-type");
    assert_eq!(kind, "application/problem+json");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    for field in ["type", "title", "detail", "instance", "code", "trace_id"] {
        assert!(body[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {body}");
    }
    assert!(body["errors"].is_array());
    (status, body["code"].as_str().unwrap().to_owned(), body)
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    value.unwrap_or_default()
}
