//! The port to the store.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, OrderId, ProductId, UserId};

use crate::domain::Cart;

mod redis;
mod sqlite;

/// Carts and wishlists, durable enough to survive the process.
#[async_trait]
pub trait CartStore: Send + Sync + 'static {
    /// Writes a new cart. For a user who has an open one already, that one is returned instead.
    async fn create(&self, cart: Cart) -> Result<Cart, Fault>;
    /// Reads a cart.
    async fn find(&self, id: CartId) -> Result<Option<Cart>, Fault>;
    /// Replaces body and version of an open cart whose version is still `cart.version`; false when it is not, or is completed.
    async fn replace(&self, cart: &Cart, now: Timestamp) -> Result<bool, Fault>;
    /// Replaces one cart as [`CartStore::replace`] does and deletes another, both or neither.
    async fn replace_and_delete(
        &self,
        cart: &Cart,
        gone: CartId,
        now: Timestamp,
    ) -> Result<bool, Fault>;
    /// Notes the order that a cart became. The first note stays; repeats change nothing.
    async fn complete(&self, id: CartId, order: OrderId, now: Timestamp) -> Result<(), Fault>;
    /// Deletes at most `limit` guest carts untouched since `before`; how many.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault>;

    /// Adds to a wishlist; twice is once.
    async fn wish(&self, user: UserId, product: ProductId, now: Timestamp) -> Result<(), Fault>;
    /// Takes from a wishlist; what is not there is no error.
    async fn unwish(&self, user: UserId, product: ProductId) -> Result<(), Fault>;
    /// A page of a wishlist, newest first, after the given place.
    async fn wishes(
        &self,
        user: UserId,
        after: Option<Wish>,
        limit: u32,
    ) -> Result<Vec<Wish>, Fault>;

    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// An entry of a wishlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// What.
    pub product: ProductId,
    /// Since when.
    pub added_at: Timestamp,
}

/// Opens the store behind an address. Where things expire by themselves, a cart that is nobody's does after `keep`.
pub async fn open(address: &str, keep: Duration) -> anyhow::Result<Arc<dyn CartStore>> {
    match scheme(address) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteCarts::open(address).await?)),
        Some("redis" | "rediss") => Ok(Arc::new(redis::RedisCarts::open(address, keep).await?)),
        _ => anyhow::bail!("{UNKNOWN}"),
    }
}

/// Prepares what stands behind an address for [`open`]. Again, or several times at once, changes nothing more.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match scheme(address) {
        // The embedded store brings itself up to date when it is opened.
        Some("sqlite") => Ok(()),
        Some("redis" | "rediss") => redis::RedisCarts::migrate(address).await,
        _ => anyhow::bail!("{UNKNOWN}"),
    }
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

const UNKNOWN: &str = "cart.store: expected sqlite:<file>, redis://<host> or rediss://<host>";

fn scheme(address: &str) -> Option<&str> {
    address.split_once(':').map(|(scheme, _)| scheme)
}
