//! Subscribers that are away, that refuse, that fail, that do not answer.

use std::time::Duration;

use futures::future::join_all;
use mesh::Role;
use outbox::ATTEMPTS;
use testkit::{Lab, WIRINGS, eventually, patiently};

use crate::{
    bench::{Bench, DEADLY, EARLY, ENDLESS, REFUSED, Subscriber, event, goods, ids, lab},
    place,
};

#[tokio::test]
async fn a_subscriber_that_was_away_is_told_everything_in_order() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        bench.subscriber.be_away(true);
        let drafts = goods(300);
        bench.write(&drafts).await;
        eventually("it is tried", || async { bench.subscriber.calls().len() >= 3 }).await;
        let tries = bench.subscriber.calls();
        assert!(tries.iter().all(|call| *call == ids(&drafts)[..128]), "no more than a batch");
        for late in &goods(20) {
            bench.write(std::slice::from_ref(late)).await;
        }
        assert!(bench.subscriber.calls().len() <= 4, "it is left in peace");
        bench.subscriber.be_away(false);
        eventually("all arrive", || async { bench.subscriber.effects().len() == 320 }).await;
        assert_eq!(bench.subscriber.effects()[..300], ids(&drafts), "{wiring:?}");
        eventually("all is settled", || async { bench.pending().await == 0 }).await;
        assert_eq!((bench.counted("refused"), bench.counted("parked")), (0, 0));
        bench.lab.stop().await;
    }
}

#[tokio::test]
async fn an_absence_is_no_refusal_however_long_it_is() {
    let place = place::embedded().await.unwrap();
    let bench = Bench::start(lab(testkit::Wiring::Remote), &place).await;
    bench.subscriber.be_away(true);
    bench.write(&goods(3)).await;
    eventually("it is tried", || async { bench.subscriber.calls().len() >= 4 }).await;
    bench.lab.stop().await;
    let now = clock::Clock::system().now();
    let waiting = place.outbox().claim(Role::Order, now, 10).await.unwrap();
    assert_eq!(waiting.len(), 3, "nobody holds them");
    assert!(waiting.iter().all(|parcel| parcel.attempts == 0));
}

#[tokio::test]
async fn a_poisonous_event_is_parked_after_its_tries_and_holds_up_nobody() {
    for wiring in WIRINGS {
        for poison in [REFUSED, DEADLY] {
            let place = place::embedded().await.unwrap();
            // The test moves the clock.
            let bench = Bench::start(Lab::new(wiring), &place).await;
            let (first, second) = (goods(20), goods(20));
            let bad = [event(poison), event(poison)];
            let all = [&bad[..1], &first[..], &bad[1..], &second[..]].concat();
            bench.write(&all).await;
            let good = [first, second].concat();
            eventually("the others arrive", || async { bench.applied(&good) }).await;
            // From time to time others come along.
            eventually("both are parked", || async {
                bench.lab.clock.advance(Duration::from_mins(1));
                bench.write(&goods(1)).await;
                bench.counted("parked") == 2
            })
            .await;
            assert_eq!(
                bench.counted("refused"),
                2 * u64::from(ATTEMPTS - 1),
                "{wiring:?} {poison}"
            );
            eventually("all is settled", || async { bench.pending().await == 0 }).await;
            let parked = place.outbox().parked(10).await.unwrap();
            let names: Vec<&str> = parked.iter().map(|parked| &*parked.event).collect();
            assert_eq!(names, ids(&bad));
            let reason = if poison == REFUSED { "NOT_LIKED" } else { "INTERNAL" };
            for one in &parked {
                assert_eq!((&*one.error, one.attempts), (reason, ATTEMPTS));
            }
            let calls = bench.subscriber.calls().len();
            bench.lab.clock.advance(Duration::from_hours(1));
            bench.relay.wake();
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(bench.subscriber.calls().len(), calls, "it is left alone");

            bench.subscriber.be_mended();
            place.outbox().replay(None, bench.lab.clock.now()).await.unwrap();
            eventually("it arrives", || async { bench.applied(&bad) }).await;
            bench.lab.stop().await;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_is_parked_in_the_end() {
    let place = place::embedded().await.unwrap();
    let bench = Bench::start(Lab::new(testkit::Wiring::Local), &place).await;
    let mut broken = event("broken");
    broken.payload = vec![0xFF; 9];
    let good = goods(1);
    bench.write(&[broken.clone(), good[0].clone()]).await;
    eventually("the other arrives", || async { bench.applied(&good) }).await;
    for tries in 2..=u64::from(ATTEMPTS) {
        bench.lab.clock.advance(Duration::from_mins(2));
        bench.relay.wake();
        let counted = || bench.counted("refused") + bench.counted("parked");
        eventually("it is refused", || async { counted() == tries }).await;
    }
    let parked = place.outbox().parked(10).await.unwrap();
    assert_eq!((parked[0].event.clone(), parked.len()), (broken.id.to_string(), 1));
    assert_eq!(parked[0].error, "cannot be decoded");
    bench.lab.stop().await;
}

#[tokio::test]
async fn a_subscriber_that_fails_with_everything_parks_nothing() {
    let place = place::embedded().await.unwrap();
    let bench = Bench::start(Lab::new(testkit::Wiring::Local), &place).await;
    let all = [event(DEADLY), event(DEADLY), event(DEADLY)];
    bench.write(&all).await;
    // Together, and each alone; then they stand back.
    patiently("each is tried often", || async {
        bench.lab.clock.advance(Duration::from_secs(11));
        bench.subscriber.calls().len() >= 20
    })
    .await;
    assert_eq!((bench.counted("refused"), bench.counted("parked")), (0, 0));
    bench.subscriber.be_mended();
    eventually("they arrive", || async {
        bench.lab.clock.advance(Duration::from_secs(11));
        bench.applied(&all)
    })
    .await;
    bench.lab.stop().await;
}

#[tokio::test]
async fn what_needs_something_that_is_away_comes_again_uncounted() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        let (early, others) = ([event(EARLY)], goods(10));
        bench.write(&[&early[..], &others[..]].concat()).await;
        eventually("the others arrive", || async { bench.applied(&others) }).await;
        let tries = || {
            let calls = bench.subscriber.calls();
            calls.iter().filter(|call| call.contains(&early[0].id.to_string())).count()
        };
        eventually("it comes again", || async { tries() >= 4 }).await;
        assert_eq!(bench.counted("refused"), 0, "{wiring:?}");
        bench.subscriber.be_mended();
        eventually("it arrives", || async { bench.applied(&early) }).await;
        bench.lab.stop().await;
    }
}

#[tokio::test]
async fn many_large_events_travel_in_parts() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        // Together more than a subscriber takes in one call.
        let drafts: Vec<_> = (0..90).map(|_| event(&"o".repeat(90 * 1024))).collect();
        bench.write(&drafts).await;
        eventually("all arrive", || async { bench.applied(&drafts) }).await;
        assert_eq!(bench.subscriber.calls().concat(), ids(&drafts), "{wiring:?}: each once");
        assert!(bench.subscriber.calls().len() > 5);
        bench.lab.stop().await;
    }
}

