//! What the catalogue knows of products, categories and reviews.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{CategoryId, MerchantId, ProductId, ReviewId, UserId, VariantId};
use money::Money;
use serde::{Deserialize, Serialize};

pub mod draft;
pub mod import;
pub mod slug;
pub mod tree;

pub use draft::{AskedTerms, Draft, FieldName, Sum, VariantDraft, Violation};
pub use tree::Tree;

/// A text in the languages of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "languages by their codes; Uzbek is in Latin script")]
pub struct Text {
    pub uz: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ru: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

/// A picture and its smaller forms.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Picture {
    pub url: String,
    pub width: u32,
    pub height: u32,
    pub small_url: String,
    pub medium_url: String,
    pub large_url: String,
    pub file_id: String,
}

/// What tax law wants to know (catalogue of goods and services, soliq.uz).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fiscal {
    /// 17 digits.
    pub mxik: String,
    /// Digits from the same catalogue.
    pub package_code: String,
    /// 0, 12 or 15, included in the price.
    pub vat_percent: u32,
    /// Empty means piece.
    pub unit_code: String,
}

/// One form of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its name.
    pub id: VariantId,
    /// The merchant's own name for it, unique within the merchant.
    pub sku: String,
    /// What tells it from the others, for example "color" -> "qora".
    pub options: BTreeMap<String, String>,
    /// 8 to 14 digits, or empty.
    pub barcode: String,
}

/// Who may see a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Its merchant.
    Draft,
    /// Everybody.
    Active,
    /// Its merchant; it is no longer changed.
    Archived,
}

impl Status {
    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// Reads the name in stores.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Draft, Self::Active, Self::Archived].into_iter().find(|it| it.as_str() == name)
    }
}

/// The part of a product that its merchant writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Content {
    pub title: Text,
    pub description: Text,
    pub brand: String,
    pub attributes: BTreeMap<String, String>,
    pub media: Vec<Picture>,
    pub fiscal: Fiscal,
    pub variants: Vec<Variant>,
}

/// What offers cost, as last told by the order service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OfferState {
    /// Lowest price in tiyin; 0 when there is none.
    pub price_from: i64,
    /// Whether it can be had.
    pub in_stock: bool,
    /// Merchants that have an active offer.
    pub sellers: Vec<MerchantId>,
}

/// What the reviews say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rating {
    /// Of all marks.
    pub sum: u32,
    /// How many reviews.
    pub count: u32,
}

impl Rating {
    /// 1 to 5; 0 without reviews.
    pub fn average(self) -> f64 {
        if self.count == 0 { 0.0 } else { f64::from(self.sum) / f64::from(self.count) }
    }
}

/// Something that can be bought, as the shopper reads of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its name.
    pub id: ProductId,
    /// Its name in addresses.
    pub slug: String,
    /// Whose card it is.
    pub merchant: MerchantId,
    /// Where it stands in the tree.
    pub category: CategoryId,
    /// Who may see it.
    pub status: Status,
    /// What its merchant wrote.
    pub content: Content,
    /// Grows with each change of the merchant's part.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its merchant last changed it.
    pub updated_at: Timestamp,
    /// What it costs.
    pub offers: OfferState,
    /// What people think of it.
    pub rating: Rating,
    /// Pieces sold.
    pub popularity: i64,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// Its name.
    pub id: CategoryId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: Text,
    /// What it is a part of.
    pub parent: Option<CategoryId>,
    /// Name of an icon.
    pub icon: String,
    /// Order among its siblings.
    pub position: u32,
}

/// A category with the way to it, as products show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryRef {
    /// Its name.
    pub id: CategoryId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub title: Text,
    /// Slugs from the root to the parent.
    pub ancestors: Vec<String>,
}

/// What a shopper says of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its name.
    pub id: ReviewId,
    /// Of what.
    pub product: ProductId,
    /// By whom.
    pub user: UserId,
    /// Shown with it.
    pub author: String,
    /// 1 to 5.
    pub rating: u8,
    /// What they say.
    pub text: String,
    /// When they said it.
    pub created_at: Timestamp,
}

/// What a merchant asks for a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Above zero.
    pub price: Money,
    /// The price before a reduction; above `price`.
    pub compare_at_price: Option<Money>,
    /// Pieces that can be sold.
    pub stock: i64,
}

/// One variant on its way to the order service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferDraft {
    /// Which variant.
    pub variant: VariantId,
    /// Its merchant's name for it.
    pub sku: String,
    /// What tells it from the others.
    pub options: BTreeMap<String, String>,
    /// None keeps what is asked today.
    pub terms: Option<Terms>,
}

/// What the others are told.
#[derive(Debug, Clone)]
pub enum Event {
    /// A product was created or changed.
    Changed {
        /// After the change.
        product: Product,
        /// Where it stands.
        category: CategoryRef,
        /// One for each variant.
        offers: Vec<OfferDraft>,
    },
    /// A product was archived.
    Deleted {
        /// After the change.
        product: Product,
        /// Where it stood.
        category: CategoryRef,
    },
    /// A review was written, replaced or taken away.
    Reviewed {
        /// Of what.
        product: ProductId,
        /// After the change.
        rating: Rating,
        /// Grows with each change of the rating.
        version: i64,
        /// When.
        at: Timestamp,
    },
}
