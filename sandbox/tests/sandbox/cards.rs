//! ATMOS and Stripe: the shop opens a payment, the payer pays, the shop hears of it.

use crate::support::{Scene, Seen, hex};
use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sandbox::{
    Hash,
    Provider::{Stripe, Uzcard},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha256;

struct Atmos<'a>(&'a Scene, String);

impl<'a> Atmos<'a> {
    async fn sign_in(scene: &'a Scene) -> Self {
        let terms = &scene.config.uzcard;
        let token = scene
            .http
            .post(scene.url(Uzcard, "/token?grant_type=client_credentials"))
            .basic_auth(&terms.consumer_key, Some(terms.consumer_secret.expose_secret()))
            .send()
            .await
            .unwrap();
        let token: Value = token.json().await.unwrap();
        assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(3600)));
        Self(scene, token["access_token"].as_str().unwrap().to_owned())
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let url = self.0.url(Uzcard, &format!("/merchant/pay/{path}"));
        let answer = self.0.http.post(url).bearer_auth(&self.1).json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn create(&self, reference: &str) -> Value {
        let body =
            json!({ "amount": 500_000, "account": reference, "store_id": 4001, "lang": "ru" });
        self.call("create", body).await["transaction_id"].clone()
    }
}

#[tokio::test]
async fn atmos_asks_before_the_debit() {
    let scene =
        Scene::start(Box::new(|_: &Seen| (200, json!({ "status": 1, "message": "Успешно" }))))
            .await;
    let denied =
        scene.http.post(scene.url(Uzcard, "/merchant/pay/create")).body("{}").send().await.unwrap();
    assert_eq!(denied.status(), 401);
    let atmos = Atmos::sign_in(&scene).await;
    let id = atmos.create("1000001K").await;
    let (status, outcome) = scene.post(Uzcard, "/pay", json!({ "reference": "1000001K" })).await;
    assert_eq!((status, &outcome["ok"]), (200, &json!(true)), "{outcome}");

    let seen = scene.merchant.seen();
    assert_eq!((seen.len(), seen[0].path.as_str()), (1, "/hooks/uzcard"));
    let body = seen[0].json();
    assert_eq!((&body["invoice"], &body["amount"]), (&json!("1000001K"), &json!("500000")));
    let key = scene.config.uzcard.api_key.expose_secret();
    assert_eq!(body["sign"], hex(&Md5::digest(format!("4001{id}1000001K500000{key}"))));

    let got = atmos.call("get", json!({ "transaction_id": id, "store_id": 4001 })).await;
    assert_eq!(
        (&got["result"]["code"], &got["store_transaction"]["confirmed"]),
        (&json!("OK"), &json!(true))
    );
    let success = got["store_transaction"]["success_trans_id"].clone();
    let asked = json!({ "transaction_id": success, "store_id": 4001, "amount": 200_000 });
    let partial = atmos.call("create-reverse-partial", asked).await;
    let confirm = json!({ "transaction_id": success, "store_id": 4001, "transaction_partial_reverse_id": partial["transaction_partial_reverse_id"] });
    assert_eq!(
        atmos.call("confirm-reverse-partial", confirm.clone()).await["result"]["code"],
        "OK"
    );
    assert_ne!(atmos.call("confirm-reverse-partial", confirm).await["result"]["code"], "OK");
    assert_eq!(
        atmos.call("reverse", json!({ "transaction_id": success })).await["result"]["code"],
        "OK"
    );
    let got = atmos.call("get", json!({ "transaction_id": id, "store_id": 4001 })).await;
    assert_eq!(got["result"]["code"], "STPIMS-ERR-092");
    let row = scene.get(Uzcard, "/transactions").await["data"][0].clone();
    assert_eq!((&row["state"], &row["reversed"]), (&json!("reversed"), &json!(500_000)));
    scene.stop().await;
}

#[tokio::test]
async fn atmos_page_pays_unless_the_shop_refuses() {
    let mut agree = false;
    let reply = move |_: &Seen| {
        let status = i32::from(agree);
        agree = true;
        (200, json!({ "status": status, "message": "Buyurtma yopilgan" }))
    };
    let scene =
        Scene::start_with(Box::new(reply), |config| config.uzcard.hash = Hash::Sha256).await;
    let id = Atmos::sign_in(&scene).await.create("1K").await.to_string();
    let path = format!(
        "/invoice/get?storeId=4001&transactionId={id}&redirectLink=https%3A%2F%2Fshop.uz%2F"
    );
    let (status, text) = scene.page(Uzcard, &path, "en").await;
    assert_eq!(status, 200);
    assert!(text.contains("5\u{a0}000\u{a0}сум") && text.contains("без настоящих денег"), "{text}");
    let form = [
        ("storeId", "4001"),
        ("transactionId", &id),
        ("redirectLink", "https://shop.uz/"),
        ("action", "pay"),
    ];
    let (status, _, text) = scene.press(Uzcard, "/invoice/get", &form).await;
    assert!(status == 200 && text.contains("Buyurtma yopilgan"), "{text}");
    assert_eq!(scene.get(Uzcard, "/transactions").await["data"][0]["state"], "created");
    let (status, to, _) = scene.press(Uzcard, "/invoice/get", &form).await;
    assert_eq!((status, to.as_str()), (303, "https://shop.uz/"));
    assert_eq!(scene.merchant.seen()[0].json()["sign"].as_str().unwrap().len(), 64);
    // Once more: nothing happens twice.
    assert_eq!(scene.press(Uzcard, "/invoice/get", &form).await.0, 303);
    assert_eq!(scene.merchant.seen().len(), 2);
    scene.stop().await;
}

