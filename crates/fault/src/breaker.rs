//! Spares callers the wait for something that did not answer a moment ago.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a silence is believed.
const OPEN: Duration = Duration::from_secs(1);

/// Remembers when something last kept silent.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<Option<Instant>>);

impl Breaker {
    /// Whether to try: not while the last silence is fresh. After that one caller tries again; the others follow when it is answered.
    /// A caller asks once for all that it does side by side: else its second call is refused because of its first.
    pub fn may_try(&self) -> bool {
        let mut silent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *silent {
            Some(at) if at.elapsed() < OPEN => false,
            Some(_) => {
                *silent = Some(Instant::now());
                true
            }
            None => true,
        }
    }

    /// There was an answer, be it a refusal.
    pub fn answered(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// There was none in the time given.
    pub fn silent(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_at_a_time_tries_what_was_silent() {
        let breaker = Breaker::default();
        assert!(breaker.may_try() && breaker.may_try());
        breaker.silent();
        assert!(!breaker.may_try());
        std::thread::sleep(OPEN);
        assert!(breaker.may_try());
        assert!(!breaker.may_try(), "one is trying");
        breaker.answered();
        assert!(breaker.may_try());
    }
}
