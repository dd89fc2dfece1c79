//! The committed index with its columns open: what one search reads.

use std::{collections::HashMap, sync::Arc};

use tantivy::{
    DocId, Searcher,
    columnar::{Column, StrColumn},
    index::SegmentReader,
};

use super::schema::column;
use crate::{
    domain::Place,
    terms::{Numbers, SEPARATOR},
};

/// A state of the index. Opening columns and reading the values of facets costs more than a small search, so both are done once for
/// each state.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) searcher: Searcher,
    pub(super) segments: Vec<Arc<Columns>>,
    /// Name and value of each facet's token.
    pub(super) facets: Vec<(String, String)>,
}

/// The columns of one segment.
#[derive(Debug)]
pub(super) struct Columns {
    id_high: Column<u64>,
    id_low: Column<u64>,
    price: Column<i64>,
    in_stock: Column<bool>,
    rating: Column<u64>,
    popularity: Column<i64>,
    created_at: Column<i64>,
    /// Ordinals of facets' tokens in this segment.
    pub(super) facet: Option<StrColumn>,
    /// For each of them, its place in [`Snapshot::facets`].
    pub(super) facet_places: Vec<usize>,
    pub(super) title: Option<StrColumn>,
    pub(super) category: Option<StrColumn>,
    pub(super) brand: Option<StrColumn>,
}

impl Snapshot {
    pub(super) fn new(searcher: Searcher) -> tantivy::Result<Self> {
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut facets = Vec::new();
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            let mut columns = Columns::open(reader)?;
            let count = columns.facet.as_ref().map_or(0, |facet| facet.dictionary().num_terms());
            for ordinal in 0..count {
                let mut token = String::new();
                if let Some(facet) = &columns.facet {
                    facet.ord_to_str(u64::try_from(ordinal).unwrap_or(u64::MAX), &mut token)?;
                }
                let place = *known.entry(token).or_insert_with_key(|token| {
                    let (name, value) = token.split_once(SEPARATOR).unwrap_or((token, ""));
                    facets.push((name.to_owned(), value.to_owned()));
                    facets.len() - 1
                });
                columns.facet_places.push(place);
            }
            segments.push(Arc::new(columns));
        }
        Ok(Self { searcher, segments, facets })
    }

    pub(super) fn segment(&self, ordinal: u32) -> tantivy::Result<Arc<Columns>> {
        let segment = self.segments.get(usize::try_from(ordinal).unwrap_or(usize::MAX));
        segment
            .cloned()
            .ok_or_else(|| tantivy::TantivyError::InternalError("no such segment".to_owned()))
    }
}

impl Columns {
    fn open(reader: &SegmentReader) -> tantivy::Result<Self> {
        let fast = reader.fast_fields();
        Ok(Self {
            id_high: fast.u64(column::ID_HIGH)?,
            id_low: fast.u64(column::ID_LOW)?,
            price: fast.i64(column::PRICE)?,
            in_stock: fast.bool(column::IN_STOCK)?,
            rating: fast.u64(column::RATING)?,
            popularity: fast.i64(column::POPULARITY)?,
            created_at: fast.i64(column::CREATED_AT)?,
            facet: fast.str(column::FACET)?,
            facet_places: Vec::new(),
            title: fast.str(column::TITLE)?,
            category: fast.str(column::CATEGORY)?,
            brand: fast.str(column::BRAND)?,
        })
    }

    pub(super) fn numbers(&self, doc: DocId) -> Numbers {
        Numbers {
            price: self.price.first(doc).unwrap_or_default(),
            in_stock: self.in_stock.first(doc).unwrap_or_default(),
            rating: self.rating.first(doc).unwrap_or_default(),
            popularity: self.popularity.first(doc).unwrap_or_default(),
            created_at: self.created_at.first(doc).unwrap_or_default(),
        }
    }

    pub(super) fn place(&self, doc: DocId, key: u64) -> Place {
        let high = self.id_high.first(doc).unwrap_or_default();
        let low = self.id_low.first(doc).unwrap_or_default();
        Place { key, id: (u128::from(high) << 64) | u128::from(low) }
    }
}
