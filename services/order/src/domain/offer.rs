//! Offers: a merchant's terms for one variant.

use std::collections::BTreeMap;

use ids::{MerchantId, OfferId, ProductId, VariantId};
use money::Money;
use serde::{Deserialize, Serialize};

use super::{Fiscal, Text};

/// A merchant's terms for one variant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Offer {
    pub id: OfferId,
    pub merchant: MerchantId,
    pub merchant_name: String,
    pub merchant_tin: String,
    /// What the merchant is on: "basic", "professional", "enterprise"; empty when that is not known.
    pub plan: String,
    pub product: ProductId,
    pub variant: VariantId,
    pub sku: String,
    pub title: Text,
    pub options: BTreeMap<String, String>,
    pub fiscal: Fiscal,
    pub picture_url: String,
    /// Slugs of the categories that the product is in, from the root down to its own; empty until that is known.
    pub categories: Vec<String>,
    pub price: Money,
    pub compare_at: Option<Money>,
    /// Pieces that can be sold now.
    pub available: i64,
    /// Pieces held for orders that await payment.
    pub reserved: i64,
    /// The merchant sells it.
    pub active: bool,
    /// The merchant sells it, the product is on show, and the merchant is approved.
    pub on_sale: bool,
    pub version: i64,
}

/// The product behind offers, as far as an order line needs it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Snapshot {
    pub product: ProductId,
    pub title: Text,
    pub fiscal: Fiscal,
    pub picture_url: String,
    /// Slugs of the categories that it is in, from the root down to its own; none keeps what is known.
    pub categories: Option<Vec<String>>,
    pub on_show: bool,
    pub version: i64,
    /// Variants that the product has; offers of others are taken off.
    pub variants: Vec<(VariantId, String, BTreeMap<String, String>)>,
}

/// Terms as they come with a product.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Terms {
    pub merchant: MerchantId,
    pub variant: VariantId,
    pub sku: String,
    pub options: BTreeMap<String, String>,
    /// None keeps what is there.
    pub price: Option<Money>,
    pub compare_at: Option<Money>,
    pub stock: Option<i64>,
}

/// A merchant's change of one offer.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Update {
    pub id: OfferId,
    pub price: Option<Money>,
    pub compare_at: Option<Money>,
    pub stock: Option<i64>,
    pub active: Option<bool>,
}

/// Why a change of an offer is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("no such offer")]
    NotFound,
    #[error("the price must be above zero and in UZS")]
    Price,
    #[error("the price to compare with must be above the price")]
    CompareAt,
    #[error("the stock must be between 0 and 1000000000")]
    Stock,
}

impl Refusal {
    /// The stable reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "OFFER_NOT_FOUND",
            Self::Price => "PRICE_INVALID",
            Self::CompareAt => "COMPARE_AT_PRICE_INVALID",
            Self::Stock => "STOCK_INVALID",
        }
    }
}

/// Pieces of one offer at most.
pub const MAX_STOCK: i64 = 1_000_000_000;

impl Update {
    /// Whether the new terms are possible for this offer.
    pub fn check(&self, offer: &Offer) -> Result<(), Refusal> {
        check(
            self.price.unwrap_or(offer.price),
            // A new price above the old comparison ends the comparison; a given one must be right.
            self.compare_at,
            self.stock.unwrap_or(0),
        )
    }
}

impl Terms {
    /// Whether the terms are possible at all.
    pub fn check(&self) -> Result<(), Refusal> {
        match self.price {
            Some(price) => check(price, self.compare_at, self.stock.unwrap_or(0)),
            None => Ok(()),
        }
    }
}

fn check(price: Money, compare_at: Option<Money>, stock: i64) -> Result<(), Refusal> {
    if price.amount <= 0 || price.currency != money::Currency::Uzs {
        return Err(Refusal::Price);
    }
    if compare_at.is_some_and(|compare| compare.amount <= price.amount) {
        return Err(Refusal::CompareAt);
    }
    if !(0..=MAX_STOCK).contains(&stock) {
        return Err(Refusal::Stock);
    }
    Ok(())
}

/// What lists show of a product: the lowest price that can be had, and whether any can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Display {
    pub product: ProductId,
    /// Tiyin; 0 when nobody sells it.
    pub price_from: i64,
    pub in_stock: bool,
    pub merchants: Vec<String>,
    pub version: i64,
}
