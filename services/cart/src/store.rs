//! The port to the store.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, OrderId, ProductId, UserId};

use crate::domain::Cart;

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

/// Opens the store behind an address.
pub async fn open(address: &str) -> anyhow::Result<Arc<dyn CartStore>> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteCarts::open(address).await?)),
        _ => anyhow::bail!("cart.store: expected sqlite:<file>"),
    }
}
