//! Counters in the memory of this process. Nothing here waits for anything but a lock of its own part.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use fault::Fault;

use super::{CountStore, Counted, Counter, Quota, Report};

/// Parts with a lock each.
const PARTS: u128 = 64;

/// Counters of one process.
#[derive(Debug)]
pub struct Memory {
    parts: Vec<Mutex<Part>>,
    /// For what belongs in none of the parts, which is nothing.
    rest: Mutex<Part>,
    began: Instant,
}

#[derive(Debug, Default)]
struct Part {
    counters: HashMap<Counter, State>,
    /// Those that others have not been told of in full.
    untold: Vec<Counter>,
}

#[derive(Debug)]
struct State {
    /// When it is empty, in microseconds from the beginning.
    empty_at: u64,
    /// Requests that others have not been told of.
    untold: u32,
    quota: Quota,
}

impl Default for Memory {
    fn default() -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self { parts, rest: Mutex::default(), began: Instant::now() }
    }
}

impl Memory {
    /// Counts a request, if it fits. With `tell`, [`Memory::untold`] hands it out once.
    pub fn count(&self, counter: Counter, quota: Quota, tell: bool) -> Counted {
        let now = self.now();
        let mut part = self.part(counter);
        let Part { counters, untold } = &mut *part;
        let state = counters.entry(counter).or_insert(State { empty_at: now, untold: 0, quota });
        let fill = state.empty_at.saturating_sub(now);
        let admitted = fill + quota.step <= quota.full();
        let fill = if admitted { fill + quota.step } else { fill };
        state.empty_at = now + fill;
        if admitted && tell {
            if state.untold == 0 {
                untold.push(counter);
            }
            state.untold += 1;
        }
        Counted { admitted, fill: Duration::from_micros(fill) }
    }

    /// Takes out what others have not been told of.
    pub fn untold(&self) -> Vec<Report> {
        let mut reports = Vec::new();
        for part in &self.parts {
            let mut part = lock(part);
            let Part { counters, untold } = &mut *part;
            reports.extend(untold.drain(..).filter_map(|counter| {
                let state = counters.get_mut(&counter)?;
                let requests = std::mem::take(&mut state.untold);
                (requests > 0).then_some(Report { counter, quota: state.quota, requests })
            }));
        }
        reports
    }

    /// Puts back what could not be told.
    pub fn still_untold(&self, reports: &[Report]) {
        for report in reports {
            let mut part = self.part(report.counter);
            let Part { counters, untold } = &mut *part;
            // One that is forgotten is empty: nothing is lost.
            if let Some(state) = counters.get_mut(&report.counter) {
                if state.untold == 0 {
                    untold.push(report.counter);
                }
                state.untold = state.untold.saturating_add(report.requests);
            }
        }
    }

    /// Learns how full a counter is for all together. What they have not been told of comes on top.
    pub fn learn(&self, counter: Counter, quota: Quota, fill: Duration) {
        let now = self.now();
        let mut part = self.part(counter);
        let state =
            part.counters.entry(counter).or_insert(State { empty_at: now, untold: 0, quota });
        let own = quota.step.saturating_mul(u64::from(state.untold));
        let fill = super::micros(fill).saturating_add(own).min(quota.full());
        state.empty_at = state.empty_at.max(now + fill);
    }

    /// Forgets counters that are empty.
    pub fn sweep(&self) {
        let now = self.now();
        for part in &self.parts {
            let mut part = lock(part);
            let Part { counters, untold } = &mut *part;
            counters.retain(|_, state| state.empty_at > now);
            untold.retain(|counter| counters.contains_key(counter));
            counters.shrink_to(64);
        }
    }

    fn now(&self) -> u64 {
        super::micros(self.began.elapsed())
    }

    fn part(&self, counter: Counter) -> MutexGuard<'_, Part> {
        let bits = match counter.client {
            IpAddr::V4(ip) => u128::from(u32::from(ip)),
            IpAddr::V6(ip) => u128::from(ip) >> 64,
        };
        let folded = bits ^ (bits >> 8) ^ (bits >> 16) ^ (bits >> 32);
        let index = usize::try_from(folded % PARTS).unwrap_or_default();
        lock(self.parts.get(index).unwrap_or(&self.rest))
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl CountStore for Memory {
    async fn take(&self, counter: Counter, quota: Quota) -> Result<Counted, Fault> {
        Ok(self.count(counter, quota, false))
    }

    async fn report(&self, reports: &[Report]) -> Result<Vec<Duration>, Fault> {
        let fills = reports.iter().map(|report| {
            let now = self.now();
            let mut part = self.part(report.counter);
            let quota = report.quota;
            let state = part.counters.entry(report.counter).or_insert(State {
                empty_at: now,
                untold: 0,
                quota,
            });
            let more = quota.step.saturating_mul(u64::from(report.requests));
            let fill = state.empty_at.saturating_sub(now).saturating_add(more).min(quota.full());
            state.empty_at = now + fill;
            Duration::from_micros(fill)
        });
        Ok(fills.collect())
    }

    async fn ping(&self) -> Result<(), Fault> {
        Ok(())
    }

    async fn close(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Class;

    fn counter() -> Counter {
        Counter::new(Class::Reads, IpAddr::from([10, 0, 0, 1]))
    }

    #[test]
    fn what_is_told_is_told_once_or_again_when_it_failed() {
        let (memory, quota) = (Memory::default(), Quota::new(10, Duration::from_hours(1)));
        for _ in 0..3 {
            assert!(memory.count(counter(), quota, true).admitted);
        }
        memory.count(counter(), quota, false);
        let told = memory.untold();
        assert_eq!(told, [Report { counter: counter(), quota, requests: 3 }]);
        assert!(memory.untold().is_empty());
        memory.count(counter(), quota, true);
        memory.still_untold(&told);
        assert_eq!(memory.untold(), [Report { counter: counter(), quota, requests: 4 }]);
    }

    #[test]
    fn what_others_let_through_counts_with_what_they_do_not_know_yet() {
        let (memory, quota) = (Memory::default(), Quota::new(10, Duration::from_hours(1)));
        memory.count(counter(), quota, true);
        memory.learn(counter(), quota, Duration::from_mins(36));
        let counted = memory.count(counter(), quota, true);
        assert_eq!(quota.remaining(counted.fill), 10 - 6 - 1 - 1);
        // Older news change nothing.
        memory.learn(counter(), quota, Duration::from_mins(6));
        assert_eq!(quota.remaining(memory.count(counter(), quota, true).fill), 1);
    }

    #[test]
    fn empty_counters_are_forgotten() {
        let memory = Memory::default();
        let long = Quota::new(10, Duration::from_hours(1));
        memory.count(counter(), long, true);
        let short = Counter::new(Class::Writes, IpAddr::from([10, 0, 0, 1]));
        memory.count(short, Quota::new(10, Duration::from_micros(10)), true);
        std::thread::sleep(Duration::from_millis(1));
        memory.sweep();
        let told: Vec<Counter> = memory.untold().iter().map(|report| report.counter).collect();
        assert_eq!(told, [counter()]);
    }
}
