//! The port to the store for promotions. What a checkout uses of them is counted in its own transaction (see [`super::Placing`]),
//! and counted back in that of the move that ends the order.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{MerchantId, OfferId, ProductId, PromotionId};
use money::Money;

use crate::{
    domain::{
        Order, ShipmentStatus, Status,
        discounts::Offered,
        offer::Offer,
        pricing::Quote,
        promotion::{Draft, Promotion, Shopper},
    },
    error::Error,
};

/// Automatic promotions of one owner that a quote looks at: those of the highest priority.
pub(super) const AUTOMATIC: u32 = 50;

/// Whose promotions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One merchant's own.
    Merchant(MerchantId),
    /// All, the merchants' too.
    Platform,
}

/// Decides what a promotion becomes, from what it is.
pub type Rewrite = Box<dyn Fn(&Promotion) -> Result<Draft, Error> + Send>;

/// What a quote is made of.
#[derive(Debug, Clone)]
pub struct Basis {
    /// The offers that exist.
    pub offers: Vec<Offer>,
    /// The promotions that may apply to them.
    pub offered: Offered,
}

/// What an order uses of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) promotion: PromotionId,
    pub(super) version: i64,
    pub(super) amount: Money,
    pub(super) limited: bool,
    pub(super) per_customer: Option<u32>,
    /// How it is told when it turns out to be used up.
    pub(super) code: String,
}

/// Promotions and the categories that they look at.
#[async_trait]
pub trait PromotionStore: Send + Sync + 'static {
    /// Writes a new one. [`Error::CodeTaken`].
    async fn create_promotion(&self, promotion: Promotion) -> Result<(), Error>;
    /// Changes one; what it was used for is known for certain while `rewrite` decides. [`Error::CodeTaken`], not found when there
    /// is none in this scope. A checkout that read it before the change does not commit after it.
    async fn change_promotion(
        &self,
        scope: Scope,
        id: PromotionId,
        rewrite: Rewrite,
        now: Timestamp,
    ) -> Result<Promotion, Error>;
    /// Reads one.
    async fn promotion(&self, scope: Scope, id: PromotionId) -> Result<Option<Promotion>, Error>;
    /// A page, newest first.
    async fn promotions(
        &self,
        scope: Scope,
        after: Option<PromotionId>,
        limit: u32,
    ) -> Result<Vec<Promotion>, Error>;
    /// How many there are.
    async fn count_promotions(&self, scope: Scope) -> Result<u64, Error>;

    /// What a quote is made of: the offers with these ids, the automatic promotions of their merchants and of the platform, and
    /// those of the codes.
    async fn basis(
        &self,
        offers: Vec<OfferId>,
        codes: Vec<String>,
        shopper: Shopper,
        now: Timestamp,
    ) -> Result<Basis, Error>;

    /// Products of whose offers the categories are not known, each once, after the given one.
    async fn uncategorised(
        &self,
        after: Option<ProductId>,
        limit: u32,
    ) -> Result<Vec<ProductId>, Error>;
    /// Writes the categories of products where they are not known yet.
    async fn categorise(&self, products: Vec<(ProductId, Vec<String>)>) -> Result<(), Error>;
}

/// What the order of a quote uses of promotions, in the order of their ids: whoever locks them does so in one order.
pub(super) fn uses(quote: &Quote) -> Vec<Use> {
    let applied = quote.applied.iter().filter(|applied| applied.amount.amount > 0);
    let mut uses: Vec<Use> = applied
        .map(|applied| Use {
            promotion: applied.promotion,
            version: applied.version,
            amount: applied.amount,
            limited: applied.limited,
            per_customer: applied.per_customer,
            code: applied.code.clone(),
        })
        .collect();
    uses.sort_unstable_by_key(|it| it.promotion);
    uses
}

/// Whether the move ended an order of which nothing was sent: what it used of promotions is given back.
pub(super) fn gives_back(before: &Order, order: &Order) -> bool {
    let ended = |order: &Order| {
        matches!(order.status, Status::Cancelled | Status::Refunded)
            && order.body.shipments.iter().all(|it| it.status == ShipmentStatus::Cancelled)
    };
    uses_any(order) && ended(order) && !ended(before)
}

fn uses_any(order: &Order) -> bool {
    let body = &order.body;
    !body.delivery_discounts.is_empty() || body.items.iter().any(|it| !it.adjustments.is_empty())
}
