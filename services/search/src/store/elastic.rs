//! The shared index: Elasticsearch 8 or 9, or OpenSearch.
//!
//! Searches ask an alias; behind it stands one index, `<prefix>-products-v<schema>-<timestamp>`. A product is one row: its tokens and
//! numbers as [`crate::terms`] gives them, and the product itself, from which the row is made anew whenever news of it arrive. Several
//! processes may write: a row is replaced only by who has seen it as it is, see `documents`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use fault::Fault;
use futures::{StreamExt as _, stream::BoxStream};
use ids::ProductId;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

mod admin;
mod breaker;
mod client;
mod documents;
mod lease;
mod live;
mod names;
mod query;
mod rebuild;
mod schema;
mod search;
mod words;

use crate::{
    domain::{Change, Document, Hits, Rebuild as Told, Search, Similar, Suggestion, Typed},
    error::Error,
    store::{Progress, SearchIndex},
};
use admin::Admin;
use client::{Call, Client, Failure, READ, WRITE, left};
use lease::Lease;
use live::{Known, Live};
use names::SCHEMA;
use rebuild::Rebuild;

/// News are shown at least this far apart when several wait: each showing makes a segment, and many small ones make slow searches.
const PACE: Duration = Duration::from_millis(100);
/// The first pause of a write that meets a rebuild's last moment; later ones are longer.
const PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_millis(200);

/// The port over the server.
#[derive(Debug)]
pub(super) struct ElasticIndex {
    admin: Admin,
    live: Live,
    lease: Lease,
    rebuilding: tokio::sync::Mutex<()>,
    /// Held by whoever uses the lease: a rebuild, or the removal of what another one has left behind.
    leasing: tokio::sync::Mutex<()>,
    /// Whether this process has begun a rebuild that has not come to an end, good or bad.
    building: AtomicBool,
    /// Whether a rebuild that was broken off may have left something behind.
    untidy: AtomicBool,
    /// Writes that have ended.
    written: AtomicU64,
    shown: tokio::sync::Mutex<Shown>,
}

/// What searches see.
#[derive(Debug, Default)]
struct Shown {
    /// How many writes.
    writes: u64,
    /// Since when.
    at: Option<Instant>,
}

impl ElasticIndex {
    /// Reads the address; asks the server nothing yet.
    pub(super) fn open(address: &str) -> anyhow::Result<Self> {
        let (server, names) = names::parse(address)?;
        let admin = Admin { client: Arc::new(Client::new(server)?), names };
        Ok(Self {
            live: Live::new(admin.clone()),
            admin,
            lease: Lease::new(),
            rebuilding: tokio::sync::Mutex::default(),
            leasing: tokio::sync::Mutex::default(),
            building: AtomicBool::new(false),
            untidy: AtomicBool::new(true),
            written: AtomicU64::new(0),
            shown: tokio::sync::Mutex::default(),
        })
    }

    /// Makes the index and its alias unless they are there.
    pub(super) async fn migrate(&self) -> Result<(), Fault> {
        Ok(self.live.contact().await.map(drop)?)
    }

    /// Removes every index of ours, with the alias.
    pub(super) async fn forget(&self) -> Result<(), Fault> {
        let inventory = self.admin.inventory().await?;
        for index in inventory.live.iter().chain(&inventory.others) {
            self.admin.delete(index).await?;
        }
        Ok(())
    }

    /// Asks the index behind the alias; once more when it was lost.
    async fn ask<T: DeserializeOwned>(&self, body: &Value) -> Result<T, Failure> {
        let known = self.live.contact().await?;
        let alias = self.admin.names.alias();
        let path = format!("{alias}/_search?allow_partial_search_results=false");
        let call = || Call::again(Method::POST, path.clone(), READ).json(body);
        match self.admin.client.call(call()).await {
            Err(failure) if failure.is_missing() => {
                self.live.forget(&known.index);
                self.live.contact().await?;
                self.admin.client.call(call()).await
            }
            outcome => outcome,
        }
    }

    /// Waits until searches see what was written before. One asks the server for all that wait.
    async fn show(&self) -> Result<(), Failure> {
        let mine = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut shown = self.shown.lock().await;
        if shown.writes >= mine {
            return Ok(());
        }
        if let Some(rest) = shown.at.and_then(|at| PACE.checked_sub(at.elapsed()))
            && self.written.load(Ordering::SeqCst) > mine
        {
            tokio::time::sleep(rest).await;
        }
        let writes = self.written.load(Ordering::SeqCst);
        self.admin.refresh(self.admin.names.alias()).await?;
        *shown = Shown { writes, at: Some(Instant::now()) };
        Ok(())
    }

    /// Removes what a rebuild that was broken off has left behind, once nobody holds the lease.
    async fn tidy(&self) -> Result<(), Failure> {
        if !self.untidy.load(Ordering::SeqCst) {
            return Ok(());
        }
        let Ok(_alone) = self.leasing.try_lock() else { return Ok(()) };
        let inventory = self.admin.inventory().await?;
        let Some(live) = inventory.live else { return Ok(()) };
        if !inventory.others.is_empty() || self.lease.is_noted(&self.admin, &live).await? {
            let sweeper = match Rebuild::begin(&self.admin, &self.lease, live, None).await {
                // Somebody rebuilds, or has until a moment ago: look again later.
                Err(Failure::Rebuilding) => return Ok(()),
                begun => begun?,
            };
            let swept = sweeper.sweep().await;
            sweeper.release().await?;
            swept?;
        }
        self.untidy.store(false, Ordering::SeqCst);
        Ok(())
    }
}

