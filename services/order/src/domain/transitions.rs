//! The moves of an order. Each takes the order as it is and gives the order as it will be, with what must happen to the stock and
//! what others are told. Nothing here reads a clock or a store.

use clock::Timestamp;
use ids::{MerchantId, OfferId, RefundId, ShipmentId};

use super::{
    Entry, Order, Payment, PaymentState, Provider, RefundCause, ShipmentStatus, Status,
    returns::Pieces,
};

mod cancelling;
mod refunds;
mod returning;

pub use refunds::{Ask, Giving};

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
    /// Sold pieces that go back on sale, beside what becomes of the rest.
    pub pieces: Vec<Moved>,
}

/// Sold pieces of an offer that go back on sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Of which offer.
    pub offer: OfferId,
    /// How many; above zero.
    pub quantity: u32,
    /// Why, as the ledger of stock says it: "released" or "returned".
    pub cause: &'static str,
}

/// What a merchant does with a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ShipmentMove {
    Accept,
    Ship { carrier: String, tracking: String },
    Deliver,
    Cancel { reason: String, pieces: Option<Vec<Pieces>>, refund: RefundId },
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
    #[error("the order has no such line of this merchant")]
    NoItem,
    #[error("there are not so many pieces left of this line")]
    Quantity,
    #[error("there is no such return")]
    NoReturn,
    #[error("the return is in another state")]
    Return,
    #[error("only what has been delivered can be returned")]
    NotDelivered,
    #[error("the time in which these goods may be brought back is over")]
    ReturnWindow,
    #[error("the lines are of several merchants: one return for each")]
    OtherMerchant,
    #[error("nothing has been paid for the order yet")]
    NotPaid,
    #[error("no more can go back than was paid for the goods")]
    RefundTooLarge,
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
        if matches!(
            self.payment_status,
            PaymentState::Paid | PaymentState::PartiallyRefunded | PaymentState::Refunded
        ) {
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
            // The money came after the end: it is recorded, and goes back.
            Status::Cancelled | Status::Refunded => {
                order.ask_for_late_money(at);
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
        if !self.has_money() {
            // It came and went before it was heard of: it is written down as gone, so that nobody gives it back once more.
            order.payment_status = PaymentState::Paid;
        }
        let cause = if untouched { RefundCause::Cancelled } else { RefundCause::Goodwill };
        order.all_money_back(cause, at);
        order.settle_money("order.refunded", at);
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

    /// The shopper no longer wants it: as long as nothing is on its way. What was paid goes back.
    pub fn cancel(&self, actor: &str, reason: &str, at: Timestamp) -> Result<Transition, Illegal> {
        if self.refundable_whole() {
            return Ok(self.cancel_paid(actor, reason, at));
        }
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
            ShipmentMove::Cancel { reason, pieces, refund } => {
                return self.cancel_pieces(merchant, pieces.as_deref(), reason, *refund, at);
            }
        };
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
            (ShipmentStatus::Shipped, ShipmentMove::Deliver) => {
                shipment.delivered_at = Some(at.millis());
                ShipmentStatus::Delivered
            }
            _ => return Err(Illegal::Shipment),
        };
        // Goods may still be on their way when all of their money is back.
        if self.status != Status::Refunded {
            order.status = order.status_of_shipments();
        }
        let by_hand = self.body.provider == Provider::Cash && !self.has_money_back();
        if by_hand && order.status == Status::Delivered {
            order.payment_status = PaymentState::Paid;
        }
        Ok(Transition {
            shipment: Some(id),
            ..Transition::of(order, StockEffect::Keep, Some(event))
        })
    }

    /// Whether the order may still be called off by its shopper.
    pub fn cancellable(&self) -> bool {
        let open = match self.status {
            Status::AwaitingPayment => true,
            Status::Processing => self.body.provider == Provider::Cash,
            _ => false,
        };
        (open && !self.has_money() && self.untouched()) || self.refundable_whole()
    }

    fn has_money_back(&self) -> bool {
        matches!(self.payment_status, PaymentState::PartiallyRefunded | PaymentState::Refunded)
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
        let none = !self.body.shipments.iter().any(|own| own.status != ShipmentStatus::Cancelled);
        if none {
            Status::Cancelled
        } else if self.status == Status::Paid && all(&[ShipmentStatus::New]) {
            Status::Paid
        } else if all(&[ShipmentStatus::Delivered]) {
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
        if !self.has_money() {
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
    pub(super) fn of(order: Order, stock: StockEffect, event: Option<&'static str>) -> Self {
        Self { order, stock, event, shipment: None, pieces: Vec::new() }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod money_tests;
