//! What every store of the catalogue promises, whichever it is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use ids::{CategoryId, EventId, JobId, MerchantId, ProductId, UserId};
use mesh::Role;
use mongo::FreshDatabase;
use product::{
    Error,
    domain::{
        Category, OfferState, Product, Rating, Status,
        import::{Job, JobStatus, Progress},
    },
    store::{self, After, ProductStore, Query, ReviewsOf, Sort},
};
use testkit::Folder;

#[path = "contract/fixtures.rs"]
mod fixtures;
#[path = "contract/told.rs"]
mod told;
#[path = "contract/two_processes.rs"]
mod two_processes;

use fixtures::{NOW, category, events, ids, new, next, review};
use told::{old_receipts_are_forgotten_in_batches, what_was_set_aside_is_listed_and_sent_again};

async fn what_is_written_is_read_and_told(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let write = new(&phones, MerchantId::new(), "A-1");
    let written = store.create(write.clone()).await.unwrap();
    assert_eq!(written, write.product);
    assert_eq!(store.find_slug("slug-a-1").await.unwrap().as_ref(), Some(&written));
    let other = store.create(new(&phones, MerchantId::new(), "B-1")).await.unwrap();
    let found = store.find(&[other.id, ProductId::new(), written.id]).await.unwrap();
    assert_eq!(found, [other.clone(), written.clone()], "in the order asked");
    let told: Vec<_> = [&written, &other]
        .map(|product| ("product.changed".to_owned(), product.id.to_string()))
        .into();
    assert_eq!(events(store, Role::Order).await, told);
    assert_eq!(events(store, Role::Search).await, told);
}

async fn slugs_and_skus_are_unique(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let merchant = MerchantId::new();
    let first = store.create(new(&phones, merchant, "A-1")).await.unwrap();
    let mut same_sku = new(&phones, merchant, "A-1");
    "boshqa".clone_into(&mut same_sku.product.slug);
    let taken = store.create(same_sku.clone()).await.unwrap_err();
    assert!(matches!(taken, Error::SkuTaken { at: 0, sku } if sku == "A-1"));
    assert!(store.find_slug("boshqa").await.unwrap().is_none(), "nothing of it was written");
    same_sku.product.merchant = MerchantId::new();
    store.create(same_sku).await.unwrap();
    let mut same_slug = new(&phones, merchant, "A-2");
    same_slug.product.slug.clone_from(&first.slug);
    assert!(matches!(store.create(same_slug.clone()).await, Err(Error::SlugTaken)));
    same_slug.spare_slug = Some("zaxira".to_owned());
    assert_eq!(store.create(same_slug).await.unwrap().slug, "zaxira");
    let known = store.find_skus(merchant, &["A-1", "A-2", "A-3"]).await.unwrap();
    assert_eq!(known.keys().collect::<Vec<_>>(), ["A-1", "A-2"]);
}

