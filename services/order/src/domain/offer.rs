//! Offers: a merchant's terms for one variant.

use std::collections::BTreeMap;

use ids::{MerchantId, OfferId, ProductId, VariantId};
use money::Money;
use serde::{Deserialize, Serialize};

use super::{
    Fiscal, Text,
    tariff::{MAX_WEIGHT, MerchantTariff},
    tiers::{self, Tier},
};

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
    /// Pieces that are there to be sold; below zero: so many are sold that are not there yet.
    pub available: i64,
    /// Pieces that may be sold before they are there.
    pub backorder_limit: i64,
    /// At so many pieces or fewer its merchant is told; none: it is not.
    pub low_stock_at: Option<i64>,
    /// Lower prices of larger quantities, by quantity.
    pub tiers: Vec<Tier>,
    /// Of one piece, in grams; 0 where that is not known.
    pub weight: i64,
    /// What the delivery of its merchant's goods costs; none: what it costs everybody.
    pub delivery: Option<MerchantTariff>,
    /// Pieces held for orders that await payment.
    pub reserved: i64,
    /// The merchant sells it.
    pub active: bool,
    /// The merchant sells it, the product is on show, and the merchant is approved.
    pub on_sale: bool,
    pub version: i64,
}

impl Offer {
    /// What one of so many pieces costs.
    pub fn unit_price(&self, quantity: u32) -> Money {
        let amount = tiers::unit_price(&self.tiers, self.price.amount, quantity);
        Money { amount, ..self.price }
    }

    /// Pieces that can be sold now, with those that are not there yet.
    pub const fn sellable(&self) -> i64 {
        self.available + self.backorder_limit
    }

    /// How many of so many pieces are not there yet.
    pub fn backordered(&self, quantity: u32) -> u32 {
        quantity - u32::try_from(self.available.max(0)).unwrap_or(u32::MAX).min(quantity)
    }
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
    pub backorder_limit: Option<i64>,
    /// Some(None): it is not told any more.
    pub low_stock_at: Option<Option<i64>>,
    pub tiers: Option<Vec<Tier>>,
    pub weight: Option<i64>,
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
    #[error("the threshold must be between 0 and 1000000000")]
    LowStock,
    #[error(
        "the backorder limit must be between 0 and 1000000, and not below what is sold already"
    )]
    Backorder,
    #[error(
        "price tiers must be 10 at most, each of a larger quantity and a lower price than the one before it"
    )]
    Tiers,
    #[error("the weight of a piece must be between 0 and 1000000 grams")]
    Weight,
}

impl Refusal {
    /// The stable reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "OFFER_NOT_FOUND",
            Self::Price => "PRICE_INVALID",
            Self::CompareAt => "COMPARE_AT_PRICE_INVALID",
            Self::Stock => "STOCK_INVALID",
            Self::LowStock => "LOW_STOCK_INVALID",
            Self::Backorder => "BACKORDER_LIMIT_INVALID",
            Self::Tiers => "PRICE_TIERS_INVALID",
            Self::Weight => "WEIGHT_INVALID",
        }
    }
}

/// Pieces of one offer at most.
pub const MAX_STOCK: i64 = 1_000_000_000;
/// Pieces that may be sold before they are there at most.
pub const MAX_BACKORDER: i64 = 1_000_000;

impl Update {
    /// Nothing of it changes.
    pub const fn of(id: OfferId) -> Self {
        Self {
            id,
            price: None,
            compare_at: None,
            stock: None,
            active: None,
            backorder_limit: None,
            low_stock_at: None,
            tiers: None,
            weight: None,
        }
    }

    /// Whether the new terms are possible for this offer.
    pub fn check(&self, offer: &Offer) -> Result<(), Refusal> {
        let price = self.price.unwrap_or(offer.price);
        // A new price above the old comparison ends the comparison; a given one must be right.
        check(price, self.compare_at, self.stock.unwrap_or(0))?;
        if self.low_stock_at.flatten().is_some_and(|low_at| !(0..=MAX_STOCK).contains(&low_at)) {
            return Err(Refusal::LowStock);
        }
        let limit = self.backorder_limit.unwrap_or(offer.backorder_limit);
        let sellable = self.stock.unwrap_or(offer.available).saturating_add(limit);
        if !(0..=MAX_BACKORDER).contains(&limit) || sellable < 0 {
            return Err(Refusal::Backorder);
        }
        if self.weight.is_some_and(|weight| !(0..=MAX_WEIGHT).contains(&weight)) {
            return Err(Refusal::Weight);
        }
        // A new price at a tier's ends the tier; given ones must be right.
        match &self.tiers {
            Some(tiers) if !tiers::possible(tiers, price.amount) => Err(Refusal::Tiers),
            _ => Ok(()),
        }
    }

    /// The offer after the change; it must be possible.
    #[must_use]
    pub fn apply(&self, mut offer: Offer) -> Offer {
        offer.price = self.price.unwrap_or(offer.price);
        let compare = self.compare_at.or(offer.compare_at);
        offer.compare_at = compare.filter(|compare| compare.amount > offer.price.amount);
        offer.available = self.stock.unwrap_or(offer.available);
        offer.active = self.active.unwrap_or(offer.active);
        offer.backorder_limit = self.backorder_limit.unwrap_or(offer.backorder_limit);
        offer.low_stock_at = self.low_stock_at.unwrap_or(offer.low_stock_at);
        offer.weight = self.weight.unwrap_or(offer.weight);
        let tiers = self.tiers.clone().unwrap_or(offer.tiers);
        offer.tiers = tiers::below(tiers, offer.price.amount);
        offer
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
