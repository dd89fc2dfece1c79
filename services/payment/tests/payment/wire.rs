//! How providers are called: what stands in the requests, and when they are sent again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use payment::config;
use proto::payment as pb;
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::WIRINGS;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    lab::{Shop, shop_with},
    reason,
};

/// A call as it came.
#[derive(Debug, Clone)]
struct Call {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Call {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Status, a header, and the body of an answer.
type Said = (u16, Option<(&'static str, &'static str)>, Value);
type Script = Box<dyn FnMut(&Call) -> Said + Send>;

/// A provider that says what a test wants.
#[derive(Clone)]
struct Fake {
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Mutex<Script>>,
}

async fn answer(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 65536).await.unwrap();
    let headers = parts.headers.iter();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let call = Call {
        path: parts.uri.to_string(),
        headers: headers.map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    fake.calls.lock().unwrap().push(call.clone());
    let (status, header, body) = (fake.script.lock().unwrap())(&call);
    let mut answer = (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response();
    if let Some((name, value)) = header {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}

impl Fake {
    async fn start(servers: &mut JoinSet<()>, script: Script) -> (Self, String) {
        let fake = Self { calls: Arc::default(), script: Arc::new(Mutex::new(script)) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(fake.clone());
        servers.spawn(async move { axum::serve(listener, router).await.unwrap() });
        (fake, url)
    }

    fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

async fn atmos(url: String) -> Shop {
    shop_with(WIRINGS[0], None, move |config| {
        config.uzcard = config::Uzcard {
            store_id: "4001".to_owned(),
            consumer_key: "login".to_owned(),
            consumer_secret: SecretString::from("password"),
            api_key: SecretString::from("key"),
            base_url: url,
            ..Default::default()
        };
    })
    .await
}

async fn open(shop: &Shop, reference: &str) -> Result<pb::Payment, tonic::Status> {
    shop.open(&shop.payable(reference), "uzcard", reference).await
}

#[tokio::test]
async fn on_401_the_token_is_refreshed_once_and_the_call_sent_again() {
    let mut servers = JoinSet::new();
    let mut given = 0;
    let script = move |call: &Call| {
        if call.path.starts_with("/token") {
            given += 1;
            let token = json!({ "access_token": format!("t{given}"), "expires_in": 3600 });
            return (200, None, token);
        }
        match call.header("authorization") {
            // The second token is good once: then none is.
            "Bearer t2" if !call.body.contains("3K") => {
                (200, None, json!({ "result": { "code": "OK" }, "transaction_id": 7 }))
            }
            _ => (401, None, json!({ "fault": { "code": 900_901 } })),
        }
    };
    let (fake, url) = Fake::start(&mut servers, Box::new(script)).await;
    let shop = atmos(url).await;
    let opened = open(&shop, "1K").await.unwrap();
    assert!(opened.redirect_url.starts_with("https://checkout.pays.uz/invoice/get?storeId=4001"));
    let paths: Vec<String> = fake.calls().into_iter().map(|call| call.path).collect();
    let token = "/token?grant_type=client_credentials";
    let create = "/merchant/pay/create";
    assert_eq!(paths, [token, create, token, create]);
    let first = &fake.calls()[0];
    assert_eq!(first.header("authorization"), "Basic bG9naW46cGFzc3dvcmQ=");
    assert_eq!(first.header("content-type"), "application/x-www-form-urlencoded");
    let body: Value = serde_json::from_str(&fake.calls()[1].body).unwrap();
    let expected = json!({ "amount": 500_000, "account": "1K", "store_id": 4001, "lang": "uz" });
    assert_eq!(body, expected);
    // Kept; and refused for good it is no endless story.
    let refused = open(&shop, "3K").await.unwrap_err();
    assert_eq!(reason(refused).1, "PROVIDER_UNAVAILABLE");
    let after: Vec<String> = fake.calls().into_iter().skip(4).map(|call| call.path).collect();
    assert_eq!(after, [create, token, create]);
    shop.lab.stop().await;
}

#[tokio::test]
async fn stripe_is_asked_again_under_the_same_key_unless_it_says_not_to() {
    let mut servers = JoinSet::new();
    let mut number = 0;
    let script = move |_: &Call| {
        number += 1;
        let failure = json!({ "error": { "type": "api_error" } });
        match number {
            1 => (409, None, failure),
            2 => (500, None, failure),
            3 => (503, Some(("stripe-should-retry", "true")), failure),
            // Of the second request: a verdict that is repeated for its key.
            4 => (500, Some(("stripe-should-retry", "false")), failure),
            _ => (402, None, json!({ "error": { "type": "invalid_request_error" } })),
        }
    };
    let (fake, url) = Fake::start(&mut servers, Box::new(script)).await;
    let shop = shop_with(WIRINGS[0], None, move |config| {
        config.stripe = config::Stripe {
            secret_key: SecretString::from("sk_test_1"),
            webhook_secret: SecretString::from("whsec_1"),
            rate: "12650".to_owned(),
            min: 1,
            base_url: url,
            ..Default::default()
        };
    })
    .await;
    let payable = shop.payable("1K");
    for _ in 0..2 {
        let away = shop.open(&payable, "stripe", "a").await.unwrap_err();
        assert_eq!(reason(away).1, "PROVIDER_UNAVAILABLE");
    }
    let calls = fake.calls();
    let keys: Vec<&str> = calls.iter().map(|call| call.header("idempotency-key")).collect();
    assert_eq!(keys.len(), 4, "three tries, and one that is not to be tried again");
    assert!(keys[0].starts_with("pi-create:pay_") && keys[0].ends_with(":1"), "{keys:?}");
    assert!(keys[1] == keys[0] && keys[2] == keys[0]);
    assert!(keys[3].ends_with(":2"), "failures are repeated for a key: another one is needed");
    for call in &calls {
        assert_eq!(call.path, "/v1/checkout/sessions");
        assert_eq!(call.header("authorization"), "Bearer sk_test_1");
        assert_eq!(call.header("stripe-version"), "2025-03-31.basil");
        assert_eq!(call.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(call.body, calls[0].body, "the same request");
    }
    shop.open(&payable, "stripe", "a").await.unwrap_err();
    assert_eq!(fake.calls().len(), 5, "a refusal is not tried again");
    shop.lab.stop().await;
}
