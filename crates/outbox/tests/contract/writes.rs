//! Promises about what is written, and what is said of it.

use std::time::Duration;

use ids::EventId;
use mesh::Role;
use outbox::{Backlog, Draft};
use testkit::START as NOW;

use crate::{AnyPlace, claimed, event, events, written};

pub(crate) async fn the_backlog_tells_the_truth(place: &AnyPlace) {
    let store = place.outbox();
    assert_eq!(store.backlog().await.unwrap(), Backlog::default());
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    for seconds in [5, 3, 9] {
        place.append(&[event(&[Role::Order])], at(seconds)).await;
    }
    let all = Backlog { pending: 3, parked: 0, oldest: Some(at(3)) };
    assert_eq!(store.backlog().await.unwrap(), all);
    let parcels = store.claim(Role::Order, at(10), 10).await.unwrap();
    assert_eq!(place.other().backlog().await.unwrap(), all, "what is on its way still waits");
    // The oldest is parked, another one comes again later.
    store.fail(parcels[1].row, String::new(), None).await.unwrap();
    store.fail(parcels[0].row, String::new(), Some(at(99))).await.unwrap();
    let left = Backlog { pending: 2, parked: 1, oldest: Some(at(5)) };
    assert_eq!(store.backlog().await.unwrap(), left);
    store.settle(vec![parcels[0].row, parcels[2].row]).await.unwrap();
    let parked = Backlog { pending: 0, parked: 1, oldest: None };
    assert_eq!(store.backlog().await.unwrap(), parked);
    store.replay(None, at(100)).await.unwrap();
    let replayed = Backlog { pending: 1, parked: 0, oldest: Some(at(3)) };
    assert_eq!(store.backlog().await.unwrap(), replayed, "it waits since it was written");
}

pub(crate) async fn nothing_of_a_change_that_failed_is_seen(place: &AnyPlace) {
    let (vain, kept) = (events(3), events(1));
    place.append_in_vain(&vain, NOW).await;
    place.append(&kept, NOW).await;
    assert_eq!(place.outbox().backlog().await.unwrap().pending, 1);
    let parcels = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    assert_eq!(claimed(&parcels), written(&kept));
    // What failed may be done again with the same names.
    place.append(&vain, NOW).await;
    assert_eq!(place.outbox().claim(Role::Order, NOW, 10).await.unwrap().len(), 3);
}

pub(crate) async fn each_subscriber_has_its_own_row(place: &AnyPlace) {
    let draft = event(&[Role::Notification, Role::Cart, Role::Payment]);
    place.append(&[draft.clone(), event(&[Role::Cart])], NOW).await;
    assert_eq!(place.outbox().backlog().await.unwrap().pending, 4);
    let cart = place.outbox().claim(Role::Cart, NOW, 10).await.unwrap();
    assert_eq!(cart.len(), 2);
    place.outbox().settle(cart.iter().map(|parcel| parcel.row).collect()).await.unwrap();
    for role in [Role::Notification, Role::Payment] {
        let parcels = place.outbox().claim(role, NOW, 10).await.unwrap();
        assert_eq!(claimed(&parcels), [draft.id.to_string()]);
        assert_eq!((&*parcels[0].kind, &*parcels[0].subject), ("order.paid", "ord_1"));
        assert_eq!(parcels[0].payload, draft.payload);
    }
    assert!(place.outbox().claim(Role::Order, NOW, 10).await.unwrap().is_empty());
}

pub(crate) async fn without_subscribers_nothing_is_written(place: &AnyPlace) {
    place.append(&[], NOW).await;
    place.append(&[event(&[])], NOW).await;
    assert_eq!(place.outbox().backlog().await.unwrap(), Backlog::default());
    let draft = event(&[Role::Order]);
    place.append(&[event(&[]), draft.clone()], NOW).await;
    let parcels = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    assert_eq!(claimed(&parcels), [draft.id.to_string()]);
}

pub(crate) async fn an_event_is_written_once_for_a_subscriber(place: &AnyPlace) {
    let draft = event(&[Role::Order]);
    place.append(std::slice::from_ref(&draft), NOW).await;
    assert!(!place.try_append(&[event(&[Role::Order]), draft.clone()], NOW).await);
    assert_eq!(place.outbox().backlog().await.unwrap().pending, 1, "all or nothing");
    place.append(&[draft.to(&[Role::Search])], NOW).await;
    assert_eq!(place.outbox().backlog().await.unwrap().pending, 2);
}

pub(crate) async fn payloads_stay_as_they_are(place: &AnyPlace) {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let large: Vec<u8> = every.iter().copied().cycle().take(3 * 1024 * 1024 + 1).collect();
    let payloads = [Vec::new(), vec![0], every, large];
    let drafts = payloads.clone().map(|payload| Draft {
        id: EventId::new(),
        kind: "product.changed",
        subject: "чойнак \"'\\ \u{1F375}".to_owned(),
        payload,
        subscribers: &[Role::Order],
    });
    place.append(&drafts, NOW).await;
    let parcels = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    assert_eq!(claimed(&parcels), written(&drafts));
    for (parcel, payload) in parcels.iter().zip(&payloads) {
        assert!(parcel.payload == *payload, "{} bytes", payload.len());
        assert_eq!(parcel.subject, drafts[0].subject);
    }
}
