//! The moves of an order. Each takes the order as it is and gives the order as it will be, with what must happen to the stock and
//! what others are told. Nothing here reads a clock or a store.

use clock::Timestamp;
use ids::{MerchantId, ShipmentId};

use super::{Entry, Order, Payment, PaymentState, Provider, ShipmentStatus, Status};

/// What becomes of the stock that the order has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockEffect {
    /// Nothing.
    Keep,
    /// Held pieces are sold.
    Sell,
    /// Pieces go back on sale.
    Release,
}

/// A move about to be written.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The order after the move; its version is one higher.
    pub order: Order,
    /// What becomes of the stock.
    pub stock: StockEffect,
    /// The event's type; none when nobody needs to know.
    pub event: Option<&'static str>,
    /// The shipment that moved.
    pub shipment: Option<ShipmentId>,
}

/// What a merchant does with a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ShipmentMove {
    Accept,
    Ship { carrier: String, tracking: String },
    Deliver,
    Cancel { reason: String },
}

/// The order's state does not allow the move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Illegal {
    #[error("the order can no longer be cancelled")]
    Cancel,
    #[error("the order does not wait for a payment")]
    Payment,
    #[error("the shipment is in another state")]
    Shipment,
    #[error("the order has no shipment of this merchant")]
    NoShipment,
}

impl Order {
    /// A provider holds a transaction on the order: goods stay held as long as it does.
    pub fn payment_started(&self, until: Timestamp, at: Timestamp) -> Option<Transition> {
        if self.status != Status::AwaitingPayment {
            return None;
        }
        let mut order = self.moved("payment.started", self.provider_name(), "", at);
        order.payment_status = PaymentState::Processing;
        order.reserved_until = self.reserved_until.max(Some(until));
        Some(Transition::of(order, StockEffect::Keep, None))
    }

    /// The provider let go of the order, or the payment failed: goods are held a little longer for another try.
    pub fn payment_ended(
        &self,
        state: PaymentState,
        retry_until: Timestamp,
        at: Timestamp,
    ) -> Option<Transition> {
        if self.status != Status::AwaitingPayment {
            return None;
        }
        let mut order = self.moved("payment.ended", self.provider_name(), "", at);
        order.payment_status = state;
        order.reserved_until = Some(retry_until);
        Some(Transition::of(order, StockEffect::Keep, Some("order.payment_failed")))
    }

    /// The money is here. None when that is known already.
    pub fn paid(&self, payment: &Payment, at: Timestamp) -> Option<Transition> {
        if self.payment_status == PaymentState::Paid {
            return None;
        }
        let mut order = self.moved("order.paid", payment.provider.as_str(), "", at);
        order.payment_status = PaymentState::Paid;
        order.payment = Some(payment.clone());
        order.body.provider = payment.provider;
        match self.status {
            Status::AwaitingPayment => {
                order.status = Status::Paid;
                order.reserved_until = None;
                for shipment in &mut order.body.shipments {
                    shipment.status = ShipmentStatus::New;
                }
                Some(Transition::of(order, StockEffect::Sell, Some("order.paid")))
            }
            // The money came after the end: it is recorded, and has to go back.
            Status::Cancelled | Status::Refunded => {
                Some(Transition::of(order, StockEffect::Keep, Some("order.paid_after_end")))
            }
            // Cash handed over, or a second word on what is paid: the state of the goods stays.
            _ => Some(Transition::of(order, StockEffect::Keep, Some("order.paid"))),
        }
    }

    /// The money went back.
    pub fn refunded(&self, at: Timestamp) -> Option<Transition> {
        if self.payment_status == PaymentState::Refunded {
            return None;
        }
        let untouched = self.untouched();
        let mut order = self.moved("order.refunded", self.provider_name(), "", at);
        order.payment_status = PaymentState::Refunded;
        if !matches!(self.status, Status::Cancelled | Status::Refunded) {
            order.status = Status::Refunded;
            order.reserved_until = None;
        }
        let back = untouched && !matches!(self.status, Status::Cancelled | Status::Refunded);
        if back {
            order.cancel_shipments();
        }
        let stock = if back { StockEffect::Release } else { StockEffect::Keep };
        Some(Transition::of(order, stock, Some("order.refunded")))
    }

    /// The shopper no longer wants it. Paid orders need their money back first.
    pub fn cancel(&self, actor: &str, reason: &str, at: Timestamp) -> Result<Transition, Illegal> {
        if !self.cancellable() {
            return Err(Illegal::Cancel);
        }
        let mut order = self.moved("order.cancelled", actor, reason, at);
        order.end();
        Ok(Transition::of(order, StockEffect::Release, Some("order.cancelled")))
    }

