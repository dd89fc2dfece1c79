//! The port to the store.
//!
//! A product is a document: each method changes one of them, with the events that tell of it, in one step. What spans several
//! ([`ProductStore::import`]) may be repeated without harm.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CategoryId, JobId, MerchantId, ProductId, ReviewId, UserId};

use crate::{
    domain::{
        Category, CategoryRef, Event, OfferDraft, OfferState, Product, Review,
        import::{Job, JobStatus, Progress},
    },
    error::Error,
};

mod mongodb;
mod sqlite;

/// Turns an event into what the outbox carries.
pub type Encode = fn(&Event) -> outbox::Draft;

/// A product to be written, with what its event tells.
#[derive(Debug, Clone)]
pub struct Write {
    /// The product. A new one has version 1; a changed one replaces the version before its own.
    pub product: Product,
    /// For a new product: takes the place of a slug that is taken. None: a taken slug is an error.
    pub spare_slug: Option<String>,
    /// Where it stands.
    pub category: CategoryRef,
    /// One for each variant; empty for a product that is archived.
    pub offers: Vec<OfferDraft>,
}

/// Catalogue and reviews, durable enough to survive the process.
#[async_trait]
pub trait ProductStore: Send + Sync + 'static {
    /// Writes a new product and its event, and returns it with the slug that it got. [`Error::SkuTaken`], [`Error::SlugTaken`].
    async fn create(&self, write: Write) -> Result<Product, Error>;
    /// Replaces what its merchant wrote, with its event: "changed", or "deleted" when it is archived now, which frees its SKUs.
    /// Offers, rating and popularity stay what they are in the store. [`Error::VersionMismatch`] and those of `create`.
    async fn replace(&self, write: Write) -> Result<Product, Error>;
    /// Those that exist, in the order asked.
    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Fault>;
    /// By its name in addresses.
    async fn find_slug(&self, slug: &str) -> Result<Option<Product>, Fault>;
    /// The merchant's products with these SKUs, by SKU; archived ones have none.
    async fn find_skus(
        &self,
        merchant: MerchantId,
        skus: &[&str],
    ) -> Result<BTreeMap<String, Product>, Fault>;
    /// A page of products.
    async fn list(&self, query: &Query) -> Result<Vec<Product>, Fault>;
    /// How many match, whatever the page.
    async fn count(&self, query: &Query) -> Result<u64, Fault>;
    /// Notes what a product costs; false when something newer is known, or no such product.
    async fn set_offers(
        &self,
        product: ProductId,
        offers: &OfferState,
        version: i64,
    ) -> Result<bool, Fault>;
    /// Adds pieces sold, once for each event.
    async fn sold(
        &self,
        event: &str,
        pieces: Vec<(ProductId, i64)>,
        now: Timestamp,
    ) -> Result<(), Fault>;
    /// Forgets events received before a moment, at most so many; how many. One that is delivered again after that counts again.
    async fn forget_received(&self, before: Timestamp, limit: u32) -> Result<u64, Fault>;

    /// Every category, by position and slug.
    async fn categories(&self) -> Result<Vec<Category>, Fault>;
    /// Writes a category, replacing the one with its slug, whose id stays. Products below it move along. INVALID `parent` when it is
    /// unknown, below the category itself, or too deep.
    async fn put_category(&self, category: Category) -> Result<Category, Error>;
    /// Active products in and below each category.
    async fn category_counts(&self) -> Result<BTreeMap<CategoryId, u64>, Fault>;

    /// Writes a review of an active product, replacing the one of the same user, whose id stays; rating and event with it.
    async fn put_review(&self, review: Review) -> Result<Review, Error>;
    /// A review.
    async fn find_review(&self, id: ReviewId) -> Result<Option<Review>, Fault>;
    /// Takes a review away; rating and event with it.
    async fn delete_review(&self, id: ReviewId, now: Timestamp) -> Result<(), Fault>;
    /// A page of reviews, newest first.
    async fn reviews(
        &self,
        of: ReviewsOf,
        after: Option<(Timestamp, ReviewId)>,
        limit: u32,
    ) -> Result<Vec<Review>, Fault>;
    /// How many there are.
    async fn count_reviews(&self, of: ReviewsOf) -> Result<u64, Fault>;

    /// Writes a new job with its file.
    async fn add_job(&self, job: Job, csv: Vec<u8>) -> Result<(), Fault>;
    /// A job.
    async fn find_job(&self, id: JobId) -> Result<Option<Job>, Fault>;
    /// The oldest job that has not ended, with its file.
    async fn next_job(&self) -> Result<Option<(Job, Vec<u8>)>, Fault>;
    /// Writes a batch of an import and how far the job is: all of it or nothing. Any conflict is the error of the whole batch.
    async fn import(
        &self,
        job: JobId,
        status: JobStatus,
        progress: &Progress,
        writes: Vec<Write>,
    ) -> Result<(), Error>;

    /// The relay's side.
    fn outbox(&self) -> Arc<dyn outbox::OutboxStore>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<(), Fault>;
    /// Writes what is pending and lets go.
    async fn close(&self);
}

