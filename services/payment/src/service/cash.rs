//! Cash.

use ids::OrderId;

use super::Payments;
use crate::error::Error;

impl Payments {
    /// The courier has handed over so much for an order.
    pub(crate) async fn cash_paid(&self, order: OrderId, amount: i64) -> Result<(), Error> {
        let news = self.store.cash_paid(order, amount, self.clock.now()).await?;
        if news {
            tracing::info!(order.id = %order, amount, "cash was handed over");
        }
        Ok(())
    }
}
