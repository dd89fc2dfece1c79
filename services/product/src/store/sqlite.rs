//! The catalogue in SQLite. What was acknowledged may be lost with the power, not with the process: merchants can send it again.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CategoryId, JobId, MerchantId, ProductId, ReviewId};
use outbox::sqlite::SqliteOutbox;
use sqlite::{Durability, FutureExt as _, Sqlite};
use sqlx::migrate::Migrator;

use super::{Encode, ProductStore, Query, ReviewsOf, Write};
use crate::{
    domain::{
        Category, OfferState, Product, Review,
        import::{Job, JobStatus, Progress},
    },
    error::Error,
};

mod categories;
mod jobs;
mod list;
mod products;
mod reviews;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(super) struct SqliteProducts {
    database: Sqlite,
    outbox: Arc<SqliteOutbox>,
    encode: Encode,
}

impl SqliteProducts {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, sqlite::Error> {
        let database = Sqlite::open(address, Durability::Process, &MIGRATIONS).await?;
        let outbox = Arc::new(SqliteOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode })
    }
}

#[async_trait]
impl ProductStore for SqliteProducts {
    async fn create(&self, write: Write) -> Result<Product, Error> {
        let encode = self.encode;
        self.database.write(move |it| products::create(it, write, encode).boxed()).await
    }

    async fn replace(&self, write: Write) -> Result<Product, Error> {
        let encode = self.encode;
        self.database.write(move |it| products::replace(it, write, encode).boxed()).await
    }

    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Fault> {
        products::find(&self.database, ids).await
    }

    async fn find_slug(&self, slug: &str) -> Result<Option<Product>, Fault> {
        products::find_slug(&self.database, slug).await
    }

    async fn find_skus(
        &self,
        merchant: MerchantId,
        skus: &[&str],
    ) -> Result<BTreeMap<String, Product>, Fault> {
        products::find_skus(&self.database, merchant, skus).await
    }

    async fn list(&self, query: &Query) -> Result<Vec<Product>, Fault> {
        list::page(&self.database, query).await
    }

    async fn count(&self, query: &Query) -> Result<u64, Fault> {
        list::count(&self.database, query).await
    }

    async fn set_offers(
        &self,
        product: ProductId,
        offers: &OfferState,
        version: i64,
    ) -> Result<bool, Fault> {
        let offers = offers.clone();
        let write = self
            .database
            .write(move |it| products::set_offers(it, product, offers, version).boxed());
        Ok(write.await?)
    }

    async fn sold(
        &self,
        event: &str,
        pieces: Vec<(ProductId, i64)>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let event = event.to_owned();
        let write = self.database.write(move |it| products::sold(it, event, pieces, now).boxed());
        Ok(write.await?)
    }

    async fn categories(&self) -> Result<Vec<Category>, Fault> {
        categories::all(&self.database).await
    }

    async fn put_category(&self, category: Category) -> Result<Category, Error> {
        self.database.write(move |it| categories::put(it, category).boxed()).await
    }

    async fn category_counts(&self) -> Result<BTreeMap<CategoryId, u64>, Fault> {
        categories::counts(&self.database).await
    }

    async fn put_review(&self, review: Review) -> Result<Review, Error> {
        let encode = self.encode;
        self.database.write(move |it| reviews::put(it, review, encode).boxed()).await
    }

    async fn find_review(&self, id: ReviewId) -> Result<Option<Review>, Fault> {
        reviews::find(&self.database, id).await
    }

    async fn delete_review(&self, id: ReviewId, now: Timestamp) -> Result<(), Fault> {
        let encode = self.encode;
        Ok(self.database.write(move |it| reviews::delete(it, id, now, encode).boxed()).await?)
    }

    async fn reviews(
        &self,
        of: ReviewsOf,
        after: Option<(Timestamp, ReviewId)>,
        limit: u32,
    ) -> Result<Vec<Review>, Fault> {
        reviews::page(&self.database, of, after, limit).await
    }

    async fn count_reviews(&self, of: ReviewsOf) -> Result<u64, Fault> {
        reviews::count(&self.database, of).await
    }

    async fn add_job(&self, job: Job, csv: Vec<u8>) -> Result<(), Fault> {
        Ok(self.database.write(move |it| jobs::add(it, job, csv).boxed()).await?)
    }

    async fn find_job(&self, id: JobId) -> Result<Option<Job>, Fault> {
        jobs::find(&self.database, id).await
    }

    async fn next_job(&self) -> Result<Option<(Job, Vec<u8>)>, Fault> {
        jobs::next(&self.database).await
    }

    async fn import(
        &self,
        job: JobId,
        status: JobStatus,
        progress: &Progress,
        writes: Vec<Write>,
    ) -> Result<(), Error> {
        let encode = self.encode;
        let body = json(progress)?;
        self.database
            .write(move |it| {
                async move {
                    for write in writes {
                        if write.product.version == 1 {
                            products::create(&mut *it, write, encode).await?;
                        } else {
                            products::replace(&mut *it, write, encode).await?;
                        }
                    }
                    jobs::note(it, job, status, body).await
                }
                .boxed()
            })
            .await
    }

    fn outbox(&self) -> Arc<dyn outbox::OutboxStore> {
        Arc::<SqliteOutbox>::clone(&self.outbox)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(decode)
}

fn parsed<K: ids::Kind>(text: &str) -> Result<ids::Id<K>, sqlx::Error> {
    text.parse().map_err(decode)
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A count, which is never below zero.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// An error of the engine on its way out.
fn fault(error: sqlx::Error) -> Fault {
    sqlite::Error::from(error).into()
}
