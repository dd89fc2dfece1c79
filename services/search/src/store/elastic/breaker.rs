//! Spares callers the wait for a server that did not answer a moment ago.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a row after which the server counts as away.
const LIMIT: u32 = 3;
/// How long it counts as away before somebody tries again.
const OPEN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    last: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be tried. While the server is away that is one call now and then; the others follow when it succeeds.
    pub(super) fn admits(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failures < LIMIT {
            return true;
        }
        let due = state.last.is_none_or(|last| last.elapsed() >= OPEN);
        if due {
            state.last = Some(Instant::now());
        }
        due
    }

    /// The server answered.
    pub(super) fn answered(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failures >= LIMIT {
            tracing::info!("the search server answers again");
        }
        *state = State::default();
    }

    /// It did not. The cause is logged when that makes it count as away.
    pub(super) fn failed(&self, cause: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures = state.failures.saturating_add(1);
        state.last = Some(Instant::now());
        if state.failures == LIMIT {
            tracing::warn!(cause, "the search server is away");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_try() {
        let breaker = Breaker::default();
        breaker.failed("no");
        breaker.failed("no");
        breaker.answered();
        for _ in 0..LIMIT {
            assert!(breaker.admits());
            breaker.failed("no");
        }
        assert!(!breaker.admits());
        breaker.0.lock().unwrap().last = Instant::now().checked_sub(OPEN);
        assert!(breaker.admits(), "one tries");
        assert!(!breaker.admits(), "and the others wait for it");
        breaker.answered();
        assert!(breaker.admits() && breaker.admits());
    }
}
