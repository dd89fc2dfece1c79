//! What every index promises.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::assigning_clones,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;

use search::{
    domain::{Aspect, Change, Clause, Filter, Place as Cursor, Rating, Search, Sort},
    store::{self, SearchIndex},
};

#[path = "support/catalogue.rs"]
mod catalogue;
#[path = "support/places.rs"]
mod places;
#[path = "support/server.rs"]
mod server;

#[path = "contract/fixtures.rs"]
mod fixtures;
#[path = "contract/rebuilds.rs"]
mod rebuilds;
#[path = "contract/words.rs"]
mod words;

use catalogue::{id_at, name};
use fixtures::{facet, filled, find, names, offers, place, renamed, value, with};
use places::Place;
use rebuilds::{
    a_failed_rebuild_changes_nothing, a_rebuild_replaces_everything,
    news_during_a_rebuild_are_in_both, the_index_knows_which_rebuild_made_it,
};
use words::{odd_texts_are_no_obstacle, similar_words_are_near, words_are_completed};

async fn news_are_found_when_they_are_taken_over(index: Arc<dyn SearchIndex>) {
    assert_eq!(index.count().await.unwrap(), 0);
    filled(&index).await;
    assert_eq!(index.count().await.unwrap(), 41);
    index.apply(vec![renamed(place("iron"), "Zargarlik buyumi", 2)]).await.unwrap();
    assert_eq!(find(&index, "zargarlik").await, ["iron"]);
    index
        .apply(vec![Change { id: id_at(place("iron")), version: 3, aspect: Aspect::Gone }])
        .await
        .unwrap();
    assert_eq!(find(&index, "zargarlik").await, Vec::<&str>::new());
    assert_eq!(index.count().await.unwrap(), 40);
}

async fn old_news_change_nothing(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let at = place("iron");
    index.apply(vec![renamed(at, "Yangi dazmol", 5), renamed(at, "Eskirgan", 4)]).await.unwrap();
    index.apply(vec![renamed(at, "Eskirgan", 3)]).await.unwrap();
    assert_eq!(find(&index, "eskirgan").await, Vec::<&str>::new());
    index.apply(vec![Change { id: id_at(at), version: 6, aspect: Aspect::Gone }]).await.unwrap();
    index.apply(vec![renamed(at, "Tirilgan", 5)]).await.unwrap();
    assert_eq!(find(&index, "tirilgan").await, Vec::<&str>::new(), "a deletion is remembered");

    index.apply(vec![offers(777, 9, 0), offers(888, 8, 0)]).await.unwrap();
    let cheap = with(&index, Filter { price_lte: Some(777), ..Filter::default() }).await;
    assert_eq!(names(&cheap), ["a55"]);
}

async fn offers_may_arrive_before_their_product(index: Arc<dyn SearchIndex>) {
    index.apply(vec![offers(500, 1, 0)]).await.unwrap();
    assert_eq!(index.count().await.unwrap(), 0);
    assert!(with(&index, Filter::default()).await.ids.is_empty());
    filled(&index).await;
    let found =
        with(&index, Filter { seller: Some("mer_new".to_owned()), ..Filter::default() }).await;
    assert_eq!(names(&found), ["a55"]);
}

async fn drafts_are_not_found(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let mut draft = renamed(0, "Smartfon", 2);
    if let Aspect::Card(news) = &mut draft.aspect {
        news.0.active = false;
    }
    index.apply(vec![draft]).await.unwrap();
    assert!(!find(&index, "smartfon").await.contains(&"a55"));
    assert!(!names(&with(&index, Filter::default()).await).contains(&"a55"));
}

async fn filters_hold_and_combine(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let text = |text: &str| Some(text.to_owned());
    let below = with(&index, Filter { category: text("electronics"), ..Filter::default() }).await;
    assert_eq!(below.total, 12, "everything below the category");
    let direct = with(&index, Filter { category: text("cat_tv"), ..Filter::default() }).await;
    assert_eq!(direct.total, 2);
    let brand = with(&index, Filter { brand: text("aPPle"), ..Filter::default() }).await;
    assert_eq!(brand.total, 3);
    let price =
        Filter { price_gte: Some(64_000_000), price_lte: Some(65_000_000), ..Filter::default() };
    assert_eq!(names(&with(&index, price.clone()).await), ["blender", "lego"]);
    let both = Filter { brand: text("LEGO"), ..price };
    assert_eq!(names(&with(&index, both).await), ["lego"]);
    let size = [("size".to_owned(), "l".to_owned())].into();
    assert_eq!(
        names(&with(&index, Filter { attributes: size, ..Filter::default() }).await),
        ["jacket-m"]
    );
    let stock = |in_stock| Filter { in_stock: Some(in_stock), ..Filter::default() };
    assert_eq!(with(&index, stock(true)).await.total, 36);
    assert_eq!(with(&index, stock(false)).await.total, 5);
    let odd = with(&index, Filter { seller: text("mer_odd"), ..Filter::default() }).await;
    assert_eq!(odd.total, 20);
    let nobody = with(&index, Filter { brand: text("Nobody"), ..Filter::default() }).await;
    assert_eq!((nobody.total, nobody.ids.len(), nobody.next), (0, 0, None));
}

