//! How much one address may ask for.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use fault::{Code, Fault};
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::{config::RateLimit, problem::Problem};

type Limiter =
    RateLimiter<IpAddr, DefaultKeyedStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The bounds, one counter for each address and class.
#[derive(Debug)]
pub(crate) struct Limits {
    enabled: bool,
    writes: Class,
    sign_in: Class,
    reads: Class,
}

#[derive(Debug)]
struct Class {
    limiter: Limiter,
    limit: u32,
    limit_text: HeaderValue,
}

/// What is left, for the headers.
#[derive(Debug, Clone)]
pub(crate) struct Allowance(Option<Left>);

#[derive(Debug, Clone)]
struct Left {
    limit: HeaderValue,
    remaining: u32,
    reset: u32,
}

impl Allowance {
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        if let Some(left) = &self.0 {
            headers.insert(LIMIT, left.limit.clone());
            headers.insert(REMAINING, left.remaining.into());
            headers.insert(RESET, left.reset.into());
        }
    }
}

type Refused = Box<(Allowance, Problem)>;

impl Limits {
    pub(crate) fn new(config: &RateLimit) -> Self {
        Self {
            enabled: config.enabled,
            writes: Class::new(config.anonymous_writes_per_minute),
            sign_in: Class::new(config.sign_in_per_minute),
            reads: Class::new(config.reads_per_minute),
        }
    }

    /// Counts a request. Requests with a credential count as reads: who they are is found out later, and a wrong credential ends there.
    pub(super) fn check(
        &self,
        ip: IpAddr,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Allowance, Refused> {
        if !self.enabled || path.starts_with("/hooks/") || path.starts_with("/health") {
            return Ok(Allowance(None));
        }
        let class = if !method.is_safe() && is_sign_in(path) {
            &self.sign_in
        } else if !method.is_safe() && !headers.contains_key(header::AUTHORIZATION) {
            &self.writes
        } else {
            &self.reads
        };
        class.check(ip)
    }

    /// Forgets addresses that have their whole allowance back.
    pub(crate) fn sweep(&self) {
        for class in [&self.writes, &self.sign_in, &self.reads] {
            class.limiter.retain_recent();
        }
    }
}

/// Where passwords and codes can be guessed.
fn is_sign_in(path: &str) -> bool {
    matches!(
        path,
        "/v1/auth/login"
            | "/v1/auth/otp"
            | "/v1/auth/otp/verify"
            | "/v1/auth/password/forgot"
            | "/v1/auth/password/reset"
    )
}

impl Class {
    fn new(limit: u32) -> Self {
        let limit = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::keyed(Quota::per_minute(limit));
        Self {
            limiter: limiter.with_middleware(),
            limit: limit.get(),
            limit_text: limit.get().into(),
        }
    }

    fn check(&self, ip: IpAddr) -> Result<Allowance, Refused> {
        match self.limiter.check_key(&of_one_client(ip)) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(self.allowance(remaining, self.limit.saturating_sub(remaining)))
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                let wait = Duration::from_secs(wait.as_secs() + 1);
                let fault = Fault::new(Code::Exhausted, Code::Exhausted.reason(), "slow down");
                let allowance = self.allowance(0, self.limit);
                Err(Box::new((allowance, Problem(fault.retry_after(wait)))))
            }
        }
    }

    /// `used` of the allowance come back evenly over a minute.
    fn allowance(&self, remaining: u32, used: u32) -> Allowance {
        let reset = (u64::from(used) * 60).div_ceil(u64::from(self.limit));
        let reset = u32::try_from(reset).unwrap_or(60);
        Allowance(Some(Left { limit: self.limit_text.clone(), remaining, reset }))
    }
}

/// One household or server has a /64 of the new addresses.
fn of_one_client(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) & (u128::MAX << 64))),
    }
}
