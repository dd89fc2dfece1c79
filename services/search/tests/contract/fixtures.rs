//! Asking and telling in short words.

use std::sync::Arc;

use clock::Clock;
use search::{
    domain::{Aspect, Change, Facet, Filter, Hits, Offers, Search},
    service::{Finder, Question},
    store::SearchIndex,
};
use telemetry::Metrics;

use crate::catalogue::{self, id_at, name};

/// The place of a product, by the name it has here.
pub(crate) fn place(wanted: &str) -> u32 {
    (0..41).find(|place| name(id_at(*place)) == wanted).unwrap()
}

pub(crate) async fn filled(index: &Arc<dyn SearchIndex>) {
    index.apply(catalogue::changes()).await.unwrap();
}

pub(crate) fn names(hits: &Hits) -> Vec<&'static str> {
    hits.ids.iter().map(|id| name(*id)).collect()
}

pub(crate) async fn find(index: &Arc<dyn SearchIndex>, query: &str) -> Vec<&'static str> {
    let finder = Finder::new(Arc::clone(index), &[], Clock::system(), &Metrics::new("search"));
    let question = Question { query: query.to_owned(), limit: 50, ..Question::default() };
    names(&finder.find(&question).await.unwrap().hits)
}

pub(crate) async fn with(index: &Arc<dyn SearchIndex>, filter: Filter) -> Hits {
    let search = Search { filter, limit: 100, facets: true, ..Search::default() };
    index.search(&search).await.unwrap()
}

pub(crate) fn facet<'a>(hits: &'a Hits, name: &str) -> &'a Facet {
    hits.facets.iter().find(|facet| facet.name == name).unwrap_or_else(|| panic!("no facet {name}"))
}

pub(crate) fn value(hits: &Hits, name: &str, value: &str) -> u64 {
    let values = &facet(hits, name).values;
    values.iter().find(|known| known.0 == value).map_or(0, |known| known.1)
}

pub(crate) fn offers(price_from: i64, version: i64, at: u32) -> Change {
    let offers = Offers { price_from, in_stock: true, sellers: vec!["mer_new".to_owned()] };
    Change { id: id_at(at), version, aspect: Aspect::Offers(offers) }
}

pub(crate) fn renamed(at: u32, title: &str, version: i64) -> Change {
    let mut change = catalogue::changes().swap_remove(at as usize);
    change.version = version;
    if let Aspect::Card(news) = &mut change.aspect {
        news.0.title.uz = title.to_owned();
    }
    change
}