/// What lists are sorted by. Ties go by the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// Cheapest first; without a price last.
    Price,
    /// Dearest first; without a price last.
    PriceDesc,
    /// Best first.
    Rating,
    /// Most sold first.
    Popularity,
}

/// A place in a list: the last product of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// What the list is sorted by, as [`Sort::key`] gives it.
    pub key: i64,
    /// Which of those with this key.
    pub product: ProductId,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 5] =
        [Self::Newest, Self::Price, Self::PriceDesc, Self::Rating, Self::Popularity];

    /// The value that a product is sorted by.
    pub fn key(self, product: &Product) -> i64 {
        match self {
            Self::Newest => product.created_at.millis(),
            Self::Price if product.offers.price_from == 0 => i64::MAX,
            Self::Price | Self::PriceDesc => product.offers.price_from,
            Self::Rating => {
                let (sum, count) = (i64::from(product.rating.sum), i64::from(product.rating.count));
                let average = (sum * 1000).checked_div(count).unwrap_or(0);
                average * 1_000_000 + count.min(999_999)
            }
            Self::Popularity => product.popularity,
        }
    }
}

/// Which products, in which order. All conditions together.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// All products that a merchant owns, in any status; None: active ones of everybody.
    pub owner: Option<MerchantId>,
    /// In it or below it.
    pub category: Option<CategoryId>,
    /// In any case of letters.
    pub brand: Option<String>,
    /// Has an active offer.
    pub seller: Option<MerchantId>,
    /// Tiyin, inclusive.
    pub price_gte: Option<i64>,
    /// Tiyin, inclusive; leaves out what has no price.
    pub price_lte: Option<i64>,
    /// Whether it can be had.
    pub in_stock: Option<bool>,
    /// Each with exactly this value.
    pub attributes: BTreeMap<String, String>,
    /// The order.
    pub sort: Sort,
    /// Where the page before ended.
    pub after: Option<After>,
    /// Products at most.
    pub limit: u32,
}

/// Whose reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewsOf {
    /// What people say of a product.
    Product(ProductId),
    /// What a user said.
    User(UserId),
}

/// Opens the store behind an address.
pub async fn open(address: &str, encode: Encode) -> anyhow::Result<Arc<dyn ProductStore>> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteProducts::open(address, encode).await?)),
        Some("mongodb" | "mongodb+srv") => {
            Ok(Arc::new(mongodb::MongoProducts::open(address, encode).await?))
        }
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// Brings the collections behind an address up to date. Safe to run again, and by several at once.
pub async fn migrate(address: &str) -> anyhow::Result<()> {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        // It migrates itself when it is opened: nobody else has the file open.
        Some("sqlite") => Ok(()),
        Some("mongodb" | "mongodb+srv") => Ok(mongodb::migrate(address).await?),
        _ => anyhow::bail!("{EXPECTED}"),
    }
}

/// The version of the schema that this program works with behind an address; 0 for one that it does not know.
pub fn schema(address: &str) -> i64 {
    match address.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX),
        Some("mongodb" | "mongodb+srv") => mongodb::SCHEMA,
        _ => 0,
    }
}

const EXPECTED: &str = "product.store: expected sqlite:<file> or mongodb://<host>/<database>";
