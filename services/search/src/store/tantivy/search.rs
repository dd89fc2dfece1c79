//! One page of results with its facets.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use fault::Fault;
use ids::ProductId;

use super::{
    collect::{Gather, Gathered},
    generation::Generation,
    query,
    snapshot::Snapshot,
};
use crate::domain::{Facet, Filter, Hits, Search, Sort, price_range};

/// Values of one facet that are told.
const FACET_VALUES: usize = 100;

pub(super) fn run(generation: &Generation, search: &Search) -> Result<Hits, Fault> {
    let snapshot = generation.snapshot()?;
    let gather = Gather {
        snapshot: Arc::clone(&snapshot),
        sort: search.sort,
        after: search.after,
        keep: if search.limit == 0 { 0 } else { search.limit + 1 },
        facets: search.facets,
    };
    let question = query::search(&generation.fields, search, &search.filter);
    let mut gathered = snapshot.searcher.search(&question, &gather).map_err(Fault::internal)?;
    let more = gathered.places.len() > search.limit;
    gathered.places.truncate(search.limit);
    let facets =
        if search.facets { facets(generation, &snapshot, search, &gathered)? } else { Vec::new() };
    Ok(Hits {
        ids: gathered.places.iter().map(|(place, _)| ProductId::from_u128(place.id)).collect(),
        total: gathered.total,
        next: gathered.places.last().filter(|_| more).map(|(place, _)| *place),
        facets,
    })
}

fn facets(
    generation: &Generation,
    snapshot: &Arc<Snapshot>,
    search: &Search,
    gathered: &Gathered,
) -> Result<Vec<Facet>, Fault> {
    let mut facets = by_name(snapshot, &gathered.facets);
    for (name, filter) in relaxed(&search.filter) {
        // Nothing is kept and nothing is ranked: this only counts.
        let gather = Gather {
            snapshot: Arc::clone(snapshot),
            sort: Sort::Newest,
            after: None,
            keep: 0,
            facets: true,
        };
        let question = query::search(&generation.fields, search, &filter);
        let counted = snapshot.searcher.search(&question, &gather).map_err(Fault::internal)?;
        if let Some(values) = by_name(snapshot, &counted.facets).remove(name.as_str()) {
            facets.insert(name, values);
        }
    }
    let rank = |name: &str| match name {
        "category" => 0,
        "brand" => 1,
        "price" => 2,
        _ => 3,
    };
    let mut facets: Vec<Facet> =
        facets.into_iter().map(|(name, values)| shown(name, values)).collect();
    facets.sort_by(|a, b| (rank(&a.name), &a.name).cmp(&(rank(&b.name), &b.name)));
    Ok(facets)
}

type Counts = BTreeMap<String, Vec<(String, u64)>>;

fn by_name(snapshot: &Snapshot, counts: &[u64]) -> Counts {
    let mut facets = Counts::new();
    for ((name, value), count) in
        snapshot.facets.iter().zip(counts).filter(|(_, count)| **count > 0)
    {
        match facets.get_mut(name) {
            Some(values) => values.push((value.clone(), *count)),
            None => drop(facets.insert(name.clone(), vec![(value.clone(), *count)])),
        }
    }
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
fn relaxed(filter: &Filter) -> Vec<(String, Filter)> {
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
