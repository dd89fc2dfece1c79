//! When to ask a provider how a payment stands: after 60 s, then five times every 300 s, then hourly, for a day. A debit that the
//! shop has just agreed to is looked for sooner.

use std::time::Duration;

use clock::Timestamp;

/// How long to look.
pub const LOOK_FOR: Duration = Duration::from_hours(24);

/// A debit takes seconds.
const AFTER_AGREEING: [u64; 6] = [1, 2, 4, 8, 15, 30];
const USUAL: [u64; 6] = [60, 300, 300, 300, 300, 300];
const HOURLY: u64 = 3600;

/// When to look again after `checks` looks; `agreed` when the provider was told that it may take the money. None when a day has
/// passed since.
pub fn next_look(checks: u32, agreed: bool, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    if now >= since.plus(LOOK_FOR) {
        return None;
    }
    let first: &[u64] = if agreed { &AFTER_AGREEING } else { &[] };
    let pauses = first.iter().chain(&USUAL).copied();
    let nth = usize::try_from(checks).unwrap_or(usize::MAX);
    let pause = pauses.chain([HOURLY]).nth(nth).unwrap_or(HOURLY);
    Some(now.plus(Duration::from_secs(pause)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(agreed: bool) -> Vec<u64> {
        let start = Timestamp::from_millis(1_795_253_400_000);
        let (mut now, mut pauses) = (start, Vec::new());
        while let Some(next) = next_look(u32::try_from(pauses.len()).unwrap(), agreed, start, now) {
            pauses.push(next.since(now).as_secs());
            now = next;
        }
        assert!(now.since(start) >= LOOK_FOR, "a day is looked for to its end");
        pauses
    }

    #[test]
    fn the_poller_asks_after_60_s_then_5_times_300_s_then_hourly_to_24_h() {
        let pauses = all(false);
        assert_eq!(pauses[..6], [60, 300, 300, 300, 300, 300]);
        assert!(pauses[6..].iter().all(|pause| *pause == 3600));
        assert_eq!(pauses.len(), 6 + 24);
    }

    #[test]
    fn a_debit_is_looked_for_at_once() {
        let pauses = all(true);
        assert_eq!(pauses[..8], [1, 2, 4, 8, 15, 30, 60, 300]);
        assert!(pauses[12..].iter().all(|pause| *pause == 3600));
    }
}
