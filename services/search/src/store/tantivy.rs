//! The embedded index: tantivy in a folder.
//!
//! A folder holds generations (`v1-3/`) and `CURRENT`, which names the one in use. A rebuild fills a new generation beside it and
//! replaces `CURRENT`; news that arrive meanwhile are written to both. Writers wait for each other in groups: whoever gets the
//! writer takes over everything that is waiting and makes it durable with one commit.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use fault::Fault;
use futures::{StreamExt as _, stream::BoxStream};
use tokio::sync::{OwnedMutexGuard, oneshot};

mod collect;
mod folder;
mod generation;
mod query;
mod schema;
mod search;
mod snapshot;
mod words;

use crate::{
    domain::{Change, Hits, Rebuild, Search, Similar, Suggestion, Typed},
    error::Error,
    store::{Progress, SearchIndex},
};
use folder::{Current, Folder};
use generation::{Generation, Writer};

/// Commits are at least this far apart: each makes a segment, and many small ones make slow searches.
const PACE: Duration = Duration::from_millis(100);
/// Documents of a rebuild between commits.
const REBUILD_BATCH: usize = 2_000;
/// From so many products on a search may take milliseconds and leaves the thread that serves requests.
const HEAVY: u64 = 20_000;

/// The port over tantivy.
pub(super) struct TantivyIndex {
    folder: Folder,
    current: RwLock<Arc<Generation>>,
    writers: Arc<tokio::sync::Mutex<Writers>>,
    queue: Arc<Mutex<Vec<Job>>>,
    rebuilding: tokio::sync::Mutex<()>,
    complete: AtomicBool,
    /// The rebuild that made it.
    rebuilt: Mutex<Option<Rebuild>>,
    size: AtomicU64,
}

struct Writers {
    /// None after the index was closed.
    live: Option<Writer>,
    shadow: Option<Writer>,
    committed: Option<Instant>,
}

struct Job {
    changes: Vec<Change>,
    done: oneshot::Sender<Result<(), Fault>>,
}

type Guard = OwnedMutexGuard<Writers>;

impl TantivyIndex {
    pub(super) async fn open(root: PathBuf) -> anyhow::Result<Self> {
        let opened = tokio::task::spawn_blocking(move || {
            let folder = Folder::open(root)?;
            let (writer, said) = folder.writer()?;
            anyhow::Ok((folder, writer, said))
        });
        let (folder, writer, said) = opened.await??;
        let generation = Arc::clone(&writer.generation);
        let size = generation.count()?;
        let writers = Writers { live: Some(writer), shadow: None, committed: None };
        Ok(Self {
            folder,
            current: RwLock::new(generation),
            writers: Arc::new(tokio::sync::Mutex::new(writers)),
            queue: Arc::default(),
            rebuilding: tokio::sync::Mutex::new(()),
            complete: AtomicBool::new(said.complete),
            rebuilt: Mutex::new(said.rebuild),
            size: AtomicU64::new(size),
        })
    }

    fn generation(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads, here or on a thread of its own.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Generation) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let generation = self.generation();
        if self.size.load(Ordering::Relaxed) < HEAVY {
            return question(&generation);
        }
        tokio::task::spawn_blocking(move || question(&generation)).await.map_err(Fault::internal)?
    }

    /// Writes on a thread of its own. The work goes on when the caller goes away.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writers) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let mut guard: Guard = Arc::clone(&self.writers).lock_owned().await;
        tokio::task::spawn_blocking(move || work(&mut guard)).await.map_err(Fault::internal)?
    }

    async fn fill(
        &self,
        mut pages: BoxStream<'_, Result<Vec<Change>, Fault>>,
        progress: &Progress,
    ) -> Result<(), Fault> {
        while let Some(page) = pages.next().await {
            let page = page?;
            let products = page.len();
            self.write(move |writers| {
                let (Some(shadow), live) = (&mut writers.shadow, &writers.live) else {
                    return Err(closed());
                };
                for change in page {
                    shadow.apply(change, live.as_ref())?;
                }
                if shadow.pending() >= REBUILD_BATCH { shadow.commit() } else { Ok(()) }
            })
            .await?;
            progress.add(products);
        }
        Ok(())
    }

    async fn swap(&self, progress: &Progress) -> Result<u64, Fault> {
        let folder = self.folder.clone();
        let rebuilt = progress.completed();
        let noted = rebuilt.clone();
        let (generation, old) = self
            .write(move |writers| {
                let (Some(mut shadow), Some(live)) = (writers.shadow.take(), writers.live.take())
                else {
                    return Err(closed());
                };
                let ready = shadow.remember(&live).and_then(|()| shadow.commit()).and_then(|()| {
                    folder
                        .point_to(&Current::complete(&shadow.generation.folder, noted))
                        .map_err(Fault::internal)
                });
                if let Err(fault) = ready {
                    writers.live = Some(live);
                    writers.shadow = Some(shadow);
                    return Err(fault);
                }
                let generation = Arc::clone(&shadow.generation);
                writers.live = Some(shadow);
                Ok((generation, live))
            })
            .await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&generation);
        self.complete.store(true, Ordering::SeqCst);
        *self.rebuilt.lock().unwrap_or_else(PoisonError::into_inner) = Some(rebuilt);
        let retired = old.generation.folder.clone();
        // Searches that still read it keep its files until they end.
        let removal = tokio::task::spawn_blocking(move || {
            drop(old);
            Folder::remove(&retired);
        });
        removal.await.map_err(Fault::internal)?;
        let count = generation.count()?;
        self.size.store(count, Ordering::Relaxed);
        Ok(count)
    }

    async fn abandon(&self) {
        let dropped = self
            .write(|writers| {
                if let Some(shadow) = writers.shadow.take() {
                    let unfinished = shadow.generation.folder.clone();
                    drop(shadow);
                    Folder::remove(&unfinished);
                }
                Ok(())
            })
            .await;
        if let Err(fault) = dropped {
            tracing::warn!(%fault, "an unfinished index was left behind");
        }
    }
}

