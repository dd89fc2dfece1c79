//! A product as a document.

use std::collections::BTreeMap;

use ids::{CategoryId, MerchantId, ProductId, VariantId};
use mongo::{moment, timestamp};
use mongodb::bson::{DateTime, Document, doc, serialize_to_document};
use serde::{Deserialize, Serialize};

use super::outbox::Letter;
use crate::{
    domain::{Content, Fiscal, OfferState, Picture, Product, Rating, Status, Text, Variant},
    store::Sort,
};

/// Sellers that a card lists at most; more than that sell it all the same.
const MAX_SELLERS: usize = 1000;

/// A name and its value. Names come from merchants: they are values here, never names of fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Pair {
    name: String,
    value: String,
}

/// What the merchant wrote.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Body {
    title: Text,
    description: Text,
    brand: String,
    attributes: Vec<Pair>,
    media: Vec<Picture>,
    fiscal: Fiscal,
    variants: Vec<Form>,
}

/// A variant.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Form {
    id: VariantId,
    sku: String,
    options: Vec<Pair>,
    barcode: String,
}

/// A product, with what lists and other services change beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Card {
    #[serde(rename = "_id")]
    pub(super) id: ProductId,
    slug: String,
    merchant: MerchantId,
    pub(super) category: CategoryId,
    /// Categories from the root to its own.
    path: Vec<CategoryId>,
    /// The place of its category that `path` was made from.
    pub(super) placed: i64,
    status: String,
    /// As it is compared.
    brand: String,
    content: Body,
    /// None when there are none: an index with each key once would take two empty ones for the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skus: Option<Vec<String>>,
    pub(super) version: i64,
    /// Grows with each change that scopes follow from.
    pub(super) revision: i64,
    created_at: DateTime,
    updated_at: DateTime,
    price: i64,
    price_last: i64,
    in_stock: bool,
    sellers: Vec<MerchantId>,
    pub(super) offers_version: i64,
    popularity: i64,
    rating_sum: i64,
    rating_count: i64,
    rating_version: i64,
    rating: i64,
    /// What it is listed by: `own:<merchant>`, and when it is active `all`, `category:..`, `brand:..`, `seller:..`.
    scopes: Vec<String>,
    #[serde(default)]
    pub(super) outbox: Vec<Letter>,
}

/// Fields that a merchant's change sets.
const WRITTEN: [&str; 11] = [
    "slug",
    "category",
    "path",
    "placed",
    "status",
    "brand",
    "content",
    "version",
    "revision",
    "updated_at",
    "scopes",
];
/// Fields that offers set.
const OFFERED: [&str; 7] =
    ["price", "price_last", "in_stock", "sellers", "offers_version", "revision", "scopes"];

impl Card {
    /// A new product below these categories.
    pub(super) fn new(product: &Product, path: Vec<CategoryId>, placed: i64) -> Self {
        let mut card = Self {
            id: product.id,
            slug: product.slug.clone(),
            merchant: product.merchant,
            category: product.category,
            path,
            placed,
            status: product.status.as_str().to_owned(),
            brand: fold(&product.content.brand),
            content: Body::of(&product.content),
            skus: skus(product),
            version: product.version,
            revision: 1,
            created_at: moment(product.created_at),
            updated_at: moment(product.updated_at),
            price: 0,
            price_last: i64::MAX,
            in_stock: false,
            sellers: Vec::new(),
            offers_version: 0,
            popularity: 0,
            rating_sum: 0,
            rating_count: 0,
            rating_version: 0,
            rating: 0,
            scopes: Vec::new(),
            outbox: Vec::new(),
        };
        card.scopes = card.listed_under();
        card
    }

    /// The same product with what its merchant wrote now; the rest stays.
    pub(super) fn replaced(self, by: &Product, path: Vec<CategoryId>, placed: i64) -> Self {
        let new = Self::new(by, path, placed);
        let mut card = Self {
            slug: new.slug,
            category: new.category,
            path: new.path,
            placed: new.placed,
            status: new.status,
            brand: new.brand,
            content: new.content,
            skus: new.skus,
            version: new.version,
            updated_at: new.updated_at,
            revision: self.revision + 1,
            ..self
        };
        card.scopes = card.listed_under();
        card
    }

    /// The same product with these offers.
    pub(super) fn offered(self, offers: &OfferState, version: i64) -> Self {
        let mut card = Self {
            price: offers.price_from,
            price_last: if offers.price_from == 0 { i64::MAX } else { offers.price_from },
            in_stock: offers.in_stock,
            sellers: offers.sellers.iter().copied().take(MAX_SELLERS).collect(),
            offers_version: version,
            revision: self.revision + 1,
            ..self
        };
        card.scopes = card.listed_under();
        card
    }

