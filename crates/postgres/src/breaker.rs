//! Spares callers the wait for a server that was out of reach a moment ago.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::Error;

/// How long a failure to connect is believed.
const OPEN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<Option<Instant>>);

impl Breaker {
    /// Refuses while the last failure is fresh. One caller after that tries again; the others follow when it succeeds.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *failed {
            Some(at) if at.elapsed() < OPEN => Err(Error::Away),
            Some(_) => {
                *failed = Some(Instant::now());
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Learns from an attempt. `exhausted` says that every connection of the pool was in use: that is load, not absence.
    pub(crate) fn note<T>(&self, outcome: Result<T, Error>, exhausted: bool) -> Result<T, Error> {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &outcome {
            Ok(_) => *failed = None,
            Err(Error::Sql(sqlx::Error::PoolTimedOut)) if exhausted => {}
            Err(error) if error.is_away() => *failed = Some(Instant::now()),
            Err(_) => {}
        }
        outcome
    }
}
