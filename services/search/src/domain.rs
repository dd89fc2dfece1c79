//! What is indexed, what is asked and what is answered.

use std::collections::BTreeMap;

use ids::ProductId;
use serde::{Deserialize, Serialize};

use crate::text::Token;

mod rebuild;

pub use rebuild::{Rebuild, RebuildState};

/// One text in the languages of the platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Localized {
    /// Uzbek, in Latin script.
    pub uz: String,
    /// Russian.
    pub ru: String,
    /// English.
    pub en: String,
}

impl Localized {
    /// The texts there are.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        [self.uz.as_str(), &self.ru, &self.en].into_iter().filter(|text| !text.is_empty())
    }
}

/// Where a product stands in the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// `cat_...`
    pub id: String,
    /// Name in addresses and filters.
    pub slug: String,
    /// Name for people.
    pub title: Localized,
    /// Slugs from the root to the parent.
    pub ancestors: Vec<String>,
}

/// What the product service tells of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Whether shoppers may see it.
    pub active: bool,
    /// Its name.
    pub title: Localized,
    /// What is said of it.
    pub description: Localized,
    /// Where it stands.
    pub category: Category,
    /// Who makes it; may be empty.
    pub brand: String,
    /// For filters.
    pub attributes: BTreeMap<String, String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Pieces sold.
    pub popularity: i64,
}

/// What the order service tells of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// Lowest price in tiyin; 0 when nobody offers it.
    pub price_from: i64,
    /// Whether it can be had now.
    pub in_stock: bool,
    /// Merchants that offer it.
    pub sellers: Vec<String>,
}

/// What buyers think of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// Average in thousandths of a star.
    pub thousandths: u32,
    /// Reviews behind it.
    pub count: u32,
}

/// All that is known of a product. Each aspect comes from its own sender with its own version and is never replaced by an older one;
/// an aspect with version 0 was hinted at by somebody else and gives way to anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Which product.
    pub id: ProductId,
    /// Its content; none while only its offers are known, or after its deletion.
    pub card: Option<Card>,
    /// Version of the content.
    pub card_version: i64,
    /// Its offers.
    pub offers: Offers,
    /// Version of the offers.
    pub offers_version: i64,
    /// Its rating.
    pub rating: Rating,
    /// Version of the rating.
    pub rating_version: i64,
}

/// News of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which product.
    pub id: ProductId,
    /// Grows with each change of the aspect.
    pub version: i64,
    /// What is new.
    pub aspect: Aspect,
}

/// The part of a product that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aspect {
    /// The content, with what its sender knows of the rest.
    Card(Box<(Card, Offers, Rating)>),
    /// It was deleted.
    Gone,
    /// The offers.
    Offers(Offers),
    /// The rating.
    Rating(Rating),
}

impl Document {
    /// A product of which nothing is known yet.
    pub fn new(id: ProductId) -> Self {
        Self {
            id,
            card: None,
            card_version: 0,
            offers: Offers::default(),
            offers_version: 0,
            rating: Rating::default(),
            rating_version: 0,
        }
    }

    /// Takes over news unless they are older than what is known; whether it did.
    pub fn apply(&mut self, version: i64, aspect: Aspect) -> bool {
        match aspect {
            Aspect::Card(_) | Aspect::Gone if version < self.card_version => return false,
            Aspect::Card(news) => {
                let (card, offers, rating) = *news;
                (self.card, self.card_version) = (Some(card), version);
                if self.offers_version == 0 {
                    self.offers = offers;
                }
                if self.rating_version == 0 {
                    self.rating = rating;
                }
            }
            Aspect::Gone => (self.card, self.card_version) = (None, version),
            Aspect::Offers(_) if version < self.offers_version => return false,
            Aspect::Offers(offers) => (self.offers, self.offers_version) = (offers, version),
            Aspect::Rating(_) if version < self.rating_version => return false,
            Aspect::Rating(rating) => (self.rating, self.rating_version) = (rating, version),
        }
        true
    }

    /// Takes over each aspect of which another copy knows a newer version; whether there was one.
    pub fn merge(&mut self, other: Self) -> bool {
        let before = (self.card_version, self.offers_version, self.rating_version);
        if other.card_version > self.card_version {
            // Hints belong to the content that they came with.
            let hints = other.card.is_some();
            if hints && self.offers_version == 0 && other.offers_version == 0 {
                self.offers = other.offers.clone();
            }
            if hints && self.rating_version == 0 && other.rating_version == 0 {
                self.rating = other.rating;
            }
            (self.card, self.card_version) = (other.card, other.card_version);
        }
        if other.offers_version > self.offers_version {
            (self.offers, self.offers_version) = (other.offers, other.offers_version);
        }
        if other.rating_version > self.rating_version {
            (self.rating, self.rating_version) = (other.rating, other.rating_version);
        }
        before != (self.card_version, self.offers_version, self.rating_version)
    }

