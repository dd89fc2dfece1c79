//! What delivery costs for the goods of single merchants.

use async_trait::async_trait;
use ids::MerchantId;
use sqlite::{Connection, Error as Failure, params};

use super::{SqliteOrders, rows};
use crate::{domain::tariff::MerchantTariff, error::Error, store::delivery::DeliveryStore};

#[async_trait]
impl DeliveryStore for SqliteOrders {
    async fn delivery_tariff(&self, merchant: MerchantId) -> Result<Option<MerchantTariff>, Error> {
        let read = move |connection: &Connection| -> Result<_, Failure> {
            let tariff: Option<Option<String>> = connection
                .first("select delivery from merchants where id = ?", [merchant.to_string()])?;
            tariff.map(|tariff| tariff.as_deref().map(rows::unjson).transpose()).transpose()
        };
        self.database.read(read).await?.ok_or(Error::MerchantNotFound)
    }

    async fn set_delivery_tariff(
        &self,
        merchant: MerchantId,
        tariff: Option<MerchantTariff>,
    ) -> Result<(), Error> {
        let write = move |connection: &Connection| -> Result<u64, Failure> {
            let tariff = tariff.as_ref().map(rows::json).transpose()?;
            connection.execute(
                "update merchants set delivery = ?2 where id = ?1",
                params![merchant.to_string(), tariff],
            )
        };
        match self.database.write(write).await? {
            0 => Err(Error::MerchantNotFound),
            _ => Ok(()),
        }
    }
}
