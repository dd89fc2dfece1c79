//! Orders in SQLite: every acknowledged write has reached the disk.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{MerchantId, OrderId};
use outbox::{OutboxStore, sqlite::SqliteOutbox};
use sqlite::{Connection, Durability, Sqlite};

use super::{
    Applied, Encode, Key, Listing, Merchant, OrderStore, Place, Placed, Placing, Remembered, Step,
    Wanted, checkout,
};
use crate::{
    domain::{
        Order, Payment,
        offer::{Offer, Refusal, Snapshot, Terms, Update},
    },
    error::Error,
};

mod adjustments;
mod delivery;
mod keys;
mod ledger;
mod levels;
mod offers;
mod orders;
mod payouts;
mod place;
mod promotions;
mod redemptions;
mod returns;
mod rows;
mod stock;

/// Append only: a step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_orders.sql"),
    include_str!("../../migrations/sqlite/0002_numbering.sql"),
    include_str!("../../migrations/sqlite/0003_promotions.sql"),
    include_str!("../../migrations/sqlite/0004_returns.sql"),
    include_str!("../../migrations/sqlite/0005_ledger.sql"),
    include_str!("../../migrations/sqlite/0006_offers.sql"),
    include_str!("../../migrations/sqlite/0007_delivery.sql"),
    include_str!("../../migrations/sqlite/0008_adjustments.sql"),
];

/// Leaves out so many numbers behind an address.
pub(super) async fn skip_numbers(address: &str, count: i64) -> Result<(), sqlite::Error> {
    let database = Sqlite::open(address, Durability::Full, MIGRATIONS).await?;
    let skip = move |connection: &Connection| orders::skip_numbers(connection, count);
    let skipped = database.write(skip).await;
    database.close().await;
    skipped
}

pub(super) struct SqliteOrders {
    database: Sqlite,
    outbox: Arc<SqliteOutbox>,
    encode: Encode,
}

impl SqliteOrders {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, sqlite::Error> {
        let database = Sqlite::open(address, Durability::Full, MIGRATIONS).await?;
        let outbox = Arc::new(SqliteOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode })
    }
}

#[async_trait]
impl OrderStore for SqliteOrders {
    async fn put_offers(
        &self,
        product: Snapshot,
        terms: Vec<Terms>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let encode = self.encode;
        let put =
            move |connection: &Connection| offers::put(connection, &product, &terms, now, encode);
        Ok(self.database.write(put).await?)
    }

    async fn update_offers(
        &self,
        merchant: MerchantId,
        updates: Vec<Update>,
        now: Timestamp,
    ) -> Result<Vec<Result<Offer, Refusal>>, Error> {
        let encode = self.encode;
        let update = move |connection: &Connection| {
            offers::update(connection, merchant, &updates, now, encode)
        };
        Ok(self.database.write(update).await?)
    }

    async fn offers(&self, wanted: Wanted) -> Result<Vec<Offer>, Error> {
        Ok(self.database.read(move |connection| offers::read(connection, &wanted)).await?)
    }

    async fn put_merchant(&self, merchant: Merchant, now: Timestamp) -> Result<(), Error> {
        let encode = self.encode;
        let put =
            move |connection: &Connection| offers::put_merchant(connection, &merchant, now, encode);
        Ok(self.database.write(put).await?)
    }

    async fn known_merchants(&self, ids: Vec<MerchantId>) -> Result<Vec<MerchantId>, Error> {
        Ok(self.database.read(move |connection| offers::known_merchants(connection, &ids)).await?)
    }

    async fn place(&self, placing: Placing) -> Result<Placed, Error> {
        let encode = self.encode;
        self.database.write(move |connection| place::place(connection, placing, encode)).await
    }

    async fn recall(&self, scope: &str, key: &str) -> Result<Option<Remembered>, Error> {
        let (scope, key) = (scope.to_owned(), key.to_owned());
        Ok(self.database.read(move |connection| keys::recall(connection, &scope, &key)).await?)
    }

    async fn remember(
        &self,
        key: Key,
        order: OrderId,
        now: Timestamp,
    ) -> Result<Remembered, Error> {
        let remember = move |connection: &Connection| keys::remember(connection, key, order, now);
        Ok(self.database.write(remember).await?)
    }

    async fn answer(
        &self,
        scope: &str,
        key: &str,
        order: OrderId,
        payment: Option<Payment>,
        response: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let (scope, key) = (scope.to_owned(), key.to_owned());
        let answer = move |connection: &Connection| {
            if let Some(payment) = payment {
                orders::note_payment(connection, order, &payment)?;
            }
            keys::answer(connection, &scope, &key, response)
        };
        Ok(self.database.write(answer).await?)
    }

    async fn note_payment(&self, order: OrderId, payment: Payment) -> Result<(), Error> {
        let note = move |connection: &Connection| orders::note_payment(connection, order, &payment);
        Ok(self.database.write(note).await?)
    }

    async fn find(&self, id: OrderId) -> Result<Option<Order>, Error> {
        Ok(self.database.read(move |connection| orders::find(connection, id)).await?)
    }

    async fn numbered(&self, seq: i64) -> Result<Option<OrderId>, Error> {
        Ok(self.database.read(move |connection| orders::numbered(connection, seq)).await?)
    }

    async fn list(
        &self,
        listing: Listing,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Order>, Error> {
        let list = move |connection: &Connection| orders::list(connection, listing, after, limit);
        Ok(self.database.read(list).await?)
    }

    async fn count(&self, listing: Listing) -> Result<u64, Error> {
        Ok(self.database.read(move |connection| orders::count(connection, listing)).await?)
    }

    async fn apply(
        &self,
        id: OrderId,
        cause: Option<String>,
        step: Step,
        now: Timestamp,
    ) -> Result<Applied, Error> {
        let encode = self.encode;
        let apply = move |connection: &Connection| {
            orders::apply(connection, id, cause.as_deref(), &step, now, encode)
        };
        self.database.write(apply).await
    }

    async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, Error> {
        Ok(self.database.read(move |connection| orders::expired(connection, now, limit)).await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        Ok(self.database.write(move |connection| keys::forget(connection, before, limit)).await?)
    }

    async fn forget_received(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let forget =
            move |connection: &Connection| outbox::sqlite::forget(connection, before, limit);
        Ok(self.database.write(forget).await?)
    }

    fn outbox(&self) -> Arc<dyn OutboxStore> {
        Arc::clone(&self.outbox) as Arc<dyn OutboxStore>
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}
