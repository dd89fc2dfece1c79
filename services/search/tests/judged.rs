//! What shoppers type, and what must come first. The judges know the port only, so that they can judge any engine behind it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use clock::Clock;
use search::{
    service::{Finder, Question},
    store::{self, SearchIndex},
};
use telemetry::Metrics;

#[path = "support/catalogue.rs"]
mod catalogue;
#[path = "support/places.rs"]
mod places;
#[path = "support/server.rs"]
mod server;

use places::Place;

/// A query; names that must be the first ones, in any order among themselves; the correction that is told.
type Verdict = (&'static str, &'static [&'static str], &'static str);

/// Uzbek in Latin script, with the apostrophes and spellings that people use.
const LATIN: &[Verdict] = &[
    ("smartfon", &["a55", "s24", "iphone", "redmi"], ""),
    ("telefon", &["a55", "s24", "iphone", "redmi"], ""),
    ("muzlatgich", &["artel-fridge", "lg-fridge"], ""),
    ("muzlatgichlar", &["artel-fridge", "lg-fridge"], ""),
    ("xolodilnik", &["artel-fridge", "lg-fridge"], ""),
    ("holodilnik", &["artel-fridge", "lg-fridge"], ""),
    ("kurtka", &["jacket-k", "jacket-m"], ""),
    ("kurtkalar", &["jacket-k", "jacket-m"], ""),
    ("Erkaklar kurtkasi", &["jacket-m"], ""),
    ("bolalar kurtkasi", &["jacket-k"], ""),
    ("koʻylak", &["dress", "shirt"], ""),
    ("ko'ylak", &["dress", "shirt"], ""),
    ("koylak", &["dress", "shirt"], ""),
    ("erkaklar ko`ylagi", &["shirt"], ""),
    ("oʻyinchoq", &["lego"], ""),
    ("o‘yinchoqlar", &["lego"], ""),
    ("choynak", &["teapot", "kettle"], ""),
    ("choynaklar", &["teapot", "kettle"], ""),
    ("choynagi", &["teapot", "kettle"], ""),
    ("rishton choynak", &["teapot"], ""),
    ("kir yuvish mashinasi", &["lg-washer", "artel-washer"], ""),
    ("qozon", &["qozon"], ""),
    ("kozon", &["qozon"], ""),
    ("gilof", &["case"], ""),
    ("telefon uchun gʻilof", &["case"], ""),
    ("changyutgich", &["vacuum"], ""),
    ("xolva", &["halva"], ""),
    ("poyabzal", &["sneakers", "boots"], ""),
    ("pichoq", &["knife"], ""),
    ("qahva", &["coffee"], ""),
    ("yostiq", &[], ""),
];

/// Uzbek in Cyrillic script, Russian, English.
const OTHERS: &[Verdict] = &[
    ("музлатгич", &["artel-fridge", "lg-fridge"], ""),
    ("чойнак", &["teapot", "kettle"], ""),
    ("чойнаклар", &["teapot", "kettle"], ""),
    ("кўйлак", &["dress", "shirt"], ""),
    ("ўйинчоқ", &["lego"], ""),
    ("қозон", &["qozon"], ""),
    ("чангютгич", &["vacuum"], ""),
    ("кир ювиш машинаси", &["lg-washer", "artel-washer"], ""),
    ("қўғирчоқ", &["doll"], ""),
    ("болалар велосипеди", &["bike"], ""),
    ("холодильник", &["artel-fridge", "lg-fridge"], ""),
    ("холодильники", &["artel-fridge", "lg-fridge"], ""),
    ("куртка", &["jacket-m", "jacket-k"], ""),
    ("куртки мужские", &["jacket-m"], ""),
    ("футболка", &["tshirt"], ""),
    ("белые футболки", &["tshirt"], ""),
    ("чехол на телефон", &["case"], ""),
    ("кроссовок", &["sneakers"], ""),
    ("обувь", &["sneakers", "boots"], ""),
    ("платье", &["dress"], ""),
    ("стиралка", &["lg-washer", "artel-washer"], ""),
    ("пылесос", &["vacuum"], ""),
    ("зелёный чай", &["tea"], ""),
    ("утюги", &["iron"], ""),
    ("headphones", &["airpods"], ""),
    ("jackets", &["jacket-m", "jacket-k"], ""),
    ("washing machine", &["lg-washer", "artel-washer"], ""),
    ("fridge", &["artel-fridge", "lg-fridge"], ""),
    ("laptop", &["macbook", "ideapad"], ""),
    ("case for iphone", &["case"], ""),
];

/// Brands, models, several words, unfinished words.
const MIXED: &[Verdict] = &[
    ("samsung", &["a55", "s24", "charger"], ""),
    ("самсунг", &["a55", "s24", "charger"], ""),
    ("artel muzlatgich", &["artel-fridge"], ""),
    ("холодильник artel", &["artel-fridge"], ""),
    ("xolodilnik LG", &["lg-fridge"], ""),
    ("galaxy a55", &["a55"], ""),
    ("galaxy a 55", &["a55"], ""),
    ("iphone15", &["iphone"], ""),
    ("256 gb smartfon", &["a55"], ""),
    ("apple noutbuk", &["macbook"], ""),
    ("смартфон qora", &["a55", "iphone"], ""),
    ("muzlat", &["artel-fridge", "lg-fridge"], ""),
    ("холод", &["artel-fridge", "lg-fridge"], ""),
    ("tele", &["artel-tv", "lg-tv"], ""),
    ("tv lg", &["lg-tv"], ""),
    ("usbc", &["charger"], ""),
    ("televizor samsung qizil", &[], ""),
];

/// Mistakes, and the wrong keyboard layout.
const MISTAKES: &[Verdict] = &[
    ("muzlatgch", &["artel-fridge", "lg-fridge"], "muzlatgich"),
    ("muslatgich", &["artel-fridge", "lg-fridge"], "muzlatgich"),
    ("smartfno", &["a55", "s24", "iphone", "redmi"], "smartfon"),
    ("futbokla", &["tshirt"], "futbolka"),
    ("холодилник", &["artel-fridge", "lg-fridge"], ""),
    ("халадильник", &["artel-fridge", "lg-fridge"], "холодильник"),
    ("пылисос", &["vacuum"], "пылесос"),
    ("samsng galaxy", &["a55", "s24"], "samsung galaxy"),
    ("xiaommi", &["redmi"], ""),
    ("xaomi", &["redmi"], "xiaomi"),
    ("krasovka", &["sneakers"], "krossovki"),
    ("еудуащт", &["a55", "s24", "iphone", "redmi"], "telefon"),
    ("[jkjlbkmybr", &["artel-fridge", "lg-fridge"], "холодильник"),
    ("rehnrf", &["jacket-m", "jacket-k"], "куртка"),
    ("ыфьыгтп", &["a55", "s24", "charger"], "samsung"),
    ("ыфьыгтп galaxy", &["a55", "s24"], "samsung galaxy"),
    ("artel [jkjlbkmybr", &["artel-fridge"], "artel холодильник"),
    ("ньютон", &[], ""),
    ("qqqqqqqq", &[], ""),
    ("!!!", &[], ""),
];

async fn judge(index: Arc<dyn SearchIndex>, verdicts: &[Verdict]) {
    index.apply(catalogue::changes()).await.unwrap();
    let finder = Finder::new(Arc::clone(&index), &[], Clock::system(), &Metrics::new("search"));
    let mut wrong = Vec::new();
    for (query, first, corrected) in verdicts {
        let question = Question { query: (*query).to_owned(), limit: 10, ..Question::default() };
        let found = finder.find(&question).await.unwrap();
        let names: Vec<&str> = found.hits.ids.iter().map(|id| catalogue::name(*id)).collect();
        let top: Vec<&str> = names.iter().take(first.len()).copied().collect();
        let right = if first.is_empty() {
            // No single thing fits: nothing, or what fits most words; never told as a correction.
            found.corrected.is_empty() && (query.contains(' ') || names.is_empty())
        } else {
            first.iter().all(|name| top.contains(name)) && found.corrected == *corrected
        };
        if !right {
            wrong.push(format!(
                "{query:?}: {names:?} corrected {:?}, expected {first:?} {corrected:?}",
                found.corrected
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), verdicts.len(), wrong.join("\n"));
}

macro_rules! judged {
    ($adapter:ident) => {
        mod $adapter {
            use super::*;

            judged!(@case $adapter, uzbek_in_latin, LATIN);
            judged!(@case $adapter, uzbek_in_cyrillic_russian_and_english, OTHERS);
            judged!(@case $adapter, brands_models_and_unfinished_words, MIXED);
            judged!(@case $adapter, mistakes_and_wrong_layouts, MISTAKES);
        }
    };
    (@case $adapter:ident, $name:ident, $verdicts:ident) => {
        #[tokio::test]
        async fn $name() {
            let Some(place) = Place::$adapter() else { return };
            let index = store::open(&place.address()).await.unwrap();
            judge(Arc::clone(&index), $verdicts).await;
            index.close().await;
        }
    };
}

judged!(tantivy);
judged!(elastic);
