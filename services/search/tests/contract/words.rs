//! Words: odd ones, unfinished ones, misspelt ones.

use std::sync::Arc;

use clock::Clock;
use search::{
    domain::{Aspect, Filter, Suggested, Typed},
    service::Finder,
    store::SearchIndex,
};
use telemetry::Metrics;

use crate::fixtures::{filled, find, names, place, renamed, value, with};

pub(crate) async fn odd_texts_are_no_obstacle(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    // Longer than any engine's longest token, yet found as it is written.
    let long = "oʻzbekistonliklarnikidan ".repeat(14);
    let mut odd = renamed(place("iron"), &long, 2);
    let name = r#"size (sm) "x".*|\d"#;
    if let Aspect::Card(news) = &mut odd.aspect {
        news.0.attributes = [(name.to_owned(), " 12 × 7 [a-z] ".to_owned())].into();
        news.0.brand = "x".repeat(40_000);
        news.0.description.uz = "soʻz ".repeat(20_000);
    }
    index.apply(vec![odd]).await.unwrap();
    assert_eq!(find(&index, long.trim_end().get(..150).unwrap()).await, ["iron"]);

    let all = with(&index, Filter::default()).await;
    assert_eq!(value(&all, &format!("attr.{name}"), "12 × 7 [a-z]"), 1);
    let attributes = [(name.to_owned(), "12 × 7 [A-Z]".to_owned())].into();
    let found = with(&index, Filter { attributes, ..Filter::default() }).await;
    assert_eq!(names(&found), ["iron"]);
    assert_eq!(value(&found, &format!("attr.{name}"), "12 × 7 [a-z]"), 1);
    assert!(
        found.facets.iter().all(|facet| facet.name != "attr.color"),
        "counted within the filter"
    );

    // Twelve words that all have synonyms make the largest question there is.
    let words = "telefon noutbuk televizor muzlatgich choynak dazmol quloqchin soat sumka kurtka divan krovat";
    assert_eq!(find(&index, words).await, Vec::<&str>::new());
}

pub(crate) async fn words_are_completed(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let finder = Finder::new(Arc::clone(&index), &[], Clock::system(), &Metrics::new("search"));
    let texts = |typed: &'static str, locale: &'static str| {
        let finder = finder.clone();
        async move {
            let list = finder.suggest(typed, locale, 5).await.unwrap();
            list.into_iter().map(|one| (one.text, one.kind)).collect::<Vec<_>>()
        }
    };
    for typed in ["muz", "муз", "Muzlatg", "vepkfn"] {
        let list = texts(typed, "uz").await;
        assert_eq!(list[0], ("Muzlatgichlar".to_owned(), Suggested::Category), "{typed}");
        assert!(
            list.contains(&("Muzlatgich Artel HD 345".to_owned(), Suggested::Product)),
            "{typed}"
        );
    }
    assert_eq!(texts("sams", "uz").await[0], ("Samsung".to_owned(), Suggested::Brand));
    assert_eq!(texts("muz", "ru").await[0].0, "Холодильники");
    assert_eq!(texts("muz", "en").await[0].0, "Fridges");
    assert_eq!(texts("muz", "uz-Cyrl").await[0].0, "Музлатгичлар");
    assert_eq!(texts("galaxy s2", "en").await[0].0, "Samsung Galaxy S24 Ultra smartphone");
    assert!(texts("smartfon", "uz").await.len() <= 5);
    for nothing in ["", " ", "m", "zzzz", "!!"] {
        assert!(texts(nothing, "uz").await.is_empty(), "{nothing:?}");
    }
    let typed = Typed { words: vec!["muz".to_owned()], locale: "uz".to_owned(), limit: 1 };
    assert_eq!(index.suggest(&typed).await.unwrap().len(), 1);
}

pub(crate) async fn similar_words_are_near(index: Arc<dyn SearchIndex>) {
    filled(&index).await;
    let similar = index.similar("telefn", 1).await.unwrap();
    assert_eq!((similar[0].key.as_str(), similar[0].distance), ("telefon", 1));
    assert!(index.similar("televixor", 0).await.unwrap().is_empty());
    assert!(index.similar("qqqqqqqqqq", 2).await.unwrap().is_empty());
    let exact = index.similar("telefon", 0).await.unwrap();
    assert_eq!((exact[0].key.as_str(), exact[0].distance), ("telefon", 0));
    // A key is told in every way it is written, with how many products have it.
    let ways = index.similar("xolodilni", 1).await.unwrap();
    assert_eq!((ways[0].surface.as_str(), ways[0].products), ("холодильник", 2));
    let two = index.similar("kurka", 2).await.unwrap();
    assert!(
        two.is_sorted_by_key(|word| word.distance) && two.iter().any(|word| word.key == "kurtka")
    );
}
