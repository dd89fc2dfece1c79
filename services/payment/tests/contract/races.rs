//! Two processes on one database, for providers call whichever they reach: twice, at once and out of order.

use std::sync::Arc;

use futures::future::join_all;
use payment::{
    domain::{PayableState, Provider, Status, click, payme},
    store::{self, Closing, OpenRefusal, PaymentStore},
};
use sqlx::{Connection as _, PgConnection, query_scalar};
use testkit::FreshDatabase;

use crate::{
    NOW,
    fixtures::{Calls as _, call, close, draft, encode, opened, opening, snapshot, told},
};

/// A database that two processes have opened, each with connections of its own.
struct Two {
    stores: [Arc<dyn PaymentStore>; 2],
    database: FreshDatabase,
}

impl Two {
    async fn open() -> Option<Self> {
        let database = FreshDatabase::create().await?;
        let address = &database.address;
        store::migrate(address).await.unwrap();
        let open = || async { store::open(address, encode).await.unwrap() };
        Some(Self { stores: [open().await, open().await], database })
    }

    fn one(&self) -> &dyn PaymentStore {
        self.stores[0].as_ref()
    }

    /// Does the same many times at once, through either process in turn.
    async fn at_once<F: Future>(
        &self,
        count: usize,
        act: impl Fn(Arc<dyn PaymentStore>, usize) -> F,
    ) -> Vec<F::Output> {
        join_all((0..count).map(|nth| act(Arc::clone(&self.stores[nth % 2]), nth))).await
    }

    async fn count(&self, statement: &'static str) -> i64 {
        let mut connection = PgConnection::connect(
            &self.database.address.replace("pool=8", "application_name=test"),
        )
        .await
        .unwrap();
        let count = query_scalar(statement).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }

    async fn close(self) {
        for store in self.stores {
            store.close_store().await;
        }
        drop(self.database);
    }
}

#[tokio::test]
async fn of_many_creates_one_is_live_and_each_has_its_line() {
    let Some(two) = Two::open().await else { return };
    opened(two.one(), "1K", Provider::Payme).await;
    let created = two.at_once(60, |store, nth| async move {
        // Each id comes twice.
        store.create(draft(&format!("p{}", nth / 2), "1K"), NOW).await.unwrap()
    });
    let created = created.await;
    let won: Vec<_> = created.iter().flatten().collect();
    assert!(!won.is_empty() && won.iter().all(|it| *it == won[0]), "one transaction: {won:?}");
    assert!(created.iter().all(|it| it.is_ok() || *it == Err(payme::Refusal::Impossible)));
    assert_eq!(told(two.one()).await, ["payment.started"]);
    assert_eq!(two.count("select count(*) from callback_inbox").await, 60);
    assert_eq!(two.count("select count(*) from callback_inbox where answer like 'Ok(%'").await, 2);
    two.close().await;
}

#[tokio::test]
async fn a_performance_that_comes_often_takes_effect_once() {
    let Some(two) = Two::open().await else { return };
    let payable = opened(two.one(), "1K", Provider::Payme).await;
    two.one().create(draft("p", "1K"), NOW).await.unwrap().unwrap();
    let performed =
        two.at_once(40, |store, _| async move { store.perform("p", NOW).await.unwrap().unwrap() });
    let performed = performed.await;
    assert_eq!(performed.iter().filter(|it| it.first).count(), 1);
    assert!(performed.iter().all(|it| it.now == performed[0].now));
    let paid = two.one().payments(payable.order, 10).await.unwrap();
    assert_eq!((paid.len(), paid[0].status, paid[0].version), (1, Status::Paid, 3));
    assert_eq!(told(two.one()).await, ["payment.started", "payment.paid"]);
    let taken = two.at_once(20, |store, nth| async move {
        let reason = i64::try_from(nth).unwrap();
        store.cancel("p", reason, NOW).await.unwrap().unwrap()
    });
    let taken = taken.await;
    assert_eq!(taken.iter().filter(|it| it.first).count(), 1);
    assert!(taken.iter().all(|it| it.now == taken[0].now), "the first reason stays");
    assert_eq!(told(two.one()).await, ["payment.refunded"]);
    two.close().await;
}

