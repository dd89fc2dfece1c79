//! What delivery costs for the goods of single merchants.

use async_trait::async_trait;
use ids::MerchantId;
use postgres::uuid;
use sqlx::{query, query_scalar, types::Json};

use super::PostgresOrders;
use crate::{domain::tariff::MerchantTariff, error::Error, store::delivery::DeliveryStore};

#[async_trait]
impl DeliveryStore for PostgresOrders {
    async fn delivery_tariff(&self, merchant: MerchantId) -> Result<Option<MerchantTariff>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let tariff = query_scalar("select delivery from merchants where id = $1");
        let tariff: Option<Option<Json<MerchantTariff>>> =
            tariff.bind(uuid(merchant)).fetch_optional(&mut *transaction).await?;
        Ok(tariff.ok_or(Error::MerchantNotFound)?.map(|tariff| tariff.0))
    }

    async fn set_delivery_tariff(
        &self,
        merchant: MerchantId,
        tariff: Option<MerchantTariff>,
    ) -> Result<(), Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let write = query("update merchants set delivery = $2 where id = $1");
        let write = write.bind(uuid(merchant)).bind(tariff.map(Json));
        let written = write.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        if written == 0 { Err(Error::MerchantNotFound) } else { Ok(()) }
    }
}
