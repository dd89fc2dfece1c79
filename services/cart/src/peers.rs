//! What this service needs of others, in its own terms.

use async_trait::async_trait;
use fault::Fault;
use ids::OfferId;

use crate::domain::Body;

/// Knows what is on sale.
#[async_trait]
pub(crate) trait Offers: Send + Sync {
    /// Whether the offer exists and may be bought.
    async fn on_sale(&self, offer: OfferId) -> Result<bool, Fault>;
    /// Why a code takes nothing off a cart that holds it, such as `DISCOUNT_CODE_EXPIRED`; none when it does.
    async fn refused(&self, body: &Body, code: &str) -> Result<Option<String>, Fault>;
}
