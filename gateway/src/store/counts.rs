//! The port to the counters of requests.
//!
//! A counter is a bucket that each request fills by one step and time empties evenly: `limit` steps fit in, and a full bucket is empty
//! again after the period (the generic cell rate algorithm). What is in it is its fill, a duration: how long until it is empty.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use async_trait::async_trait;
use fault::Fault;

mod memory;
mod redis;

pub use memory::Memory;
pub(super) use redis::RedisCounts;

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Changes by callers who are not signed in.
    Writes,
    /// Passwords and codes.
    SignIn,
    /// Everything else.
    Reads,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 3] = [Self::Writes, Self::SignIn, Self::Reads];

    /// Its name, in keys and figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writes => "writes",
            Self::SignIn => "sign_in",
            Self::Reads => "reads",
        }
    }
}

/// One client's counter of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Counter {
    class: Class,
    client: IpAddr,
}

impl Counter {
    /// The counter of whoever has this address. One household or server has a /64 of the new addresses.
    pub fn new(class: Class, ip: IpAddr) -> Self {
        let client = match ip {
            IpAddr::V4(_) => ip,
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) & (u128::MAX << 64))),
        };
        Self { class, client }
    }

    /// What it counts.
    pub fn class(&self) -> Class {
        self.class
    }
}

/// How much fits into a counter, and how fast it empties. To the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    limit: u32,
    /// What one request adds.
    step: u64,
}

impl Quota {
    /// So many requests in a period; at least one.
    pub fn new(limit: u32, period: Duration) -> Self {
        let limit = limit.max(1);
        Self { limit, step: (micros(period) / u64::from(limit)).max(1) }
    }

    /// How many requests fit.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// How many requests still fit on top of a fill.
    pub fn remaining(&self, fill: Duration) -> u32 {
        let room = self.full().saturating_sub(micros(fill)) / self.step;
        u32::try_from(room).unwrap_or(u32::MAX)
    }

    /// How long until one more fits on top of a fill.
    pub fn wait(&self, fill: Duration) -> Duration {
        Duration::from_micros((micros(fill) + self.step).saturating_sub(self.full()))
    }

    fn full(&self) -> u64 {
        self.step.saturating_mul(u64::from(self.limit))
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What counting a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Whether it fitted; one that did not has changed nothing.
    pub admitted: bool,
    /// How full the counter is now.
    pub fill: Duration,
}

/// Requests that were let through by one gateway alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Where they count.
    pub counter: Counter,
    /// How much fits in there.
    pub quota: Quota,
    /// How many there were.
    pub requests: u32,
}

/// Counters of requests. They may be lost: everybody then begins anew.
#[async_trait]
pub trait CountStore: Send + Sync + 'static {
    /// Counts a request, if it fits.
    async fn take(&self, counter: Counter, quota: Quota) -> Result<Counted, Fault>;
    /// Counts requests that were let through already, up to what fits; how full each counter is then.
    async fn report(&self, reports: &[Report]) -> Result<Vec<Duration>, Fault>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Lets go.
    async fn close(&self);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_says_what_is_left_and_how_long_to_wait() {
        let quota = Quota::new(4, Duration::from_mins(1));
        let second = Duration::from_secs;
        assert_eq!((quota.remaining(second(0)), quota.wait(second(0))), (4, second(0)));
        assert_eq!((quota.remaining(second(45)), quota.wait(second(45))), (1, second(0)));
        assert_eq!((quota.remaining(second(46)), quota.wait(second(46))), (0, second(1)));
        assert_eq!((quota.remaining(second(60)), quota.wait(second(60))), (0, second(15)));
        // What does not divide evenly fits all the same.
        let seven = Quota::new(7, Duration::from_mins(1));
        assert_eq!(seven.remaining(Duration::ZERO), 7);
        assert_eq!(Quota::new(0, Duration::from_mins(1)).limit(), 1);
        assert_eq!(Quota::new(u32::MAX, Duration::from_mins(1)).step, 1);
    }

    #[test]
    fn a_network_of_new_addresses_is_one_client() {
        let of = |ip: &str| Counter::new(Class::Reads, ip.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
