//! Work for a connection's thread that knows whom to answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mesh::Context;
use tokio::sync::oneshot;
use tracing::Span;

use crate::{Connection, Error};

/// A use case on its way to a connection.
pub(crate) trait Job: Send {
    /// Does it; true to keep what it wrote.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers the caller: for a write, after the commit.
    fn finish(self: Box<Self>, commit: Result<(), String>);
}

/// Where a connection's thread takes its jobs from.
pub(crate) type Jobs = tokio::sync::mpsc::Sender<Box<dyn Job>>;

struct Work<F, T, E> {
    job: Option<F>,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
    /// Who asked, so that events and log lines of the job belong to the request.
    context: Context,
    span: Span,
}

/// Packs a job; the receiver gets its answer.
pub(crate) fn pack<T, E, F>(job: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (answer, receiver) = oneshot::channel();
    let (context, span) = (Context::current(), Span::current());
    (Box::new(Work { job: Some(job), outcome: None, answer, context, span }), receiver)
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: FnOnce(&Connection) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(job) = self.job.take() else { return false };
        let job = || self.span.in_scope(|| self.context.clone().sync_scope(|| job(connection)));
        let outcome = catch_unwind(AssertUnwindSafe(job));
        let outcome = outcome.unwrap_or_else(|_| Err(Error::Panicked.into()));
        let keep = outcome.is_ok();
        self.outcome = Some(outcome);
        keep
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
