//! What others tell of payments.

use std::time::Duration;

use clock::Timestamp;
use ids::OrderId;

use super::Orders;
use crate::{
    domain::{Order, Payment, PaymentState, Status},
    error::Error,
};

/// How long goods stay held after a failed payment, for another try.
const RETRY: Duration = Duration::from_mins(15);

/// What happened to a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentNews {
    /// A provider holds the order until then.
    Started(Timestamp),
    /// The money is here.
    Paid,
    /// It failed or was called off.
    Ended(PaymentState),
    /// The money went back.
    Refunded,
}

impl Orders {
    /// Takes effect once, however often it is told. News of an order that is not here is refused and told again later.
    pub(crate) async fn payment_news(
        &self,
        event: String,
        order: OrderId,
        payment: Payment,
        news: PaymentNews,
    ) -> Result<(), Error> {
        let (at, id) = (self.now(), payment.id);
        let step = move |order: &Order| {
            if payment.amount != order.body.totals.total {
                tracing::error!(order.id = %order.id, payment.id = %payment.id, "a payment of another sum");
                return Ok(None);
            }
            Ok(match news {
                PaymentNews::Started(until) => order.payment_started(until, at),
                PaymentNews::Paid => order.paid(&payment, at),
                PaymentNews::Ended(state) => order.payment_ended(state, at.plus(RETRY), at),
                PaymentNews::Refunded => order.refunded(at),
            })
        };
        let after = self.change(order, Some(event), step).await?;
        if news == PaymentNews::Paid && after.status == Status::Cancelled {
            tracing::error!(order.id = %order, payment.id = %id, "money came for an order that had ended: it goes back");
            self.0.refunds.notify_one();
        }
        Ok(())
    }
}
