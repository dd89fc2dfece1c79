//! One page of results with its facets.

use std::sync::Arc;

use fault::Fault;
use ids::ProductId;

use super::{
    collect::{Gather, Gathered},
    generation::Generation,
    query,
    snapshot::Snapshot,
};
use crate::{
    domain::{Facet, Hits, Search, Sort},
    store::answers::{self, Counts},
};

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
    for (name, filter) in answers::relaxed(&search.filter) {
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
    Ok(answers::facets(facets))
}

fn by_name(snapshot: &Snapshot, counts: &[u64]) -> Counts {
    let mut facets = Counts::new();
    for ((name, value), count) in
        snapshot.facets.iter().zip(counts).filter(|(_, count)| **count > 0)
    {
        answers::add(&mut facets, name, value, *count);
    }
    facets
}