async fn results_are_sorted(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    // One without a price is last either way.
    index.apply(vec![offers(0, 1, place("lg-fridge"))]).await.unwrap();
    let sorted = |sort| {
        let index = Arc::clone(&index);
        async move {
            let search = Search { sort, limit: 100, ..Search::default() };
            names(&index.search(&search).await.unwrap())
        }
    };
    let newest = sorted(Sort::Newest).await;
    assert_eq!((newest[0], newest[40]), ("halva", "a55"));
    let cheap = sorted(Sort::Price).await;
    assert_eq!((cheap[0], cheap[40]), ("oil", "lg-fridge"));
    let dear = sorted(Sort::PriceDesc).await;
    assert_eq!((dear[0], dear[40]), ("lg-tv", "lg-fridge"));
    assert_eq!(sorted(Sort::Popularity).await[0], "a55");
    let rating = Rating { thousandths: 5000, count: 3 };
    index
        .apply(vec![Change { id: id_at(9), version: 1, aspect: Aspect::Rating(rating) }])
        .await
        .unwrap();
    assert_eq!(name(id_at(9)), sorted(Sort::Rating).await[0]);
}

async fn pages_are_without_gap_and_repeat(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    // One without a price has a place too.
    index.apply(vec![offers(0, 1, place("lg-fridge")), offers(0, 1, place("tea"))]).await.unwrap();
    for sort in [
        Sort::Relevance,
        Sort::Newest,
        Sort::Price,
        Sort::PriceDesc,
        Sort::Rating,
        Sort::Popularity,
    ] {
        for filter in [Filter::default(), Filter { in_stock: Some(true), ..Filter::default() }] {
            let all = Search { sort, filter, limit: 100, ..Search::default() };
            let whole = index.search(&all).await.unwrap();
            assert_eq!(whole.next, None);
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = index.search(&Search { limit: 4, after, ..all.clone() }).await.unwrap();
                assert_eq!(page.total, whole.total, "the total does not depend on the page");
                seen.extend(page.ids);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, whole.ids, "{sort:?}");
        }
    }
}

async fn any_cursor_is_answered(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let clause = Clause { prefix: Some("muz".to_owned()), ..Clause::default() };
    for sort in [Sort::Relevance, Sort::Newest, Sort::Price, Sort::PriceDesc, Sort::Rating] {
        for clauses in [Vec::new(), vec![clause.clone()]] {
            for key in [0, 1, u64::from(u32::MAX), 0x7F80_0000, 1 << 63, u64::MAX] {
                for id in [0, u128::MAX] {
                    let after = Some(Cursor { key, id });
                    let search = Search {
                        sort,
                        clauses: clauses.clone(),
                        after,
                        limit: 5,
                        ..Search::default()
                    };
                    let page = index.search(&search).await.unwrap();
                    assert!(page.total >= page.ids.len() as u64);
                }
            }
        }
    }
}

async fn equal_places_are_settled(index: Arc<dyn SearchIndex>) {
    let mut same = catalogue::changes();
    for change in &mut same {
        if let Aspect::Card(news) = &mut change.aspect {
            news.0.created_at = 7;
            news.1.price_from = 100;
        }
    }
    // In several commits, so that engines with segments have several.
    for part in same.chunks(15) {
        index.apply(part.to_vec()).await.unwrap();
    }
    for sort in [Sort::Newest, Sort::Price] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page =
                index.search(&Search { sort, limit: 7, after, ..Search::default() }).await.unwrap();
            seen.extend(page.ids);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<_> = (0..41).rev().map(id_at).collect();
        assert_eq!(seen, expected);
    }
}

