//! The relay between a store and a subscriber.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the place"
)]

use std::time::{Duration, Instant};

use mesh::Role;
use testkit::{WIRINGS, eventually};

#[path = "relay/bench.rs"]
mod bench;
#[path = "contract/place.rs"]
mod place;
#[path = "relay/trouble.rs"]
mod trouble;
#[path = "relay/workers.rs"]
mod workers;

use bench::{Bench, event, goods, ids, lab};

/// The relay looks without being woken after half a second, and gathers for five milliseconds.
const IDLE: Duration = Duration::from_millis(500);
const GATHER: u128 = 5;

#[tokio::test]
async fn an_event_leaves_at_once_when_the_relay_is_woken() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        let mut fastest = Duration::MAX;
        for round in 0..5 {
            let subject = format!("order {round}");
            let (began, watch) = (Instant::now(), bench.relay.watch());
            bench.write(&[event(&subject)]).await;
            assert!(watch.delivered("payment.paid", &subject, Duration::from_secs(10)).await);
            fastest = fastest.min(began.elapsed());
        }
        assert!(fastest < IDLE / 2, "{wiring:?}: {fastest:?}");
        // Nobody tells: it is found all the same.
        let quiet = goods(1);
        place.append(&quiet, bench.lab.clock.now()).await;
        eventually("it is found", || async { bench.applied(&quiet) }).await;
        eventually("all is settled", || async { bench.pending().await == 0 }).await;
        assert_eq!(bench.counted("applied"), 6);
        bench.lab.stop().await;
    }
}

#[tokio::test]
async fn what_comes_within_a_moment_travels_together() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        let (began, drafts) = (Instant::now(), goods(200));
        for draft in &drafts {
            bench.write(std::slice::from_ref(draft)).await;
        }
        eventually("all are applied", || async { bench.applied(&drafts) }).await;
        let looks = began.elapsed().as_millis() / GATHER + 2;
        let calls = bench.subscriber.calls();
        assert!(calls.len() <= usize::try_from(looks).unwrap(), "{} of {looks}", calls.len());
        assert_eq!(calls.concat(), ids(&drafts), "each once, in the order of writing");
        bench.lab.stop().await;
    }
}

#[tokio::test]
async fn what_comes_while_a_subscriber_is_busy_goes_with_the_next_call() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        bench.subscriber.be_slow(300);
        let first = goods(1);
        bench.write(&first).await;
        eventually("it is busy", || async { bench.subscriber.calls().len() == 1 }).await;
        let more = goods(150);
        for part in more.chunks(10) {
            bench.write(part).await;
        }
        bench.subscriber.be_slow(0);
        eventually("all are applied", || async { bench.applied(&more) }).await;
        let sizes: Vec<usize> = bench.subscriber.calls().iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 128, 22], "{wiring:?}");
        assert_eq!(bench.subscriber.effects(), [ids(&first), ids(&more)].concat());
        bench.lab.stop().await;
    }
}

#[tokio::test]
async fn a_slow_subscriber_holds_up_nobody_else() {
    let place = place::embedded().await.unwrap();
    let bench = Bench::start(lab(testkit::Wiring::Local), &place).await;
    // Search has no place in this laboratory.
    let absent: Vec<_> = goods(300).into_iter().map(|draft| draft.to(&[Role::Search])).collect();
    let drafts = goods(5);
    bench.write(&absent).await;
    bench.write(&drafts).await;
    eventually("order hears", || async { bench.applied(&drafts) }).await;
    eventually("search does not", || async { bench.pending().await == 300 }).await;
    bench.lab.stop().await;
    let waiting =
        place.outbox().claim(Role::Search, testkit::START.plus(YEARS), 500).await.unwrap();
    assert_eq!(waiting.len(), 300);
    assert!(waiting.iter().all(|parcel| parcel.attempts == 0), "it refused nothing");
}

/// Later than every lease.
const YEARS: Duration = Duration::from_hours(99_999);

#[tokio::test]
async fn a_stop_lets_what_is_under_way_arrive_and_leaves_the_rest() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        let (subscriber, under_way, rest) = (bench.subscriber.clone(), goods(10), goods(7));
        subscriber.be_slow(500);
        bench.write(&under_way).await;
        eventually("it is under way", || async { subscriber.calls().len() == 1 }).await;
        bench.write(&rest).await;
        bench.lab.stop().await;
        assert_eq!(subscriber.calls(), [ids(&under_way)], "{wiring:?}: nothing new is begun");
        assert_eq!(subscriber.effects(), ids(&under_way));
        // What arrived is settled, and nobody holds what did not.
        let now = clock::Clock::system().now();
        let left = place.outbox().claim(Role::Order, now, 100).await.unwrap();
        let left: Vec<String> = left.into_iter().map(|parcel| parcel.event).collect();
        assert_eq!(left, ids(&rest));
        place.close().await;
    }
}
