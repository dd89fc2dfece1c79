//! The one connection that writes.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use tokio::sync::mpsc;

use crate::{
    Connection, Error,
    job::{Job, Jobs, pack},
};

/// Jobs committed together at most: bounds how long the first of a group waits.
const GROUP: usize = 64;
/// Jobs waiting at most: beyond it, callers wait before they are accepted.
const QUEUE: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct Writer {
    jobs: Arc<Mutex<Option<Jobs>>>,
    thread: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new().name("sqlite-writer".to_owned());
        let thread = thread.spawn(move || serve(connection, queue))?;
        Ok(Self {
            jobs: Arc::new(Mutex::new(Some(jobs))),
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    fn jobs(&self) -> Option<Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn submit<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let jobs = self.jobs().ok_or(Error::Closed)?;
        let (work, answer) = pack(job);
        jobs.send(work).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.jobs().is_some_and(|jobs| !jobs.is_closed())
    }

    /// Finishes what was accepted.
    pub(crate) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }
}

fn serve(connection: Connection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.blocking_recv_many(&mut group, GROUP) > 0 {
        let commit = write_group(&connection, &mut group);
        if let Err(error) = &commit {
            tracing::error!(%error, jobs = group.len(), "a group of writes was not committed");
        }
        let commit = commit.map_err(|error| error.to_string());
        for job in group.drain(..) {
            job.finish(commit.clone());
        }
    }
    if let Err(error) = connection.close() {
        tracing::warn!(%error, "the embedded store was not closed cleanly");
    }
}

/// All jobs in one transaction.
fn write_group(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    connection.execute("begin immediate", ())?;
    let result =
        run_each(connection, group).and_then(|()| connection.execute("commit", ()).map(drop));
    if result.is_err() {
        // Leaves the connection clean for the next group; the error of the commit is what counts.
        drop(connection.execute("rollback", ()));
    }
    result
}

fn run_each(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), Error> {
    // Until a job has left something, a failure is the transaction's: savepoints are dear, for they keep a copy of each page.
    let mut written = false;
    for job in group {
        if !written {
            written = job.run(connection);
            if !written {
                // A full disk has ended the transaction already: that there is none any more is no failure of the others.
                drop(connection.execute("rollback", ()));
                connection.execute("begin immediate", ())?;
            }
            continue;
        }
        connection.execute("savepoint job", ())?;
        if !job.run(connection) {
            connection.execute("rollback to job", ())?;
        }
        connection.execute("release job", ())?;
    }
    Ok(())
}
