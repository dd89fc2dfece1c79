//! What every store promises of Click's attempts.

use futures::future::join_all;
use payment::{
    domain::{Provider, click},
    store::PaymentStore,
};

use crate::{
    NOW,
    fixtures::{Calls as _, call, draft, opened, told},
};

pub(crate) async fn of_many_attempts_of_click_one_is_confirmed(store: &dyn PaymentStore) {
    let payable = opened(store, "12K", Provider::Click).await;
    let mut attempts = Vec::new();
    for trans_id in [120, 122, 124] {
        attempts.push(store.prepare(call(trans_id, "12K"), NOW).await.unwrap().unwrap());
    }
    let repeat = store.prepare(call(120, "12K"), NOW).await.unwrap().unwrap();
    assert_eq!(repeat.prepare_id, attempts[0].prepare_id);
    assert_eq!(
        store.payments(payable.order, 10).await.unwrap().len(),
        1,
        "attempts of one payment"
    );
    // One gives up: the order stays held for the others.
    let up = click::Call { error: -5017, ..call(120, "12K") };
    let up = store.complete(attempts[0].prepare_id, up, NOW).await.unwrap();
    assert_eq!(up.unwrap_err(), click::Refusal::Cancelled);
    assert!(store.payable("12K", NOW).await.unwrap().unwrap().held);
    let completes = attempts[1..]
        .iter()
        .map(|attempt| store.complete(attempt.prepare_id, call(attempt.trans_id, "12K"), NOW));
    let outcomes: Vec<_> = join_all(completes).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.contains(&Err(click::Refusal::Cancelled)));
    let kinds = told(store).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "payment.paid").count(), 1);
}

pub(crate) async fn the_last_attempt_that_gives_up_frees_the_order(store: &dyn PaymentStore) {
    opened(store, "13K", Provider::Click).await;
    let attempt = store.prepare(call(130, "13K"), NOW).await.unwrap().unwrap();
    let up = click::Call { error: -5017, ..call(130, "13K") };
    for _ in 0..2 {
        let up = store.complete(attempt.prepare_id, up.clone(), NOW).await.unwrap();
        assert_eq!(up.unwrap_err(), click::Refusal::Cancelled);
    }
    store.create(draft("p13", "13K"), NOW).await.unwrap().unwrap();
    assert_eq!(
        told(store).await,
        ["payment.started", "payment.cancelled", "payment.started"],
        "given up once"
    );
}

pub(crate) async fn a_completion_must_name_what_was_prepared(store: &dyn PaymentStore) {
    opened(store, "197K", Provider::Click).await;
    opened(store, "19K", Provider::Click).await;
    let attempt = store.prepare(call(140, "197K"), NOW).await.unwrap().unwrap();
    for (prepare_id, call) in [
        (attempt.prepare_id + 1, call(140, "197K")),
        (attempt.prepare_id, call(141, "197K")),
        (attempt.prepare_id, call(140, "19K")),
    ] {
        let refused = store.complete(prepare_id, call, NOW).await.unwrap();
        assert_eq!(refused.unwrap_err(), click::Refusal::NoTransaction);
    }
    let other = click::Call { amount: 30_000, ..call(140, "197K") };
    let refused = store.complete(attempt.prepare_id, other, NOW).await.unwrap();
    assert_eq!(refused.unwrap_err(), click::Refusal::Amount);
    store.complete(attempt.prepare_id, call(140, "197K"), NOW).await.unwrap().unwrap();
}
