//! The port to the store for corrections of what merchants are owed.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{EntryId, MerchantId};

use super::Key;
use crate::{
    domain::adjusting::{Adjustment, Wish},
    error::Error,
};

/// Encodes what is answered to whoever corrects.
pub type Encode = fn(&Adjustment) -> Vec<u8>;

/// Corrections, each with its posting.
#[async_trait]
pub trait AdjustmentStore: Send + Sync + 'static {
    /// Posts a correction, once for each key; the answer, and whether it was given before. [`Error::MerchantNotFound`].
    async fn adjust(
        &self,
        wish: Wish,
        by: (Key, String),
        encode: Encode,
        now: Timestamp,
    ) -> Result<(Vec<u8>, bool), Error>;
    /// A page of those of a merchant, newest first.
    async fn adjustments(
        &self,
        merchant: MerchantId,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, Error>;
}