async fn stripe(scene: &Scene, path: &str, key: &str, form: &[(&str, &str)]) -> (u16, Value) {
    let secret = scene.config.stripe.secret_key.expose_secret();
    let request = scene.http.post(scene.url(Stripe, path)).bearer_auth(secret);
    let answer = request.header("Idempotency-Key", key).form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const SESSION: [(&str, &str); 7] = [
    ("mode", "payment"),
    ("line_items[0][price_data][currency]", "usd"),
    ("line_items[0][price_data][unit_amount]", "1050"),
    ("line_items[0][quantity]", "2"),
    ("payment_intent_data[metadata][order_id]", "1000001K"),
    ("success_url", "https://shop.uz/ok?s={CHECKOUT_SESSION_ID}"),
    ("cancel_url", "https://shop.uz/no"),
];

#[tokio::test]
async fn stripe_sessions_are_paid_and_told_by_signed_events() {
    let scene = Scene::start(Box::new(|_: &Seen| (200, json!({ "received": true })))).await;
    let (status, session) = stripe(&scene, "/v1/checkout/sessions", "k1", &SESSION).await;
    assert_eq!((status, &session["amount_total"]), (200, &json!(2100)), "{session}");
    assert_eq!(
        stripe(&scene, "/v1/checkout/sessions", "k1", &SESSION).await.1["id"],
        session["id"]
    );
    assert_eq!(stripe(&scene, "/v1/checkout/sessions", "k1", &SESSION[..6]).await.0, 400);

    let url = session["url"].as_str().unwrap();
    let path = url.strip_prefix(scene.running.url(Stripe)).unwrap();
    let (status, text) = scene.page(Stripe, path, "en").await;
    assert!(status == 200 && text.contains("21.00\u{a0}USD"), "{text}");
    let (status, to, _) = scene.press(Stripe, path, &[("action", "decline")]).await;
    assert_eq!((status, to.as_str()), (303, "https://shop.uz/no"));
    let (status, to, _) = scene.press(Stripe, path, &[("action", "pay")]).await;
    let id = session["id"].as_str().unwrap();
    assert_eq!((status, to), (303, format!("https://shop.uz/ok?s={id}")));

    let seen = scene.merchant.seen();
    let kinds: Vec<_> = seen.iter().map(|seen| seen.json()["type"].clone()).collect();
    assert_eq!(kinds, ["payment_intent.succeeded", "checkout.session.completed"]);
    let object = seen[0].json()["data"]["object"].clone();
    assert_eq!(
        (&object["amount_received"], &object["metadata"]["order_id"]),
        (&json!(2100), &json!("1000001K"))
    );
    let header = seen[0].header("stripe-signature").to_owned();
    let (time, signature) = header.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let secret = scene.config.stripe.webhook_secret.expose_secret();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{time}.{}", seen[0].body).as_bytes());
    assert_eq!(signature, hex(&mac.finalize().into_bytes()));
    scene.stop().await;
}

#[tokio::test]
async fn stripe_refunds_never_exceed_the_payment() {
    let scene = Scene::start(Box::new(|_: &Seen| (200, Value::Null))).await;
    let form = [("amount", "1000"), ("currency", "usd"), ("metadata[order_id]", "1K")];
    let (_, intent) = stripe(&scene, "/v1/payment_intents", "k1", &form).await;
    let id = intent["id"].as_str().unwrap().to_owned();
    let refund = |amount: &'static str, key: &'static str| {
        let (scene, id) = (&scene, id.clone());
        async move {
            let form = [("payment_intent", id.as_str()), ("amount", amount)];
            stripe(scene, "/v1/refunds", key, &form).await.0
        }
    };
    assert_eq!(refund("1", "r0").await, 400, "nothing is paid yet");
    scene.post(Stripe, "/control", json!({ "fail_next": 1 })).await;
    let (_, failed) = scene.post(Stripe, "/pay", json!({ "reference": "1K" })).await;
    assert_eq!(
        (&failed["ok"], &failed["status"]),
        (&json!(false), &json!("requires_payment_method"))
    );
    let (_, paid) = scene.post(Stripe, "/pay", json!({ "reference": "1K" })).await;
    assert_eq!((&paid["ok"], &paid["status"]), (&json!(true), &json!("succeeded")));
    assert_eq!(refund("600", "r1").await, 200);
    assert_eq!(refund("600", "r1").await, 200, "the same refund again");
    assert_eq!(refund("401", "r2").await, 400);
    assert_eq!(refund("400", "r3").await, 200);
    assert_eq!(scene.get(Stripe, "/transactions").await["data"][0]["amount_refunded"], 1000);
    let (status, _) = scene.post(Stripe, "/pay", json!({ "reference": "1K" })).await;
    assert_eq!(status, 404, "nothing is left to pay");
    scene.stop().await;
}
