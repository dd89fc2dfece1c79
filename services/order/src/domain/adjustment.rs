//! What lowers a price, and who pays for it.

use ids::PromotionId;
use money::Money;
use serde::{Deserialize, Serialize};

use super::Text;

/// Whose money a discount is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Funder {
    /// The merchant's: it earns less.
    Merchant,
    /// The platform's: the merchant is paid the undiscounted price.
    Platform,
}

/// A part of a discount as it was given: later changes of the promotion do not touch it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// The promotion that gave it.
    pub promotion: PromotionId,
    /// Its name at that time.
    pub name: Text,
    /// The code that was typed; empty for automatic promotions.
    #[serde(default)]
    pub code: String,
    /// What it takes off; never negative.
    pub amount: Money,
    /// Whose money that is.
    pub funded_by: Funder,
}