#[async_trait]
impl SearchIndex for ElasticIndex {
    async fn apply(&self, changes: Vec<Change>) -> Result<(), Fault> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut news: BTreeMap<ProductId, Vec<Change>> = BTreeMap::new();
        for change in changes {
            news.entry(change.id).or_default().push(change);
        }
        let mut ids: Vec<ProductId> = news.keys().copied().collect();
        let until = Instant::now() + left(WRITE);
        let mut pause = PAUSE;
        loop {
            let index = self.live.writable().await?;
            let make = |id: ProductId, known: Option<Document>| {
                let mut changed = known.is_none();
                let mut document = known.unwrap_or_else(|| Document::new(id));
                for change in news.get(&id).into_iter().flatten().cloned() {
                    changed |= document.apply(change.version, change.aspect);
                }
                changed.then_some(document)
            };
            let outcome =
                documents::replace(&self.admin.client, &index, &mut ids, false, make).await;
            match outcome {
                Ok(()) => break,
                // A rebuild is about to swap, or has swapped.
                Err(failure) if failure.is_blocked() || failure.is_missing() => {
                    if Instant::now() + pause >= until {
                        self.untidy.store(true, Ordering::SeqCst);
                        return Err(failure.into());
                    }
                    self.live.forget(&index);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(self.show().await?)
    }

    async fn rebuild(
        &self,
        pages: BoxStream<'_, Result<Vec<Change>, Fault>>,
        progress: &Progress,
    ) -> Result<u64, Fault> {
        let _alone = self.rebuilding.try_lock().map_err(|_| Error::Rebuilding)?;
        // A catalogue that is away is no reason to make an index.
        let mut pages = pages.peekable();
        if let Some(Err(fault)) = std::pin::Pin::new(&mut pages).peek().await {
            return Err(fault.clone());
        }
        let _leasing = self.leasing.lock().await;
        let present = self.live.contact().await?.index;
        if present.schema > SCHEMA {
            let reason = "the index was built by a newer version of the program";
            return Err(Fault::conflict("INDEX_IS_NEWER", reason));
        }
        let told = Some(progress.clone());
        let mut rebuild = Rebuild::begin(&self.admin, &self.lease, present.clone(), told).await?;
        progress.begin();
        self.building.store(true, Ordering::SeqCst);
        let (outcome, ended) = match rebuild.run(pages.boxed()).await {
            Ok((index, count)) => {
                self.live.set(Known { index, complete: true });
                (Ok(count), rebuild.retire().await)
            }
            Err(fault) => {
                self.live.forget(&present);
                (Err(fault), rebuild.abandon().await)
            }
        };
        self.building.store(false, Ordering::SeqCst);
        if let Err(failure) = ended {
            self.untidy.store(true, Ordering::SeqCst);
            tracing::warn!(%failure, "an index that is not used was left behind");
        }
        outcome
    }

    async fn rebuilt(&self) -> Result<Option<Told>, Fault> {
        let index = self.live.contact().await?.index;
        let told = match self.lease.told(&self.admin, &index).await {
            Ok(None) => self.admin.rebuilt(&index).await,
            told => told,
        };
        match told {
            Err(failure) if failure.is_missing() => {
                self.live.forget(&index);
                Ok(None)
            }
            told => Ok(told?),
        }
    }

    async fn is_complete(&self) -> Result<bool, Fault> {
        let known = self.live.contact().await?;
        if known.complete {
            return Ok(true);
        }
        // Another process may have filled it meanwhile.
        self.live.forget(&known.index);
        Ok(self.live.contact().await?.complete)
    }

    async fn search(&self, search: &Search) -> Result<Hits, Fault> {
        let answer = self.ask(&search::body(search)).await?;
        Ok(search::hits(search, answer)?)
    }

    async fn similar(&self, key: &str, distance: usize) -> Result<Vec<Similar>, Fault> {
        let near = self.ask(&words::near(key, distance)).await?;
        let keys = words::keys(key, distance, near);
        let answer = self.ask(&words::spellings(&keys)).await?;
        Ok(words::similar(key, distance, answer))
    }

    async fn suggest(&self, typed: &Typed) -> Result<Vec<Suggestion>, Fault> {
        let answer = self.ask(&words::completions(typed)).await?;
        Ok(words::suggestions(typed, answer))
    }

    async fn count(&self) -> Result<u64, Fault> {
        self.live.contact().await?;
        Ok(rebuild::count(&self.admin, self.admin.names.alias()).await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        let known = self.live.contact().await?;
        if self.admin.live().await?.as_ref() != Some(&known.index) {
            // Another process has rebuilt it, or it was lost.
            self.live.forget(&known.index);
        }
        let known = self.live.contact().await?;
        self.tidy().await?;
        self.admin.available(self.admin.names.alias()).await?;
        if known.index.schema < SCHEMA {
            return Err(Failure::Foreign(known.index.schema).into());
        }
        Ok(())
    }

    async fn close(&self) {
        // What was taken over is written, and connections end with the last use of them.
        if self.building.load(Ordering::SeqCst) {
            self.untidy.store(true, Ordering::SeqCst);
            let tidied = tokio::time::timeout(READ, self.tidy()).await;
            if !matches!(tidied, Ok(Ok(()))) {
                tracing::warn!("an unfinished index was left behind; the next start removes it");
            }
        }
    }
}
