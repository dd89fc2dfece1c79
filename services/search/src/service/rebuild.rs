//! Building the index anew, and telling how far that has come.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use clock::Clock;
use fault::{Code, Fault};
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use tokio_util::sync::CancellationToken;

use super::Finder;
use crate::{
    domain::{Change, Rebuild},
    error::Error,
    store::Progress,
};

/// The first pause after an index could not be filled; later ones are longer.
const FILL_PAUSE: Duration = Duration::from_millis(50);
/// The longest of them.
const FILL_PAUSE_MAX: Duration = Duration::from_secs(1);
/// How often it is looked whether the index was lost.
const FILL_CHECK: Duration = Duration::from_secs(5);

/// Where the catalogue can be read from its beginning to its end.
pub(crate) trait Catalogue: Send + Sync {
    /// Every product that shoppers may see, page by page.
    fn pages(&self) -> BoxStream<'_, Result<Page, Fault>>;
}

/// A part of the catalogue.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// What is known of its products.
    pub(crate) changes: Vec<Change>,
    /// Products in the whole catalogue, when this page tells.
    pub(crate) total: Option<u64>,
}

/// Rebuilds of this process. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Rebuilds {
    clock: Clock,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The one that runs, or asks whether it may.
    present: Option<Progress>,
    /// The last one that had begun.
    last: Option<Rebuild>,
}

impl Rebuilds {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, known: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One at a time.
    fn enter(&self, progress: &Progress) -> Result<Present<'_>, Error> {
        let mut known = self.known();
        if known.present.is_some() {
            return Err(Error::Rebuilding);
        }
        known.present = Some(progress.clone());
        drop(known);
        let fault = Fault::new(Code::Unavailable, "INTERRUPTED", "it was broken off");
        Ok(Present { rebuilds: self, outcome: Err(fault) })
    }
}

/// Makes the present rebuild the last one when it ends, whichever way.
struct Present<'a> {
    rebuilds: &'a Rebuilds,
    outcome: Result<u64, Fault>,
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        let mut known = self.rebuilds.known();
        if let Some(progress) = known.present.take()
            && progress.has_begun()
        {
            progress.end(&self.outcome);
            known.last = Some(progress.now());
        }
    }
}

impl Finder {
    /// What a rebuild that is about to start will tell.
    pub(crate) fn progress(&self) -> Progress {
        Progress::new(self.rebuilds.clock.clone())
    }

    /// Builds the index anew. Returns how many products can be found.
    pub(crate) async fn rebuild(
        &self,
        catalogue: &dyn Catalogue,
        progress: &Progress,
    ) -> Result<u64, Error> {
        let mut present = self.rebuilds.enter(progress)?;
        let mut pages = catalogue.pages().peekable();
        // A catalogue that is away is no reason to begin.
        match std::pin::Pin::new(&mut pages).peek().await {
            Some(Err(fault)) => return Err(fault.clone().into()),
            Some(Ok(page)) => progress.expect(page.total.unwrap_or_default()),
            None => {}
        }
        let pages = pages.map_ok(|page| page.changes).boxed();
        present.outcome = self.index.rebuild(pages, progress).await;
        let outcome = present.outcome.clone();
        drop(present);
        match &outcome {
            Ok(indexed) => tracing::info!(indexed, "the index was built anew"),
            Err(fault) if progress.has_begun() => {
                tracing::warn!(%fault, "the index could not be built anew; the old one stays");
            }
            Err(_) => {}
        }
        Ok(outcome?)
    }

    /// How far the rebuild that runs has come, or how the last one ended, whichever process ran it.
    pub(crate) async fn rebuilt(&self) -> Result<Rebuild, Error> {
        let (present, last) = {
            let known = self.rebuilds.known();
            (known.present.clone(), known.last.clone())
        };
        if let Some(present) = present.filter(Progress::has_begun) {
            return Ok(present.now());
        }
        let told = self.index.rebuilt().await?;
        // Whatever began later is told; this process knows best what it did itself.
        Ok([told, last].into_iter().flatten().max_by_key(|one| one.started_at).unwrap_or_default())
    }

    /// Fills an index that does not hold a whole catalogue: a new one, and one that was lost. Tries until the catalogue answers.
    pub(crate) async fn fill(
        self,
        catalogue: Arc<dyn Catalogue>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut pause = FILL_PAUSE;
        loop {
            let outcome = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                outcome = self.complete(catalogue.as_ref()) => outcome,
            };
            let rest = match outcome {
                Ok(()) => {
                    pause = FILL_PAUSE;
                    FILL_CHECK
                }
                Err(error) => {
                    tracing::debug!(%error, "the index cannot be filled yet");
                    let rest = pause;
                    pause = (pause * 2).min(FILL_PAUSE_MAX);
                    rest
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    async fn complete(&self, catalogue: &dyn Catalogue) -> Result<(), Error> {
        if !self.index.is_complete().await? {
            self.rebuild(catalogue, &self.progress()).await?;
        }
        Ok(())
    }
}
