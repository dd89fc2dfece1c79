//! Promises about orders and their moves.

use std::time::Duration;

use ids::{EventId, OrderId, UserId};
use order::{
    Error,
    domain::{
        Buyer, Order, Payment, PaymentState, Provider, Status, StockEffect, Transition,
        ledger::expected,
    },
    store::{Listing, OrderStore, Place, Placing},
};

use crate::{NOW, offer, payment, placed, placing, stocked};

/// Makes a move; the order afterwards.
pub(crate) async fn moved(
    store: &dyn OrderStore,
    id: OrderId,
    cause: Option<&str>,
    step: impl Fn(&Order) -> Result<Option<Transition>, Error> + Send + 'static,
) -> Result<Order, Error> {
    let applied = store.apply(id, cause.map(str::to_owned), Box::new(step), NOW).await?;
    Ok(applied.order)
}

pub(crate) fn pay(order: &Order) -> Result<Option<Transition>, Error> {
    Ok(order.paid(&payment(order), NOW))
}

pub(crate) async fn stock_is_settled_once(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100_000).await;
    let order = placed(store, placing(&[(goods.id, 2)])).await;
    let event = EventId::new().to_string();
    for _ in 0..2 {
        let paid = moved(store, order.id, Some(&event), pay).await.unwrap();
        assert_eq!((paid.status, paid.version), (Status::Paid, 2), "told twice, done once");
        let sold = offer(store, goods.id).await;
        assert_eq!((sold.available, sold.reserved), (3, 0));
    }
    let before = store.outbox().backlog().await.unwrap().pending;
    let step = |order: &Order| {
        let refunded = order.refunded(NOW).unwrap();
        assert_eq!(refunded.stock, StockEffect::Release);
        Ok(Some(refunded))
    };
    let refunded = store.apply(order.id, None, Box::new(step), NOW).await.unwrap();
    assert!(refunded.told && store.outbox().backlog().await.unwrap().pending > before);
    let back = offer(store, goods.id).await;
    assert_eq!((back.available, back.reserved), (5, 0));
    assert_eq!(store.find(order.id).await.unwrap().unwrap(), refunded.order);
}

pub(crate) async fn an_event_moves_an_order_once(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100).await;
    let order = placed(store, placing(&[(goods.id, 1)])).await;
    let until = order.reserved_until.unwrap().plus(Duration::from_mins(5));
    let start = move |order: &Order| Ok(order.payment_started(until, NOW));
    let [one, two, three] = [(); 3].map(|()| EventId::new().to_string());
    for (event, version) in [(&one, 2), (&one, 2), (&two, 3)] {
        let after = moved(store, order.id, Some(event), start).await.unwrap();
        assert_eq!((after.version, after.reserved_until), (version, Some(until)), "{event}");
    }
    let nobody = store.apply(OrderId::new(), Some(three.clone()), Box::new(start), NOW).await;
    assert!(matches!(nobody, Err(Error::OrderNotFound)));
    // What was refused has not used up the event.
    assert_eq!(moved(store, order.id, Some(&three), start).await.unwrap().version, 4);
}

pub(crate) async fn a_refused_move_changes_nothing(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100).await;
    let order = placed(store, placing(&[(goods.id, 1)])).await;
    let before = store.outbox().backlog().await.unwrap().pending;
    let event = EventId::new().to_string();
    let refused = moved(store, order.id, Some(&event), |_| Err(Error::KeyReused)).await;
    assert!(matches!(refused, Err(Error::KeyReused)));
    let still = store.apply(order.id, None, Box::new(|_| Ok(None)), NOW).await.unwrap();
    assert_eq!((&still.order, still.told), (&order, false));
    assert_eq!(store.find(order.id).await.unwrap().unwrap(), order);
    assert_eq!(store.outbox().backlog().await.unwrap().pending, before);
}

pub(crate) async fn of_pay_and_cancel_one_has_the_goods(store: &dyn OrderStore) {
    for _ in 0..20 {
        let goods = stocked(store, 3, 100).await;
        let order = placed(store, placing(&[(goods.id, 3)])).await;
        let cancel = |order: &Order| Ok(Some(order.cancel("shopper", "", NOW)?));
        let (pay, cancel) = futures::future::join(
            moved(store, order.id, None, pay),
            moved(store, order.id, None, cancel),
        )
        .await;
        assert_eq!(pay.unwrap().payment_status, PaymentState::Paid, "money is always noted");
        let left = if cancel.is_ok() { 3 } else { 0 };
        let after = offer(store, goods.id).await;
        assert_eq!((after.available, after.reserved), (left, 0));
        let end = store.find(order.id).await.unwrap().unwrap().status;
        assert_eq!(end == Status::Cancelled, cancel.is_ok());
    }
}

