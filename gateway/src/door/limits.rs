//! How much one address may ask for.

use std::{net::IpAddr, time::Duration};

use fault::{Code, Fault};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::{
    config::RateLimit,
    counting::Counting,
    problem::Problem,
    store::{Class, Counted, Counter, Quota},
};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// All bounds are for a minute.
const PERIOD: Duration = Duration::from_mins(1);

/// The bounds, one counter for each client and class.
pub(crate) struct Limits {
    enabled: bool,
    counting: Counting,
    writes: Bound,
    sign_in: Bound,
    reads: Bound,
}

#[derive(Debug)]
struct Bound {
    quota: Quota,
    text: HeaderValue,
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
    pub(crate) fn new(config: &RateLimit, counting: Counting) -> Self {
        Self {
            enabled: config.enabled,
            counting,
            writes: Bound::new(config.anonymous_writes_per_minute),
            sign_in: Bound::new(config.sign_in_per_minute),
            reads: Bound::new(config.reads_per_minute),
        }
    }

    /// Counts a request. Requests with a credential count as reads: who they are is found out later, and a wrong credential ends there.
    pub(super) async fn check(
        &self,
        ip: IpAddr,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Allowance, Refused> {
        if !self.enabled || path.starts_with("/hooks/") || path.starts_with("/health") {
            return Ok(Allowance(None));
        }
        let (bound, class) = if !method.is_safe() && is_sign_in(path) {
            (&self.sign_in, Class::SignIn)
        } else if !method.is_safe() && !headers.contains_key(header::AUTHORIZATION) {
            (&self.writes, Class::Writes)
        } else {
            (&self.reads, Class::Reads)
        };
        let counter = Counter::new(class, ip);
        let counted = match class {
            Class::Reads => self.counting.count(counter, bound.quota),
            Class::Writes | Class::SignIn => {
                self.counting.count_together(counter, bound.quota).await
            }
        };
        bound.judge(counted)
    }

    /// The counters behind the bounds.
    pub(crate) fn counting(&self) -> &Counting {
        &self.counting
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

impl Bound {
    fn new(limit: u32) -> Self {
        let quota = Quota::new(limit, PERIOD);
        Self { quota, text: quota.limit().into() }
    }

    fn judge(&self, Counted { admitted, fill }: Counted) -> Result<Allowance, Refused> {
        let remaining = if admitted { self.quota.remaining(fill) } else { 0 };
        // What was used comes back evenly.
        let used = u64::from(self.quota.limit().saturating_sub(remaining));
        let reset = (used * PERIOD.as_secs()).div_ceil(u64::from(self.quota.limit()));
        let reset = u32::try_from(reset).unwrap_or(u32::MAX);
        let allowance = Allowance(Some(Left { limit: self.text.clone(), remaining, reset }));
        if admitted {
            return Ok(allowance);
        }
        let wait = Duration::from_secs(self.quota.wait(fill).as_secs() + 1);
        let fault = Fault::new(Code::Exhausted, Code::Exhausted.reason(), "slow down");
        Err(Box::new((allowance, Problem(fault.retry_after(wait)))))
    }
}