    /// The content, when shoppers may see it.
    pub fn visible(&self) -> Option<&Card> {
        self.card.as_ref().filter(|card| card.active)
    }
}

/// What the results must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Slug (with everything below it) or id of a category.
    pub category: Option<String>,
    /// Brand, in any case.
    pub brand: Option<String>,
    /// A merchant that offers it.
    pub seller: Option<String>,
    /// Tiyin, inclusive.
    pub price_gte: Option<i64>,
    /// Tiyin, inclusive.
    pub price_lte: Option<i64>,
    /// Whether it can be had now.
    pub in_stock: Option<bool>,
    /// Attributes and their values, values in any case.
    pub attributes: BTreeMap<String, String>,
}

/// The order of results. Equal places are settled by age, the newest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// How well it fits; then in stock, then popular.
    #[default]
    Relevance,
    /// Newest first.
    Newest,
    /// Cheapest first; what has no price is last.
    Price,
    /// Dearest first.
    PriceDesc,
    /// Best rated first.
    Rating,
    /// Most sold first.
    Popularity,
}

/// A place in the results: what comes after it is the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The value sorted by, the larger the earlier.
    pub key: u64,
    /// The product.
    pub id: u128,
}

/// One thing that is looked for, with everything that counts as it. A product fits when all words of one alternative are found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clause {
    /// Ways to say it.
    pub alternatives: Vec<Alternative>,
    /// The key of a word that may not be complete.
    pub prefix: Option<String>,
}

/// One way to say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// Words that must all be found.
    pub words: Vec<Token>,
    /// What it counts in percent of the words as typed.
    pub percent: u8,
}

/// A question to the index.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What is looked for; empty finds everything.
    pub clauses: Vec<Clause>,
    /// How many clauses must be found; 0 means all.
    pub least: usize,
    /// Key of the whole query, for titles that are exactly it.
    pub whole: String,
    /// What the results must be.
    pub filter: Filter,
    /// Their order.
    pub sort: Sort,
    /// The end of the page before.
    pub after: Option<Place>,
    /// Results on a page.
    pub limit: usize,
    /// Whether to count facets.
    pub facets: bool,
}

/// A page of results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// The products, best first.
    pub ids: Vec<ProductId>,
    /// All that match.
    pub total: u64,
    /// Where the page ends; none when it is the last one.
    pub next: Option<Place>,
    /// Counts, when asked for: "category", "brand", "price", then attributes by name.
    pub facets: Vec<Facet>,
}

/// How many results have each value of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facet {
    /// "category", "brand", "price" or "attr.<name>".
    pub name: String,
    /// Values and counts, the most frequent first; prices in their order.
    pub values: Vec<(String, u64)>,
}

/// A word of the catalogue that is close to one that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Similar {
    /// Its key.
    pub key: String,
    /// How it is written.
    pub surface: String,
    /// How far away.
    pub distance: usize,
    /// Products that have it.
    pub products: u64,
}

/// What somebody has typed so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// Keys of its words; each may be the beginning of one.
    pub words: Vec<String>,
    /// "uz", "ru" or "en".
    pub locale: String,
    /// Suggestions wanted.
    pub limit: usize,
}

/// A completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What to show.
    pub text: String,
    /// What it names.
    pub kind: Suggested,
}

/// What a suggestion names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suggested {
    /// A product.
    Product,
    /// A category.
    Category,
    /// A brand.
    Brand,
}

/// Lower bounds of the price ranges that are counted, in tiyin: from 1 tiyin, 50 000, 100 000, 250 000, 500 000, 1, 2.5, 5, 10 and 25
/// million so'm.
pub const PRICE_STEPS: [i64; 10] = [
    1,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
];

/// The range a price lies in; none when there is no price.
pub fn price_step(price: i64) -> Option<usize> {
    PRICE_STEPS.partition_point(|from| *from <= price).checked_sub(1)
}

/// A range as a facet's value: both ends inclusive in tiyin, as the filters take them; the last has no end.
pub fn price_range(step: usize) -> String {
    let from = PRICE_STEPS.get(step).copied().unwrap_or_default();
    match PRICE_STEPS.get(step + 1) {
        Some(next) => format!("{from}-{}", next - 1),
        None => format!("{from}-"),
    }
}

#[cfg(test)]
mod tests;
