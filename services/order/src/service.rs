//! What can be done with offers and orders, in the order of a purchase.

use std::{sync::Arc, time::Duration};

use clock::{Clock, Timestamp};
use ids::OrderId;
use mesh::{Caller, Kind, StaffRole};
use outbox::Relay;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    domain::{Buyer, Order, Payment, Transition, pricing::Tariff},
    error::Error,
    peers::{Carts, Merchants, Payments},
    store::OrderStore,
};

mod background;
mod checkout;
pub(crate) mod events;
mod fulfilment;
mod offers;
mod payments;

pub(crate) use checkout::Checkout;

/// Tries of a move that others keep overtaking.
const TRIES: usize = 8;

/// Encodes the answer of a checkout, which is kept for repeats.
pub(crate) type EncodeAnswer = fn(&Order, &Payment, &str) -> Vec<u8>;

/// Offers and orders. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Orders(Arc<Inner>);

/// What the service stands on.
pub(crate) struct Inner {
    pub(crate) store: Arc<dyn OrderStore>,
    pub(crate) carts: Arc<dyn Carts>,
    pub(crate) payments: Arc<dyn Payments>,
    pub(crate) merchants: Arc<dyn Merchants>,
    pub(crate) relay: Relay,
    pub(crate) clock: Clock,
    pub(crate) tariff: Tariff,
    pub(crate) reservation: Duration,
    pub(crate) encode_answer: EncodeAnswer,
    pub(crate) placed: telemetry::IntCounterVec,
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
        let order = self.0.store.find(id).await?.ok_or(Error::OrderNotFound)?;
        let allowed = match &order.buyer {
            Buyer::User(user) => caller.user == Some(*user),
            Buyer::Token(known) => known.ct_eq(&hash(token)).into(),
        };
        if allowed { Ok(order) } else { Err(Error::OrderNotFound) }
    }

    /// The order as far as the caller may see it: the shopper's own, a merchant's part, or all of it.
    pub(crate) async fn get(
        &self,
        caller: &Caller,
        id: OrderId,
        token: &str,
    ) -> Result<Order, Error> {
        if caller.is_service() || caller.is_admin() {
            return self.0.store.find(id).await?.ok_or(Error::OrderNotFound);
        }
        match self.own(caller, id, token).await {
            Ok(order) => self.with_payment(order).await,
            Err(Error::OrderNotFound) => self.as_merchant(caller, id).await,
            Err(error) => Err(error),
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

    /// The part of an order that belongs to the caller's merchant.
    async fn as_merchant(&self, caller: &Caller, id: OrderId) -> Result<Order, Error> {
        let merchant =
            caller.require_merchant(StaffRole::Viewer).map_err(|_| Error::OrderNotFound)?;
        if caller.kind == Kind::ApiKey {
            caller.require_scope("orders:read")?;
        }
        let order = self.0.store.find(id).await?.ok_or(Error::OrderNotFound)?;
        let theirs = order.body.shipments.iter().any(|shipment| {
            shipment.merchant == merchant
                && shipment.status != crate::domain::ShipmentStatus::Pending
        });
        if theirs { Ok(order.for_merchant(merchant)) } else { Err(Error::OrderNotFound) }
    }

    /// Reads, moves and writes an order, again when somebody else was quicker. None when there is nothing to do.
    async fn change(
        &self,
        id: OrderId,
        cause: Option<&str>,
        step: impl Fn(&Order) -> Result<Option<Transition>, Error> + Send,
    ) -> Result<Order, Error> {
        for _ in 0..TRIES {
            let order = self.0.store.find(id).await?.ok_or(Error::OrderNotFound)?;
            let Some(transition) = step(&order)? else { return Ok(order) };
            let after = transition.order.clone();
            if self.0.store.apply(transition, cause.map(str::to_owned), self.now()).await? {
                self.0.relay.wake();
                return Ok(after);
            }
        }
        Err(Error::Contended)
    }
}

/// What is stored of a guest's key.
fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
