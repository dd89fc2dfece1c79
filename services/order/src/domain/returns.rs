//! Goods that come back to a merchant.
//!
//! ```text
//! requested --approve--> approved --receive--> received --money is back--> refunded
//!     +--refuse--> refused
//! ```

use ids::{ItemId, MerchantId, ReturnId};
use serde::{Deserialize, Serialize};

/// Pieces of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pieces {
    /// The line.
    pub item: ItemId,
    /// So many; above zero.
    pub quantity: u32,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// The shopper asks.
    Requested,
    /// The merchant agrees and waits for the goods.
    Approved,
    /// The merchant does not agree; the pieces may be asked for again.
    Refused,
    /// The goods are with the merchant; the money is on its way.
    Received,
    /// The money is back.
    Refunded,
}

impl ReturnState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Requested, Self::Approved, Self::Refused, Self::Received, Self::Refunded];
}

/// What a shopper brings back to one merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// Its name.
    pub id: ReturnId,
    /// Who sold it.
    pub merchant: MerchantId,
    /// What comes back; one entry for each line.
    pub parts: Vec<Pieces>,
    /// Why, in the shopper's words.
    pub reason: String,
    /// More about it.
    #[serde(default)]
    pub comment: String,
    /// Addresses of pictures.
    #[serde(default)]
    pub photos: Vec<String>,
    /// How far it is.
    pub state: ReturnState,
    /// Why it was refused.
    #[serde(default)]
    pub answer: String,
    /// Whether received pieces went back on sale; none before they are received.
    #[serde(default)]
    pub restocked: Option<bool>,
    /// When it was asked for, Unix milliseconds.
    pub at: i64,
    /// When it came as far as it is, Unix milliseconds.
    pub changed_at: i64,
}

/// What a shopper asks for.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "as in Return")]
pub struct Wish {
    pub id: ReturnId,
    pub parts: Vec<Pieces>,
    pub reason: String,
    pub comment: String,
    pub photos: Vec<String>,
}

/// What a merchant does with a return.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ReturnMove {
    Approve,
    Refuse { reason: String },
    Receive { restock: bool },
}
