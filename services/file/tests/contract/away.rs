//! A server that is away, hangs, or has not been prepared.

use std::time::{Duration, Instant};

use bytes::Bytes;
use fault::{Code, Fault};
use file::{
    domain::Form,
    store::{self, Keys},
};
use testkit::eventually;

use crate::{merchant, place::Place, record};

fn is_away(fault: &Fault) {
    assert_eq!((fault.code, fault.reason.as_ref()), (Code::Unavailable, "STORE_FAILED"));
    assert!(fault.retry_after.is_some() && fault.source.is_some());
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let Some(place) = Place::create().await else { return };
    let (door, address) = place.behind_a_door().await;
    door.shut();
    let store = store::open(&address, &Keys::default()).await.unwrap();
    is_away(&store.ping().await.unwrap_err());
    is_away(&store.add(record(1, merchant())).await.unwrap_err());
    assert!(
        store::migrate(&address, &Keys::default()).await.is_err(),
        "who prepares it has to know"
    );
    let path = record(1, merchant()).path(Form::Main);
    for _ in 0..2 {
        door.open();
        eventually("it answers again", || async { store.ping().await.is_ok() }).await;
        store.put_blobs(vec![(path.clone(), Bytes::from_static(b"kept"))]).await.unwrap();
        assert_eq!(store.get_blob(&path).await.unwrap().unwrap(), "kept");
        door.shut();
        is_away(&store.get_blob(&path).await.unwrap_err());
    }
    store.close().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_given_two_seconds_and_then_a_rest() {
    let Some(place) = Place::create().await else { return };
    let (door, address) = place.behind_a_door().await;
    let store = store::open(&address, &Keys::default()).await.unwrap();
    let file = store.add(record(1, merchant())).await.unwrap();
    door.silence();
    let started = Instant::now();
    let ids = [file.id];
    for answer in futures::future::join_all((0..20).map(|_| store.batch(&ids))).await {
        is_away(&answer.unwrap_err());
    }
    let waited = started.elapsed();
    assert!((900..8000).contains(&waited.as_millis()), "{waited:?}");
    let started = Instant::now();
    is_away(&store.ping().await.unwrap_err());
    assert!(started.elapsed() < Duration::from_millis(900), "nobody waits for it a second time");
    door.open();
    eventually("it goes on", || async { store.ping().await.is_ok() }).await;
    assert_eq!(store.batch(&ids).await.unwrap(), [file]);
    store.close().await;
}

#[tokio::test]
async fn a_server_without_the_buckets_is_refused_with_the_command_that_makes_them() {
    let Some(place) = Place::empty() else { return };
    let (door, address) = place.behind_a_door().await;
    let error = store::open(&address, &Keys::default()).await.err().unwrap();
    let error = format!("{error:#}");
    assert!(error.contains("file.store") && error.contains("ultramarket migrate"), "{error}");
    // When it comes later, the role waits for the buckets too.
    door.shut();
    let store = store::open(&address, &Keys::default()).await.unwrap();
    door.open();
    eventually("it is missed", || async {
        store.ping().await.unwrap_err().reason == "BUCKET_MISSING"
    })
    .await;
    let fault = store.add(record(1, merchant())).await.unwrap_err();
    assert_eq!((fault.code, fault.reason.as_ref()), (Code::Unavailable, "BUCKET_MISSING"));
    store::migrate(&address, &Keys::default()).await.unwrap();
    store.ping().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn wrong_keys_are_no_answer_for_anybody() {
    let Some(place) = Place::create().await else { return };
    let address = place.address().replacen("s3://", "s3://nobody:nothing@", 1);
    let address = match address.split_once("nothing@") {
        Some((before, after)) => {
            format!("{before}nothing@{}", after.split_once('@').map_or(after, |(_, host)| host))
        }
        None => address,
    };
    let store = store::open(&address, &Keys::default()).await.unwrap();
    is_away(&store.ping().await.unwrap_err());
    is_away(&store.get_blob(&record(1, merchant()).path(Form::Main)).await.unwrap_err());
}
