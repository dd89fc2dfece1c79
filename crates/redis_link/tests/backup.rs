//! Copies of keys, against a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use archive::{Copied, FORMAT, Manifest, Shelf};
use redis::cmd;
use redis_link::Link;
use testkit::Folder;

/// Keys of one test alone; gone when the test ends well.
fn link() -> Option<Link> {
    let server = testkit::real_store("redis")?;
    // Letters that mean something to SCAN.
    let prefix = format!("um:test*[a]:{}:", ids::RequestId::new());
    Some(Link::new(&server, &prefix).unwrap())
}

async fn set(link: &Link, key: &str, value: &[u8], life: Option<u64>) {
    let mut set = cmd("SET");
    set.arg(format!("{}{key}", link.prefix())).arg(value);
    if let Some(life) = life {
        set.arg("PX").arg(life);
    }
    link.command::<()>(&set).await.unwrap();
}

async fn ask<T: redis::FromRedisValue>(link: &Link, command: &str, key: &str) -> T {
    link.command(cmd(command).arg(format!("{}{key}", link.prefix()))).await.unwrap()
}

#[tokio::test]
async fn keys_with_the_prefix_are_copied_and_put_back() {
    let (Some(one), Some(two)) = (link(), link()) else { return };
    assert!(!one.is_filled().await.unwrap());
    for number in 0..1_234 {
        set(&one, &format!("cart_{number}"), b"\0\xff\n", None).await;
    }
    set(&one, "short", b"lived", Some(3_600_000)).await;
    let mut hash = cmd("HSET");
    hash.arg(format!("{}hash", one.prefix())).arg("body").arg("{}").arg("version").arg(7);
    one.command::<()>(&hash).await.unwrap();
    set(&two, "another", b"prefix", None).await;
    assert!(one.is_filled().await.unwrap());

    let folder = Folder::new("backup");
    let shelf = Shelf::open(folder.path()).unwrap();
    let draft = shelf.begin(testkit::START).unwrap();
    let mut part = draft.part("cart").unwrap();
    one.copy(&mut part).await.unwrap();
    let store = part.into_store("redis", 0, Copied::Live);
    assert_eq!(store.counts["keys"], 1_236);
    let stores = [("cart".to_owned(), store)].into();
    let (program, taken_at) = ("test".to_owned(), testkit::START);
    let manifest = Manifest { format: FORMAT, program, taken_at, held_ms: 0, stores };
    let backup = draft.finish(&manifest).unwrap();

    // The prefix is the place's, not the copy's.
    two.clear().await.unwrap();
    assert!(!two.is_filled().await.unwrap());
    two.load(&backup.join("cart")).await.unwrap();
    two.load(&backup.join("cart")).await.unwrap();
    assert_eq!(ask::<Vec<u8>>(&two, "GET", "cart_1233").await, b"\0\xff\n");
    assert_eq!(ask::<i64>(&two, "PTTL", "cart_1233").await, -1);
    let life: i64 = ask(&two, "PTTL", "short").await;
    assert!((3_000_000..=3_600_000).contains(&life), "{life}");
    let fields: std::collections::HashMap<String, String> = ask(&two, "HGETALL", "hash").await;
    assert_eq!(fields["version"], "7");
    assert!(one.is_filled().await.unwrap(), "what is cleared is one's own");
    one.clear().await.unwrap();
    two.clear().await.unwrap();
}

#[tokio::test]
async fn others_who_use_the_keys_are_seen() {
    let Some(server) = testkit::real_store("redis") else { return };
    let prefix = format!("um:test [a]:{}:", ids::RequestId::new());
    let link = |prefix: &str| Link::new(&server, prefix).unwrap();
    let (asks, another) = (link(&prefix), link(&format!("{prefix}another:")));
    another.check().await.unwrap();
    assert!(!asks.is_in_use().await.unwrap(), "neither oneself nor another prefix");
    let uses = link(&prefix);
    uses.check().await.unwrap();
    assert!(asks.is_in_use().await.unwrap());
    uses.close().await;
    drop(uses);
    testkit::eventually("its connection ends", async || !asks.is_in_use().await.unwrap()).await;
}
