//! What this service needs of others, in its own terms.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, MerchantId, OrderId};

use crate::{
    domain::{Delivery, Order, Payment, Provider, pricing::Line},
    store::Merchant,
};

/// A cart as checkout reads it.
#[derive(Debug, Clone)]
pub(crate) struct Cart {
    pub(crate) lines: Vec<Line>,
    pub(crate) delivery: Option<Delivery>,
}

/// Keeps carts.
#[async_trait]
pub(crate) trait Carts: Send + Sync {
    /// Reads a cart with the rights of the caller.
    async fn read(&self, cart: CartId, token: &str) -> Result<Cart, Fault>;
    /// Notes the order that a cart became. Repeats change nothing.
    async fn complete(&self, cart: CartId, order: OrderId) -> Result<(), Fault>;
}

/// What came of closing an order for payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// No provider can pay it any more.
    Closed,
    /// It is paid; the event is on its way.
    Paid,
    /// A provider holds it until then.
    Live(Timestamp),
}

/// Takes money.
#[async_trait]
pub(crate) trait Payments: Send + Sync {
    /// Opens a payment. The same key gives the same payment.
    async fn open(&self, order: &Order, provider: Provider, key: &str) -> Result<Payment, Fault>;
    /// Closes an order for payment; with `spare_live`, not while a provider holds it.
    async fn close(&self, order: OrderId, reason: &str, spare_live: bool)
    -> Result<Closing, Fault>;
}

/// Knows merchants.
#[async_trait]
pub(crate) trait Merchants: Send + Sync {
    /// Those of them that exist.
    async fn get(&self, ids: Vec<MerchantId>) -> Result<Vec<Merchant>, Fault>;
}
