//! What engines tell in common: how counts become facets, words corrections, and labels suggestions.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

use crate::{
    domain::{Facet, Filter, Similar, Suggested, Suggestion, price_range},
    terms::SEPARATOR,
    text,
};

/// Values of one facet that are told.
pub(super) const FACET_VALUES: usize = 100;
/// Keys that are offered as corrections.
pub(super) const CORRECTIONS: usize = 8;
/// Categories, and brands, among suggestions.
pub(super) const NAMES: usize = 3;

/// Values and their counts by the facet's name.
pub(super) type Counts = BTreeMap<String, Vec<(String, u64)>>;

/// Adds one count.
pub(super) fn add(counts: &mut Counts, name: &str, value: &str, count: u64) {
    match counts.get_mut(name) {
        Some(values) => values.push((value.to_owned(), count)),
        None => drop(counts.insert(name.to_owned(), vec![(value.to_owned(), count)])),
    }
}

/// Facets as they are told: known ones first, values by frequency, prices in their order.
pub(super) fn facets(counts: Counts) -> Vec<Facet> {
    let rank = |name: &str| match name {
        "category" => 0,
        "brand" => 1,
        "price" => 2,
        _ => 3,
    };
    let mut facets: Vec<Facet> =
        counts.into_iter().map(|(name, values)| shown(name, values)).collect();
    facets.sort_by(|a, b| (rank(&a.name), &a.name).cmp(&(rank(&b.name), &b.name)));
    facets
}

fn shown(name: String, mut values: Vec<(String, u64)>) -> Facet {
    if name == "price" {
        let mut steps: Vec<(usize, u64)> = values
            .into_iter()
            .filter_map(|(step, count)| Some((step.parse().ok()?, count)))
            .collect();
        steps.sort_unstable();
        let values = steps.into_iter().map(|(step, count)| (price_range(step), count)).collect();
        return Facet { name, values };
    }
    values.sort_unstable_by(|(a, left), (b, right)| (Reverse(left), a).cmp(&(Reverse(right), b)));
    values.truncate(FACET_VALUES);
    Facet { name, values }
}

/// For each facet that is filtered by, the filter without it.
pub(super) fn relaxed(filter: &Filter) -> Vec<(String, Filter)> {
    let mut without = Vec::new();
    if filter.category.is_some() {
        without.push(("category".to_owned(), Filter { category: None, ..filter.clone() }));
    }
    if filter.brand.is_some() {
        without.push(("brand".to_owned(), Filter { brand: None, ..filter.clone() }));
    }
    if filter.price_gte.is_some() || filter.price_lte.is_some() {
        without.push((
            "price".to_owned(),
            Filter { price_gte: None, price_lte: None, ..filter.clone() },
        ));
    }
    for name in filter.attributes.keys() {
        let mut other = filter.clone();
        other.attributes.remove(name);
        without.push((format!("attr.{name}"), other));
    }
    without
}

/// The corrections to offer: nearest first, then most frequent.
pub(super) fn nearest(mut similar: Vec<Similar>) -> Vec<Similar> {
    similar.sort_by(|a, b| {
        (a.distance, Reverse(a.products), &a.surface).cmp(&(
            b.distance,
            Reverse(b.products),
            &b.surface,
        ))
    });
    let mut keys = HashSet::new();
    similar.retain(|word| {
        keys.contains(&word.key) || keys.len() < CORRECTIONS && keys.insert(word.key.clone())
    });
    similar
}

/// The text of a label in a language; in another when there is none.
pub(super) fn localized(label: &str, locale: &str) -> String {
    let texts: Vec<&str> = label.split(SEPARATOR).collect();
    let text = |at: usize| texts.get(at).copied().filter(|text| !text.is_empty());
    let uzbek = || text(0).or_else(|| text(1)).or_else(|| text(2)).unwrap_or_default();
    match locale {
        "ru" => text(1).unwrap_or_else(uzbek).to_owned(),
        "en" => text(2).unwrap_or_else(uzbek).to_owned(),
        "uz-Cyrl" if text(0).is_some() => text::to_cyrillic(uzbek()),
        _ => uzbek().to_owned(),
    }
}

/// A list of suggestions in which no text stands twice.
#[derive(Debug)]
pub(super) struct Suggestions {
    seen: HashSet<String>,
    list: Vec<Suggestion>,
    limit: usize,
}

impl Suggestions {
    /// An empty list that takes so many.
    pub(super) fn new(limit: usize) -> Self {
        Self { seen: HashSet::new(), list: Vec::new(), limit }
    }

    /// Adds one unless it is there, empty or one too many.
    pub(super) fn add(&mut self, text: String, kind: Suggested) {
        if self.list.len() < self.limit && !text.is_empty() && self.seen.insert(text.to_lowercase())
        {
            self.list.push(Suggestion { text, kind });
        }
    }

    /// The list.
    pub(super) fn list(self) -> Vec<Suggestion> {
        self.list
    }
}
