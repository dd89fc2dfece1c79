//! The ports to what gateways keep: replayed answers here, counters of requests in [`counts`].

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use redis_link::Link;

pub mod counts;
mod redis;
mod sqlite;

pub use counts::{Class, CountStore, Counted, Counter, Quota, Report};

/// Answers that are given again to a repeat of their request.
#[async_trait]
pub trait ReplayStore: Send + Sync + 'static {
    /// Claims a key for a request, or says what became of it. A claim that began before `abandoned` and has no answer is taken over.
    async fn claim(&self, claim: Claim, abandoned: Timestamp) -> Result<Claimed, Fault>;
    /// Keeps the answer of a claim; a claim that was taken over by another request keeps that one's.
    async fn finish(&self, claim: Claim, answer: Answer) -> Result<(), Fault>;
    /// Forgets a claim without an answer, so that the key can be used again.
    async fn release(&self, claim: Claim) -> Result<(), Fault>;
    /// Deletes at most `limit` keys claimed before `before`; how many.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// A request that wants to be done once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// SHA-256 of caller, endpoint and key.
    pub scope: [u8; 32],
    /// SHA-256 of the body.
    pub request: [u8; 32],
    /// When it came.
    pub at: Timestamp,
}

/// What a claim met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Nobody before: do it.
    New,
    /// The same request has been answered.
    Done(Answer),
    /// The same request is being done.
    Running,
    /// The key belongs to another request.
    Reused,
}

/// An answer as it is kept. The body is sealed by whoever keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`; empty for none.
    pub content_type: String,
    /// The sealed body.
    pub body: Vec<u8>,
}

/// How long a claim without an answer counts.
pub const ABANDONED: Duration = Duration::from_mins(1);
/// How long answers are kept.
pub const KEPT: Duration = Duration::from_hours(25);

/// Opens the store behind an address.
pub async fn open(address: &str) -> anyhow::Result<Arc<dyn ReplayStore>> {
    match scheme(address) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteReplays::open(address).await?)),
        Some("redis" | "rediss") => Ok(Arc::new(redis::RedisReplays::open(address).await?)),
        _ => anyhow::bail!("{UNKNOWN}"),
    }
}

/// Prepares what stands behind an address for [`open`]. Again, or several times at once, changes nothing more.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match scheme(address) {
        // The embedded store brings itself up to date when it is opened.
        Some("sqlite") => Ok(()),
        Some("redis" | "rediss") => redis::RedisReplays::migrate(address).await,
        _ => anyhow::bail!("{UNKNOWN}"),
    }
}

/// Whether several gateways share what stands behind an address.
pub fn is_shared(address: &str) -> bool {
    matches!(scheme(address), Some("redis" | "rediss"))
}

/// What stands before keys and names that are not replays, unless the address says `prefix=`.
const PREFIX: &str = "um:gateway:";

/// The counters behind an address. A server is not asked for yet.
pub fn counts(address: &str) -> anyhow::Result<Arc<dyn CountStore>> {
    match scheme(address) {
        Some("sqlite") => Ok(Arc::new(counts::Memory::default())),
        Some("redis" | "rediss") => Ok(Arc::new(counts::RedisCounts::new(address, PREFIX)?)),
        _ => anyhow::bail!("{UNKNOWN}"),
    }
}

/// The way to the other gateways on the same store, when there can be others.
pub(crate) fn neighbours(address: &str) -> anyhow::Result<Option<Link>> {
    is_shared(address).then(|| Link::new(address, PREFIX)).transpose()
}

/// The version of the schema that this program works with behind an address; 0 where there is none.
pub fn schema(address: &str) -> i64 {
    match scheme(address) {
        Some("sqlite") => i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX),
        _ => 0,
    }
}

/// What stands before every key in Redis, unless an address says `prefix=`.
pub const KEYS: &str = redis::PREFIX;

const UNKNOWN: &str = "gateway.store: expected sqlite:<file>, redis://<host> or rediss://<host>";

fn scheme(address: &str) -> Option<&str> {
    address.split_once(':').map(|(scheme, _)| scheme)
}
