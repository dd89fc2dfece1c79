//! Connections that died without a word: a router between us and the server forgot them, or the machine behind them is gone.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, timeout};

/// A connection that was used so lately is not asked how it is.
const FRESH: Duration = Duration::from_secs(1);
/// How long one that rested may take to say that it is well. Short beside the wait for a connection: another is opened in its place.
const PATIENCE: Duration = Duration::from_millis(500);

/// When a connection was found silent last. It speaks for all that have rested since: the next use case does not wait for each.
#[derive(Debug, Default)]
pub(crate) struct Silence(Mutex<Option<Instant>>);

impl Silence {
    /// Whether a connection that rested may be used. An error takes it out of the pool without a farewell, which nobody would hear.
    pub(crate) async fn check(
        &self,
        connection: &mut PgConnection,
        rested: Duration,
    ) -> Result<bool, sqlx::Error> {
        if rested <= FRESH {
            return Ok(true);
        }
        if self.since().is_some_and(|since| since.elapsed() < rested) {
            return Err(silent());
        }
        let Ok(answer) = timeout(PATIENCE, connection.ping()).await else {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            return Err(silent());
        };
        answer.map(|()| true)
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn silent() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the connection is silent").into()
}
