//! The catalogue in MongoDB. Several processes share it: whatever must not happen twice is held off by a unique index, by the
//! revision that a write replaces, or by a transaction; never by what one of them remembers.
//!
//! A product is one document, its events with it. Transactions are for what the port promises of several documents: a review
//! with the rating, a batch of an import with its progress, sales of one order, the tree of categories. Ids are kept as text: they
//! sort by birth, and read the same in documents, logs and addresses.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CategoryId, EventId, JobId, MerchantId, ProductId, ReviewId};
use mongo::Mongo;

use super::{Encode, ProductStore, Query, ReviewsOf, Write};
use crate::{
    domain::{
        Category, OfferState, Product, Review,
        import::{Job, JobStatus, Progress},
    },
    error::Error,
};

mod card;
mod categories;
mod find;
mod import;
mod jobs;
mod outbox;
mod places;
mod products;
mod reviews;
mod schema;

use self::outbox::MongoOutbox;
pub(super) use schema::migrate;

/// The newest version of the schema.
pub(super) const SCHEMA: i64 = schema::VERSION as i64;

const PRODUCTS: &str = "products";
const CATEGORIES: &str = "categories";
const REVIEWS: &str = "reviews";
const JOBS: &str = "jobs";
const FILES: &str = "files";
const INBOX: &str = "inbox";
const TURNS: &str = "turns";

/// Tries of a change that others keep overtaking.
const TRIES: usize = 16;

pub(super) struct MongoProducts {
    database: Mongo,
    outbox: Arc<MongoOutbox>,
    encode: Encode,
    /// Tells this process from others that work on imports.
    holder: EventId,
}

impl MongoProducts {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, mongo::Error> {
        let database = Mongo::open(address, schema::VERSION).await?;
        let outbox = Arc::new(MongoOutbox::new(database.clone()));
        Ok(Self { database, outbox, encode, holder: EventId::new() })
    }
}

#[async_trait]
impl ProductStore for MongoProducts {
    async fn create(&self, write: Write) -> Result<Product, Error> {
        self.create_product(write).await
    }

    async fn replace(&self, write: Write) -> Result<Product, Error> {
        self.replace_product(write).await
    }

    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Fault> {
        Ok(self.find_products(ids).await?)
    }

    async fn find_slug(&self, slug: &str) -> Result<Option<Product>, Fault> {
        Ok(self.find_product_by_slug(slug).await?)
    }

    async fn find_skus(
        &self,
        merchant: MerchantId,
        skus: &[&str],
    ) -> Result<BTreeMap<String, Product>, Fault> {
        Ok(self.find_products_by_sku(merchant, skus).await?)
    }

    async fn list(&self, query: &Query) -> Result<Vec<Product>, Fault> {
        Ok(self.page(query).await?)
    }

    async fn count(&self, query: &Query) -> Result<u64, Fault> {
        Ok(self.count_products(query).await?)
    }

    async fn set_offers(
        &self,
        product: ProductId,
        offers: &OfferState,
        version: i64,
    ) -> Result<bool, Fault> {
        Ok(self.note_offers(product, offers, version).await?)
    }

    async fn sold(
        &self,
        event: &str,
        pieces: Vec<(ProductId, i64)>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        Ok(self.note_sales(event, pieces, now).await?)
    }

    async fn forget_received(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        Ok(self.forget_sales(before, limit).await?)
    }

    async fn categories(&self) -> Result<Vec<Category>, Fault> {
        Ok(self.all_categories().await?)
    }

    async fn put_category(&self, category: Category) -> Result<Category, Error> {
        self.write_category(category).await
    }

    async fn category_counts(&self) -> Result<BTreeMap<CategoryId, u64>, Fault> {
        Ok(self.count_by_category().await?)
    }

    async fn put_review(&self, review: Review) -> Result<Review, Error> {
        self.write_review(review).await
    }

    async fn find_review(&self, id: ReviewId) -> Result<Option<Review>, Fault> {
        Ok(self.review(id).await?)
    }

    async fn delete_review(&self, id: ReviewId, now: Timestamp) -> Result<(), Fault> {
        Ok(self.remove_review(id, now).await?)
    }

    async fn reviews(
        &self,
        of: ReviewsOf,
        after: Option<(Timestamp, ReviewId)>,
        limit: u32,
    ) -> Result<Vec<Review>, Fault> {
        Ok(self.page_of_reviews(of, after, limit).await?)
    }

    async fn count_reviews(&self, of: ReviewsOf) -> Result<u64, Fault> {
        Ok(self.count_reviews_of(of).await?)
    }

    async fn add_job(&self, job: Job, csv: Vec<u8>) -> Result<(), Fault> {
        Ok(self.write_job(&job, csv).await?)
    }

    async fn find_job(&self, id: JobId) -> Result<Option<Job>, Fault> {
        Ok(self.job(id).await?)
    }

    async fn next_job(&self) -> Result<Option<(Job, Vec<u8>)>, Fault> {
        // Whoever moved a category may have ended before all its products were told.
        self.finish_moves().await?;
        Ok(self.take_job().await?)
    }

    async fn import(
        &self,
        job: JobId,
        status: JobStatus,
        progress: &Progress,
        writes: Vec<Write>,
    ) -> Result<(), Error> {
        self.import_batch(job, status, progress, writes).await
    }

    fn outbox(&self) -> Arc<dyn ::outbox::OutboxStore> {
        Arc::<MongoOutbox>::clone(&self.outbox)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.release_jobs().await;
        self.database.close().await;
    }
}

/// For the `$limit` of a query.
fn limit(count: u32) -> i64 {
    i64::from(count)
}
