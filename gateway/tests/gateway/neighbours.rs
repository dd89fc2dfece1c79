//! Several gateways, and several processes that tell what happens, on one Redis and one MongoDB.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::StreamExt as _;
use gateway::{Config, RateLimit};
use ids::{EventId, OrderId, UserId};
use mesh::Role;
use mongo::FreshDatabase;
use proto::{event as events, order as orders};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Door, Lab, Wiring, eventually};
use tokio_tungstenite::{connect_async, tungstenite::Message};

use crate::{
    fakes::{self, World},
    kit::{Key, Kit, config, header},
    place::Place,
};

/// Two gateways on one store.
async fn two(store: &str, limited: bool) -> [Kit; 2] {
    let key = Key::new();
    let world = Arc::new(World::new(key.jwks.clone()));
    let base = config();
    let rate_limit = RateLimit { enabled: limited, ..base.rate_limit.clone() };
    let config = Config { store: store.to_owned(), rate_limit, ..base };
    let one = || {
        let lab = fakes::mount_notification(Lab::new(Wiring::Local), &world);
        Kit::one_of(lab, config.clone(), &world, &key)
    };
    [one().await, one().await]
}

async fn stop(kits: [Kit; 2]) {
    for kit in kits {
        kit.lab.stop().await;
    }
}

