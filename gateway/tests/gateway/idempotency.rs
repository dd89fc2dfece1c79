//! A repeat gets the answer of the first.

use std::{sync::atomic::Ordering, time::Duration};

use ids::{CartId, OfferId};
use serde_json::json;

use crate::kit::{Kit, header, problem};

#[tokio::test]
async fn a_repeat_gets_the_same_bytes() {
    let kit = Kit::new().await;
    let make = async |key: &str| {
        kit.post("/v1/store/carts").header("idempotency-key", key).send().await.unwrap()
    };
    let first = make("k1").await;
    assert_eq!(
        (first.status().as_u16(), header(&first, "idempotent-replayed")),
        (201, String::new())
    );
    let (kind, first) = (header(&first, "content-type"), first.bytes().await.unwrap());
    let again = make("k1").await;
    assert_eq!(again.status(), 201);
    assert_eq!(header(&again, "idempotent-replayed"), "true");
    assert_eq!(header(&again, "content-type"), kind);
    assert_eq!(again.bytes().await.unwrap(), first);
    assert_ne!(make("k2").await.bytes().await.unwrap(), first);
    assert_eq!(kit.world.carts_made.load(Ordering::SeqCst), 2);
    // Somebody else's key is another key.
    let other = kit.post("/v1/store/carts").header("idempotency-key", "k1");
    let other = other.bearer_auth(kit.shopper()).send().await.unwrap();
    assert_eq!(header(&other, "idempotent-replayed"), "");
}

#[tokio::test]
async fn a_validation_failure_does_not_use_the_key_up() {
    let kit = Kit::new().await;
    let register = async |password: &str| {
        let body = json!({"phone": "+998901234567", "name": "Ali", "password": password});
        let request = kit.post("/v1/auth/register").header("idempotency-key", "k1");
        request.json(&body).send().await.unwrap()
    };
    assert_eq!(problem(register("short").await).await.0, 400);
    let made = register("long enough").await;
    assert_eq!(
        (made.status().as_u16(), header(&made, "idempotent-replayed")),
        (201, String::new())
    );
    let reused = problem(register("another one").await).await;
    assert_eq!((reused.0, reused.1.as_str()), (422, "IDEMPOTENCY_KEY_REUSED"));
    let wrong = kit.post("/v1/store/carts").header("idempotency-key", "with space").send().await;
    assert_eq!(problem(wrong.unwrap()).await.1, "IDEMPOTENCY_KEY_INVALID");
}

#[tokio::test]
async fn two_at_once_are_done_once() {
    let kit = Kit::new().await;
    kit.world.slow.store(true, Ordering::SeqCst);
    let path = format!("/v1/store/carts/{}/items", CartId::new());
    let body = json!({"offer_id": OfferId::new().to_string(), "quantity": 1});
    let add = async || {
        let request = kit.post(&path).header("idempotency-key", "k1").json(&body);
        request.send().await.unwrap()
    };
    let (first, second) = tokio::join!(add(), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        add().await
    });
    assert_eq!(first.status(), 200);
    let (status, code, _) = problem(second).await;
    assert_eq!((status, code.as_str()), (409, "IDEMPOTENCY_IN_PROGRESS"));
    assert_eq!(header(&add().await, "idempotent-replayed"), "true");
    assert_eq!(kit.world.items_added.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn not_found_is_an_answer_too() {
    let kit = Kit::new().await;
    let path = "/v1/store/carts/nonsense/items";
    let body = json!({"offer_id": OfferId::new().to_string(), "quantity": 1});
    let add =
        async || kit.post(path).header("idempotency-key", "k1").json(&body).send().await.unwrap();
    let first = add().await;
    assert_eq!(header(&first, "idempotent-replayed"), "");
    let first = problem(first).await;
    let again = add().await;
    assert_eq!(header(&again, "idempotent-replayed"), "true");
    assert_eq!(problem(again).await, first);
}
