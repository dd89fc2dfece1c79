//! Promises about keys, answers and numbers.

use std::time::Duration;

use ids::{EventId, OrderId};
use money::Money;
use order::{
    Error,
    store::{Key, OrderStore, Step},
};

use crate::{NOW, placed, placing, stocked};

pub(crate) fn key(key: &str) -> Key {
    Key { scope: "payment:1".to_owned(), key: key.to_owned(), hash: vec![7] }
}

pub(crate) async fn numbers_grow_by_one_and_refusals_use_none(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100).await;
    for seq in 1..4 {
        let first = placing(&[(goods.id, 1)]);
        assert_eq!(placed(store, first.clone()).await.seq, seq);
        store.place(first.clone()).await.unwrap();
        let mut again = first;
        "k2".clone_into(&mut again.key.key);
        assert!(matches!(store.place(again).await, Err(Error::CartCompleted)));
        let many = store.place(placing(&[(goods.id, 9)])).await;
        assert!(matches!(many, Err(Error::OutOfStock(_))));
        let mut dear = placing(&[(goods.id, 1)]);
        dear.expected_total = Some(Money::uzs(1));
        assert!(matches!(store.place(dear).await, Err(Error::PriceChanged(_))));
    }
    assert_eq!(store.numbered(4).await.unwrap(), None);
}

pub(crate) async fn a_key_without_an_order_is_remembered_once(store: &dyn OrderStore) {
    let (first, second) = (OrderId::new(), OrderId::new());
    let new = store.remember(key("k"), first, NOW).await.unwrap();
    assert_eq!((new.order, &new.hash, &new.response), (first, &vec![7], &None));
    let other = Key { hash: vec![8], ..key("k") };
    assert_eq!(store.remember(other, second, NOW).await.unwrap(), new);
    store.answer("payment:1", "k", first, None, vec![1]).await.unwrap();
    let answered = store.remember(key("k"), second, NOW).await.unwrap();
    assert_eq!(answered.response, Some(vec![1]));
    assert_eq!(store.remember(key("k2"), second, NOW).await.unwrap().order, second);
    let nowhere = store.answer("payment:1", "k3", first, None, vec![2]).await.unwrap();
    assert_eq!(nowhere, [2], "what cannot be kept is given all the same");
}

pub(crate) async fn old_answers_are_forgotten_in_batches(store: &dyn OrderStore) {
    for nth in 0..5u32 {
        let at = NOW.plus(Duration::from_secs(u64::from(nth)));
        store.remember(key(&nth.to_string()), OrderId::new(), at).await.unwrap();
    }
    let before = NOW.plus(Duration::from_secs(3));
    assert_eq!(store.forget(before, 2).await.unwrap(), 2);
    assert!(store.recall("payment:1", "0").await.unwrap().is_none(), "the oldest first");
    assert!(store.recall("payment:1", "2").await.unwrap().is_some());
    assert_eq!(store.forget(before, 2).await.unwrap(), 1);
    assert_eq!(store.forget(before, 2).await.unwrap(), 0);
    assert!(store.recall("payment:1", "3").await.unwrap().is_some());
}

pub(crate) async fn old_receipts_are_forgotten_in_batches(store: &dyn OrderStore) {
    let goods = stocked(store, 5, 100).await;
    let order = placed(store, placing(&[(goods.id, 1)])).await;
    let until = order.reserved_until.unwrap();
    let at = |minute: u64| NOW.plus(Duration::from_mins(minute));
    // Names of events begin with the moment of their birth.
    let born = |minute| u128::try_from(at(minute).millis()).unwrap() << 80;
    let events: Vec<String> =
        (0..5).map(|minute| EventId::from_u128(born(minute)).to_string()).collect();
    let received = |event: &String, minute| {
        let cause = Some(event.clone());
        let step: Step = Box::new(move |order| Ok(order.payment_started(until, NOW)));
        async move { store.apply(order.id, cause, step, at(minute)).await.unwrap().order.version }
    };
    for (minute, event) in (0..).zip(&events) {
        received(event, minute).await;
    }
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(store.forget_received(at(3), 2).await.unwrap());
    }
    assert_eq!(forgotten, [2, 1, 0]);
    assert_eq!(received(&events[3], 9).await, 6, "it is remembered");
    assert_eq!(received(&events[2], 9).await, 7, "it is forgotten");
}
