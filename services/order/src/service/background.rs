//! Work beside requests: unpaid orders end, old answers and receipts of events are forgotten.

use std::time::Duration;

use ids::OrderId;
use tokio_util::sync::CancellationToken;

use super::Orders;
use crate::{domain::Status, error::Error, peers::Closing};

/// How often to look for orders that nobody paid.
const SWEEP: Duration = Duration::from_secs(1);
/// Orders looked at in one go.
const BATCH: u32 = 100;
/// How long answers of checkouts are kept.
const KEPT: Duration = Duration::from_hours(48);
/// When to look again at an order that is due to be completed, but for an open return.
const LATER: Duration = Duration::from_hours(6);
/// When to ask again about an order whose payment is on its way.
const AGAIN: Duration = Duration::from_mins(1);

impl Orders {
    /// Ends unpaid orders and forgets old answers and receipts until it is told to stop.
    pub(crate) async fn sweep(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            self.expire_due().await?;
            self.complete_due().await?;
            while self.0.store.forget(self.now().minus(KEPT), BATCH).await? == u64::from(BATCH) {}
            let received = self.now().minus(outbox::REMEMBERED);
            while self.0.store.forget_received(received, BATCH).await? == u64::from(BATCH) {}
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(SWEEP) => {}
            }
        }
    }

    /// Ends the orders whose time to pay is over. Nothing is released before the payment service has closed the order: goods are
    /// never given away while somebody may still pay for them.
    async fn expire_due(&self) -> Result<(), Error> {
        for id in self.0.store.expired(self.now(), BATCH).await? {
            let closing = match self.0.payments.close(id, "expired", true).await {
                Ok(closing) => closing,
                Err(fault) => {
                    tracing::warn!(order.id = %id, %fault, "an unpaid order could not be closed yet");
                    // The payment service is away: the others would fare no better.
                    return Ok(());
                }
            };
            match closing {
                Closing::Closed => self.expire(id).await?,
                // The event is on its way.
                Closing::Paid => self.hold(id, self.now().plus(AGAIN)).await?,
                Closing::Live(until) => self.hold(id, until.max(self.now().plus(AGAIN))).await?,
            }
        }
        Ok(())
    }

    /// Completes delivered orders of which nothing can be brought back any more.
    async fn complete_due(&self) -> Result<(), Error> {
        let now = self.now();
        for id in self.0.store.completions_due(now, BATCH).await? {
            let after = self.change(id, None, move |order| Ok(order.complete(now))).await?;
            if after.status == Status::Delivered {
                // Somebody waits for the end of a return.
                self.0.store.complete_later(id, now.plus(LATER)).await?;
            }
        }
        Ok(())
    }

    async fn expire(&self, id: OrderId) -> Result<(), Error> {
        let at = self.now();
        self.change(id, None, move |order| match order.status {
            Status::AwaitingPayment => Ok(Some(order.expire(at)?)),
            _ => Ok(None),
        })
        .await?;
        Ok(())
    }

    async fn hold(&self, id: OrderId, until: clock::Timestamp) -> Result<(), Error> {
        self.change(id, None, move |order| match order.status {
            Status::AwaitingPayment => Ok(Some(order.hold_until(until)?)),
            _ => Ok(None),
        })
        .await?;
        Ok(())
    }
}
