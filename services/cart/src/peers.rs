//! What this service needs of others, in its own terms.

use async_trait::async_trait;
use fault::Fault;
use ids::OfferId;

/// Knows what is on sale.
#[async_trait]
pub(crate) trait Offers: Send + Sync {
    /// Whether the offer exists and may be bought.
    async fn on_sale(&self, offer: OfferId) -> Result<bool, Fault>;
}
