//! Promises about what was received.

use std::time::Duration;

use clock::Timestamp;
use futures::future::join_all;
use ids::EventId;
use testkit::START as NOW;

use crate::AnyPlace;

/// The name of an event that was born at a moment.
fn born(at: Timestamp) -> EventId {
    let chance = EventId::new().as_u128() & ((1 << 80) - 1);
    EventId::from_u128(u128::try_from(at.millis()).unwrap() << 80 | chance)
}

pub(crate) async fn an_event_is_received_once(place: &AnyPlace) {
    let (one, other) = (EventId::new().to_string(), EventId::new().to_string());
    assert!(place.receive(&one, NOW).await);
    assert!(!place.receive(&one, NOW).await);
    assert!(place.receive(&other, NOW).await);
    assert!(!place.receive(&one, NOW.plus(Duration::from_hours(1))).await);
}

pub(crate) async fn of_many_receipts_at_once_one_is_the_first(place: &AnyPlace) {
    for _ in 0..10 {
        let event = EventId::new().to_string();
        let receipts = join_all((0..6).map(|_| place.receive(&event, NOW))).await;
        assert_eq!(receipts.into_iter().filter(|first| *first).count(), 1);
    }
}

pub(crate) async fn an_effect_that_failed_was_not_received(place: &AnyPlace) {
    let event = EventId::new().to_string();
    assert!(place.receive_in_vain(&event, NOW).await);
    assert!(place.receive_in_vain(&event, NOW).await, "nothing has come of it");
    assert!(place.receive(&event, NOW).await);
    assert!(!place.receive_in_vain(&event, NOW).await);
}

pub(crate) async fn old_receipts_are_forgotten_in_batches(place: &AnyPlace) {
    let at = |minutes| NOW.plus(Duration::from_mins(minutes));
    let events: Vec<String> = (0..5).map(|minute| born(at(minute)).to_string()).collect();
    for (minute, event) in (0..).zip(&events) {
        assert!(place.receive(event, at(minute)).await);
    }
    // It was parked for long, and came only now.
    let late = born(at(0)).to_string();
    assert!(place.receive(&late, at(4)).await);
    assert_eq!(place.forget(at(3), 2).await, 2);
    assert_eq!(place.forget(at(3), 2).await, 1);
    assert_eq!(place.forget(at(3), 2).await, 0);
    for event in [&events[3], &events[4], &late] {
        assert!(!place.receive(event, at(5)).await, "it is remembered");
    }
    for event in &events[..3] {
        assert!(place.receive(event, at(5)).await, "it is forgotten");
    }
}
