//! What delivery costs for the goods of single merchants.

use fault::{Fault, Field};
use ids::MerchantId;
use mesh::{Caller, StaffRole};

use super::Orders;
use crate::{domain::tariff::MerchantTariff, error::Error};

impl Orders {
    /// The tariff of the caller's merchant; of any for the platform owner.
    pub(crate) async fn delivery_tariff(
        &self,
        caller: &Caller,
        merchant: Option<MerchantId>,
    ) -> Result<Option<MerchantTariff>, Error> {
        let merchant = match merchant {
            Some(merchant) => {
                caller.require_admin()?;
                merchant
            }
            None => {
                caller.require_scope("products:read")?;
                caller.require_merchant(StaffRole::Viewer)?
            }
        };
        self.0.store.delivery_tariff(merchant).await
    }

    /// Sets it, or with none takes it away. What delivery brings is the platform's: so only its owner may.
    pub(crate) async fn set_delivery_tariff(
        &self,
        caller: &Caller,
        merchant: MerchantId,
        tariff: Option<MerchantTariff>,
    ) -> Result<(), Error> {
        caller.require_admin()?;
        if let Some(Err((field, why))) = tariff.as_ref().map(MerchantTariff::check) {
            return Err(Fault::invalid(vec![Field::new(field, "OUT_OF_RANGE", why)]).into());
        }
        self.0.store.set_delivery_tariff(merchant, tariff).await?;
        tracing::info!(merchant.id = %merchant, "delivery tariff set");
        Ok(())
    }
}
