//! The connections that read.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::sync::mpsc;

use crate::{
    Connection, Error,
    job::{Job, Jobs, pack},
};

/// Threads that read, for each database. Pages come from the system's cache: they compute more than they wait.
const THREADS: usize = 2;
/// Jobs waiting at most: beyond it, callers wait before they are accepted.
const QUEUE: usize = 1024;

type Queue = Arc<Mutex<mpsc::Receiver<Box<dyn Job>>>>;

#[derive(Debug, Clone)]
pub(crate) struct Readers {
    jobs: Arc<Mutex<Option<Jobs>>>,
    threads: Arc<Mutex<Vec<thread::JoinHandle<()>>>>,
}

impl Readers {
    pub(crate) fn start(path: &Path) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let mut threads = Vec::with_capacity(THREADS);
        for _ in 0..THREADS {
            let connection = Connection::reader(path)?;
            let queue = Arc::clone(&queue);
            let thread = thread::Builder::new().name("sqlite-reader".to_owned());
            threads.push(thread.spawn(move || serve(&connection, &queue))?);
        }
        let jobs = Arc::new(Mutex::new(Some(jobs)));
        Ok(Self { jobs, threads: Arc::new(Mutex::new(threads)) })
    }

    pub(crate) async fn submit<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let jobs = jobs.ok_or(Error::Closed)?;
        let (work, answer) = pack(job);
        jobs.send(work).await.map_err(|_| Error::Closed)?;
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

fn serve(connection: &Connection, queue: &Queue) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(mut job) = next else { return };
        // One snapshot for all statements of the job. Nothing was written, so nothing is lost with a failed end.
        let snapshot = connection.execute("begin", ());
        job.run(connection);
        let ended = snapshot.and_then(|_| connection.execute("rollback", ()));
        if let Err(error) = ended {
            tracing::warn!(%error, "a read did not end cleanly");
        }
        job.finish(Ok(()));
    }
}
