//! The port to the store: money and stock, one transaction a use case.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, MerchantId, OfferId, OrderId, ProductId, UserId};
use money::Money;
use outbox::{Draft, OutboxStore};

use crate::{
    domain::{
        Buyer, Customer, Delivery, Event, Order, Payment, Provider, Transition,
        ledger::Commissions,
        offer::{Offer, Refusal, Snapshot, Terms, Update},
        pricing::{Line, Tariff},
    },
    error::Error,
};

pub mod adjustments;
mod checkout;
pub mod delivery;
pub mod ledger;
mod levels;
mod postgres;
pub mod promotions;
pub mod returns;
mod sqlite;

/// Turns an event of the domain into what the outbox keeps.
pub type Encode = fn(Event<'_>) -> Draft;

/// A checkout about to be written.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Placing {
    pub order: OrderId,
    pub cart: CartId,
    pub buyer: Buyer,
    pub lines: Vec<Line>,
    /// Discount codes, upper case.
    pub codes: Vec<String>,
    pub delivery: Delivery,
    pub customer: Customer,
    pub provider: Provider,
    pub expected_total: Option<Money>,
    pub tariff: Tariff,
    pub commissions: Arc<Commissions>,
    pub reserved_until: Timestamp,
    pub locale: String,
    pub key: Key,
    /// The guest's key to the order; kept with the answer so that a repeat can give it again.
    pub order_token: String,
    pub now: Timestamp,
}

/// What makes a request the same request.
#[derive(Debug, Clone)]
pub struct Key {
    /// Who, and for what.
    pub scope: String,
    /// As the client chose it.
    pub key: String,
    /// SHA-256 of the request.
    pub hash: Vec<u8>,
}

/// What is kept of a request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// SHA-256 of the request.
    pub hash: Vec<u8>,
    /// The order that it made.
    pub order: OrderId,
    /// The guest's key to it.
    pub order_token: String,
    /// The answer as it was given; none while it is being worked out.
    pub response: Option<Vec<u8>>,
}

/// Where a page of orders begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The last order of the page before.
    pub order: OrderId,
    /// When it was placed.
    pub placed_at: Timestamp,
}

/// Which orders to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// A shopper's.
    User(UserId),
    /// Those with a shipment of a merchant, in any state or in one.
    Merchant(MerchantId, Option<crate::domain::ShipmentStatus>),
    /// All.
    Everything,
}

/// Which offers to read.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// By their ids.
    Offers(Vec<OfferId>),
    /// All of these products.
    Products(Vec<ProductId>),
}

/// A merchant as the order service needs it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Merchant {
    pub id: MerchantId,
    pub name: String,
    pub tin: String,
    /// "basic", "professional", "enterprise"; empty when that is not known.
    pub plan: String,
    pub active: bool,
    pub version: i64,
}

/// Decides how an order moves; none when there is nothing to do. It is asked in the transaction that writes the move, and again
/// when somebody else was quicker.
pub type Step = Box<dyn Fn(&Order) -> Result<Option<Transition>, Error> + Send>;

/// What came of a step.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The order as it is now.
    pub order: Order,
    /// Events wait to be told.
    pub told: bool,
}

