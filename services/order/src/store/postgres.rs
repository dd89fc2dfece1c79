//! Orders in PostgreSQL. Several processes share it: whatever must not happen twice is held off by a constraint, a conditional
//! update or a lock, never by what one of them remembers.
//!
//! Locks are taken in one order, so that nobody waits for another in a circle: an order's row, offers by id, keys, promotions by
//! id, displays.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{MerchantId, OrderId};
use outbox::{OutboxStore, postgres::PostgresOutbox};
use postgres::{Error as Failure, Postgres, Transaction};

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
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_orders.sql"),
    include_str!("../../migrations/postgres/0002_events.sql"),
    include_str!("../../migrations/postgres/0003_outbox.sql"),
    include_str!("../../migrations/postgres/0004_domains.sql"),
    include_str!("../../migrations/postgres/0005_promotions.sql"),
    include_str!("../../migrations/postgres/0006_returns.sql"),
    include_str!("../../migrations/postgres/0007_ledger.sql"),
    include_str!("../../migrations/postgres/0008_offers.sql"),
    include_str!("../../migrations/postgres/0009_delivery.sql"),
    include_str!("../../migrations/postgres/0010_adjustments.sql"),
];

/// Brings the tables of an address up to date.
pub(super) async fn migrate(address: &str) -> Result<(), Failure> {
    postgres::migrate(address, MIGRATIONS).await
}

/// The same, but no further than to this version.
pub(super) async fn migrate_to(address: &str, version: i64) -> Result<(), Failure> {
    postgres::migrate_to(address, MIGRATIONS, version).await
}

/// Leaves out so many numbers behind an address.
pub(super) async fn skip_numbers(address: &str, count: i64) -> Result<(), Failure> {
    postgres::backup::skip_numbers(address, "orders_seq_seq", count).await
}

/// The newest version.
pub(super) fn schema() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(super) struct PostgresOrders {
    database: Postgres,
    outbox: Arc<PostgresOutbox>,
    encode: Encode,
}

impl PostgresOrders {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, Failure> {
        let database = Postgres::open(address, MIGRATIONS).await?;
        let outbox = Arc::new(PostgresOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode })
    }

    /// In the scope of the merchant whose orders are asked for, if it is one's.
    async fn begin_for(&self, listing: Listing) -> Result<Transaction, Failure> {
        match listing {
            Listing::Merchant(merchant, _) => self.database.begin_for(merchant).await,
            Listing::User(_) | Listing::Everything => self.database.begin().await,
        }
    }
}

#[async_trait]
impl OrderStore for PostgresOrders {
    async fn put_offers(
        &self,
        product: Snapshot,
        terms: Vec<Terms>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        offers::put(&mut transaction, &product, &terms, now, self.encode).await?;
        Ok(transaction.commit().await?)
    }

    async fn update_offers(
        &self,
        merchant: MerchantId,
        updates: Vec<Update>,
        now: Timestamp,
    ) -> Result<Vec<Result<Offer, Refusal>>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let results = offers::update(&mut transaction, &updates, now, self.encode).await?;
        transaction.commit().await?;
        Ok(results)
    }

    async fn offers(&self, wanted: Wanted) -> Result<Vec<Offer>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(offers::read(&mut connection, &wanted).await?)
    }

    async fn put_merchant(&self, merchant: Merchant, now: Timestamp) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        offers::put_merchant(&mut transaction, &merchant, now, self.encode).await?;
        Ok(transaction.commit().await?)
    }

    async fn known_merchants(&self, ids: Vec<MerchantId>) -> Result<Vec<MerchantId>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(offers::known_merchants(&mut connection, &ids).await?)
    }

    async fn place(&self, placing: Placing) -> Result<Placed, Error> {
        let mut transaction = self.database.begin().await?;
        let placed = place::place(&mut transaction, placing, self.encode).await?;
        transaction.commit().await?;
        Ok(placed)
    }

    async fn recall(&self, scope: &str, key: &str) -> Result<Option<Remembered>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(keys::recall(&mut connection, scope, key).await?)
    }

    async fn remember(
        &self,
        key: Key,
        order: OrderId,
        now: Timestamp,
    ) -> Result<Remembered, Error> {
        let mut transaction = self.database.begin().await?;
        let remembered = keys::remember(&mut transaction, key, order, now).await?;
        transaction.commit().await?;
        Ok(remembered)
    }

    async fn answer(
        &self,
        scope: &str,
        key: &str,
        order: OrderId,
        payment: Option<Payment>,
        response: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let mut connection = self.database.connection().await?;
        let key = (scope, key);
        Ok(keys::answer(&mut connection, key, order, payment.as_ref(), response).await?)
    }

    async fn note_payment(&self, order: OrderId, payment: Payment) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        Ok(orders::note_payment(&mut connection, order, &payment).await?)
    }

    async fn find(&self, id: OrderId) -> Result<Option<Order>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(orders::find(&mut connection, id).await?)
    }

    async fn numbered(&self, seq: i64) -> Result<Option<OrderId>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(orders::numbered(&mut connection, seq).await?)
    }

    async fn list(
        &self,
        listing: Listing,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Order>, Error> {
        let mut transaction = self.begin_for(listing).await?;
        Ok(orders::list(&mut transaction, listing, after, limit).await?)
    }

    async fn count(&self, listing: Listing) -> Result<u64, Error> {
        let mut transaction = self.begin_for(listing).await?;
        Ok(orders::count(&mut transaction, listing).await?)
    }

    async fn apply(
        &self,
        id: OrderId,
        cause: Option<String>,
        step: Step,
        now: Timestamp,
    ) -> Result<Applied, Error> {
        let mut transaction = self.database.begin().await?;
        let cause = cause.as_deref();
        let applied = orders::apply(&mut transaction, id, cause, step, now, self.encode).await?;
        transaction.commit().await?;
        Ok(applied)
    }

    async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(orders::expired(&mut connection, now, limit).await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let mut connection = self.database.connection().await?;
        Ok(keys::forget(&mut connection, before, limit).await?)
    }

    async fn forget_received(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let mut connection = self.database.connection().await?;
        Ok(outbox::postgres::forget(&mut connection, before, limit).await?)
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
