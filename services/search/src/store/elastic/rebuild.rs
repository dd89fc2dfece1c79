//! Building a new index beside the present one and swapping the alias.
//!
//! News go on into the present index meanwhile, from this process and from others. The new one follows them by their sequence numbers:
//! roughly at first; at the end the present index takes no writes for a moment, the rest is copied, and the alias is swapped. Writers
//! that meet the block try again and find the new index. Versions make it harmless to copy twice.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use fault::Fault;
use futures::{StreamExt as _, stream::BoxStream};
use ids::ProductId;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    admin::Admin,
    client::{Call, Failure, MANAGE},
    documents::{self, BATCH, Seen},
    lease::{BEAT, Lease},
    names::Index,
    query,
    schema::{Source, field},
    search::{Answer, Hit},
};
use crate::{
    domain::{Change, Document},
    store::Progress,
    terms::{Field, HIDDEN},
};

/// Times that the new index follows before the present one is blocked.
const ROUNDS: u32 = 10;
/// What searches that have begun in the old index may still need it for.
const GRACE: Duration = Duration::from_millis(500);

/// A rebuild that holds the lease.
pub(super) struct Rebuild<'a> {
    admin: &'a Admin,
    lease: &'a Lease,
    old: Index,
    new: Index,
    /// None of one that only removes what was left behind.
    progress: Option<Progress>,
    seen: Seen,
    renewed: Instant,
    /// The sequence number of the present index up to which the new one has followed.
    followed: i64,
    /// Whether the alias may point to the new index.
    swapping: bool,
}

impl<'a> Rebuild<'a> {
    /// Takes the lease on the present index.
    pub(super) async fn begin(
        admin: &'a Admin,
        lease: &'a Lease,
        old: Index,
        progress: Option<Progress>,
    ) -> Result<Self, Failure> {
        let seen = lease.take(admin, &old, progress.as_ref()).await?;
        let new = admin.names.fresh();
        Ok(Self {
            admin,
            lease,
            old,
            new,
            progress,
            seen,
            renewed: Instant::now(),
            followed: -1,
            swapping: false,
        })
    }

    /// Removes what others have left behind; whoever holds the lease may.
    pub(super) async fn sweep(&self) -> Result<(), Failure> {
        let inventory = self.admin.inventory().await?;
        if inventory.live.as_ref() != Some(&self.old) {
            return Err(Failure::Rebuilding);
        }
        for index in &inventory.others {
            tracing::info!(%index, "an index that was left behind is removed");
            self.admin.delete(index).await?;
        }
        Ok(())
    }

    /// Gives the lease back without having built anything.
    pub(super) async fn release(self) -> Result<(), Failure> {
        self.lease.release(self.admin, &self.old, self.seen).await
    }

    /// Builds and swaps. Returns the new index and how many products can be found there.
    pub(super) async fn run(
        &mut self,
        pages: BoxStream<'_, Result<Vec<Change>, Fault>>,
    ) -> Result<(Index, u64), Fault> {
        self.sweep().await?;
        self.followed = self.admin.checkpoint(&self.old).await?;
        self.admin.refresh(&self.old.to_string()).await?;
        self.admin.create(&self.new, false).await?;
        self.fill(pages).await?;
        self.remember().await?;
        for _ in 0..ROUNDS {
            let copied = self.follow().await?;
            self.renew().await?;
            if copied < BATCH {
                break;
            }
        }
        let completed = self.progress.as_ref().map(Progress::completed);
        self.admin.complete(&self.new, completed.as_ref()).await?;
        self.admin.refresh(&self.new.to_string()).await?;
        // From here on writers wait.
        self.admin.block(&self.old).await?;
        self.follow().await?;
        self.admin.refresh(&self.new.to_string()).await?;
        let count = count(self.admin, &self.new.to_string()).await?;
        self.swap().await?;
        Ok((self.new.clone(), count))
    }

    async fn swap(&mut self) -> Result<(), Failure> {
        self.swapping = true;
        let Err(failure) = self.admin.swap(&self.old, &self.new).await else { return Ok(()) };
        // The answer may have been lost. Changes of indexes happen one after the other: when this one has, that one has or never will.
        self.admin.unblock(&self.old).await?;
        if self.admin.live().await?.as_ref() == Some(&self.new) { Ok(()) } else { Err(failure) }
    }

    /// After the swap: takes over what reached the old index although it was blocked, and removes it.
    pub(super) async fn retire(&mut self) -> Result<(), Failure> {
        // Another process may have taken this one for gone and have lifted the block.
        match self.admin.block(&self.old).await {
            // It may have removed the index, too.
            Err(failure) if failure.is_missing() => return Ok(()),
            outcome => outcome?,
        }
        if self.follow().await? > 0 {
            self.admin.refresh(&self.new.to_string()).await?;
        }
        tokio::time::sleep(GRACE).await;
        self.admin.delete(&self.old).await
    }

    /// After a failure: everything as it was. What may have become the present index is left to the next start.
    pub(super) async fn abandon(&self) -> Result<(), Failure> {
        let unblocked = self.admin.unblock(&self.old).await;
        let deleted = if self.swapping { Ok(()) } else { self.admin.delete(&self.new).await };
        let released = self.lease.release(self.admin, &self.old, self.seen).await;
        unblocked.and(deleted).and(released)
    }

