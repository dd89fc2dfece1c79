//! Promises about events: what was received, and what was set aside.

use std::time::Duration;

use ids::{EventId, MerchantId};
use mesh::Role;
use product::store::ProductStore;

use crate::fixtures::{NOW, category, new};

pub(crate) async fn old_receipts_are_forgotten_in_batches(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let product = store.create(new(&phones, MerchantId::new(), "A-1")).await.unwrap();
    let at = |minute: u64| NOW.plus(Duration::from_mins(minute));
    // Names of events begin with the moment of their birth.
    let born = |minute| u128::try_from(at(minute).millis()).unwrap() << 80;
    let events: Vec<String> =
        (0..5).map(|minute| EventId::from_u128(born(minute)).to_string()).collect();
    let sold = |event: &String, minute| {
        let event = event.clone();
        async move {
            store.sold(&event, vec![(product.id, 1)], at(minute)).await.unwrap();
            store.find(&[product.id]).await.unwrap()[0].popularity
        }
    };
    for (minute, event) in (0..).zip(&events) {
        sold(event, minute).await;
    }
    let mut forgotten = Vec::new();
    for _ in 0..3 {
        forgotten.push(store.forget_received(at(3), 2).await.unwrap());
    }
    assert_eq!(forgotten, [2, 1, 0]);
    assert_eq!(sold(&events[3], 9).await, 5, "it is remembered");
    assert_eq!(sold(&events[2], 9).await, 6, "it is forgotten");
}

pub(crate) async fn what_was_set_aside_is_listed_and_sent_again(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    for sku in ["A-1", "B-1"] {
        store.create(new(&phones, MerchantId::new(), sku)).await.unwrap();
    }
    let outbox = store.outbox();
    let parcels = outbox.claim(Role::Search, NOW, 9).await.unwrap();
    for parcel in &parcels {
        outbox.fail(parcel.row, "NOT_LIKED".to_owned(), None).await.unwrap();
    }
    let parked = outbox.parked(9).await.unwrap();
    let events = |parcels: &[outbox::Parcel]| -> Vec<String> {
        parcels.iter().map(|parcel| parcel.event.clone()).collect()
    };
    let listed: Vec<String> = parked.iter().map(|parked| parked.event.clone()).collect();
    assert_eq!(listed, events(&parcels));
    let one = &parked[0];
    assert_eq!((&*one.subscriber, &*one.error, one.attempts), ("search", "NOT_LIKED", 1));
    assert_eq!((&*one.kind, one.written_at), ("product.changed", NOW));
    assert_eq!(outbox.parked(1).await.unwrap().len(), 1);

    let first = parcels[0].event.parse().unwrap();
    assert_eq!(outbox.replay(Some(first), NOW).await.unwrap(), 1);
    assert_eq!(outbox.replay(Some(first), NOW).await.unwrap(), 0);
    let again = outbox.claim(Role::Search, NOW, 9).await.unwrap();
    assert_eq!((events(&again), again[0].attempts), (events(&parcels[..1]), 0));
    assert_eq!(outbox.replay(None, NOW).await.unwrap(), 1);
    let rest = outbox.claim(Role::Search, NOW, 9).await.unwrap();
    assert_eq!(events(&rest), events(&parcels[1..]));
    assert_eq!(outbox.claim(Role::Order, NOW, 9).await.unwrap().len(), 2, "order is not touched");
    // What nobody has refused goes back uncounted.
    let later = NOW.plus(Duration::from_secs(1));
    outbox.release(vec![rest[0].row], later).await.unwrap();
    assert!(outbox.claim(Role::Search, NOW, 9).await.unwrap().is_empty());
    assert_eq!(outbox.claim(Role::Search, later, 9).await.unwrap(), rest);
}
