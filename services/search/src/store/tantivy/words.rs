//! Words of the catalogue: corrections and completions.

use std::{collections::HashMap, sync::Arc};

use fault::Fault;
use tantivy::columnar::StrColumn;

use super::{
    collect::{CountLabels, Gather},
    generation::Generation,
    query,
    snapshot::{Columns, Snapshot},
};
use crate::{
    domain::{Similar, Sort, Suggested, Suggestion, Typed},
    store::answers::{self, NAMES, Suggestions, localized},
    terms::Field,
    text,
};

/// Compares a key with every word there is: some hundred nanoseconds each, and only for words that the catalogue does not have.
pub(super) fn similar(
    generation: &Generation,
    key: &str,
    limit: usize,
) -> Result<Vec<Similar>, Fault> {
    let key: Vec<char> = key.chars().collect();
    let snapshot = generation.snapshot()?;
    let handle = generation.fields.handle(Field::Word);
    let mut found: HashMap<String, (usize, u64)> = HashMap::new();
    for reader in snapshot.searcher.segment_readers() {
        let index = reader.inverted_index(handle).map_err(Fault::internal)?;
        let mut words = index.terms().stream().map_err(Fault::internal)?;
        while let Some((word, info)) = words.next() {
            let Ok(word) = std::str::from_utf8(word) else { continue };
            let Some((candidate, _)) = word.split_once('=') else { continue };
            let candidate: Vec<char> = candidate.chars().collect();
            if let Some(distance) = text::distance(&key, &candidate, limit) {
                let entry = found.entry(word.to_owned()).or_insert((distance, 0));
                entry.1 += u64::from(info.doc_freq);
            }
        }
    }
    let similar = found
        .into_iter()
        .filter_map(|(word, (distance, products))| {
            let (key, surface) = word.split_once('=')?;
            Some(Similar { key: key.to_owned(), surface: surface.to_owned(), distance, products })
        })
        .collect();
    Ok(answers::nearest(similar))
}

pub(super) fn suggest(generation: &Generation, typed: &Typed) -> Result<Vec<Suggestion>, Fault> {
    let snapshot = generation.snapshot()?;
    let mut suggestions = Suggestions::new(typed.limit);
    for label in
        names(generation, &snapshot, typed, Field::BrandPrefix, |columns| columns.brand.as_ref())?
    {
        suggestions.add(label, Suggested::Brand);
    }
    for label in names(generation, &snapshot, typed, Field::CategoryPrefix, |columns| {
        columns.category.as_ref()
    })? {
        suggestions.add(localized(&label, &typed.locale), Suggested::Category);
    }
    let gather = Gather {
        snapshot: Arc::clone(&snapshot),
        sort: Sort::Relevance,
        after: None,
        // Some have one title.
        keep: typed.limit * 2,
        facets: false,
    };
    let query = query::typed(&generation.fields, typed, Field::Prefix);
    let gathered = snapshot.searcher.search(&query, &gather).map_err(Fault::internal)?;
    for (_, address) in gathered.places {
        let columns = snapshot.segment(address.segment_ord).map_err(Fault::internal)?;
        let Some(column) = &columns.title else { continue };
        let mut label = String::new();
        for ordinal in column.term_ords(address.doc_id).take(1) {
            column.ord_to_str(ordinal, &mut label).map_err(Fault::internal)?;
        }
        suggestions.add(localized(&label, &typed.locale), Suggested::Product);
    }
    Ok(suggestions.list())
}

fn names(
    generation: &Generation,
    snapshot: &Arc<Snapshot>,
    typed: &Typed,
    field: Field,
    column: fn(&Columns) -> Option<&StrColumn>,
) -> Result<Vec<String>, Fault> {
    let query = query::typed(&generation.fields, typed, field);
    let count = CountLabels { snapshot: Arc::clone(snapshot), column };
    let labels = snapshot.searcher.search(&query, &count).map_err(Fault::internal)?;
    Ok(labels.into_iter().take(NAMES).map(|(label, _)| label).collect())
}