    async fn renew(&mut self) -> Result<(), Failure> {
        if self.renewed.elapsed() >= BEAT {
            let told = self.progress.as_ref();
            self.seen = self.lease.renew(self.admin, &self.old, self.seen, told).await?;
            self.renewed = Instant::now();
        }
        Ok(())
    }

    async fn fill(
        &mut self,
        mut pages: BoxStream<'_, Result<Vec<Change>, Fault>>,
    ) -> Result<(), Fault> {
        let mut batch = Vec::new();
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                page = pages.next() => match page {
                    Some(page) => batch.extend(page?),
                    None => break,
                },
                _ = beat.tick() => self.renew().await?,
            }
            if batch.len() >= BATCH {
                self.add(std::mem::take(&mut batch)).await?;
            }
        }
        self.add(batch).await?;
        Ok(())
    }

    /// Adds what the catalogue says, over what the present index knows.
    async fn add(&self, changes: Vec<Change>) -> Result<(), Failure> {
        let products = changes.len();
        let mut news: BTreeMap<ProductId, Vec<Change>> = BTreeMap::new();
        for change in changes {
            news.entry(change.id).or_default().push(change);
        }
        let mut ids: Vec<ProductId> = news.keys().copied().collect();
        let base = documents::read(&self.admin.client, &self.old, &ids).await?;
        let client = &self.admin.client;
        documents::replace(client, &self.new, &mut ids, true, |id, known| {
            let mut changed = known.is_none();
            let base = || base.get(&id).map(|known| known.document.clone());
            let mut document = known.or_else(base).unwrap_or_else(|| Document::new(id));
            for change in news.get(&id).into_iter().flatten().cloned() {
                changed |= document.apply(change.version, change.aspect);
            }
            changed.then_some(document)
        })
        .await?;
        if let Some(progress) = &self.progress {
            progress.add(products);
        }
        Ok(())
    }

    /// Copies what is remembered of products that shoppers may not see.
    async fn remember(&mut self) -> Result<(), Failure> {
        let mut after = None;
        loop {
            let hits = self.scan(&[query::has(Field::Filter, HIDDEN)], field::ID, after).await?;
            let Some(last) = hits.last() else { return Ok(()) };
            after = last.sort.first().cloned();
            self.merge(hits).await?;
            self.renew().await?;
        }
    }

    /// Copies what was written to the present index since it was last followed; how much that was.
    async fn follow(&mut self) -> Result<usize, Failure> {
        // Writes that have not ended may have lower numbers than some that have: next time begins before them.
        let next = self.admin.checkpoint(&self.old).await?;
        self.admin.refresh(&self.old.to_string()).await?;
        let (mut copied, mut after) = (0, self.followed);
        loop {
            let news = [
                json!({ "range": { "_seq_no": { "gt": after } } }),
                // The lease is no product.
                json!({ "exists": { "field": field::ID } }),
            ];
            let hits = self.scan(&news, "_seq_no", None).await?;
            let Some(last) = hits.last().and_then(|last| last.seq_no) else { break };
            after = last;
            copied += hits.len();
            self.merge(hits).await?;
        }
        self.followed = next;
        Ok(copied)
    }

    async fn merge(&self, hits: Vec<Hit<Source>>) -> Result<(), Failure> {
        let copies: BTreeMap<ProductId, Document> = hits
            .into_iter()
            .filter_map(|hit| hit.source)
            .map(|source| (source.document.id, source.document))
            .collect();
        let mut ids: Vec<ProductId> = copies.keys().copied().collect();
        let client = &self.admin.client;
        documents::replace(client, &self.new, &mut ids, true, |id, known| {
            let copy = copies.get(&id)?.clone();
            let Some(mut known) = known else { return Some(copy) };
            known.merge(copy).then_some(known)
        })
        .await
    }

    /// Some products of the present index, in the order of a field.
    async fn scan(
        &self,
        filter: &[Value],
        by: &str,
        after: Option<Value>,
    ) -> Result<Vec<Hit<Source>>, Failure> {
        let mut body = json!({
            "size": BATCH,
            "track_total_hits": false,
            "seq_no_primary_term": true,
            "query": { "bool": { "filter": filter } },
            "sort": [{ by: "asc" }],
        });
        if let (Some(after), Some(body)) = (after, body.as_object_mut()) {
            body.insert("search_after".to_owned(), json!([after]));
        }
        let path = format!("{}/_search?allow_partial_search_results=false", self.old);
        let call = Call::again(Method::POST, path, MANAGE).json(&body);
        let answer: Answer<Source> = self.admin.client.call(call).await?;
        Ok(answer.hits.hits)
    }
}

/// Products of an index that shoppers may see.
pub(super) async fn count(admin: &Admin, index: &str) -> Result<u64, Failure> {
    #[derive(serde::Deserialize)]
    struct Counted {
        count: u64,
    }
    let body = json!({ "query": query::live() });
    let call = Call::again(Method::POST, format!("{index}/_count"), MANAGE).json(&body);
    admin.client.call::<Counted>(call).await.map(|counted| counted.count)
}
