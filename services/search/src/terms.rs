//! What an engine indexes of a product: plain tokens and numbers, the same for every engine.

use std::collections::HashSet;

use ids::ProductId;

use crate::{
    domain::{Card, Document, Sort, price_step},
    text::{self, Token, Turn},
};

/// Separates the name from the value in a facet's token, and languages in a label. No catalogue text holds it.
pub const SEPARATOR: char = '\u{1F}';

/// Fields of tokens that queries look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Words of the title, all letters kept.
    Strict,
    /// Keys of the title.
    Fold,
    /// Stems of the title.
    Loose,
    /// Keys and stems of the brand.
    Brand,
    /// Keys and stems of the category.
    Category,
    /// Keys and stems of attributes, and of what the product is for.
    Attribute,
    /// Keys and stems of the description.
    Description,
    /// Beginnings of the keys of title, brand and category.
    Prefix,
    /// Keys of the first words of titles.
    Lead,
    /// Keys of whole titles.
    Whole,
    /// Beginnings of the keys of the category alone.
    CategoryPrefix,
    /// Beginnings of the keys of the brand alone.
    BrandPrefix,
    /// `name=value` of everything that is filtered by.
    Filter,
    /// `key=surface` of words that spelling is corrected to.
    Word,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 14] = [
        Self::Strict,
        Self::Fold,
        Self::Loose,
        Self::Brand,
        Self::Category,
        Self::Attribute,
        Self::Description,
        Self::Prefix,
        Self::Lead,
        Self::Whole,
        Self::CategoryPrefix,
        Self::BrandPrefix,
        Self::Filter,
        Self::Word,
    ];

    /// The field's name in an engine's schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Fold => "fold",
            Self::Loose => "loose",
            Self::Brand => "brand",
            Self::Category => "category",
            Self::Attribute => "attribute",
            Self::Description => "description",
            Self::Prefix => "prefix",
            Self::Lead => "lead",
            Self::Whole => "whole",
            Self::CategoryPrefix => "category_prefix",
            Self::BrandPrefix => "brand_prefix",
            Self::Filter => "filter",
            Self::Word => "word",
        }
    }

    /// What a word found here counts. Steps are wider than anything that stock and popularity can add, see [`relevance`].
    pub const fn weight(self) -> f32 {
        match self {
            Self::Strict => 12.0,
            Self::Fold => 10.5,
            Self::Loose => 9.0,
            Self::Brand => 7.5,
            Self::Whole => 6.0,
            Self::Category => 5.0,
            Self::Attribute => 3.5,
            Self::Prefix => 2.5,
            Self::Description => 1.0,
            Self::Lead => 1.5,
            Self::CategoryPrefix | Self::BrandPrefix | Self::Filter | Self::Word => 0.0,
        }
    }
}

/// The share of a word's other finds that is added to its best one.
pub const TIE_BREAKER: f32 = 0.1;

/// Where a product stands among results that are sorted by relevance: how well it fits, then whether it can be had, then how many
/// were sold.
pub fn relevance(score: f32, in_stock: bool, popularity: i64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a score is a small positive number"
    )]
    let fit = (score * 100.0).round() as u64;
    fit + standing(in_stock, popularity)
}

/// What stock and sales add to [`relevance`]: at most 100, a hundredth of a point of a score each.
pub fn standing(in_stock: bool, popularity: i64) -> u64 {
    let sold = u64::try_from(popularity).unwrap_or(0).saturating_add(1).ilog2().min(10);
    (if in_stock { 60 } else { 0 }) + u64::from(sold) * 4
}

/// Where a product stands when results are sorted by a number of it; larger is earlier.
pub fn sort_key(sort: Sort, numbers: Numbers, score: f32) -> u64 {
    let positive = |number: i64| u64::try_from(number).unwrap_or(0);
    match sort {
        Sort::Relevance => relevance(score, numbers.in_stock, numbers.popularity),
        Sort::Newest => positive(numbers.created_at),
        Sort::Price if numbers.price <= 0 => 0,
        Sort::Price => u64::MAX - positive(numbers.price),
        Sort::PriceDesc => positive(numbers.price),
        Sort::Rating => numbers.rating,
        Sort::Popularity => positive(numbers.popularity),
    }
}

/// Numbers that results are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Tiyin; 0 for none.
    pub price: i64,
    /// Whether it can be had.
    pub in_stock: bool,
    /// Average in thousandths above the number of reviews.
    pub rating: u64,
    /// Pieces sold.
    pub popularity: i64,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Everything an engine indexes of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Tokens by field.
    pub tokens: Vec<(Field, String)>,
    /// Tokens that are counted: name and value.
    pub facets: Vec<String>,
    /// What is sorted by.
    pub numbers: Numbers,
    /// Title, category and brand as they are shown.
    pub labels: Labels,
}

/// Texts for suggestions; languages are separated by [`SEPARATOR`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The title in all languages.
    pub title: String,
    /// The category's title in all languages; empty when there is none.
    pub category: String,
    /// The brand; empty when there is none.
    pub brand: String,
}

/// Token of products that shoppers may see.
pub const LIVE: &str = "live=1";
/// Token of products that are only remembered.
pub const HIDDEN: &str = "live=0";

/// A filter's token: values in lower case.
pub fn filter_token(name: &str, value: &str) -> String {
    format!("{name}={}", value.trim().to_lowercase())
}

