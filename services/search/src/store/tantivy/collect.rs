//! Gathering a page and counting facets while documents pass by.

use std::{cmp::Reverse, collections::BinaryHeap, sync::Arc};

use tantivy::{
    DocAddress, DocId, Score, SegmentOrdinal,
    collector::{Collector, SegmentCollector},
    columnar::StrColumn,
    index::SegmentReader,
};

use super::snapshot::{Columns, Snapshot};
use crate::{
    domain::{Place, Sort},
    terms,
};

/// What to gather.
#[derive(Debug, Clone)]
pub(super) struct Gather {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) sort: Sort,
    pub(super) after: Option<Place>,
    /// Documents to keep; one more than a page tells whether there is another.
    pub(super) keep: usize,
    pub(super) facets: bool,
}

/// What was gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The first places after the given one, best first.
    pub(super) places: Vec<(Place, DocAddress)>,
    /// All that match.
    pub(super) total: u64,
    /// Counts by place in the snapshot's facets.
    pub(super) facets: Vec<u64>,
}

impl Collector for Gather {
    type Fruit = Gathered;
    type Child = GatherSegment;

    fn for_segment(
        &self,
        ordinal: SegmentOrdinal,
        _: &SegmentReader,
    ) -> tantivy::Result<GatherSegment> {
        let columns = self.snapshot.segment(ordinal)?;
        let counts = if self.facets { vec![0; columns.facet_places.len()] } else { Vec::new() };
        Ok(GatherSegment {
            facet: columns.facet.clone().filter(|_| self.facets),
            columns,
            ordinal,
            sort: self.sort,
            after: self.after,
            keep: self.keep,
            best: BinaryHeap::with_capacity(self.keep + 1),
            total: 0,
            counts,
        })
    }

    fn requires_scoring(&self) -> bool {
        self.sort == Sort::Relevance
    }

    fn merge_fruits(&self, segments: Vec<Gathered>) -> tantivy::Result<Gathered> {
        let mut all =
            Gathered { facets: vec![0; self.snapshot.facets.len()], ..Gathered::default() };
        for (columns, segment) in self.snapshot.segments.iter().zip(segments) {
            all.total += segment.total;
            all.places.extend(segment.places);
            for (place, count) in columns.facet_places.iter().zip(segment.facets) {
                if let Some(sum) = all.facets.get_mut(*place) {
                    *sum += count;
                }
            }
        }
        all.places.sort_unstable_by_key(|(place, _)| Reverse(*place));
        all.places.truncate(self.keep);
        Ok(all)
    }
}

/// Gathers in one segment.
pub(super) struct GatherSegment {
    columns: Arc<Columns>,
    facet: Option<StrColumn>,
    ordinal: SegmentOrdinal,
    sort: Sort,
    after: Option<Place>,
    keep: usize,
    best: BinaryHeap<Reverse<(Place, DocId)>>,
    total: u64,
    counts: Vec<u64>,
}

impl SegmentCollector for GatherSegment {
    type Fruit = Gathered;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.total += 1;
        if let Some(facet) = &self.facet {
            for ordinal in facet.term_ords(doc) {
                if let Some(count) =
                    usize::try_from(ordinal).ok().and_then(|at| self.counts.get_mut(at))
                {
                    *count += 1;
                }
            }
        }
        if self.keep == 0 {
            return;
        }
        let key = terms::sort_key(self.sort, self.columns.numbers(doc), score);
        let full = self.best.len() >= self.keep;
        if full && self.best.peek().is_some_and(|Reverse((worst, _))| key < worst.key) {
            return;
        }
        let place = self.columns.place(doc, key);
        if self.after.is_some_and(|after| place >= after) {
            return;
        }
        self.best.push(Reverse((place, doc)));
        if full {
            self.best.pop();
        }
    }

    fn harvest(self) -> Gathered {
        let address = |doc| DocAddress::new(self.ordinal, doc);
        let places =
            self.best.into_iter().map(|Reverse((place, doc))| (place, address(doc))).collect();
        Gathered { places, total: self.total, facets: self.counts }
    }
}

/// Counts the labels of what matches.
#[derive(Debug)]
pub(super) struct CountLabels {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) column: fn(&Columns) -> Option<&StrColumn>,
}

impl Collector for CountLabels {
    type Fruit = Vec<(String, u64)>;
    type Child = CountSegment;

    fn for_segment(
        &self,
        ordinal: SegmentOrdinal,
        _: &SegmentReader,
    ) -> tantivy::Result<CountSegment> {
        let columns = self.snapshot.segment(ordinal)?;
        let column = (self.column)(&columns).cloned();
        let counts = vec![0; column.as_ref().map_or(0, |column| column.dictionary().num_terms())];
        Ok(CountSegment { column, counts })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Vec<(String, u64)>>) -> tantivy::Result<Self::Fruit> {
        let mut sums = std::collections::BTreeMap::new();
        for (label, count) in segments.into_iter().flatten() {
            *sums.entry(label).or_insert(0) += count;
        }
        let mut sums: Vec<(String, u64)> = sums.into_iter().collect();
        sums.sort_by_key(|(_, count)| Reverse(*count));
        Ok(sums)
    }
}

/// Counts in one segment.
pub(super) struct CountSegment {
    column: Option<StrColumn>,
    counts: Vec<u64>,
}

impl SegmentCollector for CountSegment {
    type Fruit = Vec<(String, u64)>;

    fn collect(&mut self, doc: DocId, _: Score) {
        for ordinal in self.column.iter().flat_map(|column| column.term_ords(doc)) {
            if let Some(count) =
                usize::try_from(ordinal).ok().and_then(|at| self.counts.get_mut(at))
            {
                *count += 1;
            }
        }
    }

    fn harvest(self) -> Self::Fruit {
        let mut labels = Vec::new();
        for (ordinal, count) in self.counts.into_iter().enumerate().filter(|(_, count)| *count > 0)
        {
            let mut label = String::new();
            let read = self.column.as_ref().map(|column| {
                column.ord_to_str(u64::try_from(ordinal).unwrap_or(u64::MAX), &mut label)
            });
            match read {
                Some(Ok(true)) => labels.push((label, count)),
                Some(Err(error)) => tracing::warn!(%error, "a label could not be read"),
                _ => {}
            }
        }
        labels
    }
}