async fn facets_count_the_results(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let all = with(&index, Filter::default()).await;
    let order: Vec<&str> = all.facets.iter().map(|facet| facet.name.as_str()).collect();
    assert_eq!(
        order,
        ["category", "brand", "price", "attr.color", "attr.diagonal", "attr.memory", "attr.size"]
    );
    assert_eq!(value(&all, "category", "electronics"), 12);
    assert_eq!(value(&all, "category", "smartphones"), 4);
    assert_eq!(value(&all, "brand", "Artel"), 4);
    assert_eq!(facet(&all, "price").values.iter().map(|range| range.1).sum::<u64>(), 41);

    // Within a filter, other facets shrink; the facet itself still shows the alternatives.
    let artel = with(&index, Filter { brand: Some("Artel".to_owned()), ..Filter::default() }).await;
    assert_eq!(value(&artel, "category", "appliances"), 3);
    assert_eq!(value(&artel, "category", "smartphones"), 0);
    assert_eq!(value(&artel, "brand", "Artel"), 4);
    assert_eq!(value(&artel, "brand", "LG"), 3);
    let white = [("color".to_owned(), "oq".to_owned())].into();
    let both = Filter { brand: Some("Artel".to_owned()), attributes: white, ..Filter::default() };
    let both = with(&index, both).await;
    assert_eq!(
        (both.total, value(&both, "brand", "LG"), value(&both, "attr.color", "oq")),
        (2, 1, 2)
    );

    // A range that is told can be filtered by and gives what was counted.
    for (range, count) in &facet(&all, "price").values {
        let (from, to) = range.split_once('-').unwrap();
        let filter = Filter {
            price_gte: from.parse().ok(),
            price_lte: to.parse().ok(),
            ..Filter::default()
        };
        assert_eq!(with(&index, filter).await.total, *count, "{range}");
    }
}

async fn concurrent_writers_share_a_commit(index: Arc<dyn SearchIndex>) {
    let writers = catalogue::changes().into_iter().map(|change| index.apply(vec![change]));
    for outcome in futures::future::join_all(writers).await {
        outcome.unwrap();
    }
    assert_eq!(index.count().await.unwrap(), 41);
}

async fn concurrent_news_of_one_product_all_count(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let news = (2..12_i64).flat_map(|version| {
        let rating = Rating { thousandths: 1000, count: u32::try_from(version).unwrap() };
        let rating = Change { id: id_at(0), version, aspect: Aspect::Rating(rating) };
        [
            renamed(0, &format!("Navro{version}z"), version),
            offers(version * 100, version, 0),
            rating,
        ]
    });
    let writers = news.map(|change| index.apply(vec![change]));
    for outcome in futures::future::join_all(writers).await {
        outcome.unwrap();
    }
    assert_eq!(find(&index, "navro11z").await, ["a55"]);
    let price = Filter { price_gte: Some(1100), price_lte: Some(1100), ..Filter::default() };
    assert_eq!(names(&with(&index, price).await), ["a55"]);
    let worst = Search { sort: Sort::Rating, limit: 100, ..Search::default() };
    assert_eq!(names(&index.search(&worst).await.unwrap()).last(), Some(&"a55"));
}

macro_rules! contract {
    ($($promise:ident),+ $(,)?) => {
        contract!(@adapter tantivy, $($promise),+);
        contract!(@adapter elastic, $($promise),+);
    };
    (@adapter $adapter:ident, $($promise:ident),+) => {
        mod $adapter {
            $(
                #[tokio::test]
                async fn $promise() {
                    let Some(place) = super::Place::$adapter() else { return };
                    let index = super::store::open(&place.address()).await.unwrap();
                    super::$promise(std::sync::Arc::clone(&index)).await;
                    index.close().await;
                }
            )+
        }
    };
}

contract!(
    news_are_found_when_they_are_taken_over,
    old_news_change_nothing,
    offers_may_arrive_before_their_product,
    drafts_are_not_found,
    filters_hold_and_combine,
    results_are_sorted,
    pages_are_without_gap_and_repeat,
    equal_places_are_settled,
    any_cursor_is_answered,
    facets_count_the_results,
    odd_texts_are_no_obstacle,
    words_are_completed,
    similar_words_are_near,
    a_rebuild_replaces_everything,
    the_index_knows_which_rebuild_made_it,
    a_failed_rebuild_changes_nothing,
    news_during_a_rebuild_are_in_both,
    concurrent_writers_share_a_commit,
    concurrent_news_of_one_product_all_count,
);

#[tokio::test]
async fn other_addresses_are_refused_with_the_key_to_change() {
    for wrong in ["", "tantivy:", "sqlite:x", "http://127.0.0.1:9200", "https://h/UPPER"] {
        let error = store::open(wrong).await.err().unwrap().to_string();
        assert!(error.contains("search.store"), "{error}");
        let error = store::migrate(wrong).await.unwrap_err().to_string();
        assert!(error.contains("search.store"), "{error}");
    }
}
