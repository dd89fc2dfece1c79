//! The catalogue in SQLite. What was acknowledged may be lost with the power, not with the process: merchants can send it again.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CategoryId, JobId, MerchantId, ProductId, ReviewId};
use outbox::sqlite::SqliteOutbox;
use sqlite::{Connection, Durability, Row, Sqlite};

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

/// Append only: a step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[include_str!("../../migrations/sqlite/0001_products.sql")];

pub(super) struct SqliteProducts {
    database: Sqlite,
    outbox: Arc<SqliteOutbox>,
    encode: Encode,
}

impl SqliteProducts {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, sqlite::Error> {
        let database = Sqlite::open(address, Durability::Process, MIGRATIONS).await?;
        let outbox = Arc::new(SqliteOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode })
    }
}

#[async_trait]
impl ProductStore for SqliteProducts {
    async fn create(&self, write: Write) -> Result<Product, Error> {
        let encode = self.encode;
        self.database.write(move |it| products::create(it, write, encode)).await
    }

    async fn replace(&self, write: Write) -> Result<Product, Error> {
        let encode = self.encode;
        self.database.write(move |it| products::replace(it, write, encode)).await
    }

    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Fault> {
        let ids = ids.to_vec();
        Ok(self.database.read(move |it| products::find(it, &ids)).await?)
    }

    async fn find_slug(&self, slug: &str) -> Result<Option<Product>, Fault> {
        let slug = slug.to_owned();
        Ok(self.database.read(move |it| products::find_slug(it, &slug)).await?)
    }

    async fn find_skus(
        &self,
        merchant: MerchantId,
        skus: &[&str],
    ) -> Result<BTreeMap<String, Product>, Fault> {
        let skus = skus.iter().map(|&sku| sku.to_owned()).collect();
        Ok(self.database.read(move |it| products::find_skus(it, merchant, skus)).await?)
    }

    async fn list(&self, query: &Query) -> Result<Vec<Product>, Fault> {
        let query = query.clone();
        Ok(self.database.read(move |it| list::page(it, &query)).await?)
    }

    async fn count(&self, query: &Query) -> Result<u64, Fault> {
        let query = query.clone();
        Ok(self.database.read(move |it| list::count(it, &query)).await?)
    }

    async fn set_offers(
        &self,
        product: ProductId,
        offers: &OfferState,
        version: i64,
    ) -> Result<bool, Fault> {
        let offers = offers.clone();
        let write = move |it: &Connection| products::set_offers(it, product, &offers, version);
        Ok(self.database.write(write).await?)
    }

    async fn sold(
        &self,
        event: &str,
        pieces: Vec<(ProductId, i64)>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let event = event.to_owned();
        Ok(self.database.write(move |it| products::sold(it, &event, &pieces, now)).await?)
    }

    async fn forget_received(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        Ok(self.database.write(move |it| outbox::sqlite::forget(it, before, limit)).await?)
    }

    async fn categories(&self) -> Result<Vec<Category>, Fault> {
        Ok(self.database.read(categories::all).await?)
    }

    async fn put_category(&self, category: Category) -> Result<Category, Error> {
        self.database.write(move |it| categories::put(it, category)).await
    }

    async fn category_counts(&self) -> Result<BTreeMap<CategoryId, u64>, Fault> {
        Ok(self.database.read(categories::counts).await?)
    }

    async fn put_review(&self, review: Review) -> Result<Review, Error> {
        let encode = self.encode;
        self.database.write(move |it| reviews::put(it, review, encode)).await
    }

    async fn find_review(&self, id: ReviewId) -> Result<Option<Review>, Fault> {
        Ok(self.database.read(move |it| reviews::find(it, id)).await?)
    }

    async fn delete_review(&self, id: ReviewId, now: Timestamp) -> Result<(), Fault> {
        let encode = self.encode;
        Ok(self.database.write(move |it| reviews::delete(it, id, now, encode)).await?)
    }

    async fn reviews(
        &self,
        of: ReviewsOf,
        after: Option<(Timestamp, ReviewId)>,
        limit: u32,
    ) -> Result<Vec<Review>, Fault> {
        Ok(self.database.read(move |it| reviews::page(it, of, after, limit)).await?)
    }

    async fn count_reviews(&self, of: ReviewsOf) -> Result<u64, Fault> {
        Ok(self.database.read(move |it| reviews::count(it, of)).await?)
    }

    async fn add_job(&self, job: Job, csv: Vec<u8>) -> Result<(), Fault> {
        Ok(self.database.write(move |it| jobs::add(it, &job, csv)).await?)
    }

    async fn find_job(&self, id: JobId) -> Result<Option<Job>, Fault> {
        Ok(self.database.read(move |it| jobs::find(it, id)).await?)
    }

    async fn next_job(&self) -> Result<Option<(Job, Vec<u8>)>, Fault> {
        Ok(self.database.read(jobs::next).await?)
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
        let import = move |it: &Connection| {
            for write in writes {
                if write.product.version == 1 {
                    products::create(it, write, encode)?;
                } else {
                    products::replace(it, write, encode)?;
                }
            }
            Ok::<_, Error>(jobs::note(it, job, status, &body)?)
        };
        self.database.write(import).await
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

fn json<T: serde::Serialize>(value: &T) -> Result<String, sqlite::Error> {
    serde_json::to_string(value).map_err(sqlite::Error::value)
}

/// A column with JSON.
fn from_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> Result<T, sqlite::Error> {
    serde_json::from_str(text(row, column)?).map_err(sqlite::Error::value)
}

/// A column with an id.
fn id<K: ids::Kind>(row: &Row<'_>, column: usize) -> Result<ids::Id<K>, sqlite::Error> {
    parsed(text(row, column)?)
}

fn parsed<K: ids::Kind>(text: &str) -> Result<ids::Id<K>, sqlite::Error> {
    text.parse().map_err(|error: ids::ParseIdError| sqlite::Error::value(error))
}

/// A column with text, where it lies.
fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, sqlite::Error> {
    row.get_ref(column)?.as_str().map_err(sqlite::Error::value)
}

/// A count, which is never below zero.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
