//! What comes in: bodies, paths, and complaints that name the field.

use std::sync::atomic::Ordering;

use ids::{CartId, OfferId};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::{Kit, problem};

async fn complaint(kit: &Kit, kind: &str, body: impl Into<reqwest::Body>) -> (u16, String, Value) {
    let path = format!("/v1/store/carts/{}/items", CartId::new());
    let request = kit.post(&path).header("content-type", kind).body(body);
    let (status, code, body) = problem(request.send().await.unwrap()).await;
    (status, code, body["errors"][0]["field"].clone())
}

#[tokio::test]
async fn bad_bodies_change_nothing() {
    let kit = Kit::new().await;
    let json = "application/json";
    let offer = OfferId::new().to_string();
    let big = format!("{{\"offer_id\":\"{}\"}}", "x".repeat(1024 * 1024));
    let unknown = format!(r#"{{"offer_id":"{offer}","quantity":1,"price":1}}"#);
    let cases: [(&str, String, u16, &str, Value); 7] = [
        (json, "{".to_owned(), 400, "MALFORMED_JSON", Value::Null),
        (json, unknown, 400, "UNKNOWN_FIELD", json!("price")),
        (json, format!(r#"{{"offer_id":"{offer}"}}"#), 400, "INVALID", json!("quantity")),
        (json, r#"{"offer_id":7,"quantity":1}"#.to_owned(), 400, "INVALID", json!("offer_id")),
        (
            json,
            format!(r#"{{"offer_id":"{offer}","quantity":-1}}"#),
            400,
            "INVALID",
            json!("quantity"),
        ),
        ("text/plain", "{}".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE", Value::Null),
        (json, big, 413, "PAYLOAD_TOO_LARGE", Value::Null),
    ];
    for (kind, body, status, code, field) in cases {
        let shown: String = body.chars().take(60).collect();
        assert_eq!(complaint(&kit, kind, body).await, (status, code.to_owned(), field), "{shown}");
    }
    assert_eq!(kit.world.items_added.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_of_another_kind_is_not_found() {
    let kit = Kit::new().await;
    for path in ["/v1/store/carts/x", "/v1/store/carts/ord_1", "/v1/store/orders/cart_1"] {
        assert_eq!(problem(kit.get(path).send().await.unwrap()).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn problems_speak_the_clients_language() {
    let kit = Kit::new().await;
    let mut titles = Vec::new();
    for language in ["uz", "uz-Cyrl", "ru", "en"] {
        let request = kit.get("/v1/store/carts/x").header("accept-language", language);
        let (_, code, body) = problem(request.send().await.unwrap()).await;
        assert_eq!(code, "CART_NOT_FOUND");
        titles.push(body["detail"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        titles,
        ["Savat topilmadi", "Сават топилмади", "Корзина не найдена", "No such cart"]
    );
}

#[tokio::test]
async fn checkout_needs_a_key_and_passes_it_on_with_the_hash_of_the_body() {
    let kit = Kit::new().await;
    let path = format!("/v1/store/carts/{}/complete", CartId::new());
    let body =
        json!({"payment_provider": "payme", "customer": {"name": "Ali", "phone": "90 123-45-67"}});
    let (status, code, _) = problem(kit.post(&path).json(&body).send().await.unwrap()).await;
    assert_eq!((status, code.as_str()), (400, "IDEMPOTENCY_KEY_REQUIRED"));

    let complete = async |body: &Value, language: &str| {
        let request = kit.post(&path).header("idempotency-key", "k1").json(body);
        request.header("accept-language", language).send().await.unwrap()
    };
    let first = complete(&body, "uz").await;
    assert_eq!(first.status(), 201);
    assert!(!first.headers().contains_key("idempotent-replayed"));
    let first = first.bytes().await.unwrap();
    let again = complete(&body, "en").await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.status(), 201);
    assert_eq!(again.bytes().await.unwrap(), first);
    let shown: Value = serde_json::from_slice(&first).unwrap();
    assert_eq!(shown["order"]["status"], "awaiting_payment");
    assert_eq!(shown["payment"]["redirect_url"], "https://pay.example");
    assert_eq!(shown["order_token"], "ot_1");
    let other = json!({"payment_provider": "cash"});
    let (status, code, _) = problem(complete(&other, "uz").await).await;
    assert_eq!((status, code.as_str()), (422, "IDEMPOTENCY_KEY_REUSED"));
    let placed = kit.world.placed.lock().unwrap();
    assert_eq!(placed[0].customer.as_ref().unwrap().phone, "+998901234567");
    assert_eq!((placed[0].request_hash.len(), placed[0].idempotency_key.as_str()), (32, "k1"));
}

#[tokio::test]
async fn unknown_providers_are_named() {
    let kit = Kit::new().await;
    let path = format!("/v1/store/carts/{}/complete", CartId::new());
    let body = json!({"payment_provider": "paypal"});
    let request = kit.call(Method::POST, &path).header("idempotency-key", "k").json(&body);
    let (status, _, body) = problem(request.send().await.unwrap()).await;
    assert_eq!((status, &body["errors"][0]["field"]), (400, &json!("payment_provider")));
}
