//! Redis goes, and comes back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use gateway::{Config, RateLimit};
use ids::{CartId, OfferId, OrderId, UserId};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use testkit::{Lab, Wiring, eventually};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{
    fakes::{self, World},
    kit::{Key, Kit, config, header, problem},
    place::Place,
};

async fn gateway(store: String) -> Kit {
    let key = Key::new();
    let world = Arc::new(World::new(key.jwks.clone()));
    let base = config();
    let rate_limit = RateLimit {
        enabled: true,
        anonymous_writes_per_minute: 1000,
        reads_per_minute: 1000,
        shared_wait_ms: 25,
        ..base.rate_limit.clone()
    };
    let lab = fakes::mount_notification(Lab::new(Wiring::Local), &world);
    Kit::one_of(lab, Config { store, rate_limit, ..base }, &world, &key).await
}

/// Puts something into a cart: twice would be too often.
async fn add(kit: &Kit, key: &str) -> Response {
    let path = format!("/v1/store/carts/{}/items", CartId::from_u128(7));
    let body = json!({"offer_id": OfferId::from_u128(7).to_string(), "quantity": 1});
    kit.post(&path).header("idempotency-key", key).json(&body).send().await.unwrap()
}

async fn check_out(kit: &Kit, key: &str) -> Response {
    let path = format!("/v1/store/carts/{}/complete", CartId::new());
    let body = json!({"payment_provider": "payme"});
    kit.post(&path).header("idempotency-key", key).json(&body).send().await.unwrap()
}

/// Everything that must go on, and how long the slowest took.
async fn everything_but_repeats_goes_on(kit: &Kit, round: &str) -> Duration {
    let mut slowest = Duration::ZERO;
    let mut timed = |started: Instant| slowest = slowest.max(started.elapsed());
    let started = Instant::now();
    let listed = kit.get("/v1/store/products").send().await.unwrap();
    assert_eq!(listed.status(), 200);
    assert!(!header(&listed, "ratelimit-remaining").is_empty(), "still counted");
    timed(started);
    let started = Instant::now();
    assert_eq!(check_out(kit, round).await.status(), 201);
    let again = check_out(kit, round).await;
    assert_eq!(header(&again, "idempotent-replayed"), "true", "order keeps the key");
    timed(started);
    let started = Instant::now();
    let made = kit.post("/v1/store/carts").send().await.unwrap();
    assert_eq!(made.status(), 201);
    assert_eq!(header(&made, "ratelimit-limit"), "1000");
    timed(started);
    let started = Instant::now();
    let product = format!("/v1/merchant/products/{}", kit.world.product_id);
    let gone = kit.call(Method::DELETE, &product).bearer_auth(kit.staff("operator"));
    assert_eq!(gone.send().await.unwrap().status(), 204);
    timed(started);
    let ready = kit.get("/health/ready").send().await.unwrap();
    assert_eq!(ready.status(), 200, "else every gateway would be taken out");
    // With a key, and nothing but the key to keep it from being done twice again: the first that asks finds out that nobody answers.
    let (status, code, _) =
        problem(add(kit, &format!("{round} add").replace(' ', "-")).await).await;
    assert_eq!((status, code.as_str()), (503, "UNAVAILABLE"));
    // A repeat of this one changes nothing: it needs no memory.
    let carts = kit.post("/v1/store/carts").header("idempotency-key", round);
    assert_eq!(carts.send().await.unwrap().status(), 201);
    slowest
}

#[tokio::test]
async fn without_redis_everything_but_repeats_goes_on() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    let kit = gateway(address).await;
    let url = kit.base.replace("http://", "ws://");
    let ticket = kit.ticket_of(UserId::new());
    let (mut socket, _) = connect_async(format!("{url}/v1/ws?ticket={ticket}")).await.unwrap();
    let message = socket.next().await.unwrap().unwrap();
    let Message::Text(text) = message else { panic!("{message:?}") };
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["type"], "order.paid");
    assert_eq!(add(&kit, "first").await.status(), 200);

    door.shut();
    let slowest = everything_but_repeats_goes_on(&kit, "shut").await;
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    let refused = add(&kit, "refused").await;
    assert!(header(&refused, "retry-after").parse::<u32>().unwrap() > 0);
    // What is open stays open.
    let silence = tokio::time::timeout(Duration::from_millis(20), socket.next()).await;
    assert!(!matches!(silence, Ok(None | Some(Ok(Message::Close(_)) | Err(_)))));

    for round in ["again", "hangs"] {
        door.open();
        let back = Instant::now();
        eventually("keys are remembered again", || async {
            add(&kit, round).await.status() == 200
        })
        .await;
        assert!(back.elapsed() < Duration::from_secs(10));
        assert_eq!(header(&add(&kit, round).await, "idempotent-replayed"), "true");
        eventually("limits are counted together again", || async {
            kit.post("/v1/store/carts").send().await.unwrap();
            place.keys().iter().any(|key| key.windows(12).any(|part| part == b"count:writes"))
        })
        .await;
        door.silence();
        let slowest = everything_but_repeats_goes_on(&kit, &format!("silent-{round}")).await;
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    }
    kit.lab.stop().await;
}

#[tokio::test]
async fn a_gateway_starts_without_redis() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    door.shut();
    let kit = gateway(address).await;
    assert_eq!(kit.get("/health/ready").send().await.unwrap().status(), 200);
    assert_eq!(kit.get("/v1/store/products").send().await.unwrap().status(), 200);
    let order = OrderId::new();
    let path = format!("/v1/store/orders/{order}/cancel");
    // Nobody has made such an order in this world; but the key is not what stands in the way.
    let cancelled = kit.post(&path).header("idempotency-key", "k1").json(&json!({})).send().await;
    assert_ne!(cancelled.unwrap().status(), 503);
    door.open();
    eventually("it has found it", || async { add(&kit, "k2").await.status() == 200 }).await;
    kit.lab.stop().await;
}
