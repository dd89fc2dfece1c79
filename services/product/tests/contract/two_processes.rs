//! Two processes on one database.

use std::collections::HashSet;

use ids::{EventId, UserId};
use mongodb::bson::doc;

use super::*;

async fn two() -> Option<([Arc<dyn ProductStore>; 2], FreshDatabase)> {
    let (one, fresh) = mongodb().await?;
    let other = store::open(&fresh.address, product::encode).await.unwrap();
    Some(([one, other], fresh))
}

async fn close([one, other]: [Arc<dyn ProductStore>; 2], fresh: FreshDatabase) {
    one.close().await;
    other.close().await;
    drop(fresh);
}

#[tokio::test]
async fn of_two_processes_one_replaces_a_version() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let phones = category(one.as_ref(), "telefonlar", None).await;
    let write = new(&phones, MerchantId::new(), "A-1");
    let mut product = one.create(write.clone()).await.unwrap();
    for round in 1..=10 {
        let change = next(&write, &product);
        let offers = OfferState { price_from: round, in_stock: true, sellers: Vec::new() };
        let (left, right, told) = tokio::join!(
            one.replace(change.clone()),
            other.replace(change.clone()),
            other.set_offers(product.id, &offers, round),
        );
        assert!(told.unwrap(), "a change of the merchant does not lose an offer");
        let lost = [&left, &right].into_iter().filter(|it| it.is_err()).count();
        assert_eq!(lost, 1, "{left:?} {right:?}");
        let error = left.err().or(right.err()).unwrap();
        assert!(matches!(error, Error::VersionMismatch), "{error:?}");
        product = one.find(&[product.id]).await.unwrap().remove(0);
        assert_eq!((product.version, product.offers.price_from), (round + 1, round));
    }
    assert_eq!(events(one.as_ref(), Role::Order).await.len(), 11, "one event for each version");
    close(stores, fresh).await;
}

#[tokio::test]
async fn of_two_processes_one_gets_a_sku_and_a_slug() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let phones = category(one.as_ref(), "telefonlar", None).await;
    for round in 0..5 {
        let merchant = MerchantId::new();
        let mut left = new(&phones, merchant, &format!("S-{round}"));
        let mut right = left.clone();
        right.product.id = ProductId::new();
        right.product.slug = format!("other-{round}");
        let (first, second) = tokio::join!(one.create(left.clone()), other.create(right));
        assert!(first.is_ok() ^ second.is_ok(), "{first:?} {second:?}");
        let error = first.err().or(second.err()).unwrap();
        assert!(matches!(error, Error::SkuTaken { at: 0, .. }), "{error:?}");

        left.product.slug = format!("same-{round}");
        let mut right = left.clone();
        for write in [&mut left, &mut right] {
            (write.product.id, write.product.merchant) = (ProductId::new(), MerchantId::new());
        }
        let (first, second) = tokio::join!(one.create(left), other.create(right));
        assert!(first.is_ok() ^ second.is_ok(), "{first:?} {second:?}");
        let error = first.err().or(second.err()).unwrap();
        assert!(matches!(error, Error::SlugTaken), "{error:?}");
    }
    close(stores, fresh).await;
}

#[tokio::test]
async fn relays_share_the_work_and_a_lease_that_ran_out_is_taken_over() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let phones = category(one.as_ref(), "telefonlar", None).await;
    for number in 0..20 {
        one.create(new(&phones, MerchantId::new(), &format!("A-{number}"))).await.unwrap();
    }
    let claim = |store: &Arc<dyn ProductStore>, at: u64, limit| {
        let outbox = store.outbox();
        async move { outbox.claim(Role::Order, NOW.plus(Duration::from_secs(at)), limit).await }
    };
    let (left, right, more) =
        tokio::join!(claim(one, 0, 10), claim(other, 0, 10), claim(other, 0, 10));
    let mut taken = [left.unwrap(), right.unwrap(), more.unwrap()].concat();
    taken.extend(claim(one, 0, 100).await.unwrap());
    let rows: HashSet<i64> = taken.iter().map(|parcel| parcel.row).collect();
    assert_eq!((taken.len(), rows.len()), (20, 20), "each to one of them");
    assert_eq!(one.outbox().backlog().await.unwrap().pending, 40, "search has not been asked");

    let (settled, rest) = taken.split_at(18);
    other.outbox().settle(settled.iter().map(|parcel| parcel.row).collect()).await.unwrap();
    let later = NOW.plus(Duration::from_secs(5));
    one.outbox().fail(rest[0].row, "busy".to_owned(), Some(later)).await.unwrap();
    one.outbox().fail(rest[1].row, "x".repeat(10_000), None).await.unwrap();
    let backlog = one.outbox().backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.parked, backlog.oldest), (21, 1, Some(NOW)));
    assert!(claim(other, 4, 10).await.unwrap().is_empty());
    let again = claim(other, 5, 10).await.unwrap();
    assert_eq!((again.len(), again[0].row, again[0].attempts), (1, rest[0].row, 1));
    assert!(claim(one, 34, 10).await.unwrap().is_empty(), "it is held");
    assert_eq!(claim(one, 35, 10).await.unwrap().len(), 1, "the lease ran out");
    close(stores, fresh).await;
}