#[tokio::test]
async fn an_event_that_never_ends_stands_back_for_the_others() {
    let each = WIRINGS.map(|wiring| async move {
        let place = place::embedded().await.unwrap();
        let bench = Bench::start(lab(wiring), &place).await;
        let (before, endless, after) = (goods(1), [event(ENDLESS)], goods(3));
        bench.write(&[&before[..], &endless[..], &after[..]].concat()).await;
        patiently("the others arrive", || async {
            bench.applied(&before) && bench.applied(&after)
        })
        .await;
        assert_eq!((bench.counted("refused"), bench.counted("parked")), (0, 0), "{wiring:?}");
        bench.subscriber.be_mended();
        patiently("it arrives", || async { bench.applied(&endless) }).await;
        bench.lab.stop().await;
    });
    join_all(each).await;
}

#[tokio::test]
async fn what_was_delivered_and_not_settled_is_delivered_again_to_no_effect() {
    for wiring in WIRINGS {
        let place = place::embedded().await.unwrap();
        let (side, subscriber) = (crate::bench::Side::new(&place, false), Subscriber::default());
        let dying = std::sync::Arc::clone(&side);
        let bench = Bench::with(Lab::new(wiring), &place, side, subscriber.clone()).await;
        let drafts = goods(10);
        subscriber.be_slow(200);
        bench.write(&drafts).await;
        eventually("it is under way", || async { subscriber.calls().len() == 1 }).await;
        // The worker dies: what it delivers now, it cannot settle.
        dying.cut_off();
        eventually("it is delivered", || async { subscriber.effects() == ids(&drafts) }).await;
        bench.lab.stop().await;
        assert_eq!(place.outbox().backlog().await.unwrap().pending, 10);

        let side = crate::bench::Side::new(&place, true);
        let bench = Bench::with(Lab::new(wiring), &place, side, subscriber.clone()).await;
        bench.lab.clock.advance(outbox::LEASE + Duration::from_secs(1));
        eventually("all is settled", || async { bench.pending().await == 0 }).await;
        assert_eq!(subscriber.calls(), [ids(&drafts), ids(&drafts)], "{wiring:?}: at least once");
        assert_eq!(subscriber.effects(), ids(&drafts), "one effect");
        bench.lab.stop().await;
    }
}
