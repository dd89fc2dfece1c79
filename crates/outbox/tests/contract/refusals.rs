//! Promises about what a subscriber did not take.

use std::time::Duration;

use ids::EventId;
use mesh::Role;
use outbox::{LEASE, Parked};
use testkit::START as NOW;

use crate::{AnyPlace, claimed, event, events, written};

pub(crate) async fn a_refusal_is_counted_and_delays(place: &AnyPlace) {
    let drafts = events(2);
    place.append(&drafts, NOW).await;
    let parcels = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    assert_eq!(parcels[0].attempts, 0);
    let next = NOW.plus(Duration::from_secs(2));
    place.outbox().fail(parcels[0].row, "CONFLICT".to_owned(), Some(next)).await.unwrap();
    let early = next.minus(Duration::from_millis(1));
    assert!(place.other().claim(Role::Order, early, 10).await.unwrap().is_empty());
    for attempts in 1..4 {
        let again = place.other().claim(Role::Order, next, 10).await.unwrap();
        assert_eq!(claimed(&again), written(&drafts)[..1]);
        assert_eq!(again[0].attempts, attempts);
        place.other().fail(again[0].row, "CONFLICT".to_owned(), Some(next)).await.unwrap();
    }
    assert!(place.outbox().parked(10).await.unwrap().is_empty());
}

pub(crate) async fn a_release_counts_nothing(place: &AnyPlace) {
    let drafts = events(3);
    place.append(&drafts, NOW).await;
    let parcels = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    let next = NOW.plus(Duration::from_secs(1));
    place.outbox().release(vec![parcels[0].row, parcels[2].row], next).await.unwrap();
    place.outbox().release(Vec::new(), next).await.unwrap();
    assert!(place.other().claim(Role::Order, NOW, 10).await.unwrap().is_empty());
    let again = place.other().claim(Role::Order, next, 10).await.unwrap();
    assert_eq!(again, [parcels[0].clone(), parcels[2].clone()]);
}

pub(crate) async fn a_parked_event_holds_up_nobody(place: &AnyPlace) {
    let drafts = events(3);
    place.append(&drafts, NOW).await;
    let first = place.outbox().claim(Role::Order, NOW, 1).await.unwrap();
    place.outbox().fail(first[0].row, "EVENT_INVALID".to_owned(), None).await.unwrap();
    let others = place.outbox().claim(Role::Order, NOW, 1).await.unwrap();
    assert_eq!(claimed(&others), written(&drafts)[1..2]);
    let years = NOW.plus(Duration::from_hours(9999));
    let all = place.other().claim(Role::Order, years, 10).await.unwrap();
    assert_eq!(claimed(&all), written(&drafts)[1..], "it does not come back by itself");
}

pub(crate) async fn what_was_parked_is_listed_and_replayed(place: &AnyPlace) {
    let drafts = [event(&[Role::Order, Role::Search]), event(&[Role::Order])];
    place.append(&drafts, NOW).await;
    assert!(place.outbox().parked(10).await.unwrap().is_empty());
    for (_, parcels) in
        place.outbox().claim_each(&[Role::Order, Role::Search], NOW, 9).await.unwrap()
    {
        for parcel in parcels {
            let why = "EVENT_INVALID: ўқиб бўлмади".to_owned();
            place.outbox().fail(parcel.row, "CONFLICT".to_owned(), Some(NOW)).await.unwrap();
            place.outbox().fail(parcel.row, why, None).await.unwrap();
        }
    }
    let mut parked = place.other().parked(10).await.unwrap();
    parked.sort_by(|a, b| (&a.event, &a.subscriber).cmp(&(&b.event, &b.subscriber)));
    let wanted = |event: &str, subscriber: &str| Parked {
        event: event.to_owned(),
        kind: "order.paid".to_owned(),
        subject: "ord_1".to_owned(),
        subscriber: subscriber.to_owned(),
        attempts: 2,
        error: "EVENT_INVALID: ўқиб бўлмади".to_owned(),
        written_at: NOW,
    };
    let ids = written(&drafts);
    let all = [wanted(&ids[0], "order"), wanted(&ids[0], "search"), wanted(&ids[1], "order")];
    assert_eq!(parked, all);
    assert_eq!(place.outbox().parked(2).await.unwrap().len(), 2, "no more than asked for");

    let later = NOW.plus(Duration::from_mins(1));
    assert_eq!(place.other().replay(None, later).await.unwrap(), 3);
    assert_eq!(place.other().replay(None, later).await.unwrap(), 0);
    assert!(place.outbox().parked(10).await.unwrap().is_empty());
    assert!(place.outbox().claim(Role::Order, NOW, 9).await.unwrap().is_empty());
    let again = place.outbox().claim(Role::Order, later, 9).await.unwrap();
    assert_eq!(claimed(&again), ids);
    assert!(again.iter().all(|parcel| parcel.attempts == 0), "as if never refused");
}

pub(crate) async fn one_event_is_replayed_without_the_others(place: &AnyPlace) {
    let drafts = events(3);
    place.append(&drafts, NOW).await;
    let parcels = place.outbox().claim(Role::Order, NOW, 9).await.unwrap();
    for parcel in &parcels[..2] {
        place.outbox().fail(parcel.row, "CONFLICT".to_owned(), None).await.unwrap();
    }
    assert_eq!(place.outbox().replay(Some(EventId::new()), NOW).await.unwrap(), 0);
    assert_eq!(place.outbox().replay(Some(drafts[2].id), NOW).await.unwrap(), 0, "not parked");
    assert_eq!(place.outbox().replay(Some(drafts[1].id), NOW).await.unwrap(), 1);
    let again = place.outbox().claim(Role::Order, NOW, 9).await.unwrap();
    assert_eq!(claimed(&again), written(&drafts)[1..2], "the third is still somebody's");
    assert_eq!(place.outbox().parked(9).await.unwrap().len(), 1);
    assert_eq!(place.outbox().claim(Role::Order, NOW.plus(LEASE), 9).await.unwrap().len(), 2);
}