#[tokio::test]
async fn what_waits_in_a_document_is_bounded() {
    let Some((store, fresh)) = mongodb().await else { return };
    let phones = category(store.as_ref(), "telefonlar", None).await;
    let write = new(&phones, MerchantId::new(), "A-1");
    let mut product = store.create(write.clone()).await.unwrap();
    let refused = loop {
        match store.replace(next(&write, &product)).await {
            Ok(next) => product = next,
            Err(error) => break error,
        }
        assert!(product.version < 200, "it ends");
    };
    let fault = fault::Fault::from(refused);
    assert_eq!((fault.code, fault.retry_after.is_some()), (fault::Code::Unavailable, true));
    assert!(fault.message.contains("have not reached everybody"), "{fault}");
    let backlog = store.outbox().backlog().await.unwrap().pending;
    assert!((100..256).contains(&backlog), "{backlog}");
    // What people say of it is a state: the newest suffices.
    for _ in 0..5 {
        store.put_review(review(product.id, UserId::new(), 5)).await.unwrap();
    }
    let terms = store.outbox().claim(Role::Order, NOW.plus(Duration::from_hours(1)), 1000).await;
    let rows: Vec<i64> = terms.unwrap().into_iter().map(|parcel| parcel.row).collect();
    assert_eq!(i64::try_from(rows.len()).unwrap(), product.version, "none of these is left out");
    store.outbox().settle(rows).await.unwrap();
    store.replace(next(&write, &product)).await.unwrap();
    store.close().await;
    drop(fresh);
}

#[tokio::test]
async fn sales_and_reviews_of_two_processes_all_count() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let phones = category(one.as_ref(), "telefonlar", None).await;
    let product = one.create(new(&phones, MerchantId::new(), "A-1")).await.unwrap();
    let event = EventId::new().to_string();
    for _ in 0..5 {
        let sold = || vec![(product.id, 2)];
        let (left, right, same, again) = tokio::join!(
            one.put_review(review(product.id, UserId::new(), 4)),
            other.put_review(review(product.id, UserId::new(), 2)),
            one.sold(&event, sold(), NOW),
            other.sold(&event, sold(), NOW),
        );
        left.unwrap();
        right.unwrap();
        same.and(again).unwrap();
    }
    let found = one.find(&[product.id]).await.unwrap().remove(0);
    assert_eq!((found.rating, found.popularity), (Rating { sum: 30, count: 10 }, 2));
    close(stores, fresh).await;
}

#[tokio::test]
async fn a_job_is_worked_on_by_one_process() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let job = Job {
        id: JobId::new(),
        merchant: MerchantId::new(),
        status: JobStatus::Queued,
        created_at: NOW,
        progress: Progress { total: 3, ..Progress::default() },
    };
    one.add_job(job.clone(), b"csv".to_vec()).await.unwrap();
    assert!(one.next_job().await.unwrap().is_some());
    assert!(other.next_job().await.unwrap().is_none(), "somebody works on it");
    let progress = Progress { line: 101, ..job.progress.clone() };
    one.import(job.id, JobStatus::Running, &progress, Vec::new()).await.unwrap();
    let late = other.import(job.id, JobStatus::Running, &progress, Vec::new()).await;
    assert!(matches!(late, Err(Error::VersionMismatch)), "that is done");
    one.close().await;
    let (resumed, csv) = other.next_job().await.unwrap().unwrap();
    assert_eq!((resumed.progress, csv.as_slice()), (progress, b"csv".as_slice()));
    close(stores, fresh).await;
}

#[tokio::test]
async fn moves_end_in_a_tree_and_in_lists_that_follow_it() {
    let Some((stores, fresh)) = two().await else { return };
    let [one, other] = &stores;
    let (left, right) =
        (category(one.as_ref(), "chap", None).await, category(one.as_ref(), "ong", None).await);
    let below = |category: &Category, parent: &Category| Category {
        parent: Some(parent.id),
        ..category.clone()
    };
    // Each below the other: one of the two comes too late.
    let (first, second) = tokio::join!(
        one.put_category(below(&left, &right)),
        other.put_category(below(&right, &left)),
    );
    assert!(first.is_ok() ^ second.is_ok(), "{first:?} {second:?}");

    let leaf = category(one.as_ref(), "barg", Some(left.id)).await;
    let apart = category(one.as_ref(), "alohida", None).await;
    let write = |number| one.create(new(&leaf, MerchantId::new(), &format!("A-{number}")));
    let writes = futures::future::join_all((0..10).map(write));
    let (written, moved) = tokio::join!(writes, other.put_category(below(&leaf, &apart)));
    moved.unwrap();
    assert!(written.into_iter().all(|outcome| outcome.is_ok()));
    let query = Query { category: Some(apart.id), limit: 20, ..Query::default() };
    assert_eq!(one.list(&query).await.unwrap().len(), 10);
    let before = Query { category: Some(left.id), limit: 20, ..Query::default() };
    assert!(one.list(&before).await.unwrap().is_empty());
    assert_eq!(one.category_counts().await.unwrap()[&apart.id], 10);
    close(stores, fresh).await;
}

#[tokio::test]
async fn an_older_schema_is_refused_and_a_newer_one_accepted() {
    let Some(server) = testkit::real_store("mongodb") else { return };
    let fresh = FreshDatabase::on(&server);
    let refused = store::open(&fresh.address, product::encode).await.err().unwrap().to_string();
    assert!(refused.contains("ultramarket migrate"), "{refused}");
    let migrate = || store::migrate(&fresh.address);
    let (one, two, three) = tokio::join!(migrate(), migrate(), migrate());
    one.and(two).and(three).unwrap();
    migrate().await.unwrap();
    let newer = doc! { "$set": { "version": 1000 } };
    let schema = fresh.look().await.collection::<mongodb::bson::Document>("schema");
    schema.update_one(doc! { "_id": "schema" }, newer).await.unwrap();
    migrate().await.unwrap();
    store::open(&fresh.address, product::encode).await.unwrap().close().await;
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
