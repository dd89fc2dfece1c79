//! Promotions: what lowers a price, on which goods, when, how often, and whose money it is.
//!
//! How several of them meet is said in [`super::discounts`].

use clock::Timestamp;
use ids::{MerchantId, ProductId, PromotionId, UserId};
use money::{Currency, Money};
use serde::{Deserialize, Serialize};

use super::{Funder, Text, offer::Offer};

mod check;

pub use check::{Violation, code as normal_code};

/// What a promotion gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A share of the price of the goods.
    Percent,
    /// A sum off the goods.
    Fixed,
    /// The price of the delivery.
    FreeDelivery,
    /// Of so many pieces the cheapest ones.
    BuyXGetY,
}

/// What a promotion gives on what; later changes do not touch orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What shoppers read.
    pub name: Text,
    /// What it gives.
    pub kind: Kind,
    /// Percent: 1 to 100. Fixed: tiyin. Buy X get Y: percent off the Y pieces, all of their price when it is absent.
    pub value: Option<i64>,
    /// X of buy X get Y.
    #[serde(default)]
    pub buy: u32,
    /// Y of buy X get Y.
    #[serde(default)]
    pub get: u32,
    /// What the goods that it applies to must cost before discounts.
    #[serde(default)]
    pub min_total: Option<Money>,
    /// Only goods of these merchants; none: of all.
    #[serde(default)]
    pub merchants: Vec<MerchantId>,
    /// Goods in or below these categories (slugs), and the products named; neither: all goods.
    #[serde(default)]
    pub categories: Vec<String>,
    /// See `categories`.
    #[serde(default)]
    pub products: Vec<ProductId>,
    /// It may meet others on the same goods that may as well.
    #[serde(default)]
    pub combinable: bool,
}

/// What its owner decides of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What shoppers type, upper case; none: it applies by itself.
    pub code: Option<String>,
    /// Whose money it is.
    pub funded_by: Funder,
    /// It may be used.
    pub active: bool,
    /// From when on.
    pub starts_at: Option<Timestamp>,
    /// Until before when.
    pub ends_at: Option<Timestamp>,
    /// In how many orders.
    pub usage_limit: Option<u32>,
    /// In how many orders of one shopper: an account, or a phone number.
    pub per_customer_limit: Option<u32>,
    /// What it may give away in all.
    pub budget: Option<Money>,
    /// The higher one is served first: -1000 to 1000.
    pub priority: i32,
    /// What it gives.
    pub terms: Terms,
}

/// A promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Its name.
    pub id: PromotionId,
    /// Whose it is; none: the platform owner's.
    pub merchant: Option<MerchantId>,
    /// What its owner decided.
    pub draft: Draft,
    /// In how many orders it is.
    pub used: i64,
    /// What it has given away, tiyin.
    pub spent: i64,
    /// Grows with each change of its owner.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner last changed it.
    pub updated_at: Timestamp,
}

/// A promotion that may apply, and how often this shopper has used it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The promotion.
    pub promotion: Promotion,
    /// Orders of this shopper that it is in.
    pub uses: u32,
}

/// Who buys, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shopper {
    /// Their account.
    pub user: Option<UserId>,
    /// Their phone, however it is written; empty when it is not known.
    pub phone: String,
}

/// Why a code takes nothing off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum CodeRefusal {
    #[error("there is no such code")]
    Unknown,
    #[error("the code cannot be used yet")]
    NotStarted,
    #[error("the code can no longer be used")]
    Ended,
    #[error("the code has been used as often as it may")]
    Exhausted,
    #[error("you have used this code as often as you may")]
    Used,
    #[error("the goods that the code applies to cost too little")]
    MinTotal,
    #[error("the code applies to none of these goods")]
    NotApplicable,
    #[error("the code does not combine with the discounts of these goods")]
    NotCombinable,
}

impl CodeRefusal {
    /// The stable reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "DISCOUNT_CODE_NOT_FOUND",
            Self::NotStarted => "DISCOUNT_CODE_NOT_STARTED",
            Self::Ended => "DISCOUNT_CODE_EXPIRED",
            Self::Exhausted => "DISCOUNT_CODE_EXHAUSTED",
            Self::Used => "DISCOUNT_CODE_USED",
            Self::MinTotal => "DISCOUNT_CODE_MIN_TOTAL",
            Self::NotApplicable => "DISCOUNT_CODE_NOT_APPLICABLE",
            Self::NotCombinable => "DISCOUNT_CODE_NOT_COMBINABLE",
        }
    }

    /// Others or the clock took it away: the shopper may still count on it.
    pub const fn is_sudden(self) -> bool {
        matches!(self, Self::Unknown | Self::Ended | Self::Exhausted | Self::Used)
    }
}

/// A code without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCode {
    /// As the cart holds it.
    pub code: String,
    /// Why.
    pub why: CodeRefusal,
}

impl Shopper {
    /// The names under which uses are counted.
    pub fn names(&self) -> Vec<String> {
        let user = self.user.map(|user| user.to_string());
        let digits: String = self.phone.chars().filter(char::is_ascii_digit).collect();
        let phone = (!digits.is_empty()).then(|| format!("tel:{digits}"));
        user.into_iter().chain(phone).collect()
    }
}

impl Promotion {
    /// A new one.
    pub fn new(merchant: Option<MerchantId>, draft: Draft, now: Timestamp) -> Self {
        Self {
            id: PromotionId::new(),
            merchant,
            draft,
            used: 0,
            spent: 0,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// With other terms.
    #[must_use]
    pub fn changed(&self, draft: Draft, now: Timestamp) -> Self {
        Self { draft, version: self.version + 1, updated_at: now, ..self.clone() }
    }

    /// Its uses are counted before more are given.
    pub fn is_limited(&self) -> bool {
        self.draft.usage_limit.is_some() || self.draft.budget.is_some()
    }

    /// Whether it works on this offer.
    pub(super) fn covers(&self, offer: &Offer) -> bool {
        let terms = &self.draft.terms;
        if self.merchant.is_some_and(|own| own != offer.merchant) {
            return false;
        }
        if !terms.merchants.is_empty() && !terms.merchants.contains(&offer.merchant) {
            return false;
        }
        let named = terms.products.contains(&offer.product);
        let below = terms.categories.iter().any(|slug| offer.categories.contains(slug));
        named || below || (terms.products.is_empty() && terms.categories.is_empty())
    }

    /// Whether it may give `amount` more.
    pub(super) fn affords(&self, amount: i64) -> bool {
        let spent = self.spent.saturating_add(amount);
        self.draft.budget.is_none_or(|budget| spent <= budget.amount)
    }
}

impl Candidate {
    /// Whether it may be used now, whatever the goods are.
    pub(super) fn usable(&self, now: Timestamp) -> Result<(), CodeRefusal> {
        let draft = &self.promotion.draft;
        if !draft.active || draft.ends_at.is_some_and(|ends| ends <= now) {
            return Err(CodeRefusal::Ended);
        }
        if draft.starts_at.is_some_and(|starts| starts > now) {
            return Err(CodeRefusal::NotStarted);
        }
        if draft.usage_limit.is_some_and(|limit| self.promotion.used >= i64::from(limit)) {
            return Err(CodeRefusal::Exhausted);
        }
        if draft.per_customer_limit.is_some_and(|limit| self.uses >= limit) {
            return Err(CodeRefusal::Used);
        }
        Ok(())
    }
}

/// Sums of promotions are in this currency.
pub const CURRENCY: Currency = Currency::Uzs;
