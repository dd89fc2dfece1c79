//! The port to the store for what delivery costs for the goods of single merchants.

use async_trait::async_trait;
use ids::MerchantId;

use crate::{domain::tariff::MerchantTariff, error::Error};

/// Prices of delivery.
#[async_trait]
pub trait DeliveryStore: Send + Sync + 'static {
    /// The tariff of a merchant, where it has one. [`Error::MerchantNotFound`].
    async fn delivery_tariff(&self, merchant: MerchantId) -> Result<Option<MerchantTariff>, Error>;
    /// Writes it; none: the platform's prices. What was ordered stays as it was. [`Error::MerchantNotFound`].
    async fn set_delivery_tariff(
        &self,
        merchant: MerchantId,
        tariff: Option<MerchantTariff>,
    ) -> Result<(), Error>;
}
