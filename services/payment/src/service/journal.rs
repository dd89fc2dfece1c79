//! The journal of calls that write nothing is kept beside them, many lines at once.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use crate::store::{Entry, PaymentStore};

/// Lines that may wait.
const WAITING: usize = 2048;
/// Lines written at once.
const BATCH: usize = 256;
/// How long the first of them waits for others: each write waits for the disk, and callbacks wait behind it.
const GATHER: Duration = Duration::from_millis(200);

/// The end that writes. Cheap to clone; one at a time works.
#[derive(Clone)]
pub(crate) struct JournalReader {
    store: Arc<dyn PaymentStore>,
    entries: Arc<Mutex<mpsc::Receiver<Entry>>>,
}

pub(super) fn channel(store: Arc<dyn PaymentStore>) -> (mpsc::Sender<Entry>, JournalReader) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (sender, JournalReader { store, entries: Arc::new(Mutex::new(receiver)) })
}

impl JournalReader {
    /// Writes until it is told to stop, then what is left.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut entries = self.entries.lock().await;
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                _ = entries.recv_many(&mut batch, BATCH) => {}
                () = stop.cancelled() => return Ok(()),
            }
            if batch.is_empty() {
                return Ok(());
            }
            let gather = async {
                while batch.len() < BATCH {
                    let room = BATCH - batch.len();
                    if entries.recv_many(&mut batch, room).await == 0 {
                        return;
                    }
                }
            };
            tokio::select! {
                () = gather => {}
                () = stop.cancelled() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
            self.store.journal(batch).await?;
        }
    }
}
