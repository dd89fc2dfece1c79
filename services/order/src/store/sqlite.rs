//! Orders in SQLite: every acknowledged write has reached the disk.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{MerchantId, OrderId};
use outbox::{OutboxStore, sqlite::SqliteOutbox};
use sqlite::{Durability, FutureExt as _, Sqlite};
use sqlx::migrate::Migrator;

use super::{
    Encode, Key, Listing, Merchant, OrderStore, Place, Placed, Placing, Remembered, Wanted,
};
use crate::{
    domain::{
        Order, Payment, Transition,
        offer::{Offer, Refusal, Snapshot, Terms, Update},
    },
    error::Error,
};

mod keys;
mod offers;
mod orders;
mod place;
mod rows;
mod stock;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(super) struct SqliteOrders {
    database: Sqlite,
    outbox: Arc<SqliteOutbox>,
    encode: Encode,
}

impl SqliteOrders {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, sqlite::Error> {
        let database = Sqlite::open(address, Durability::Full, &MIGRATIONS).await?;
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
        self.database
            .write(move |connection| offers::put(connection, product, terms, now, encode).boxed())
            .await
    }

    async fn update_offers(
        &self,
        merchant: MerchantId,
        updates: Vec<Update>,
        now: Timestamp,
    ) -> Result<Vec<Result<Offer, Refusal>>, Error> {
        let encode = self.encode;
        self.database
            .write(move |connection| {
                offers::update(connection, merchant, updates, now, encode).boxed()
            })
            .await
    }

    async fn offers(&self, wanted: Wanted) -> Result<Vec<Offer>, Error> {
        let mut connection = self.database.read().acquire().await?;
        offers::read(&mut connection, wanted).await
    }

    async fn put_merchant(&self, merchant: Merchant, now: Timestamp) -> Result<(), Error> {
        let encode = self.encode;
        self.database
            .write(move |connection| {
                offers::put_merchant(connection, merchant, now, encode).boxed()
            })
            .await
    }

    async fn known_merchants(&self, ids: Vec<MerchantId>) -> Result<Vec<MerchantId>, Error> {
        let known: Vec<String> = sqlx::query_scalar(
            "select id from merchants where id in (select value from json_each(?))",
        )
        .bind(rows::ids(&ids))
        .fetch_all(self.database.read())
        .await?;
        known.iter().map(|id| rows::parsed(id)).collect()
    }

    async fn place(&self, placing: Placing) -> Result<Placed, Error> {
        let encode = self.encode;
        self.database
            .write(move |connection| place::place(connection, placing, encode).boxed())
            .await
    }

    async fn recall(&self, scope: &str, key: &str) -> Result<Option<Remembered>, Error> {
        let mut connection = self.database.read().acquire().await?;
        keys::recall(&mut connection, scope, key).await
    }

    async fn remember(
        &self,
        key: Key,
        order: OrderId,
        now: Timestamp,
    ) -> Result<Remembered, Error> {
        self.database
            .write(move |connection| keys::remember(connection, key, order, now).boxed())
            .await
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
        self.database
            .write(move |connection| {
                async move {
                    if let Some(payment) = payment {
                        orders::note_payment(connection, order, &payment).await?;
                    }
                    keys::answer(connection, &scope, &key, response).await
                }
                .boxed()
            })
            .await
    }

    async fn note_payment(&self, order: OrderId, payment: Payment) -> Result<(), Error> {
        self.database
            .write(move |connection| {
                async move { orders::note_payment(connection, order, &payment).await }.boxed()
            })
            .await
    }

    async fn find(&self, id: OrderId) -> Result<Option<Order>, Error> {
        let mut connection = self.database.read().acquire().await?;
        orders::find(&mut connection, id).await
    }

    async fn numbered(&self, seq: i64) -> Result<Option<OrderId>, Error> {
        let found: Option<String> = sqlx::query_scalar("select id from orders where seq = ?")
            .bind(seq)
            .fetch_optional(self.database.read())
            .await?;
        found.map(|id| rows::parsed(&id)).transpose()
    }

    async fn list(
        &self,
        listing: Listing,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Order>, Error> {
        let mut connection = self.database.read().acquire().await?;
        orders::list(&mut connection, listing, after, limit).await
    }

    async fn count(&self, listing: Listing) -> Result<u64, Error> {
        let mut connection = self.database.read().acquire().await?;
        orders::count(&mut connection, listing).await
    }

    async fn apply(
        &self,
        transition: Transition,
        cause: Option<String>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let encode = self.encode;
        self.database
            .write(move |connection| {
                orders::apply(connection, transition, cause, now, encode).boxed()
            })
            .await
    }

    async fn expired(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, Error> {
        let found: Vec<String> = sqlx::query_scalar(
            "select id from orders where reserved_until <= ? order by reserved_until limit ?",
        )
        .bind(now.millis())
        .bind(limit)
        .fetch_all(self.database.read())
        .await?;
        found.iter().map(|id| rows::parsed(id)).collect()
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        self.database.write(move |connection| keys::forget(connection, before, limit).boxed()).await
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
