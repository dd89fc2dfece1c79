//! The one connection that writes.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::{FutureExt as _, future::BoxFuture};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::Error;

/// Jobs committed together at most: bounds how long the first of a group waits.
const GROUP: usize = 64;
/// Jobs waiting at most: beyond it, callers wait before they are accepted.
const QUEUE: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    task: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
}

/// A unit of writing that knows whom to answer.
trait Job: Send {
    /// Does the writing; true to keep it.
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool>;
    /// Answers the caller, after the commit.
    fn finish(self: Box<Self>, commit: Result<(), String>);
}

struct Work<F, T, E> {
    job: Option<F>,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(job) = self.job.take() else { return false };
            let outcome = AssertUnwindSafe(job(connection)).catch_unwind().await;
            let outcome = outcome.unwrap_or_else(|_| Err(Error::Panicked.into()));
            let keep = outcome.is_ok();
            self.outcome = Some(outcome);
            keep
        })
    }

    fn finish(self: Box<Self>, commit: Result<(), String>) {
        let outcome = self.outcome.unwrap_or_else(|| Err(Error::Closed.into()));
        let outcome = match (outcome, commit) {
            (Ok(_), Err(reason)) => Err(Error::Commit(reason).into()),
            (outcome, _) => outcome,
        };
        // A caller that is gone has no use for the answer.
        drop(self.answer.send(outcome));
    }
}

impl Writer {
    #[expect(clippy::disallowed_methods, reason = "lives as long as the store; `close` awaits it")]
    pub(crate) fn start(connection: SqliteConnection, home: SqlitePool) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            serve(connection, queue).await;
            home.close().await;
        });
        Self { jobs, task: Arc::new(Mutex::new(Some(task))) }
    }

    pub(crate) async fn submit<F, T, E>(&self, job: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let work = Work { job: Some(job), outcome: None, answer };
        self.jobs.send(Box::new(work)).await.map_err(|_| Error::Closed)?;
        outcome.await.map_err(|_| Error::Closed)?
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.jobs.is_closed()
    }

    pub(crate) async fn close(&self) {
        // Queued behind everything that was accepted before.
        let last = self.submit::<_, (), Error>(|_| Box::pin(async { Err(Error::Closed) })).await;
        drop(last);
        if let Some(task) = self.task.lock().await.take() {
            task.abort();
        }
    }
}

async fn serve(mut connection: SqliteConnection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Vec::with_capacity(GROUP);
    while queue.recv_many(&mut group, GROUP).await > 0 {
        let commit = write_group(&mut connection, &mut group).await;
        if let Err(error) = &commit {
            tracing::error!(%error, jobs = group.len(), "a group of writes was not committed");
        }
        let commit = commit.map_err(|error| error.to_string());
        for job in group.drain(..) {
            job.finish(commit.clone());
        }
    }
    drop(connection.close().await);
}

/// All jobs in one transaction. A single job needs no savepoint: its failure is the transaction's.
async fn write_group(
    connection: &mut SqliteConnection,
    group: &mut [Box<dyn Job>],
) -> Result<(), sqlx::Error> {
    sqlx::query("begin immediate").execute(&mut *connection).await?;
    let result = if let [job] = group {
        if job.run(connection).await {
            sqlx::query("commit").execute(&mut *connection).await.map(drop)
        } else {
            return sqlx::query("rollback").execute(connection).await.map(drop);
        }
    } else {
        match run_each(connection, group).await {
            Ok(()) => sqlx::query("commit").execute(&mut *connection).await.map(drop),
            Err(error) => Err(error),
        }
    };
    if result.is_err() {
        // Leaves the connection clean for the next group; the error of the commit is what counts.
        drop(sqlx::query("rollback").execute(connection).await);
    }
    result
}

async fn run_each(
    connection: &mut SqliteConnection,
    group: &mut [Box<dyn Job>],
) -> Result<(), sqlx::Error> {
    for job in group {
        sqlx::query("savepoint job").execute(&mut *connection).await?;
        if !job.run(connection).await {
            sqlx::query("rollback to job").execute(&mut *connection).await?;
        }
        sqlx::query("release job").execute(&mut *connection).await?;
    }
    Ok(())
}