    fn listed_under(&self) -> Vec<String> {
        let mut scopes = vec![format!("own:{}", self.merchant)];
        if self.status == Status::Active.as_str() {
            scopes.push("all".to_owned());
            scopes.extend(self.path.iter().map(|category| format!("category:{category}")));
            if !self.brand.is_empty() {
                scopes.push(format!("brand:{}", self.brand));
            }
            scopes.extend(self.sellers.iter().map(|seller| format!("seller:{seller}")));
        }
        scopes
    }

    /// The update of a merchant's change, with these events.
    pub(super) fn write(&self, letters: &[Letter]) -> Result<Document, mongo::Error> {
        let mut whole = serialize_to_document(self)?;
        let skus = whole.remove("skus");
        let mut whole = only(whole, &WRITTEN);
        let letters = letters.iter().map(serialize_to_document).collect::<Result<Vec<_>, _>>()?;
        let mut update = doc! { "$push": { "outbox": { "$each": letters } } };
        match skus {
            Some(skus) => {
                whole.insert("skus", skus);
            }
            None => {
                update.insert("$unset", doc! { "skus": "" });
            }
        }
        update.insert("$set", whole);
        Ok(update)
    }

    /// The update of what offers set.
    pub(super) fn offer(&self) -> Result<Document, mongo::Error> {
        Ok(doc! { "$set": only(serialize_to_document(self)?, &OFFERED) })
    }

    pub(super) fn is_archived(&self) -> bool {
        self.status == Status::Archived.as_str()
    }

    /// The product itself.
    pub(super) fn product(self) -> Result<Product, mongo::Error> {
        let unsigned = |count: i64| u32::try_from(count).map_err(mongo::Error::value);
        Ok(Product {
            id: self.id,
            slug: self.slug,
            merchant: self.merchant,
            category: self.category,
            status: Status::parse(&self.status)
                .ok_or_else(|| mongo::Error::value("an unknown status"))?,
            content: self.content.content(),
            version: self.version,
            created_at: timestamp(self.created_at),
            updated_at: timestamp(self.updated_at),
            offers: OfferState {
                price_from: self.price,
                in_stock: self.in_stock,
                sellers: self.sellers,
            },
            rating: Rating { sum: unsigned(self.rating_sum)?, count: unsigned(self.rating_count)? },
            popularity: self.popularity,
        })
    }
}

impl Body {
    fn of(content: &Content) -> Self {
        let form = |variant: &Variant| Form {
            id: variant.id,
            sku: variant.sku.clone(),
            options: pairs(&variant.options),
            barcode: variant.barcode.clone(),
        };
        Self {
            title: content.title.clone(),
            description: content.description.clone(),
            brand: content.brand.clone(),
            attributes: pairs(&content.attributes),
            media: content.media.clone(),
            fiscal: content.fiscal.clone(),
            variants: content.variants.iter().map(form).collect(),
        }
    }

    fn content(self) -> Content {
        let variant = |form: Form| Variant {
            id: form.id,
            sku: form.sku,
            options: map(form.options),
            barcode: form.barcode,
        };
        Content {
            title: self.title,
            description: self.description,
            brand: self.brand,
            attributes: map(self.attributes),
            media: self.media,
            fiscal: self.fiscal,
            variants: self.variants.into_iter().map(variant).collect(),
        }
    }
}

fn only(whole: Document, fields: &[&str]) -> Document {
    whole.into_iter().filter(|(field, _)| fields.contains(&field.as_str())).collect()
}

fn pairs(map: &BTreeMap<String, String>) -> Vec<Pair> {
    let pair =
        |(name, value): (&String, &String)| Pair { name: name.clone(), value: value.clone() };
    map.iter().map(pair).collect()
}

fn map(pairs: Vec<Pair>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()
}

fn skus(product: &Product) -> Option<Vec<String>> {
    if product.status == Status::Archived || product.content.variants.is_empty() {
        return None;
    }
    Some(product.content.variants.iter().map(|variant| variant.sku.clone()).collect())
}

/// A brand as it is compared.
pub(super) fn fold(brand: &str) -> String {
    brand.trim().to_lowercase()
}

/// The number that a rating is sorted by: the average, then how many said so. The same as [`Sort::key`] makes.
pub(super) fn rating_key(sum: i64, count: i64) -> i64 {
    let average = (sum * 1000).checked_div(count).unwrap_or(0);
    if count == 0 { 0 } else { average * 1_000_000 + count.min(999_999) }
}

/// The field that an order goes by, the index that has it, and whether it goes down.
pub(super) fn order(sort: Sort) -> (&'static str, &'static str, bool) {
    match sort {
        Sort::Newest => ("created_at", "products_newest", true),
        Sort::Price => ("price_last", "products_cheapest", false),
        Sort::PriceDesc => ("price", "products_dearest", true),
        Sort::Rating => ("rating", "products_rating", true),
        Sort::Popularity => ("popularity", "products_popularity", true),
    }
}