/// Offers, stock, orders and what makes them happen once.
#[async_trait]
pub trait OrderStore:
    returns::ReturnStore
    + promotions::PromotionStore
    + ledger::LedgerStore
    + delivery::DeliveryStore
    + adjustments::AdjustmentStore
{
    /// Applies a product and the terms that came with it. A version that is not newer changes nothing.
    async fn put_offers(
        &self,
        product: Snapshot,
        terms: Vec<Terms>,
        now: Timestamp,
    ) -> Result<(), Error>;
    /// Changes offers of a merchant, each by itself.
    async fn update_offers(
        &self,
        merchant: MerchantId,
        updates: Vec<Update>,
        now: Timestamp,
    ) -> Result<Vec<Result<Offer, Refusal>>, Error>;
    /// Reads offers, on sale or not.
    async fn offers(&self, wanted: Wanted) -> Result<Vec<Offer>, Error>;
    /// Writes what is known of a merchant, unless something newer is.
    async fn put_merchant(&self, merchant: Merchant, now: Timestamp) -> Result<(), Error>;
    /// Which of these merchants are known.
    async fn known_merchants(&self, ids: Vec<MerchantId>) -> Result<Vec<MerchantId>, Error>;

    /// Prices the lines, takes the stock and writes order, key, shipments and events: all or nothing.
    /// A key that was seen before gives what is remembered of it instead. Numbers grow by one; a refused checkout uses none, and
    /// only the crash of a store and [`skip_numbers`] leave some out.
    async fn place(&self, placing: Placing) -> Result<Placed, Error>;
    /// What is remembered of a key.
    async fn recall(&self, scope: &str, key: &str) -> Result<Option<Remembered>, Error>;
    /// Remembers a key that no order was made for, unless it is remembered already; what is remembered.
    async fn remember(&self, key: Key, order: OrderId, now: Timestamp)
    -> Result<Remembered, Error>;
    /// Notes the payment of an order and the answer of a key; the answer noted first stays and is returned.
    async fn answer(
        &self,
        scope: &str,
        key: &str,
        order: OrderId,
        payment: Option<Payment>,
        response: Vec<u8>,
    ) -> Result<Vec<u8>, Error>;
    /// Notes the payment of an order.
    async fn note_payment(&self, order: OrderId, payment: Payment) -> Result<(), Error>;

    /// Reads an order.
    async fn find(&self, id: OrderId) -> Result<Option<Order>, Error>;
    /// Finds an order by the sequence behind its human number.
    async fn numbered(&self, seq: i64) -> Result<Option<OrderId>, Error>;
    /// A page of orders, newest first.
    async fn list(
        &self,
        listing: Listing,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Order>, Error>;
    /// How many there are.
    async fn count(&self, listing: Listing) -> Result<u64, Error>;
    /// Moves an order as `step` decides, with its stock and event, in one transaction. Not found when there is no such order.
    /// With `cause`, the received event is recorded with the move, and one that was recorded before changes nothing.
    async fn apply(
        &self,
        id: OrderId,
        cause: Option<String>,
        step: Step,
        now: Timestamp,
    ) -> Result<Applied, Error>;
    /// Orders whose goods are held for payment no longer than until `now`, the oldest first. Where several processes ask, one that
    /// was given out is left out for some seconds.
    async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, Error>;
    /// Forgets answers given before a moment.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Error>;
    /// Forgets events received before a moment: one that is delivered again after that takes effect again.
    async fn forget_received(&self, before: Timestamp, limit: u32) -> Result<u64, Error>;

    /// The relay's side.
    fn outbox(&self) -> Arc<dyn OutboxStore>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// What a checkout came to.
#[derive(Debug, Clone)]
pub enum Placed {
    /// The order was made now.
    New(Box<Order>),
    /// The key was seen before.
    Before(Remembered),
}

/// Opens the store behind an address.
pub async fn open(address: &str, encode: Encode) -> anyhow::Result<Arc<dyn OrderStore>> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteOrders::open(address, encode).await?)),
        Some("postgres" | "postgresql") => {
            Ok(Arc::new(postgres::PostgresOrders::open(address, encode).await?))
        }
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// Brings the tables behind an address up to date. Safe to run again, and by several at once.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        // It migrates itself when it is opened: nobody else has the file open.
        Some("sqlite") => Ok(()),
        Some("postgres" | "postgresql") => Ok(postgres::migrate(address).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The same, but no further than to this version.
pub async fn migrate_to(address: &str, version: i64) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(()),
        Some("postgres" | "postgresql") => Ok(postgres::migrate_to(address, version).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// Leaves out so many numbers of orders: after a restore, those that may have been given since the backup.
pub async fn skip_numbers(address: &str, count: i64) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(sqlite::skip_numbers(address, count).await?),
        Some("postgres" | "postgresql") => Ok(postgres::skip_numbers(address, count).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The version of the schema that this program works with behind an address; 0 for one that it does not know.
pub fn schema(address: &str) -> i64 {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX),
        Some("postgres" | "postgresql") => postgres::schema(),
        _ => 0,
    }
}

const EXPECTED: &str = "order.store: expected sqlite:<file> or postgres://<user>@<host>/<database>";
