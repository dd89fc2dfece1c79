//! Promises about who gets what, and until when.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use futures::future::join_all;
use mesh::Role;
use outbox::LEASE;
use testkit::START as NOW;

use crate::{AnyPlace, claimed, event, events, written};

pub(crate) async fn two_workers_have_different_rows(place: &AnyPlace) {
    let drafts = events(10);
    place.append(&drafts, NOW).await;
    let (one, other) = tokio::join!(
        place.outbox().claim(Role::Order, NOW, 5),
        place.other().claim(Role::Order, NOW, 5)
    );
    let mut all = [claimed(&one.unwrap()), claimed(&other.unwrap())].concat();
    // One that came while the other was choosing may have been given less.
    all.extend(claimed(&place.other().claim(Role::Order, NOW, 10).await.unwrap()));
    all.sort();
    assert_eq!(all, written(&drafts), "each of them once");
    let just_before = NOW.plus(LEASE).minus(Duration::from_millis(1));
    for worker in [place.outbox(), place.other()] {
        assert!(worker.claim(Role::Order, just_before, 10).await.unwrap().is_empty());
    }
}

pub(crate) async fn many_workers_share_without_giving_anything_twice(place: &AnyPlace) {
    const EVENTS: usize = 300;
    let drafts = events(EVENTS);
    for part in drafts.chunks(30) {
        place.append(part, NOW).await;
    }
    // Below zero when something was given twice.
    let left = AtomicI64::new(i64::try_from(EVENTS).unwrap());
    let workers = (0..8).map(|nth| {
        let worker = if nth % 2 == 0 { place.outbox() } else { place.other() };
        let left = &left;
        async move {
            let mut mine = Vec::new();
            while left.load(Ordering::SeqCst) > 0 {
                let parcels = worker.claim(Role::Order, NOW, 3).await.unwrap();
                left.fetch_sub(i64::try_from(parcels.len()).unwrap(), Ordering::SeqCst);
                mine.extend(claimed(&parcels));
                worker.settle(parcels.iter().map(|parcel| parcel.row).collect()).await.unwrap();
            }
            mine
        }
    });
    let given: Vec<String> = join_all(workers).await.into_iter().flatten().collect();
    assert_eq!(given.len(), EVENTS, "nothing twice");
    assert_eq!(given.into_iter().collect::<BTreeSet<_>>(), written(&drafts).into_iter().collect());
}

pub(crate) async fn a_claim_has_a_limit_for_each_subscriber(place: &AnyPlace) {
    let drafts: Vec<_> = (0..5).map(|_| event(&[Role::Order, Role::Search])).collect();
    place.append(&drafts, NOW).await;
    let told = [Role::Search, Role::Cart, Role::Order];
    let first = place.outbox().claim_each(&told, NOW, 3).await.unwrap();
    let mut roles: Vec<Role> = first.iter().map(|(role, _)| *role).collect();
    roles.sort();
    assert_eq!(roles, [Role::Order, Role::Search], "cart has nothing");
    for (_, parcels) in first {
        assert_eq!(claimed(&parcels), written(&drafts)[..3]);
    }
    let rest = place.outbox().claim_each(&told, NOW, 3).await.unwrap();
    for (_, parcels) in &rest {
        assert_eq!(claimed(parcels), written(&drafts)[3..]);
    }
    assert_eq!(rest.len(), 2);
    assert!(place.outbox().claim_each(&[], NOW, 3).await.unwrap().is_empty());
}

pub(crate) async fn rows_come_in_the_order_of_writing(place: &AnyPlace) {
    let drafts = events(40);
    for draft in &drafts {
        place.append(std::slice::from_ref(draft), NOW).await;
    }
    let mut order = Vec::new();
    loop {
        let parcels = place.outbox().claim(Role::Order, NOW, 7).await.unwrap();
        if parcels.is_empty() {
            break;
        }
        order.extend(claimed(&parcels));
    }
    assert_eq!(order, written(&drafts));
}

pub(crate) async fn a_lease_that_ran_out_is_claimed_again(place: &AnyPlace) {
    let drafts = events(2);
    place.append(&drafts, NOW).await;
    let first = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    assert_eq!(first.len(), 2);
    place.outbox().settle(vec![first[0].row]).await.unwrap();
    let over = NOW.plus(LEASE);
    let again = place.other().claim(Role::Order, over, 10).await.unwrap();
    assert_eq!(again, first[1..], "as it was, and no try is counted");
    assert!(place.outbox().claim(Role::Order, over, 10).await.unwrap().is_empty());
    // The worker that was slow has delivered it after all.
    place.outbox().settle(vec![first[1].row]).await.unwrap();
    assert!(place.other().claim(Role::Order, over.plus(LEASE), 10).await.unwrap().is_empty());
}

pub(crate) async fn settled_rows_are_gone(place: &AnyPlace) {
    let drafts = events(3);
    place.append(&drafts, NOW).await;
    let parcels = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    let settled = vec![parcels[0].row, parcels[2].row];
    place.outbox().settle(settled.clone()).await.unwrap();
    place.outbox().settle(settled).await.unwrap();
    place.outbox().settle(Vec::new()).await.unwrap();
    assert_eq!(place.outbox().backlog().await.unwrap().pending, 1);
    let left = place.outbox().claim(Role::Order, NOW.plus(LEASE), 10).await.unwrap();
    assert_eq!(claimed(&left), written(&drafts)[1..2]);
}

pub(crate) async fn what_a_clock_that_was_ahead_wrote_is_due(place: &AnyPlace) {
    let hour = NOW.plus(Duration::from_hours(1));
    place.append(&events(3), hour).await;
    let ahead = place.outbox().claim(Role::Order, hour, 2).await.unwrap();
    place.outbox().release(vec![ahead[0].row], hour.plus(Duration::from_mins(1))).await.unwrap();
    // The clock is right again: one was put off, one is leased, one was only written.
    let right = place.outbox().claim(Role::Order, NOW, 10).await.unwrap();
    assert_eq!(right.len(), 3, "{right:?}");
    assert!(place.other().claim(Role::Order, NOW, 10).await.unwrap().is_empty());
}
