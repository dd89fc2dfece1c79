//! Two processes on one database.

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _};
use mongodb::bson::{Document, doc};

use super::*;

async fn two() -> Option<([Arc<dyn NotificationStore>; 2], FreshDatabase)> {
    let (one, fresh) = mongodb().await?;
    let other = store::open(&fresh.address).await.unwrap();
    Some(([one, other], fresh))
}

async fn close([one, other]: [Arc<dyn NotificationStore>; 2], fresh: FreshDatabase) {
    one.close().await;
    other.close().await;
    drop(fresh);
}

#[tokio::test]
async fn an_event_that_two_processes_are_told_takes_effect_once() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let to = someone();
    for number in 0..10 {
        let batch = || {
            let effects = Effects {
                notifications: vec![entry(to, NOW)],
                deliveries: vec![text("+998901234567", false)],
                messages: vec![message(to)],
            };
            vec![(format!("evt_{number}"), effects)]
        };
        let (left, right) = tokio::join!(one.apply(batch(), NOW), other.apply(batch(), NOW));
        assert!(left.unwrap() != right.unwrap(), "one of them");
    }
    assert_eq!(one.count(&[to]).await.unwrap(), Counts { all: 10, unread: 10 });
    assert_eq!(one.messages(&[to], 0, 100).await.unwrap().len(), 10);
    assert_eq!(other.claim(NOW, later(30), 100).await.unwrap().len(), 10);
    close(stores, fresh).await;
}

#[tokio::test]
async fn who_reads_the_log_while_others_write_misses_nothing() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let audience = [someone(), Recipient::Merchant(MerchantId::new())];
    let writer = |store: &Arc<dyn NotificationStore>, to: Recipient| {
        let store = Arc::clone(store);
        async move {
            for _ in 0..15 {
                say(store.as_ref(), to, 2).await;
            }
        }
    };
    let reader = async {
        let (mut place, mut seen) = (0, Vec::new());
        while seen.len() < 60 {
            for (at, said) in one.messages(&audience, place, 7).await.unwrap() {
                assert!(at > place);
                place = at;
                seen.push(said.id);
            }
        }
        seen
    };
    let both = futures::future::join3(
        writer(one, audience[0]),
        writer(other, audience[1]),
        tokio::time::timeout(Duration::from_secs(30), reader),
    );
    let ((), (), seen) = both.await;
    let seen = seen.expect("every message comes");
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 60, "and none twice");
    close(stores, fresh).await;
}

#[tokio::test]
async fn whoever_watches_is_woken_by_what_another_process_writes() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let mut watch = one.watch().unwrap();
    let (mut place, _) = one.glance(None).await.unwrap();
    for _ in 0..5 {
        let to = someone();
        say(other.as_ref(), to, 3).await;
        let heard = async {
            loop {
                let (end, told) = one.glance(Some(place)).await.unwrap();
                place = end;
                if !told.is_empty() {
                    return told;
                }
                watch.woken().await;
            }
        };
        let told = tokio::time::timeout(Duration::from_mins(1), heard).await;
        assert_eq!(told.expect("it is woken"), [to]);
    }
    drop(watch);
    close(stores, fresh).await;
}

#[tokio::test]
async fn a_code_is_gone_from_its_document_too() {
    let Some((store, fresh)) = mongodb().await else { return };
    send_codes(store.as_ref()).await;
    let deliveries = fresh.look().await.collection::<Document>("deliveries");
    let found = deliveries.find(doc! {}).await.unwrap().boxed();
    let found: Vec<Document> = found.try_collect().await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| one.get_str("text").is_ok_and(str::is_empty)), "{found:?}");
    // And the collection itself would not have it otherwise.
    let keep = doc! { "$set": { "text": "424242" } };
    assert!(deliveries.update_one(doc! {}, keep).await.is_err());
    store.close().await;
    drop(fresh);
}

#[tokio::test]
async fn an_older_schema_is_refused() {
    let Some(server) = testkit::real_store("mongodb") else { return };
    let fresh = FreshDatabase::on(&server);
    let refused = store::open(&fresh.address).await.err().unwrap().to_string();
    assert!(refused.contains("ultramarket migrate"), "{refused}");
    let migrate = || store::migrate(&fresh.address);
    let (one, two, three) = tokio::join!(migrate(), migrate(), migrate());
    one.and(two).and(three).unwrap();
    store::open(&fresh.address).await.unwrap().close().await;
    drop(fresh);
}

#[tokio::test]
async fn the_schema_is_the_one_that_is_checked_in() {
    let Some((store, fresh)) = mongodb().await else { return };
    let found = mongo::describe(&fresh.look().await).await.unwrap();
    assert_eq!(found, include_str!("../../migrations/mongodb/schema.txt"), "\n{found}");
    store.close().await;
    drop(fresh);
}