#[tokio::test]
async fn an_order_is_held_by_one_provider_and_paid_once() {
    let Some(two) = Two::open().await else { return };
    for round in 0..10_i64 {
        let reference = format!("{round}K");
        let payable = opened(two.one(), &reference, Provider::Payme).await;
        let (mut paymes, mut clicks) = (0, 0);
        let done = two.at_once(8, |store, nth| {
            let (reference, id) = (reference.clone(), format!("p{round}-{nth}"));
            async move {
                if nth % 4 < 2 {
                    let created = store.create(draft(&id, &reference), NOW).await.unwrap();
                    if created.is_err() {
                        return None;
                    }
                    Some((true, store.perform(&id, NOW).await.unwrap().is_ok()))
                } else {
                    let call = call(round * 100 + i64::try_from(nth).unwrap(), &reference);
                    let prepared = store.prepare(call.clone(), NOW).await.unwrap().ok()?;
                    let completed = store.complete(prepared.prepare_id, call, NOW).await.unwrap();
                    Some((false, completed.is_ok()))
                }
            }
        });
        for (by_payme, paid) in done.await.into_iter().flatten() {
            if by_payme {
                paymes += 1;
                assert!(paid, "who holds the order is paid");
            } else if paid {
                clicks += 1;
            }
        }
        assert_eq!(paymes + clicks, 1, "paid {paymes} times by Payme, {clicks} times by Click");
        let payments = two.one().payments(payable.order, 10).await.unwrap();
        assert_eq!(payments.iter().filter(|it| it.status == Status::Paid).count(), 1);
    }
    assert_eq!(two.count("select count(*) from payables where state = 'paid'").await, 10);
    assert_eq!(
        two.count("select count(*) from click_transactions where state = 'prepared'").await,
        0
    );
    two.close().await;
}

#[tokio::test]
async fn numbers_for_click_are_given_once() {
    let Some(two) = Two::open().await else { return };
    opened(two.one(), "1K", Provider::Click).await;
    let prepared = two.at_once(24, |store, nth| async move {
        // Each call comes twice, to different processes.
        let call = call(i64::try_from(nth / 2).unwrap(), "1K");
        store.prepare(call, NOW).await.unwrap().unwrap()
    });
    let prepared = prepared.await;
    let numbers: std::collections::BTreeSet<_> = prepared.iter().map(|it| it.prepare_id).collect();
    assert_eq!(numbers.len(), 12);
    assert!(prepared.chunks(2).all(|twice| twice[0] == twice[1]));
    assert_eq!(two.count("select count(*) from payments").await, 1, "attempts of one payment");
    let completed = two.at_once(24, |store, nth| {
        let prepare_id = prepared[nth].prepare_id;
        let error = if nth % 8 < 2 { -5017 } else { 0 };
        let call = click::Call { error, ..call(i64::try_from(nth / 2).unwrap(), "1K") };
        async move { store.complete(prepare_id, call, NOW).await.unwrap() }
    });
    let completed = completed.await;
    assert_eq!(completed.iter().filter(|it| it.is_ok()).count(), 1);
    let refused = [click::Refusal::Cancelled, click::Refusal::Paid];
    assert!(completed.iter().all(|it| it.as_ref().err().is_none_or(|it| refused.contains(it))));
    let mut events = told(two.one()).await;
    assert_eq!(events.pop().as_deref(), Some("payment.paid"));
    assert_eq!(events, ["payment.started"; 12]);
    two.close().await;
}

