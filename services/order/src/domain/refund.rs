//! Money that goes back to a shopper.

use ids::{ItemId, MerchantId, RefundId, ReturnId};
use money::Money;
use serde::{Deserialize, Serialize};

/// Why it goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundCause {
    /// What was paid for is not sent.
    Cancelled,
    /// Goods came back.
    Returned,
    /// The merchant gives money back and the goods stay.
    Goodwill,
}

/// How far it is. What a provider has not confirmed is pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// Asked for; the provider has not confirmed it.
    Pending,
    /// The money is back.
    Succeeded,
    /// The provider refused.
    Failed,
    /// The provider offers no call for it: people send the money.
    NeedsManual,
}

impl RefundState {
    /// The name in figures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::NeedsManual => "needs_manual",
        }
    }
}

/// Pieces of a line and what they cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    /// The line.
    pub item: ItemId,
    /// Pieces.
    pub quantity: u32,
    /// What was paid for them, discounts taken off.
    pub amount: Money,
}

/// One sum that goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Also its key with the payment service: asked twice is refunded once.
    pub id: RefundId,
    /// Whose sale it lowers; none for delivery, which is the platform's.
    pub merchant: Option<MerchantId>,
    /// The pieces that it is for; empty when it is a sum.
    #[serde(default)]
    pub parts: Vec<RefundPart>,
    /// All of it; above zero. The refunds of an order never exceed what was paid.
    pub amount: Money,
    /// Why.
    pub cause: RefundCause,
    /// In somebody's words.
    #[serde(default)]
    pub reason: String,
    /// The return behind it.
    #[serde(default)]
    pub return_id: Option<ReturnId>,
    /// How far it is.
    pub state: RefundState,
    /// When it was asked for, Unix milliseconds.
    pub at: i64,
}
