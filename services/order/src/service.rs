//! What can be done with offers and orders, in the order of a purchase.

use std::{sync::Arc, time::Duration};

use clock::{Clock, Timestamp};
use ids::{MerchantId, OrderId};
use mesh::{Caller, Kind, StaffRole};
use outbox::Relay;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    domain::{
        Buyer, Order, Payment, ShipmentStatus, Transition, ledger::Commissions, payout::Periods,
        pricing::Tariff,
    },
    error::Error,
    peers::{Carts, Catalogue, Merchants, Payments},
    store::OrderStore,
};

mod adjustments;
mod background;
mod checkout;
pub(crate) mod events;
mod fulfilment;
mod ledger;
mod offers;
mod payments;
mod payouts;
mod promotions;
mod receipts;
mod refunds;
mod returns;
mod tariffs;

pub(crate) use checkout::Checkout;
pub(crate) use ledger::Leg;

/// Encodes the answer of a checkout, which is kept for repeats.
pub(crate) type EncodeAnswer = fn(Order, &Payment, &str) -> Vec<u8>;

/// Offers and orders. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Orders(Arc<Inner>);

/// What the service stands on.
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn OrderStore>,
    pub(crate) carts: Arc<dyn Carts>,
    pub(crate) payments: Arc<dyn Payments>,
    pub(crate) merchants: Arc<dyn Merchants>,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    pub(crate) relay: Relay,
    pub(crate) clock: Clock,
    pub(crate) tariff: Tariff,
    pub(crate) commissions: Arc<Commissions>,
    pub(crate) periods: Periods,
    /// What an audit of the ledger has found wrong, tiyin.
    pub(crate) imbalance: telemetry::IntGaugeVec,
    pub(crate) drafted: telemetry::IntCounterVec,
    pub(crate) reservation: Duration,
    pub(crate) encode_answer: EncodeAnswer,
    pub(crate) placed: telemetry::IntCounterVec,
    pub(crate) redeemed: telemetry::IntCounterVec,
    /// Checkouts that ended because a code had.
    pub(crate) lost: telemetry::IntCounterVec,
    /// Rung when there may be a refund to bring to its end.
    pub(crate) refunds: tokio::sync::Notify,
    pub(crate) refunded: telemetry::IntCounterVec,
}

impl Orders {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The order as its shopper may see it.
    async fn own(&self, caller: &Caller, id: OrderId, token: &str) -> Result<Order, Error> {
        let order = self.0.store.find(id).await?;
        order.filter(|order| bought_by(order, caller, token)).ok_or(Error::OrderNotFound)
    }

    /// The order as far as the caller may see it: the shopper's own, a merchant's part, or all of it.
    pub(crate) async fn get(
        &self,
        caller: &Caller,
        id: OrderId,
        token: &str,
    ) -> Result<Order, Error> {
        let order = self.0.store.find(id).await?;
        if caller.is_service() || caller.is_admin() {
            return order.ok_or(Error::OrderNotFound);
        }
        match order {
            Some(order) if bought_by(&order, caller, token) => self.with_payment(order).await,
            order => {
                let merchant = merchant_of(caller)?;
                let order = order.filter(|order| concerns(order, merchant));
                Ok(order.ok_or(Error::OrderNotFound)?.for_merchant(merchant))
            }
        }
    }

    /// The order with a human number; only for services and the platform owner.
    pub(crate) async fn numbered(&self, caller: &Caller, seq: i64) -> Result<Order, Error> {
        if !caller.is_service() && !caller.is_admin() {
            return Err(Error::OrderNotFound);
        }
        let id = self.0.store.numbered(seq).await?.ok_or(Error::OrderNotFound)?;
        self.get(caller, id, "").await
    }

    /// Moves an order as `step` decides; the order afterwards. With `cause`, once for each received event.
    async fn change(
        &self,
        id: OrderId,
        cause: Option<String>,
        step: impl Fn(&Order) -> Result<Option<Transition>, Error> + Send + 'static,
    ) -> Result<Order, Error> {
        let applied = self.0.store.apply(id, cause, Box::new(step), self.now()).await?;
        if applied.told {
            self.0.relay.wake();
        }
        Ok(applied.order)
    }
}

fn bought_by(order: &Order, caller: &Caller, token: &str) -> bool {
    match &order.buyer {
        Buyer::User(user) => caller.user == Some(*user),
        Buyer::Token(known) => known.ct_eq(&hash(token)).into(),
    }
}

/// The merchant for whom the caller may look at orders.
fn merchant_of(caller: &Caller) -> Result<MerchantId, Error> {
    let merchant = caller.require_merchant(StaffRole::Viewer).map_err(|_| Error::OrderNotFound)?;
    if caller.kind == Kind::ApiKey {
        caller.require_scope("orders:read")?;
    }
    Ok(merchant)
}

/// Whether a part of the order belongs to the merchant, and is its business by now.
fn concerns(order: &Order, merchant: MerchantId) -> bool {
    order
        .body
        .shipments
        .iter()
        .any(|shipment| shipment.merchant == merchant && shipment.status != ShipmentStatus::Pending)
}

/// What is stored of a guest's key.
fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