async fn a_stale_version_replaces_nothing(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let write = new(&phones, MerchantId::new(), "A-1");
    let product = store.create(write.clone()).await.unwrap();
    let writes = (0..20).map(|_| store.replace(next(&write, &product)));
    let outcomes = futures::future::join_all(writes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let stale = outcomes.into_iter().find_map(Result::err).unwrap();
    assert!(matches!(stale, Error::VersionMismatch));
    assert_eq!(store.find(&[product.id]).await.unwrap()[0].version, 2);
}

async fn an_archived_product_is_closed_and_frees_its_skus(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let merchant = MerchantId::new();
    let write = new(&phones, merchant, "A-1");
    let product = store.create(write.clone()).await.unwrap();
    let mut archive = next(&write, &product);
    archive.product.status = Status::Archived;
    let archived = store.replace(archive).await.unwrap();
    assert!(events(store, Role::Order).await.iter().any(|(kind, _)| kind == "product.deleted"));
    assert!(store.list(&Query { limit: 10, ..Query::default() }).await.unwrap().is_empty());
    let again = store.replace(next(&write, &archived)).await;
    assert!(matches!(again, Err(Error::VersionMismatch)), "closed for good");
    let mut second = new(&phones, merchant, "A-1");
    second.spare_slug = Some("yangi".to_owned());
    store.create(second).await.unwrap();
}

async fn older_offers_are_ignored_and_the_version_stays(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let product = store.create(new(&phones, MerchantId::new(), "A-1")).await.unwrap();
    let state = |price_from| OfferState {
        price_from,
        in_stock: true,
        sellers: vec![MerchantId::from_u128(7)],
    };
    assert!(store.set_offers(product.id, &state(500), 2).await.unwrap());
    assert!(!store.set_offers(product.id, &state(900), 2).await.unwrap());
    assert!(!store.set_offers(product.id, &state(900), 1).await.unwrap());
    assert!(!store.set_offers(ProductId::new(), &state(900), 1).await.unwrap());
    let read = store.find(&[product.id]).await.unwrap().remove(0);
    assert_eq!(read, Product { offers: state(500), ..product.clone() });
    let seller = Query { seller: Some(MerchantId::from_u128(7)), limit: 5, ..Query::default() };
    assert_eq!(ids(&store.list(&seller).await.unwrap()), [product.id]);
    let gone = OfferState::default();
    assert!(store.set_offers(product.id, &gone, 3).await.unwrap());
    assert!(store.list(&seller).await.unwrap().is_empty());
}

async fn sales_count_once(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let product = store.create(new(&phones, MerchantId::new(), "A-1")).await.unwrap();
    let event = EventId::new().to_string();
    for _ in 0..2 {
        store.sold(&event, vec![(product.id, 3)], NOW).await.unwrap();
    }
    assert_eq!(store.find(&[product.id]).await.unwrap()[0].popularity, 3);
}

async fn every_sort_is_paged_without_gaps_or_repeats(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let merchant = MerchantId::new();
    for number in 0u32..100 {
        let mut write = new(&phones, merchant, &format!("A-{number}"));
        // Few moments, prices, ratings and sales for many products: ties everywhere.
        write.product.created_at = NOW.plus(Duration::from_secs(u64::from(number % 7)));
        let product = store.create(write).await.unwrap();
        let state = OfferState { price_from: i64::from(number % 5) * 100, ..OfferState::default() };
        store.set_offers(product.id, &state, 1).await.unwrap();
        store
            .sold(&format!("e{number}"), vec![(product.id, i64::from(number % 3))], NOW)
            .await
            .unwrap();
        if number % 4 > 0 {
            let rating = u8::try_from(number % 4).unwrap();
            store.put_review(review(product.id, UserId::new(), rating)).await.unwrap();
        }
    }
    for owner in [None, Some(merchant)] {
        for sort in Sort::ALL {
            let mut query = Query { owner, sort, limit: 7, ..Query::default() };
            query.category = Some(phones.id);
            let mut all: Vec<Product> = Vec::new();
            loop {
                let page = store.list(&query).await.unwrap();
                let Some(last) = page.last() else { break };
                query.after = Some(After { key: sort.key(last), product: last.id });
                all.extend(page);
            }
            let unique: std::collections::HashSet<_> = all.iter().map(|it| it.id).collect();
            assert_eq!((all.len(), unique.len()), (100, 100), "{sort:?}");
            let keys: Vec<i64> = all.iter().map(|product| sort.key(product)).collect();
            let sorted = match sort {
                Sort::Price => keys.is_sorted(),
                _ => keys.is_sorted_by(|a, b| a >= b),
            };
            assert!(sorted, "{sort:?} {keys:?}");
            if matches!(sort, Sort::Price | Sort::PriceDesc) {
                assert_eq!(all[99].offers.price_from, 0, "without a price comes last");
            }
        }
    }
}

async fn filters_narrow_lists_and_counts(store: &dyn ProductStore) {
    let electronics = category(store, "elektronika", None).await;
    let phones = category(store, "telefonlar", Some(electronics.id)).await;
    let dishes = category(store, "idishlar", None).await;
    let (merchant, seller) = (MerchantId::new(), MerchantId::new());
    let cheap = store.create(new(&phones, merchant, "A")).await.unwrap();
    let state = OfferState { price_from: 100, in_stock: true, sellers: vec![seller] };
    store.set_offers(cheap.id, &state, 1).await.unwrap();
    let mut other = new(&dishes, merchant, "B");
    "Samsung".clone_into(&mut other.product.content.brand);
    other.product.content.attributes = [("color".to_owned(), "oq".to_owned())].into();
    let other = store.create(other).await.unwrap();
    let state = OfferState { price_from: 900, in_stock: false, sellers: Vec::new() };
    store.set_offers(other.id, &state, 1).await.unwrap();
    let unpriced = store.create(new(&electronics, MerchantId::new(), "C")).await.unwrap();
    let mut draft = new(&phones, merchant, "D");
    draft.product.status = Status::Draft;
    let draft = store.create(draft).await.unwrap();

    let all = || Query { limit: 10, ..Query::default() };
    let color = |value: &str| [("color".to_owned(), value.to_owned())].into();
    let cases: Vec<(Query, Vec<ProductId>)> = vec![
        (all(), vec![unpriced.id, other.id, cheap.id]),
        (Query { category: Some(electronics.id), ..all() }, vec![unpriced.id, cheap.id]),
        (Query { category: Some(phones.id), ..all() }, vec![cheap.id]),
        (Query { category: Some(CategoryId::new()), ..all() }, vec![]),
        (Query { brand: Some("ARTEL".to_owned()), ..all() }, vec![unpriced.id, cheap.id]),
        (
            Query { brand: Some("artel".to_owned()), category: Some(phones.id), ..all() },
            vec![cheap.id],
        ),
        (Query { seller: Some(seller), ..all() }, vec![cheap.id]),
        (Query { seller: Some(seller), category: Some(dishes.id), ..all() }, vec![]),
        (Query { price_gte: Some(100), price_lte: Some(899), ..all() }, vec![cheap.id]),
        (Query { price_lte: Some(1000), ..all() }, vec![other.id, cheap.id]),
        (Query { sort: Sort::Price, price_lte: Some(1000), ..all() }, vec![cheap.id, other.id]),
        (Query { sort: Sort::Price, price_gte: Some(101), ..all() }, vec![other.id]),
        (Query { in_stock: Some(false), ..all() }, vec![unpriced.id, other.id]),
        (Query { attributes: color("oq"), ..all() }, vec![other.id]),
        (Query { attributes: color("yashil"), ..all() }, vec![]),
        (Query { owner: Some(merchant), ..all() }, vec![draft.id, other.id, cheap.id]),
        (
            Query { owner: Some(merchant), category: Some(electronics.id), ..all() },
            vec![draft.id, cheap.id],
        ),
        (
            Query { owner: Some(merchant), brand: Some("samsung".to_owned()), ..all() },
            vec![other.id],
        ),
        (Query { owner: Some(merchant), seller: Some(seller), ..all() }, vec![cheap.id]),
        (Query { owner: Some(merchant), attributes: color("oq"), ..all() }, vec![other.id]),
    ];
    for (query, expected) in cases {
        assert_eq!(ids(&store.list(&query).await.unwrap()), expected, "{query:?}");
        let count = store.count(&query).await.unwrap();
        assert_eq!(count, u64::try_from(expected.len()).unwrap(), "{query:?}");
    }
}

async fn a_moved_category_takes_its_products_along(store: &dyn ProductStore) {
    let (left, right) = (category(store, "chap", None).await, category(store, "ong", None).await);
    let middle = category(store, "orta", Some(left.id)).await;
    let leaf = category(store, "barg", Some(middle.id)).await;
    store.create(new(&leaf, MerchantId::new(), "A")).await.unwrap();
    let counts = || async {
        let counts = store.category_counts().await.unwrap();
        [&left, &right, &middle, &leaf].map(|it| counts[&it.id])
    };
    assert_eq!(counts().await, [1, 0, 1, 1]);
    let moved = category(store, "orta", Some(right.id)).await;
    assert_eq!(moved.id, middle.id, "a slug keeps its id");
    assert_eq!(counts().await, [0, 1, 1, 1]);

    let circle = Category { parent: Some(leaf.id), ..right.clone() };
    assert!(matches!(store.put_category(circle).await, Err(Error::Invalid(_))));
    let lost = Category { parent: Some(CategoryId::new()), ..right.clone() };
    assert!(matches!(store.put_category(lost).await, Err(Error::Invalid(_))));
    assert_eq!(counts().await, [0, 1, 1, 1]);
}

async fn the_rating_follows_the_reviews(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let product = store.create(new(&phones, MerchantId::new(), "A-1")).await.unwrap();
    let user = UserId::new();
    let first = store.put_review(review(product.id, user, 2)).await.unwrap();
    let second = store.put_review(review(product.id, user, 4)).await.unwrap();
    assert_eq!(second.id, first.id, "one review of a product for each user");
    let other = store.put_review(review(product.id, UserId::new(), 5)).await.unwrap();
    let rating = || async { store.find(&[product.id]).await.unwrap()[0].rating };
    assert_eq!(rating().await, Rating { sum: 9, count: 2 });
    let of = ReviewsOf::Product(product.id);
    let page = store.reviews(of, None, 1).await.unwrap();
    let rest = store.reviews(of, Some((page[0].created_at, page[0].id)), 5).await.unwrap();
    assert_eq!([&page[0], &rest[0]], [&other, &second]);
    assert_eq!(store.reviews(ReviewsOf::User(user), None, 5).await.unwrap(), [second]);
    assert_eq!(store.count_reviews(of).await.unwrap(), 2);
    store.delete_review(other.id, NOW).await.unwrap();
    store.delete_review(other.id, NOW).await.unwrap();
    assert_eq!(rating().await, Rating { sum: 4, count: 1 });
    let told = events(store, Role::Search).await;
    assert_eq!(told.iter().filter(|(kind, _)| kind == "review.added").count(), 4);
    let nowhere = store.put_review(review(ProductId::new(), user, 5)).await;
    assert!(matches!(nowhere, Err(Error::ProductNotFound)));
}

async fn an_import_and_its_progress_are_one(store: &dyn ProductStore) {
    let phones = category(store, "telefonlar", None).await;
    let merchant = MerchantId::new();
    let job = |status| Job {
        id: JobId::new(),
        merchant,
        status,
        created_at: NOW,
        progress: Progress { total: 3, ..Progress::default() },
    };
    let queued = job(JobStatus::Queued);
    store.add_job(queued.clone(), b"csv".to_vec()).await.unwrap();
    store.add_job(job(JobStatus::Done), Vec::new()).await.unwrap();
    let (waiting, csv) = store.next_job().await.unwrap().unwrap();
    assert_eq!((waiting, csv.as_slice()), (queued.clone(), b"csv".as_slice()));

    let mut progress = queued.progress.clone();
    (progress.line, progress.imported) = (3, 2);
    progress.note(2, "price", "INVALID", "no");
    let batch = vec![new(&phones, merchant, "A"), new(&phones, merchant, "B")];
    store.import(queued.id, JobStatus::Running, &progress, batch.clone()).await.unwrap();
    let (resumed, _) = store.next_job().await.unwrap().unwrap();
    assert_eq!((resumed.status, &resumed.progress), (JobStatus::Running, &progress));

    // One of the two is there already: neither the other nor the progress is written.
    let clash = vec![new(&phones, merchant, "C"), batch[0].clone()];
    let later = Progress { line: 9, ..progress.clone() };
    assert!(store.import(queued.id, JobStatus::Running, &later, clash).await.is_err());
    assert!(store.find_skus(merchant, &["C"]).await.unwrap().is_empty());
    assert_eq!(store.find_job(queued.id).await.unwrap().unwrap().progress, progress);

    let change = next(&batch[0], &batch[0].product);
    store.import(queued.id, JobStatus::Done, &progress, vec![change]).await.unwrap();
    assert!(store.next_job().await.unwrap().is_none());
    assert_eq!(store.find(&[batch[0].product.id]).await.unwrap()[0].version, 2);
}

/// Lists every promise once for an adapter.
macro_rules! contract {
    ($adapter:ident, $open:expr) => {
        mod $adapter {
            contract!(@each $open,
                what_is_written_is_read_and_told,
                slugs_and_skus_are_unique,
                a_stale_version_replaces_nothing,
                an_archived_product_is_closed_and_frees_its_skus,
                older_offers_are_ignored_and_the_version_stays,
                sales_count_once,
                old_receipts_are_forgotten_in_batches,
                what_was_set_aside_is_listed_and_sent_again,
                every_sort_is_paged_without_gaps_or_repeats,
                filters_narrow_lists_and_counts,
                a_moved_category_takes_its_products_along,
                the_rating_follows_the_reviews,
                an_import_and_its_progress_are_one,
            );
        }
    };
    (@each $open:expr, $($promise:ident,)+) => {
        $(
            #[tokio::test]
            async fn $promise() {
                let Some((store, place)) = $open().await else { return };
                super::$promise(store.as_ref()).await;
                store.close().await;
                drop(place);
            }
        )+
    };
}

async fn sqlite() -> Option<(Arc<dyn ProductStore>, Folder)> {
    let folder = Folder::new("product");
    let address = format!("sqlite:{}", folder.path().join("product.db").display());
    store::migrate(&address).await.unwrap();
    Some((store::open(&address, product::encode).await.unwrap(), folder))
}

async fn mongodb() -> Option<(Arc<dyn ProductStore>, FreshDatabase)> {
    let fresh = FreshDatabase::on(&testkit::real_store("mongodb")?);
    store::migrate(&fresh.address).await.unwrap();
    Some((store::open(&fresh.address, product::encode).await.unwrap(), fresh))
}

contract!(embedded, super::sqlite);
contract!(production, super::mongodb);

#[tokio::test]
async fn an_unknown_scheme_is_refused_with_the_key() {
    let opened = store::open("file:products", product::encode).await.err().unwrap();
    let migrated = store::migrate("file:products").await.err().unwrap();
    for error in [opened.to_string(), migrated.to_string()] {
        assert!(error.contains("product.store"), "{error}");
    }
}