#[tokio::test]
async fn opening_at_once_is_opening_once() {
    let Some(two) = Two::open().await else { return };
    let payable = snapshot("1K");
    let opened = two.at_once(20, |store, nth| {
        let key = if nth % 4 < 2 { "a".to_owned() } else { format!("key {nth}") };
        let request = opening(&payable, Provider::Payme, &key);
        async move { store.open(request, NOW).await.unwrap().unwrap() }
    });
    let opened = opened.await;
    assert!(opened.iter().filter(|it| it.key == "a").all(|it| it.id == opened[0].id));
    assert_eq!(two.one().payments(payable.order, 100).await.unwrap().len(), 11);
    // Two orders cannot have one number, whoever hears of which first.
    let twins = two.at_once(10, |store, nth| {
        let request = opening(&snapshot("2K"), Provider::Payme, &format!("twin {nth}"));
        async move { store.open(request, NOW).await.unwrap() }
    });
    let twins = twins.await;
    assert_eq!(twins.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(
        twins.iter().all(|it| it.as_ref().err().is_none_or(|it| *it == OpenRefusal::Reference))
    );
    two.close().await;
}

#[tokio::test]
async fn whatever_comes_at_once_an_order_ends_paid_or_closed() {
    let Some(two) = Two::open().await else { return };
    let over = NOW.plus(payme::LIFETIME + std::time::Duration::from_millis(1));
    for round in 0..15 {
        let (id, reference) = (format!("p{round}"), format!("{round}K"));
        let payable = opened(two.one(), &reference, Provider::Payme).await;
        two.one().create(draft(&id, &reference), NOW).await.unwrap().unwrap();
        let [one, other] = &two.stores;
        let (shut, performed, swept, again, noted) = tokio::join!(
            one.close(close(payable.order, false), NOW),
            other.perform(&id, NOW),
            async {
                if round % 3 == 0 {
                    tokio::join!(one.expire(over, 10), other.expire(over, 10))
                } else {
                    (Ok(0), Ok(0))
                }
            },
            other.open(opening(&payable, Provider::Click, &id), NOW),
            one.delivered(payable.order, NOW),
        );
        noted.unwrap();
        again.unwrap().ok();
        let ended = swept.0.unwrap() + swept.1.unwrap();
        assert!(ended <= 1, "a hold ends once");
        let (shut, performed) = (shut.unwrap(), performed.unwrap());
        assert_eq!(shut == Closing::Paid, performed.is_ok());
        let known = two.one().payable(&reference, NOW).await.unwrap().unwrap();
        let state = if performed.is_ok() { PayableState::Paid } else { PayableState::Closed };
        assert_eq!(known.payable.state, state);
        let payments = two.one().payments(payable.order, 10).await.unwrap();
        let settled = |it: Status| matches!(it, Status::Paid | Status::Cancelled);
        assert!(payments.iter().all(|it| settled(it.status)), "nothing is left open: {payments:?}");
    }
    two.close().await;
}

#[tokio::test]
async fn sweeps_share_the_work() {
    let Some(two) = Two::open().await else { return };
    for number in 0..30 {
        let reference = format!("{number}K");
        opened(two.one(), &reference, Provider::Payme).await;
        if number % 2 == 0 {
            two.one().create(draft(&reference, &reference), NOW).await.unwrap().unwrap();
        } else {
            two.one().prepare(call(number, &reference), NOW).await.unwrap().unwrap();
        }
    }
    let over = NOW.plus(std::time::Duration::from_hours(13));
    let mut ended = 0;
    while ended < 30 {
        let swept = two.at_once(4, |store, _| async move { store.expire(over, 7).await.unwrap() });
        let swept: u32 = swept.await.into_iter().sum();
        assert!(swept > 0, "{ended} of 30 ended");
        ended += swept;
    }
    assert_eq!(ended, 30);
    let kinds = told(two.one()).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "payment.cancelled").count(), 30);
    assert_eq!(two.count("select count(*) from payme_transactions where state = 1").await, 0);
    assert_eq!(
        two.count("select count(*) from click_transactions where state = 'prepared'").await,
        0
    );
    two.close().await;
}
