//! What counters of requests promise, wherever they are.

use std::{net::IpAddr, sync::Arc, time::Duration};

use gateway::store::{self, Class, CountStore, Counter, Quota, Report};
use testkit::eventually;

use crate::place::Place;

const HOUR: Duration = Duration::from_hours(1);

fn reads(last: u8) -> Counter {
    Counter::new(Class::Reads, IpAddr::from([10, 0, 0, last]))
}

async fn so_many_fit_and_no_more(store: &dyn CountStore) {
    let quota = Quota::new(3, HOUR);
    for left in [2, 1, 0] {
        let counted = store.take(reads(1), quota).await.unwrap();
        assert!(counted.admitted);
        assert_eq!(quota.remaining(counted.fill), left);
    }
    for _ in 0..3 {
        let counted = store.take(reads(1), quota).await.unwrap();
        assert!(!counted.admitted);
        let wait = quota.wait(counted.fill).as_secs();
        assert!((19 * 60..=20 * 60).contains(&wait), "a refusal costs nothing: {wait}");
    }
}

async fn of_many_at_once_so_many_fit(store: &dyn CountStore) {
    let quota = Quota::new(5, HOUR);
    let takes = (0..30).map(|_| store.take(reads(1), quota));
    let taken = futures::future::join_all(takes).await;
    assert_eq!(taken.into_iter().filter(|one| one.as_ref().unwrap().admitted).count(), 5);
}

async fn room_comes_back(store: &dyn CountStore) {
    let quota = Quota::new(2, Duration::from_millis(400));
    for _ in 0..2 {
        store.take(reads(1), quota).await.unwrap();
    }
    eventually("one fits again", || async { store.take(reads(1), quota).await.unwrap().admitted })
        .await;
}

async fn clients_and_classes_are_counted_apart(store: &dyn CountStore) {
    let quota = Quota::new(1, HOUR);
    let address = IpAddr::from([10, 0, 0, 1]);
    let network = |ip: &str| Counter::new(Class::Reads, ip.parse().unwrap());
    let apart = [
        reads(1),
        reads(2),
        Counter::new(Class::Writes, address),
        Counter::new(Class::SignIn, address),
        network("2001:db8::1"),
        network("2001:db8:0:1::1"),
    ];
    for counter in apart {
        assert!(store.take(counter, quota).await.unwrap().admitted, "{counter:?}");
    }
    for counter in apart {
        assert!(!store.take(counter, quota).await.unwrap().admitted, "{counter:?}");
    }
}

async fn reports_count_as_far_as_they_fit(store: &dyn CountStore) {
    let quota = Quota::new(10, HOUR);
    let report = |last, requests| Report { counter: reads(last), quota, requests };
    assert!(store.report(&[]).await.unwrap().is_empty());
    store.take(reads(2), quota).await.unwrap();
    let fills = store.report(&[report(1, 3), report(2, 4), report(3, 1000)]).await.unwrap();
    let left: Vec<u32> = fills.into_iter().map(|fill| quota.remaining(fill)).collect();
    assert_eq!(left, [7, 5, 0]);
    let counted = store.take(reads(1), quota).await.unwrap();
    assert_eq!(quota.remaining(counted.fill), 6);
    let counted = store.take(reads(3), quota).await.unwrap();
    assert!(!counted.admitted);
    assert!(quota.wait(counted.fill) <= HOUR / 10, "no more than full");
}

async fn many_reports_at_once_keep_their_places(store: &dyn CountStore) {
    let quota = Quota::new(1000, HOUR);
    let report = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let counter = Counter::new(Class::Reads, IpAddr::from([10, 1, high, low]));
        Report { counter, quota, requests: u32::from(number) }
    };
    let reports: Vec<Report> = (1..=700).map(report).collect();
    let fills = store.report(&reports).await.unwrap();
    assert_eq!(fills.len(), reports.len());
    for (report, fill) in reports.iter().zip(fills) {
        assert_eq!(quota.remaining(fill), 1000 - report.requests);
    }
}

type Opened = Option<(Arc<dyn CountStore>, Option<Place>)>;

fn memory() -> Opened {
    Some((store::counts("sqlite:unused").unwrap(), None))
}

fn redis() -> Opened {
    let place = Place::create()?;
    Some((store::counts(&place.address()).unwrap(), Some(place)))
}

macro_rules! contract {
    ($adapter:ident, $open:expr) => {
        mod $adapter {
            contract!(@each $open,
                so_many_fit_and_no_more,
                of_many_at_once_so_many_fit,
                room_comes_back,
                clients_and_classes_are_counted_apart,
                reports_count_as_far_as_they_fit,
                many_reports_at_once_keep_their_places,
            );
        }
    };
    (@each $open:expr, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let Some((store, place)) = $open() else { return };
                super::$promise(store.as_ref()).await;
                store.ping().await.unwrap();
                store.close().await;
                drop(place);
            }
        )+
    };
}

contract!(embedded, super::memory);
contract!(production, super::redis);

#[tokio::test]
async fn an_empty_counter_leaves_nothing_behind() {
    let Some((store, Some(place))) = redis() else { return };
    let quota = Quota::new(10, Duration::from_secs(3));
    store.take(reads(1), quota).await.unwrap();
    store.report(&[Report { counter: reads(2), quota, requests: 3 }]).await.unwrap();
    assert_eq!(place.keys().len(), 2);
    eventually("they are gone", || async { place.keys().is_empty() }).await;
    store.close().await;
}

#[tokio::test]
async fn replays_and_counters_share_a_prefix_in_peace() {
    let Some((counts, Some(place))) = redis() else { return };
    counts.take(reads(1), Quota::new(10, HOUR)).await.unwrap();
    let replays = store::open(&place.address()).await.unwrap();
    assert_eq!(replays.forget(testkit::START, 1000).await.unwrap(), 0);
    assert_eq!(place.keys().len(), 1);
    replays.close().await;
    counts.close().await;
}

#[tokio::test]
async fn a_store_that_is_away_says_so_and_is_found_again() {
    let Some(place) = Place::create() else { return };
    let (door, address) = place.behind_a_door().await;
    let store = store::counts(&address).unwrap();
    let quota = Quota::new(10, HOUR);
    door.shut();
    let away = store.take(reads(1), quota).await.unwrap_err();
    assert_eq!(away.code, fault::Code::Unavailable);
    assert!(store.ping().await.is_err());
    door.open();
    eventually("it counts again", || async { store.take(reads(1), quota).await.is_ok() }).await;
    store.close().await;
}