impl Terms {
    /// What is indexed of the document. Of one that shoppers may not see, only that.
    pub fn of(document: &Document) -> Self {
        let mut terms = Self::default();
        let Some(card) = document.visible() else {
            terms.put(Field::Filter, HIDDEN);
            return terms;
        };
        terms.words(card);
        terms.filters(document.id, document, card);
        terms.numbers = Numbers {
            price: document.offers.price_from,
            in_stock: document.offers.in_stock,
            rating: (u64::from(document.rating.thousandths) << 32)
                | u64::from(document.rating.count),
            popularity: card.popularity,
            created_at: card.created_at,
        };
        let label = |text: &crate::domain::Localized| {
            [text.uz.as_str(), &text.ru, &text.en].join(&SEPARATOR.to_string())
        };
        terms.labels = Labels {
            title: label(&card.title),
            category: if card.category.slug.is_empty() {
                String::new()
            } else {
                label(&card.category.title)
            },
            brand: card.brand.clone(),
        };
        let mut seen = HashSet::new();
        terms.tokens.retain(|token| seen.insert(token.clone()));
        terms
    }

    fn put(&mut self, field: Field, token: impl Into<String>) {
        self.tokens.push((field, token.into()));
    }

    fn words(&mut self, card: &Card) {
        let titles: Vec<Vec<text::Chunk>> = card.title.all().map(text::chunks).collect();
        let turned: HashSet<String> = titles.iter().flat_map(|title| turned(title)).collect();
        for title in &titles {
            self.title(title, &turned);
        }
        for title in card.title.all() {
            self.put(Field::Whole, text::whole(title));
        }
        self.keys(Field::Brand, &card.brand, Some(Field::BrandPrefix));
        for category in card.category.title.all() {
            self.keys(Field::Category, category, Some(Field::CategoryPrefix));
        }
        for (name, value) in &card.attributes {
            self.keys(Field::Attribute, name, None);
            self.keys(Field::Attribute, value, None);
        }
        for description in card.description.all() {
            self.keys(Field::Description, description, None);
        }
    }

    fn title(&mut self, title: &[text::Chunk], turned: &HashSet<String>) {
        let mut lead = true;
        for chunk in title {
            // What one language says the thing is for, it is not in another.
            let is_turned = chunk.parts.iter().all(|part| turned.contains(&part.fold));
            for token in chunk.tokens() {
                if is_turned {
                    self.key(Field::Attribute, token);
                    continue;
                }
                self.put(Field::Strict, &token.strict);
                self.put(Field::Fold, &token.fold);
                for stem in &token.loose {
                    self.put(Field::Loose, stem);
                }
                if lead {
                    self.put(Field::Lead, &token.fold);
                }
                self.word(token);
                self.prefixes(Field::Prefix, token);
            }
            lead &= is_turned;
        }
    }

    fn keys(&mut self, field: Field, value: &str, prefix: Option<Field>) {
        for token in text::tokens(value) {
            self.key(field, &token);
            if let Some(prefix) = prefix {
                self.word(&token);
                self.prefixes(prefix, &token);
                self.prefixes(Field::Prefix, &token);
            }
        }
    }

    fn key(&mut self, field: Field, token: &Token) {
        self.put(field, &token.fold);
        for stem in &token.loose {
            self.put(field, stem);
        }
    }

    fn word(&mut self, token: &Token) {
        if token.fold.chars().all(char::is_alphabetic) && token.fold.chars().count() >= 4 {
            self.put(Field::Word, format!("{}={}", token.fold, token.surface));
        }
    }

    fn prefixes(&mut self, field: Field, token: &Token) {
        for prefix in text::prefixes(&token.fold) {
            self.put(field, prefix);
        }
    }

    fn filters(&mut self, id: ProductId, document: &Document, card: &Card) {
        self.put(Field::Filter, LIVE);
        self.put(Field::Filter, filter_token("id", &id.to_string()));
        if document.offers.in_stock {
            self.put(Field::Filter, filter_token("stock", "1"));
        }
        for seller in &document.offers.sellers {
            self.put(Field::Filter, filter_token("seller", seller));
        }
        let slugs = card.category.ancestors.iter().chain([&card.category.slug]);
        for slug in slugs.filter(|slug| !slug.is_empty()) {
            self.put(Field::Filter, filter_token("category", slug));
            self.facets.push(format!("category{SEPARATOR}{slug}"));
        }
        if !card.category.id.is_empty() {
            self.put(Field::Filter, filter_token("category", &card.category.id));
        }
        if !card.brand.trim().is_empty() {
            self.put(Field::Filter, filter_token("brand", &card.brand));
            self.facets.push(format!("brand{SEPARATOR}{}", card.brand.trim()));
        }
        for (name, value) in card.attributes.iter().filter(|(_, value)| !value.trim().is_empty()) {
            self.put(Field::Filter, filter_token(&format!("attr.{name}"), value));
            self.facets.push(format!("attr.{name}{SEPARATOR}{}", value.trim()));
        }
        if let Some(step) = price_step(document.offers.price_from) {
            self.facets.push(format!("price{SEPARATOR}{step}"));
        }
    }
}

/// Keys of the words of a title that say what the thing is for, not what it is.
fn turned(title: &[text::Chunk]) -> Vec<String> {
    let turn =
        |chunk: &text::Chunk| chunk.parts.first().and_then(|token| text::turn(&token.surface));
    let mut keys = Vec::new();
    for (place, turn) in
        title.iter().enumerate().filter_map(|(place, chunk)| Some((place, turn(chunk)?)))
    {
        let (from, count) = match turn {
            Turn::Before => (place.saturating_sub(1), 2),
            Turn::After => (place, 3),
        };
        let parts = title.iter().skip(from).take(count).flat_map(|chunk| &chunk.parts);
        keys.extend(parts.map(|part| part.fold.clone()));
    }
    keys
}
