//! A rebuild as it goes on: told by the index that runs it, read by whoever asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use clock::Clock;
use fault::Fault;
use tokio_util::sync::CancellationToken;

use crate::domain::{Rebuild, RebuildState};

/// What is known of a rebuild while it runs, and of its end. Clones share it.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    begun: CancellationToken,
    told: Mutex<Rebuild>,
}

impl Progress {
    /// Of a rebuild that starts now.
    pub fn new(clock: Clock) -> Self {
        let told = Rebuild {
            state: RebuildState::Running,
            started_at: clock.now().millis(),
            ..Rebuild::default()
        };
        let (begun, told) = (CancellationToken::new(), Mutex::new(told));
        Self(Arc::new(Shared { clock, begun, told }))
    }

    fn told(&self) -> MutexGuard<'_, Rebuild> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many products are to be expected.
    pub fn expect(&self, total: u64) {
        self.told().total = total;
    }

    /// The index may be built: nobody else does.
    pub fn begin(&self) {
        self.0.begun.cancel();
    }

    /// Whether it may.
    pub fn has_begun(&self) -> bool {
        self.0.begun.is_cancelled()
    }

    /// Waits until it may.
    pub async fn begun(&self) {
        self.0.begun.cancelled().await;
    }

    /// So many more products were taken over.
    pub fn add(&self, products: usize) {
        self.told().indexed += u64::try_from(products).unwrap_or(u64::MAX);
    }

    /// How far it has come.
    pub fn now(&self) -> Rebuild {
        self.told().clone()
    }

    /// What an index that is complete remembers of it.
    pub fn completed(&self) -> Rebuild {
        let finished_at = self.0.clock.now().millis();
        Rebuild { state: RebuildState::Done, finished_at, ..self.now() }
    }

    /// How it ended, and how many products can be found.
    pub fn end(&self, outcome: &Result<u64, Fault>) {
        let mut told = self.told();
        told.finished_at = self.0.clock.now().millis();
        match outcome {
            Ok(found) => (told.state, told.indexed) = (RebuildState::Done, *found),
            Err(fault) => {
                (told.state, told.error) = (RebuildState::Failed, fault.reason.to_string());
            }
        }
    }
}