    /// Nobody paid in time.
    pub fn expire(&self, at: Timestamp) -> Result<Transition, Illegal> {
        if self.status != Status::AwaitingPayment {
            return Err(Illegal::Cancel);
        }
        let mut order = self.moved("order.expired", "system", "", at);
        order.end();
        Ok(Transition::of(order, StockEffect::Release, Some("order.expired")))
    }

    /// Goods are held until another moment; nobody needs to know.
    pub fn hold_until(&self, until: Timestamp) -> Result<Transition, Illegal> {
        if self.status != Status::AwaitingPayment {
            return Err(Illegal::Payment);
        }
        let mut order = self.clone();
        order.version += 1;
        order.reserved_until = Some(until);
        Ok(Transition::of(order, StockEffect::Keep, None))
    }

    /// A merchant moves its shipment.
    pub fn move_shipment(
        &self,
        merchant: MerchantId,
        step: &ShipmentMove,
        at: Timestamp,
    ) -> Result<Transition, Illegal> {
        let (event, note) = match step {
            ShipmentMove::Accept => ("order.accepted", ""),
            ShipmentMove::Ship { tracking, .. } => ("order.shipped", tracking.as_str()),
            ShipmentMove::Deliver => ("order.delivered", ""),
            ShipmentMove::Cancel { reason } => ("order.cancelled", reason.as_str()),
        };
        let only = self.body.shipments.len() == 1;
        let mut order = self.moved(event, "merchant", note, at);
        let shipment = order.body.shipments.iter_mut().find(|own| own.merchant == merchant);
        let shipment = shipment.ok_or(Illegal::NoShipment)?;
        let id = shipment.id;
        shipment.status = match (shipment.status, step) {
            (ShipmentStatus::New, ShipmentMove::Accept) => ShipmentStatus::Accepted,
            (
                ShipmentStatus::New | ShipmentStatus::Accepted,
                ShipmentMove::Ship { carrier, tracking },
            ) => {
                shipment.carrier.clone_from(carrier);
                shipment.tracking.clone_from(tracking);
                ShipmentStatus::Shipped
            }
            (ShipmentStatus::Shipped, ShipmentMove::Deliver) => ShipmentStatus::Delivered,
            // Only an unpaid order that is this merchant's alone: anything else owes money back.
            (ShipmentStatus::New | ShipmentStatus::Accepted, ShipmentMove::Cancel { .. })
                if only && self.cancellable() =>
            {
                ShipmentStatus::Cancelled
            }
            _ => return Err(Illegal::Shipment),
        };
        if matches!(step, ShipmentMove::Cancel { .. }) {
            order.end();
            let transition = Transition::of(order, StockEffect::Release, Some(event));
            return Ok(Transition { shipment: Some(id), ..transition });
        }
        order.status = order.status_of_shipments();
        Ok(Transition {
            shipment: Some(id),
            ..Transition::of(order, StockEffect::Keep, Some(event))
        })
    }

    /// Whether the order may still be called off without owing money.
    pub fn cancellable(&self) -> bool {
        let open = match self.status {
            Status::AwaitingPayment => true,
            Status::Processing => self.body.provider == Provider::Cash,
            _ => false,
        };
        open && self.payment_status != PaymentState::Paid && self.untouched()
    }

    fn untouched(&self) -> bool {
        !self.body.shipments.iter().any(|shipment| {
            matches!(shipment.status, ShipmentStatus::Shipped | ShipmentStatus::Delivered)
        })
    }

    fn status_of_shipments(&self) -> Status {
        let all = |reached: &[ShipmentStatus]| {
            let mut live =
                self.body.shipments.iter().filter(|own| own.status != ShipmentStatus::Cancelled);
            live.all(|shipment| reached.contains(&shipment.status))
        };
        if all(&[ShipmentStatus::Delivered]) {
            Status::Delivered
        } else if all(&[ShipmentStatus::Shipped, ShipmentStatus::Delivered]) {
            Status::Shipped
        } else {
            Status::Processing
        }
    }

    fn end(&mut self) {
        self.status = Status::Cancelled;
        self.reserved_until = None;
        if self.payment_status != PaymentState::Paid {
            self.payment_status = PaymentState::Cancelled;
        }
        self.cancel_shipments();
    }

    fn cancel_shipments(&mut self) {
        for shipment in &mut self.body.shipments {
            shipment.status = ShipmentStatus::Cancelled;
        }
    }

    fn provider_name(&self) -> &'static str {
        self.body.provider.as_str()
    }

    fn moved(&self, event: &str, actor: &str, note: &str, at: Timestamp) -> Self {
        let mut order = self.clone();
        order.version += 1;
        order.body.timeline.push(Entry {
            at: at.millis(),
            event: event.to_owned(),
            actor: actor.to_owned(),
            note: note.to_owned(),
        });
        order
    }
}

impl Transition {
    fn of(order: Order, stock: StockEffect, event: Option<&'static str>) -> Self {
        Self { order, stock, event, shipment: None }
    }
}

#[cfg(test)]
mod tests;