#[tokio::test]
async fn limits_are_counted_together() {
    let Some(place) = Place::create() else { return };
    let [one, other] = two(&place.address(), true).await;
    for (kit, left) in [(&one, "2"), (&other, "1"), (&one, "0")] {
        let made = kit.post("/v1/store/carts").send().await.unwrap();
        assert_eq!(
            (made.status().as_u16(), header(&made, "ratelimit-remaining")),
            (201, left.into())
        );
    }
    for kit in [&one, &other] {
        let refused = kit.post("/v1/store/carts").send().await.unwrap();
        assert_eq!(refused.status(), 429);
        assert!(header(&refused, "retry-after").parse::<u32>().unwrap() > 0);
    }
    let guess = json!({"login": "a", "password": "b"});
    for (kit, status) in [(&one, 401), (&other, 401), (&one, 429), (&other, 429)] {
        assert_eq!(kit.post("/v1/auth/login").json(&guess).send().await.unwrap().status(), status);
    }
    // Reads are decided at once, and told a moment later: the other one lets one through at most before it knows.
    for _ in 0..5 {
        assert_eq!(one.get("/v1/store/products").send().await.unwrap().status(), 200);
    }
    let (mut through, mut refused) = (0, false);
    while !refused {
        let answer = other.get("/v1/store/products").send().await.unwrap();
        refused = answer.status() == 429;
        through += u32::from(!refused);
        assert!(through <= 3, "what one let through counts with the other");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    stop([one, other]).await;
}

#[tokio::test]
async fn a_repeat_through_another_gateway_gets_the_same_answer() {
    let Some(place) = Place::create() else { return };
    let [one, other] = two(&place.address(), false).await;
    let make = async |kit: &Kit| {
        let request = kit.post("/v1/store/carts").header("idempotency-key", "k1");
        request.send().await.unwrap()
    };
    let first = make(&one).await.bytes().await.unwrap();
    let again = make(&other).await;
    assert_eq!(header(&again, "idempotent-replayed"), "true");
    assert_eq!(again.bytes().await.unwrap(), first);
    stop([one, other]).await;
}

/// A change through one gateway; whether the other one asks anew for what it had kept.
async fn shows(one: &Kit, other: &Kit) -> bool {
    other.get("/v1/store/products").send().await.unwrap();
    let before = other.world.lists.load(Ordering::SeqCst);
    let product = format!("/v1/merchant/products/{}", one.world.product_id);
    let gone = one.call(Method::DELETE, &product).bearer_auth(one.staff("operator"));
    assert_eq!(gone.send().await.unwrap().status(), 204);
    for _ in 0..20 {
        other.get("/v1/store/products").send().await.unwrap();
        if other.world.lists.load(Ordering::SeqCst) > before {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[tokio::test]
async fn a_change_through_one_gateway_shows_through_the_others() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    let [one, other] = two(&address, false).await;
    eventually("they hear each other", || shows(&one, &other)).await;
    assert!(shows(&other, &one).await);
    assert!(shows(&one, &other).await);

    // While they are apart each shows its own changes, and both begin anew when they meet again.
    door.shut();
    assert!(shows(&one, &one).await);
    assert!(!shows(&one, &other).await);
    let before = other.world.lists.load(Ordering::SeqCst);
    door.open();
    eventually("it begins anew", || async {
        other.get("/v1/store/products").send().await.unwrap();
        other.world.lists.load(Ordering::SeqCst) > before
    })
    .await;
    eventually("they hear each other", || shows(&one, &other)).await;
    stop([one, other]).await;
}

/// A gateway with a notification service of its own, on a database that others share.
async fn teller(store: String, bell: String, world: &Arc<World>, key: &Key, redis: &str) -> Kit {
    let lab = Lab::new(Wiring::Local).role(Role::Notification, move |host, mesh, _| {
        Box::pin(async move {
            let config = notification::Config {
                listen: "127.0.0.1:0".parse()?,
                store,
                bell,
                sms_url: String::new(),
                mail_url: String::new(),
                sendgrid_key: String::new().into(),
                mail_from: String::new(),
            };
            notification::mount(host, config, mesh).await
        })
    });
    let config = Config { store: redis.to_owned(), ..config() };
    Kit::one_of(lab, config, world, key).await
}

type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn open(kit: &Kit, user: UserId, last: &str) -> Socket {
    let url = kit.base.replace("http://", "ws://");
    let url = format!("{url}/v1/ws?ticket={}&last_event_id={last}", kit.ticket_of(user));
    connect_async(url).await.unwrap().0
}

/// The next message, and none when the socket has ended.
async fn hear(socket: &mut Socket) -> Option<Value> {
    let message = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).ok(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), message).await.unwrap()
}

/// An order of somebody was paid, as this process is told.
async fn happens(kit: &Kit, user: UserId, kind: &str) {
    let order = orders::Order {
        id: OrderId::new().to_string(),
        number: "1000001K".to_owned(),
        status: orders::OrderStatus::Paid.into(),
        user_id: user.to_string(),
        locale: "uz".to_owned(),
        ..Default::default()
    };
    let changed = events::OrderChanged { order: Some(order), ..Default::default() };
    let event = events::Event {
        id: EventId::new().to_string(),
        r#type: kind.to_owned(),
        at_ms: testkit::START.millis(),
        data: Some(events::event::Data::Order(changed)),
        ..Default::default()
    };
    let request = events::DeliverRequest { events: vec![event] };
    // A sender delivers again until it is taken over.
    eventually("it is taken over", || async {
        let mut client = kit.lab.mesh.events(Role::Notification);
        let answer = kit.lab.as_service(client.deliver(request.clone())).await;
        answer.is_ok_and(|answer| answer.into_inner().applied.len() == 1)
    })
    .await;
}

#[tokio::test]
async fn a_socket_hears_what_any_process_was_told_and_later_what_it_missed() {
    let (Some(place), Some(server)) = (Place::create(), testkit::real_store("mongodb")) else {
        return;
    };
    for bell in [String::new(), place.address()] {
        let fresh = FreshDatabase::on(&server);
        notification::store::migrate(&fresh.address).await.unwrap();
        let key = Key::new();
        let world = Arc::new(World::new(key.jwks.clone()));
        let redis = place.address();
        let store = fresh.address.clone();
        let one = teller(store.clone(), bell.clone(), &world, &key, &redis).await;
        let other = teller(store, bell, &world, &key, &redis).await;

        let (user, stranger) = (UserId::new(), UserId::new());
        let (mut here, mut there) = (open(&one, user, "").await, open(&other, user, "").await);
        let mut quiet = open(&one, stranger, "").await;
        happens(&other, user, "order.paid").await;
        let first = hear(&mut here).await.unwrap();
        assert_eq!(first["type"], "order.paid");
        assert_eq!(hear(&mut there).await.unwrap(), first, "the same, on both");
        happens(&one, user, "order.shipped").await;
        assert_eq!(hear(&mut there).await.unwrap()["type"], "order.shipped");

        // Somebody who was away takes up on another gateway where they had been.
        drop((here, there));
        happens(&one, user, "order.delivered").await;
        let mut back = open(&other, user, first["id"].as_str().unwrap()).await;
        happens(&one, user, "order.refunded").await;
        for kind in ["order.shipped", "order.delivered", "order.refunded"] {
            assert_eq!(hear(&mut back).await.unwrap()["type"], kind);
        }
        let silence = tokio::time::timeout(Duration::from_millis(50), quiet.next()).await;
        assert!(silence.is_err() || !matches!(silence, Ok(Some(Ok(Message::Text(_))))));
        drop((back, quiet));
        stop([one, other]).await;
        drop(fresh);
    }
}

#[tokio::test]
async fn a_socket_whose_process_is_cut_off_ends_and_nothing_is_lost() {
    let (Some(place), Some(server)) = (Place::create(), testkit::real_store("mongodb")) else {
        return;
    };
    let fresh = FreshDatabase::on(&server);
    notification::store::migrate(&fresh.address).await.unwrap();
    let (scheme, rest) = fresh.address.split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let door = Door::new(host.rsplit('@').next().unwrap()).await;
    let user_info = host.rsplit_once('@').map_or(String::new(), |(user, _)| format!("{user}@"));
    let direct = if path.contains("directConnection") { "" } else { "&directConnection=true" };
    let behind = format!("{scheme}://{user_info}{}/{path}{direct}", door.address);
    let key = Key::new();
    let world = Arc::new(World::new(key.jwks.clone()));
    let redis = place.address();
    let one = teller(behind, String::new(), &world, &key, &redis).await;
    let other = teller(fresh.address.clone(), String::new(), &world, &key, &redis).await;
    let user = UserId::new();
    let mut socket = open(&one, user, "").await;
    happens(&other, user, "order.paid").await;
    let first = hear(&mut socket).await.unwrap();
    let last = first["id"].as_str().unwrap().to_owned();

    door.shut();
    happens(&other, user, "order.shipped").await;
    happens(&other, user, "order.delivered").await;
    drop(socket);
    // Through the other gateway at once, and through this one when its store is back.
    let mut elsewhere = open(&other, user, &last).await;
    for kind in ["order.shipped", "order.delivered"] {
        assert_eq!(hear(&mut elsewhere).await.unwrap()["type"], kind);
    }
    door.open();
    eventually("it is there again", || async {
        let url = one.base.replace("http://", "ws://");
        let ticket = one.ticket_of(user);
        connect_async(format!("{url}/v1/ws?ticket={ticket}")).await.is_ok()
    })
    .await;
    let mut again = open(&one, user, &last).await;
    happens(&other, user, "order.refunded").await;
    for kind in ["order.shipped", "order.delivered", "order.refunded"] {
        assert_eq!(hear(&mut again).await.unwrap()["type"], kind);
    }
    drop((elsewhere, again));
    stop([one, other]).await;
    drop(fresh);
}
