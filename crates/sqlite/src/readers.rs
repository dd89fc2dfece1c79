//! The connections that read.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use tokio::sync::Semaphore;

use crate::{
    Connection, Error,
    job::{Job, pack},
};

type Jobs = Sender<Box<dyn Job>>;

/// Threads that read, for each database. Pages come from the system's cache: they compute more than they wait.
const THREADS: usize = 2;
/// Jobs waiting at most: beyond it, callers wait before they are accepted.
const QUEUE: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct Readers {
    /// Many threads take from it without waking each other. Its bound is `places`, which an async caller can wait for.
    jobs: Arc<Mutex<Option<Jobs>>>,
    places: Arc<Semaphore>,
    threads: Arc<Mutex<Vec<thread::JoinHandle<()>>>>,
}

impl Readers {
    pub(crate) fn start(path: &Path) -> Result<Self, Error> {
        let (jobs, queue) = unbounded();
        let mut threads = Vec::with_capacity(THREADS);
        for _ in 0..THREADS {
            let connection = Connection::reader(path)?;
            let queue: Receiver<Box<dyn Job>> = queue.clone();
            let thread = thread::Builder::new().name("sqlite-reader".to_owned());
            threads.push(thread.spawn(move || {
                for job in queue {
                    serve(&connection, job);
                }
            })?);
        }
        Ok(Self {
            jobs: Arc::new(Mutex::new(Some(jobs))),
            places: Arc::new(Semaphore::new(QUEUE)),
            threads: Arc::new(Mutex::new(threads)),
        })
    }

    pub(crate) async fn submit<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let _place = self.places.acquire().await.map_err(|_| Error::Closed)?;
        let (work, answer) = pack(job);
        {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            let jobs = jobs.as_ref().ok_or(Error::Closed)?;
            jobs.send(work).map_err(|_| Error::Closed)?;
        }
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Finishes what was accepted.
    pub(crate) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        drop(tokio::task::spawn_blocking(join).await);
    }
}

fn serve(connection: &Connection, mut job: Box<dyn Job>) {
    // One snapshot for all statements of the job. Nothing was written, so nothing is lost with a failed end.
    let snapshot = connection.execute("begin", ());
    job.run(connection);
    let ended = snapshot.and_then(|_| connection.execute("rollback", ()));
    if let Err(error) = ended {
        tracing::warn!(%error, "a read did not end cleanly");
    }
    job.finish(Ok(()));
}
