//! What this service needs of others, in its own terms.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, MerchantId, OrderId, ProductId};

use crate::{
    domain::{Delivery, Order, Payment, Provider, Refund, RefundState, pricing::Line},
    store::Merchant,
};

/// A cart as checkout reads it.
#[derive(Debug, Clone)]
pub(crate) struct Cart {
    pub(crate) lines: Vec<Line>,
    pub(crate) delivery: Option<Delivery>,
    /// Discount codes, upper case.
    pub(crate) codes: Vec<String>,
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
    /// Gives money back, or goes on with it. The same refund is given once.
    async fn refund(&self, order: OrderId, refund: &Refund) -> Result<RefundState, Fault>;
}

/// Knows merchants.
#[async_trait]
pub(crate) trait Merchants: Send + Sync {
    /// Those of them that exist.
    async fn get(&self, ids: Vec<MerchantId>) -> Result<Vec<Merchant>, Fault>;
}

/// Knows the categories.
#[async_trait]
pub(crate) trait Catalogue: Send + Sync {
    /// The slug of each category that is named by slug or id; none where there is no such category.
    async fn slugs(&self, named: Vec<String>) -> Result<Vec<Option<String>>, Fault>;
    /// The slugs from the root down to the category of each product that exists.
    async fn categories(
        &self,
        products: Vec<ProductId>,
    ) -> Result<Vec<(ProductId, Vec<String>)>, Fault>;
}
