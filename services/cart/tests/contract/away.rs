//! A Redis that is away, hangs, or is not fit for carts.

use std::time::{Duration, Instant};

use cart::store;
use fault::{Code, Fault};
use ids::CartId;
use testkit::eventually;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{KEEP, guests, place::Place};

fn is_away(fault: &Fault) {
    assert_eq!((fault.code, fault.reason.as_ref()), (Code::Unavailable, "UNAVAILABLE"));
    assert!(fault.retry_after.is_some() && fault.source.is_some());
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    door.shut();
    let store = store::open(&address, KEEP).await.unwrap();
    is_away(&store.ping().await.unwrap_err());
    is_away(&store.create(guests()).await.unwrap_err());
    assert!(store::migrate(&address).await.is_err(), "who prepares it has to know");

    for _ in 0..2 {
        door.open();
        eventually("it answers again", || async { store.ping().await.is_ok() }).await;
        let cart = store.create(guests()).await.unwrap();
        assert_eq!(store.find(cart.id).await.unwrap(), Some(cart));
        door.shut();
        is_away(&store.find(CartId::new()).await.unwrap_err());
    }
    store.close().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_two_seconds_and_then_a_rest() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    let store = store::open(&address, KEEP).await.unwrap();
    let cart = store.create(guests()).await.unwrap();
    door.silence();
    let started = Instant::now();
    for answer in futures::future::join_all((0..20).map(|_| store.find(cart.id))).await {
        is_away(&answer.unwrap_err());
    }
    let waited = started.elapsed();
    assert!((1900..8000).contains(&waited.as_millis()), "{waited:?}");
    let started = Instant::now();
    is_away(&store.find(cart.id).await.unwrap_err());
    assert!(started.elapsed() < Duration::from_millis(900), "nobody waits for it a second time");
    door.open();
    eventually("it goes on", || async { store.ping().await.is_ok() }).await;
    assert_eq!(store.find(cart.id).await.unwrap(), Some(cart));
    store.close().await;
}

#[tokio::test]
async fn a_server_that_may_drop_carts_is_refused() {
    let mut servers = JoinSet::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("redis://{}", listener.local_addr().unwrap());
    servers.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.spawn(evicting(connection));
        }
    });
    let refused = [
        store::open(&address, KEEP).await.err().unwrap(),
        store::migrate(&address).await.unwrap_err(),
    ];
    for error in refused {
        let error = format!("{error:#}");
        for word in ["cart.store", "maxmemory-policy", "allkeys-lru", "noeviction"] {
            assert!(error.contains(word), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_begins_to_drop_carts_is_not_ready() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    door.shut();
    let store = store::open(&address, KEEP).await.unwrap();
    // Another server comes up where the first one was.
    let port = door.address.port();
    drop(door);
    let mut servers = JoinSet::new();
    let mut listener = None;
    eventually("the port is free", || {
        let bound = std::net::TcpListener::bind(("127.0.0.1", port));
        listener = bound.ok();
        std::future::ready(listener.is_some())
    })
    .await;
    let listener = listener.unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    servers.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.spawn(evicting(connection));
        }
    });
    for fault in [store.ping().await.unwrap_err(), store.create(guests()).await.unwrap_err()] {
        assert_eq!((fault.code, fault.reason.as_ref()), (Code::Unavailable, "MAXMEMORY_POLICY"));
        assert!(fault.causes().contains("maxmemory-policy noeviction"));
    }
}

/// As much of a Redis as it takes to be asked for its policy.
async fn evicting(connection: TcpStream) {
    let (from, mut to) = connection.into_split();
    let mut lines = BufReader::new(from).lines();
    let policy = "# Memory\r\nmaxmemory:1048576\r\nmaxmemory_policy:allkeys-lru\r\n";
    while let Ok(Some(count)) = lines.next_line().await {
        let mut words = Vec::new();
        for _ in 0..count.trim_start_matches('*').parse().unwrap() {
            lines.next_line().await.unwrap();
            words.push(lines.next_line().await.unwrap().unwrap());
        }
        let answer = match words[0].as_str() {
            "HELLO" => "%1\r\n$5\r\nproto\r\n:3\r\n".to_owned(),
            "INFO" => format!("${}\r\n{policy}\r\n", policy.len()),
            _ => "+OK\r\n".to_owned(),
        };
        to.write_all(answer.as_bytes()).await.unwrap();
    }
}
