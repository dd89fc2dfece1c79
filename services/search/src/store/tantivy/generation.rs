//! One build of the index: a folder, its reader and its writer.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use fault::Fault;
use ids::ProductId;
use tantivy::{
    Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument,
    collector::{Count, DocSetCollector},
    indexer::{IndexWriterOptions, LogMergePolicy},
};

use super::{query, schema::Fields, snapshot::Snapshot};
use crate::{
    domain::{Change, Document},
    terms::{HIDDEN, LIVE},
};

/// Memory that a writer may fill before it writes a segment.
const BUFFER: usize = 32 << 20;

/// The reading side.
pub(super) struct Generation {
    pub(super) folder: PathBuf,
    pub(super) fields: Fields,
    reader: IndexReader,
    snapshot: RwLock<Arc<Snapshot>>,
}

/// The writing side. There is one for each generation.
pub(super) struct Writer {
    pub(super) generation: Arc<Generation>,
    inner: IndexWriter,
    /// Documents that are written but not committed.
    pending: HashMap<ProductId, Document>,
}

impl Generation {
    /// The present state.
    pub(super) fn snapshot(&self) -> Result<Arc<Snapshot>, Fault> {
        let searcher = self.reader.searcher();
        let snapshot = Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner));
        if snapshot.searcher.generation().generation_id() == searcher.generation().generation_id() {
            return Ok(snapshot);
        }
        // Segments were merged in the background, or somebody has just committed.
        let fresh = Arc::new(Snapshot::new(searcher).map_err(Fault::internal)?);
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        Ok(fresh)
    }

    /// Products that shoppers may see.
    pub(super) fn count(&self) -> Result<u64, Fault> {
        let snapshot = self.snapshot()?;
        let count = snapshot
            .searcher
            .search(&query::marked(&self.fields, LIVE), &Count)
            .map_err(Fault::internal)?;
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn find(&self, id: ProductId) -> Result<Option<Document>, Fault> {
        let snapshot = self.snapshot()?;
        let query = tantivy::query::TermQuery::new(
            self.fields.key(id),
            tantivy::schema::IndexRecordOption::Basic,
        );
        let found = snapshot.searcher.search(&query, &DocSetCollector).map_err(Fault::internal)?;
        let Some(address) = found.into_iter().next() else { return Ok(None) };
        let row: TantivyDocument = snapshot.searcher.doc(address).map_err(Fault::internal)?;
        self.fields.decode(&row).map(Some)
    }

    /// Products that are only remembered: drafts, deleted ones, and those of which only offers are known.
    fn hidden(&self) -> Result<Vec<Document>, Fault> {
        let snapshot = self.snapshot()?;
        let query = query::marked(&self.fields, HIDDEN);
        let found = snapshot.searcher.search(&query, &DocSetCollector).map_err(Fault::internal)?;
        found
            .into_iter()
            .map(|address| {
                let row: TantivyDocument =
                    snapshot.searcher.doc(address).map_err(Fault::internal)?;
                self.fields.decode(&row)
            })
            .collect()
    }
}

impl Writer {
    /// Opens the index in a folder, or makes an empty one in a new folder.
    pub(super) fn open(folder: &Path) -> tantivy::Result<Self> {
        let (schema, fields) = Fields::schema();
        let index = if folder.is_dir() {
            Index::open_in_dir(folder)?
        } else {
            std::fs::create_dir_all(folder)?;
            Index::create_in_dir(folder, schema.clone())?
        };
        if index.schema() != schema {
            return Err(tantivy::TantivyError::SchemaError("another version's index".to_owned()));
        }
        // One indexing thread: news come in small batches, and fewer segments make faster searches.
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(BUFFER)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let inner: IndexWriter = index.writer_with_options(options)?;
        let mut policy = LogMergePolicy::default();
        policy.set_min_num_segments(3);
        policy.set_min_layer_size(1_000);
        policy.set_del_docs_ratio_before_merge(0.3);
        inner.set_merge_policy(Box::new(policy));
        let reader =
            index.reader_builder().reload_policy(ReloadPolicy::OnCommitWithDelay).try_into()?;
        let snapshot = RwLock::new(Arc::new(Snapshot::new(reader.searcher())?));
        let generation = Generation { folder: folder.to_owned(), fields, reader, snapshot };
        Ok(Self { generation: Arc::new(generation), inner, pending: HashMap::new() })
    }

    /// The product as it will be after the next commit.
    pub(super) fn find(&self, id: ProductId) -> Result<Option<Document>, Fault> {
        match self.pending.get(&id) {
            Some(document) => Ok(Some(document.clone())),
            None => self.generation.find(id),
        }
    }

    /// Takes over news, over what `base` knows when this index knows nothing.
    pub(super) fn apply(&mut self, change: Change, base: Option<&Self>) -> Result<(), Fault> {
        let mut known = self.find(change.id)?;
        let is_new = known.is_none();
        if is_new && let Some(base) = base {
            known = base.find(change.id)?;
        }
        let mut document = known.unwrap_or_else(|| Document::new(change.id));
        let changed = document.apply(change.version, change.aspect);
        if changed || is_new { self.put(document) } else { Ok(()) }
    }

    fn put(&mut self, document: Document) -> Result<(), Fault> {
        let row = self.generation.fields.encode(&document)?;
        self.inner.delete_term(self.generation.fields.key(document.id));
        self.inner.add_document(row).map_err(Fault::internal)?;
        self.pending.insert(document.id, document);
        Ok(())
    }

    /// Remembers what another index remembers of hidden products and this one does not.
    pub(super) fn remember(&mut self, other: &Self) -> Result<(), Fault> {
        for document in other.generation.hidden()? {
            if self.find(document.id)?.is_none() {
                self.put(document)?;
            }
        }
        Ok(())
    }

    /// Documents written since the last commit.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Makes everything durable and searchable. When it fails, what was pending is forgotten.
    pub(super) fn commit(&mut self) -> Result<(), Fault> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let committed = self.inner.commit().and_then(|_| self.generation.reader.reload());
        if committed.is_err() {
            self.forget();
        } else {
            self.pending.clear();
        }
        committed.map_err(Fault::internal)?;
        self.generation.snapshot().map(drop)
    }

    /// Takes back what is not committed.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        if let Err(error) = self.inner.rollback() {
            tracing::error!(%error, "the index could not be rolled back");
        }
    }

    /// Lets merges end and lets go of the folder.
    pub(super) fn close(self) {
        if let Err(error) = self.inner.wait_merging_threads() {
            tracing::warn!(%error, "the index did not end its merges");
        }
    }
}
