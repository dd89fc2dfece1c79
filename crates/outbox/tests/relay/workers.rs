//! Relays of several processes on one store.

use std::sync::Arc;

use testkit::{Wiring, patiently};

use crate::{
    bench::{Bench, Side, Subscriber, goods, ids, lab},
    place::{self, Place},
};

#[tokio::test]
async fn relays_share_the_work_in_one_process() {
    share(place::embedded().await.unwrap()).await;
}

#[tokio::test]
async fn relays_share_the_work_of_a_server() {
    let Some(place) = place::production().await else { return };
    share(place).await;
}

async fn share(place: Arc<dyn Place>) {
    let subscriber = Subscriber::default();
    let mut benches = Vec::new();
    for other in [false, true] {
        let side = Side::new(&place, other);
        benches.push(Bench::with(lab(Wiring::Local), &place, side, subscriber.clone()).await);
    }
    let drafts = goods(1000);
    for part in drafts.chunks(20) {
        place.append(part, benches[0].lab.clock.now()).await;
        for bench in &benches {
            bench.relay.wake();
        }
    }
    patiently("all is settled", || async { benches[0].pending().await == 0 }).await;
    let mut seen = subscriber.calls().concat();
    assert_eq!(seen.len(), 1000, "nothing was delivered twice");
    seen.sort();
    let mut wanted = ids(&drafts);
    wanted.sort();
    assert_eq!(seen, wanted);
    for bench in benches {
        bench.lab.stop().await;
    }
    place.close().await;
}
