//! What others tell of fiscal receipts.

use ids::OrderId;

use super::Orders;
use crate::{
    domain::{Order, receipt::Receipt},
    error::Error,
};

impl Orders {
    /// Takes effect once, however often it is told. News of an order that is not here is refused and told again later.
    pub(crate) async fn receipt_news(
        &self,
        event: String,
        order: OrderId,
        receipt: Receipt,
    ) -> Result<(), Error> {
        let step = move |order: &Order| Ok(order.receipted(&receipt));
        self.change(order, Some(event), step).await?;
        Ok(())
    }
}
