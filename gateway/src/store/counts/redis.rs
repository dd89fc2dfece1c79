//! Counters in Redis, for several gateways together. A key goes when its counter is empty.

use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use fault::Fault;
use redis::Script;
use redis_link::Link;

use super::{CountStore, Counted, Counter, Quota, Report};

/// Counters that one script looks at: it holds everybody else up meanwhile.
const AT_ONCE: usize = 200;

pub(in crate::store) struct RedisCounts {
    link: Link,
    count: Script,
}

impl RedisCounts {
    /// Nothing is connected yet. A connection of its own: small questions do not wait behind large answers.
    pub(in crate::store) fn new(address: &str, prefix: &str) -> anyhow::Result<Self> {
        let link = Link::new(address, prefix).context("gateway.store")?;
        Ok(Self { link, count: Script::new(include_str!("../redis/count.lua")) })
    }

    fn key(&self, Counter { class, client }: Counter) -> String {
        format!("{}count:{}:{client}", self.link.prefix(), class.as_str())
    }

    async fn run(&self, what: &str, reports: &[Report]) -> Result<Vec<(bool, Duration)>, Fault> {
        let mut call = self.count.prepare_invoke();
        call.arg(what);
        for Report { counter, quota, requests } in reports {
            call.key(self.key(*counter)).arg(quota.step).arg(quota.full()).arg(*requests);
        }
        let answers: Vec<u64> = self.link.script(&call).await?;
        let pair = |pair: &[u64]| match pair {
            [fits, fill] => (*fits == 1, Duration::from_micros(*fill)),
            _ => (false, Duration::ZERO),
        };
        Ok(answers.chunks(2).map(pair).collect())
    }
}

#[async_trait]
impl CountStore for RedisCounts {
    async fn take(&self, counter: Counter, quota: Quota) -> Result<Counted, Fault> {
        let answers = self.run("take", &[Report { counter, quota, requests: 1 }]).await?;
        let (admitted, fill) = answers.first().copied().unwrap_or((true, Duration::ZERO));
        Ok(Counted { admitted, fill })
    }

    async fn report(&self, reports: &[Report]) -> Result<Vec<Duration>, Fault> {
        let mut fills = Vec::with_capacity(reports.len());
        for reports in reports.chunks(AT_ONCE) {
            fills.extend(self.run("report", reports).await?.into_iter().map(|(_, fill)| fill));
        }
        Ok(fills)
    }

    async fn ping(&self) -> Result<(), Fault> {
        Ok(self.link.check().await?)
    }

    async fn close(&self) {
        self.link.close().await;
    }
}