impl Writers {
    /// Applies all jobs, makes them durable with one commit, and tells who waits.
    fn run(&mut self, jobs: Vec<Job>) -> Result<u64, Fault> {
        let (changes, waiting): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.changes, job.done)).unzip();
        let outcome = self.write(changes.into_iter().flatten());
        self.committed = Some(Instant::now());
        for done in waiting {
            // Who does not wait any more will deliver again.
            drop(done.send(outcome.clone().map(drop)));
        }
        outcome
    }

    fn write(&mut self, changes: impl Iterator<Item = Change>) -> Result<u64, Fault> {
        let live = self.live.as_mut().ok_or_else(closed)?;
        let written = changes.into_iter().try_for_each(|change| {
            if let Some(shadow) = &mut self.shadow {
                shadow.apply(change.clone(), Some(live))?;
            }
            live.apply(change, None)
        });
        match written {
            Ok(()) => live.commit()?,
            Err(fault) => {
                live.forget();
                return Err(fault);
            }
        }
        live.generation.count()
    }
}

fn closed() -> Fault {
    Fault::unavailable("the index is closed")
}

#[async_trait]
impl SearchIndex for TantivyIndex {
    async fn apply(&self, changes: Vec<Change>) -> Result<(), Fault> {
        if changes.is_empty() {
            return Ok(());
        }
        let (done, answer) = oneshot::channel();
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(Job { changes, done });
        let mut guard: Guard = Arc::clone(&self.writers).lock_owned().await;
        if let Some(rest) = guard.committed.and_then(|last| PACE.checked_sub(last.elapsed()))
            && !self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
        {
            // Others join the queue meanwhile.
            tokio::time::sleep(rest).await;
        }
        let jobs = std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        if !jobs.is_empty() {
            let run = tokio::task::spawn_blocking(move || guard.run(jobs));
            if let Ok(size) = run.await.map_err(Fault::internal)? {
                self.size.store(size, Ordering::Relaxed);
            }
        }
        answer.await.map_err(Fault::internal)?
    }

    async fn rebuild(
        &self,
        pages: BoxStream<'_, Result<Vec<Change>, Fault>>,
        progress: &Progress,
    ) -> Result<u64, Fault> {
        let _alone = self.rebuilding.try_lock().map_err(|_| Error::Rebuilding)?;
        progress.begin();
        let folder = self.folder.clone();
        self.write(move |writers| {
            // One that was broken off.
            drop(writers.shadow.take());
            writers.shadow = Some(folder.fresh().map_err(Fault::internal)?);
            Ok(())
        })
        .await?;
        let outcome = match self.fill(pages, progress).await {
            Ok(()) => self.swap(progress).await,
            Err(fault) => Err(fault),
        };
        if outcome.is_err() {
            self.abandon().await;
        }
        outcome
    }

    async fn rebuilt(&self) -> Result<Option<Rebuild>, Fault> {
        Ok(self.rebuilt.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn is_complete(&self) -> Result<bool, Fault> {
        Ok(self.complete.load(Ordering::SeqCst))
    }

    async fn search(&self, search: &Search) -> Result<Hits, Fault> {
        let search = search.clone();
        self.read(move |generation| search::run(generation, &search)).await
    }

    async fn similar(&self, key: &str, distance: usize) -> Result<Vec<Similar>, Fault> {
        let key = key.to_owned();
        self.read(move |generation| words::similar(generation, &key, distance)).await
    }

    async fn suggest(&self, typed: &Typed) -> Result<Vec<Suggestion>, Fault> {
        let typed = typed.clone();
        self.read(move |generation| words::suggest(generation, &typed)).await
    }

    async fn count(&self) -> Result<u64, Fault> {
        self.read(Generation::count).await
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.read(|generation| generation.snapshot().map(drop)).await
    }

    async fn close(&self) {
        let closed = self
            .write(|writers| {
                drop(writers.shadow.take());
                if let Some(live) = writers.live.take() {
                    live.close();
                }
                Ok(())
            })
            .await;
        if let Err(fault) = closed {
            tracing::warn!(%fault, "the index was not closed");
        }
    }
}
