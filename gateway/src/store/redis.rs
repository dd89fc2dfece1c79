//! Replayed answers in Redis, for several gateways. A second of them may be lost with the server; the effect is what the services keep
//! exactly once by themselves.
//!
//! A key is a hash under the scope: what was asked, when it was claimed, and the answer once there is one. It expires by itself.

use anyhow::Context as _;
use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use redis::Script;
use redis_link::Link;

use super::{Answer, Claim, Claimed, KEPT, ReplayStore};

/// What stands before every key unless the address says `prefix=`.
pub(super) const PREFIX: &str = "um:replay:";

pub(super) struct RedisReplays {
    link: Link,
    claim: Script,
    finish: Script,
    release: Script,
    forget: Script,
}

impl RedisReplays {
    pub(super) async fn open(address: &str) -> anyhow::Result<Self> {
        let store = Self::new(address)?;
        store.link.greet().await.context("gateway.store")?;
        Ok(store)
    }

    /// There is nothing to prepare in Redis, but its policy is checked.
    pub(super) async fn migrate(address: &str) -> anyhow::Result<()> {
        Self::new(address)?.link.check().await.context("gateway.store")
    }

    fn new(address: &str) -> anyhow::Result<Self> {
        Ok(Self {
            link: Link::new(address, PREFIX).context("gateway.store")?,
            claim: Script::new(include_str!("redis/claim.lua")),
            finish: Script::new(include_str!("redis/finish.lua")),
            release: Script::new(include_str!("redis/release.lua")),
            forget: Script::new(include_str!("redis/forget.lua")),
        })
    }

    fn key(&self, scope: &[u8; 32]) -> Vec<u8> {
        [self.link.prefix().as_bytes(), scope].concat()
    }
}

/// What the script of a claim tells: how it went, and the answer where there is one.
type Told = (String, u16, String, Vec<u8>);

#[async_trait]
impl ReplayStore for RedisReplays {
    async fn claim(&self, claim: Claim, abandoned: Timestamp) -> Result<Claimed, Fault> {
        let mut call = self.claim.key(self.key(&claim.scope));
        call.arg(&claim.request[..]).arg(claim.at.millis()).arg(abandoned.millis());
        call.arg(KEPT.as_secs());
        let (outcome, status, content_type, body): Told = self.link.script(&call).await?;
        Ok(match outcome.as_str() {
            "new" => Claimed::New,
            "done" => Claimed::Done(Answer { status, content_type, body }),
            "reused" => Claimed::Reused,
            _ => Claimed::Running,
        })
    }

    async fn finish(&self, claim: Claim, answer: Answer) -> Result<(), Fault> {
        let mut call = self.finish.key(self.key(&claim.scope));
        call.arg(claim.at.millis()).arg(answer.status).arg(answer.content_type).arg(answer.body);
        Ok(self.link.script::<()>(&call).await?)
    }

    async fn release(&self, claim: Claim) -> Result<(), Fault> {
        let mut call = self.release.key(self.key(&claim.scope));
        call.arg(claim.at.millis());
        Ok(self.link.script::<()>(&call).await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        // Keys expire by themselves: this only helps them along, among as many as are looked at.
        let mut call = self.forget.prepare_invoke();
        call.arg(format!("{}*", self.link.prefix())).arg(limit).arg(before.millis());
        Ok(self.link.script(&call).await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        Ok(self.link.check().await?)
    }

    async fn close(&self) {
        self.link.close().await;
    }
}
