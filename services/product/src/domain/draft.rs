//! What a merchant sends, and what has to be right about it.

use std::collections::{BTreeMap, HashSet};

use ids::VariantId;
use money::{Currency, Money};

use super::{Content, Fiscal, OfferDraft, Picture, Product, Status, Terms, Text, Variant, slug};

mod rules;

/// Something wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path in the public API's terms, for example `variants[0].sku`.
    pub field: String,
    /// Stable, for example `REQUIRED`.
    pub code: &'static str,
    /// For developers.
    pub message: String,
}

/// A sum as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Sum {
    pub amount: i64,
    pub currency: String,
}

/// Terms as they were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AskedTerms {
    pub price: Option<Sum>,
    pub compare_at_price: Option<Sum>,
    pub stock: i64,
}

/// A variant as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariantDraft {
    /// Empty for a new one, or one that is known by its SKU.
    pub id: String,
    /// The merchant's name for it.
    pub sku: String,
    /// What tells it from the others.
    pub options: BTreeMap<String, String>,
    /// 8 to 14 digits, or empty.
    pub barcode: String,
    /// None leaves the offer as it is.
    pub offer: Option<AskedTerms>,
}

/// A product as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// Empty: made from the title.
    pub slug: String,
    /// Uzbek is required.
    pub title: Text,
    /// May be empty.
    pub description: Text,
    /// Slug or id.
    pub category: String,
    /// May be empty.
    pub brand: String,
    /// Names in lower-case ASCII.
    pub attributes: BTreeMap<String, String>,
    /// In the order of display.
    pub media: Vec<Picture>,
    /// None is a draft.
    pub status: Option<Status>,
    /// None when it was not sent.
    pub fiscal: Option<Fiscal>,
    /// 1 to 100.
    pub variants: Vec<VariantDraft>,
}

/// A field that an update may replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FieldName {
    Slug,
    Title,
    Description,
    Category,
    Brand,
    Attributes,
    Media,
    Status,
    Fiscal,
    Variants,
}

impl FieldName {
    /// Reads the name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "slug" => Self::Slug,
            "title" => Self::Title,
            "description" => Self::Description,
            "category" => Self::Category,
            "brand" => Self::Brand,
            "attributes" => Self::Attributes,
            "media" => Self::Media,
            "status" => Self::Status,
            "fiscal" => Self::Fiscal,
            "variants" => Self::Variants,
            _ => return None,
        })
    }
}

/// A draft in which everything is right but, perhaps, its category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What will be written.
    pub content: Content,
    /// None: make one from the title.
    pub slug: Option<String>,
    /// Who may see it.
    pub status: Status,
    /// One for each variant.
    pub offers: Vec<OfferDraft>,
}

impl Draft {
    /// A product as its merchant would send it again.
    pub fn of(product: &Product) -> Self {
        let content = product.content.clone();
        let variant = |variant: Variant| VariantDraft {
            id: variant.id.to_string(),
            sku: variant.sku,
            options: variant.options,
            barcode: variant.barcode,
            offer: None,
        };
        Self {
            slug: product.slug.clone(),
            title: content.title,
            description: content.description,
            category: product.category.to_string(),
            brand: content.brand,
            attributes: content.attributes,
            media: content.media,
            status: Some(product.status),
            fiscal: Some(content.fiscal),
            variants: content.variants.into_iter().map(variant).collect(),
        }
    }

    /// This with the named fields of another.
    #[must_use]
    pub fn with(mut self, other: &Self, fields: &[FieldName]) -> Self {
        for field in fields {
            match field {
                FieldName::Slug => self.slug.clone_from(&other.slug),
                FieldName::Title => self.title = other.title.clone(),
                FieldName::Description => self.description = other.description.clone(),
                FieldName::Category => self.category.clone_from(&other.category),
                FieldName::Brand => self.brand.clone_from(&other.brand),
                FieldName::Attributes => self.attributes.clone_from(&other.attributes),
                FieldName::Media => self.media.clone_from(&other.media),
                FieldName::Status => self.status = other.status,
                FieldName::Fiscal => self.fiscal.clone_from(&other.fiscal),
                FieldName::Variants => self.variants.clone_from(&other.variants),
            }
        }
        self
    }

    /// Checks everything but the category, which is the tree's matter. `known` are the variants there are: one that is sent with its
    /// id or its SKU keeps its id.
    pub fn check(self, known: &[Variant]) -> Result<Checked, Vec<Violation>> {
        let mut found = rules::Findings::default();
        rules::draft(&self, &mut found);
        let mut variants = Vec::with_capacity(self.variants.len());
        let mut offers = Vec::with_capacity(self.variants.len());
        let mut taken = HashSet::new();
        for (at, draft) in self.variants.into_iter().enumerate() {
            let Some(id) = variant_id(&draft, known) else {
                found.add(format!("variants[{at}].id"), "UNKNOWN", "no such variant");
                continue;
            };
            if !taken.insert(id) {
                found.add(format!("variants[{at}].id"), "DUPLICATE", "this variant came before");
            }
            let terms = draft.offer.as_ref().and_then(|asked| rules::terms(asked, at, &mut found));
            offers.push(OfferDraft {
                variant: id,
                sku: draft.sku.clone(),
                options: draft.options.clone(),
                terms,
            });
            let VariantDraft { sku, options, barcode, .. } = draft;
            variants.push(Variant { id, sku, options, barcode });
        }
        found.done()?;
        let content = Content {
            title: trimmed(self.title),
            description: self.description,
            brand: self.brand.trim().to_owned(),
            attributes: self.attributes,
            media: self.media,
            fiscal: self.fiscal.unwrap_or_default(),
            variants,
        };
        let slug = Some(self.slug).filter(|slug| !slug.is_empty());
        Ok(Checked { content, slug, status: self.status.unwrap_or(Status::Draft), offers })
    }
}

/// The id that the variant keeps, or a new one; none when the one that was sent is not among the known.
fn variant_id(draft: &VariantDraft, known: &[Variant]) -> Option<VariantId> {
    if draft.id.is_empty() {
        let same = known.iter().find(|variant| variant.sku == draft.sku);
        return Some(same.map_or_else(VariantId::new, |variant| variant.id));
    }
    let id = draft.id.parse().ok()?;
    known.iter().any(|variant| variant.id == id).then_some(id)
}

fn trimmed(text: Text) -> Text {
    let trim = |text: String| text.trim().to_owned();
    Text { uz: trim(text.uz), ru: trim(text.ru), en: trim(text.en) }
}

/// A sum in so'm above zero, or what is wrong with it.
fn price(sum: &Sum) -> Result<Money, (&'static str, &'static str)> {
    let uzs = sum.currency.parse() == Ok(Currency::Uzs);
    match sum.amount {
        _ if !uzs => Err(("CURRENCY", "prices are in UZS")),
        1..=rules::MAX_PRICE => Ok(Money::uzs(sum.amount)),
        _ => Err(("OUT_OF_RANGE", "a price is above zero and at most 100 000 000 000 so'm")),
    }
}

#[cfg(test)]
mod tests;
