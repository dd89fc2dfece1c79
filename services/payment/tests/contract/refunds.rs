//! Promises about money that goes back.

use std::time::Duration;

use futures::future::join_all;
use ids::{OrderId, RefundId};
use payment::{
    domain::{Provider, Status, refund::RefundState},
    store::{
        PaymentStore,
        refunds::{Asking, NameTaken},
    },
};

use super::{
    NOW, SUM,
    fixtures::{Calls as _, call, draft, opened, told},
};

/// An order that was paid with Click; its payment's number there is 101.
async fn paid_with_click(store: &dyn PaymentStore, reference: &str) -> OrderId {
    let payable = opened(store, reference, Provider::Click).await;
    let trans_id = i64::try_from(reference.len()).unwrap() * 100;
    let prepared = store.prepare(call(trans_id, reference), NOW).await.unwrap().unwrap();
    let paid = store.complete(prepared.prepare_id, call(trans_id, reference), NOW).await;
    paid.unwrap().unwrap();
    payable.order
}

fn asking(order: OrderId, amount: i64) -> Asking {
    Asking { id: RefundId::new(), order, amount }
}

async fn status(store: &dyn PaymentStore, order: OrderId) -> Status {
    store.payments(order, 1).await.unwrap()[0].status
}

pub(crate) async fn a_refund_is_written_once_and_never_beyond_the_payment(
    store: &dyn PaymentStore,
) {
    let order = paid_with_click(store, "1").await;
    let first = asking(order, 200_000);
    let begun = join_all((0..10).map(|_| store.refund_begin(first, NOW))).await;
    for again in begun {
        let refund = again.unwrap().unwrap();
        assert_eq!((refund.state, refund.provider), (RefundState::Pending, Some(Provider::Click)));
    }
    let other = Asking { amount: 1, ..first };
    assert_eq!(store.refund_begin(other, NOW).await.unwrap().unwrap_err(), NameTaken);
    // Ten more at once: as many as the rest has room for.
    let more = (0..10).map(|_| store.refund_begin(asking(order, 100_000), NOW));
    let more: Vec<_> = join_all(more).await.into_iter().map(|it| it.unwrap().unwrap()).collect();
    let pending = more.iter().filter(|it| it.state == RefundState::Pending).count();
    let failed = more.iter().filter(|it| it.state == RefundState::Failed).count();
    assert_eq!((pending, failed), (3, 7), "500 000 were paid");
    assert_eq!(store.click_paid(first.id).await.unwrap(), Some((101, SUM)));
    assert_eq!(status(store, order).await, Status::Paid, "nothing is back yet");
}

pub(crate) async fn one_caller_asks_the_provider(store: &dyn PaymentStore) {
    let order = paid_with_click(store, "1").await;
    let it = asking(order, 100);
    store.refund_begin(it, NOW).await.unwrap().unwrap();
    let won = async |known, now| {
        let tries = join_all((0..8).map(|_| store.refund_asked(it.id, known, now))).await;
        tries.into_iter().filter(|won| *won.as_ref().unwrap()).count()
    };
    assert_eq!(won(None, NOW).await, 1);
    let again = NOW.plus(Duration::from_mins(1));
    assert_eq!(won(None, again).await, 0, "its answer is not known");
    assert_eq!(won(Some(again), again).await, 0, "it was asked at another time");
    assert_eq!(won(Some(NOW), again).await, 1, "who takes over what was lost is one, too");
    store.refund_unasked(it.id).await.unwrap();
    assert_eq!(won(None, again).await, 1, "it never left");
}

pub(crate) async fn what_is_back_is_back_once(store: &dyn PaymentStore) {
    let order = paid_with_click(store, "1").await;
    let (one, two) = (asking(order, 100_000), asking(order, SUM - 100_000));
    for it in [one, two] {
        store.refund_begin(it, NOW).await.unwrap().unwrap();
    }
    let done = RefundState::Succeeded;
    store.refund_settled(one.id, done, "", NOW).await.unwrap();
    assert_eq!(status(store, order).await, Status::PartiallyRefunded);
    // By hand after the provider refused it.
    store.refund_settled(two.id, RefundState::NeedsManual, "refused", NOW).await.unwrap();
    assert_eq!(store.refund_begin(two, NOW).await.unwrap().unwrap().note, "refused");
    for _ in 0..3 {
        store.refund_settled(two.id, done, "by hand", NOW).await.unwrap();
        store.refund_settled(two.id, RefundState::NeedsManual, "late", NOW).await.unwrap();
    }
    assert_eq!(store.refund_begin(two, NOW).await.unwrap().unwrap().state, done);
    assert_eq!(status(store, order).await, Status::Refunded);
    let heard = told(store).await;
    assert_eq!(heard, ["payment.started", "payment.paid", "payment.refunded"]);
}

pub(crate) async fn who_offers_no_call_leaves_it_to_people(store: &dyn PaymentStore) {
    let cash = opened(store, "c1", Provider::Cash).await;
    let refund = store.refund_begin(asking(cash.order, 5), NOW).await.unwrap().unwrap();
    assert_eq!(refund.state, RefundState::NeedsManual);
    store.refund_settled(refund.id, RefundState::Succeeded, "", NOW).await.unwrap();
    let unknown = store.refund_begin(asking(OrderId::new(), 5), NOW).await.unwrap().unwrap();
    assert_eq!((unknown.state, unknown.payment), (RefundState::NeedsManual, None));

    let payme = opened(store, "p1", Provider::Payme).await;
    store.create(draft("p", "p1"), NOW).await.unwrap().unwrap();
    store.perform("p", NOW).await.unwrap().unwrap();
    store.delivered(payme.order, NOW).await.unwrap();
    assert!(store.cancel("p", 5, NOW).await.unwrap().is_err(), "the goods are delivered");
    let some = store.refund_begin(asking(payme.order, SUM - 1), NOW).await.unwrap().unwrap();
    assert_eq!(some.state, RefundState::NeedsManual);
    assert!(store.cancel("p", 5, NOW).await.unwrap().is_err(), "not all of it is to go back");
    store.refund_begin(asking(payme.order, 1), NOW).await.unwrap().unwrap();
    store.cancel("p", 5, NOW).await.unwrap().unwrap();
    assert_eq!(status(store, payme.order).await, Status::Refunded);
    store.refund_settled(some.id, RefundState::Succeeded, "", NOW).await.unwrap();
    assert_eq!(status(store, payme.order).await, Status::Refunded);
}