pub(crate) async fn the_payment_is_noted_until_there_is_later_news(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100).await;
    let cash = Placing { provider: Provider::Cash, ..placing(&[(goods.id, 1)]) };
    for request in [cash, placing(&[(goods.id, 1)])] {
        let order = placed(store, request).await;
        let opened = Payment { version: 1, status: PaymentState::Pending, ..payment(&order) };
        store.note_payment(order.id, opened.clone()).await.unwrap();
        let noted = store.find(order.id).await.unwrap().unwrap().payment;
        assert_eq!(noted.as_ref(), Some(&opened));
        let paid = moved(store, order.id, None, pay).await.unwrap();
        store.note_payment(order.id, opened).await.unwrap();
        assert_eq!(store.find(order.id).await.unwrap().unwrap(), paid);
    }
}

pub(crate) async fn pages_have_no_gaps_and_no_repeats(store: &dyn OrderStore) {
    let goods = stocked(store, 100, 100).await;
    let user = UserId::new();
    let mut made = Vec::new();
    for number in 0..23u64 {
        let request = Placing {
            buyer: Buyer::User(user),
            now: NOW.plus(Duration::from_millis(number / 3)),
            ..placing(&[(goods.id, 1)])
        };
        made.push(placed(store, request).await.id);
    }
    placed(store, placing(&[(goods.id, 1)])).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(Listing::User(user), after, 5).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(Place { order: last.id, placed_at: last.placed_at });
        seen.extend(page.iter().map(|order| order.id));
    }
    made.reverse();
    assert_eq!(seen, made);
    assert_eq!(store.count(Listing::User(user)).await.unwrap(), 23);
    assert_eq!(store.count(Listing::Everything).await.unwrap(), 24);
    // Unpaid orders are none of the merchant's business.
    let unpaid = store.list(Listing::Merchant(goods.merchant, None), None, 50).await.unwrap();
    assert!(unpaid.is_empty());
    moved(store, made[0], None, pay).await.unwrap();
    let paid = store.list(Listing::Merchant(goods.merchant, None), None, 50).await.unwrap();
    assert_eq!(paid.iter().map(|order| order.id).collect::<Vec<_>>(), [made[0]]);
}

pub(crate) async fn only_the_overdue_are_found(store: &dyn OrderStore) {
    let goods = stocked(store, 10, 100).await;
    let order = placed(store, placing(&[(goods.id, 1)])).await;
    let cash = Placing { provider: Provider::Cash, ..placing(&[(goods.id, 1)]) };
    placed(store, cash).await;
    let due = order.reserved_until.unwrap();
    assert!(store.expired(due.minus(Duration::from_millis(1)), 10).await.unwrap().is_empty());
    assert_eq!(store.expired(due, 10).await.unwrap(), [order.id]);
    moved(store, order.id, None, move |order| Ok(Some(order.expire(due)?))).await.unwrap();
    assert!(store.expired(due, 10).await.unwrap().is_empty());
    let left = offer(store, goods.id).await;
    assert_eq!((left.available, left.reserved), (9, 0));
}

/// A payment that was heard of only when its money had gone back: nobody gives it back once more.
pub(crate) async fn money_that_went_unheard_is_written_down_as_gone(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100_000).await;
    let order = placed(store, placing(&[(goods.id, 2)])).await;
    let event = EventId::new().to_string();
    let back = |order: &Order| Ok(order.refunded(NOW));
    for _ in 0..2 {
        let gone = moved(store, order.id, Some(&event), back).await.unwrap();
        assert_eq!((gone.status, gone.payment_status), (Status::Refunded, PaymentState::Refunded));
        assert_eq!((gone.refundable(), gone.refunds_sum(None)), (0, 200_000));
    }
    let late = moved(store, order.id, None, pay).await.unwrap();
    assert_eq!(late.status, Status::Refunded, "the payment is heard of after its end");
    let there = offer(store, goods.id).await;
    assert_eq!((there.available, there.reserved), (5, 0));
    let audited = store.audit(None, 10).await.unwrap().remove(0);
    assert_eq!(audited.held, expected(&audited.order), "the ledger agrees");
    assert!(audited.held.is_empty());
}
