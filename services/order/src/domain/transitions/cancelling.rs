//! What will not be sent: pieces, a shipment, the order.

use clock::Timestamp;
use ids::{MerchantId, RefundId};

use super::{Illegal, Moved, StockEffect, Transition};
use crate::domain::{Order, RefundCause, Shipment, ShipmentStatus, Status, returns::Pieces};

impl Order {
    /// A merchant will not send pieces of an order, or with none named its whole shipment. What was paid for them goes back; other
    /// merchants' shipments go on. With the last shipment the order ends.
    pub fn cancel_pieces(
        &self,
        merchant: MerchantId,
        pieces: Option<&[Pieces]>,
        reason: &str,
        refund: RefundId,
        at: Timestamp,
    ) -> Result<Transition, Illegal> {
        let shipment = self.shipment_of(merchant)?;
        if !matches!(shipment.status, ShipmentStatus::New | ShipmentStatus::Accepted) {
            return Err(Illegal::Shipment);
        }
        let id = shipment.id;
        let left = |order: &Self| -> Vec<Pieces> {
            let own = order.body.items.iter().filter(|item| item.merchant == merchant);
            let left = |quantity: u32, cancelled: u32| quantity.saturating_sub(cancelled);
            own.map(|item| Pieces { item: item.id, quantity: left(item.quantity, item.cancelled) })
                .filter(|pieces| pieces.quantity > 0)
                .collect()
        };
        let wanted = match pieces {
            None => left(self),
            Some(pieces) => pieces.to_vec(),
        };
        let mut order = self.moved("order.items_cancelled", "merchant", reason, at);
        let mut back = Vec::new();
        for pieces in &wanted {
            let item = order.body.items.iter_mut().find(|item| item.id == pieces.item);
            let item = item.filter(|item| item.merchant == merchant).ok_or(Illegal::NoItem)?;
            if pieces.quantity == 0
                || pieces.quantity > item.quantity.saturating_sub(item.cancelled)
            {
                return Err(Illegal::Quantity);
            }
            item.cancelled += pieces.quantity;
            back.push(Moved { offer: item.offer, quantity: pieces.quantity, cause: "released" });
        }
        let ask = (refund, RefundCause::Cancelled, reason, None);
        if self.has_money() {
            order.ask_for_pieces((merchant, &wanted), ask, at);
        }
        let mut event = "order.items_cancelled";
        if left(&order).is_empty() {
            order.set_shipment(merchant, ShipmentStatus::Cancelled);
        }
        if order.body.shipments.iter().all(|own| own.status == ShipmentStatus::Cancelled) {
            event = "order.cancelled";
            if self.has_money() {
                order.ask_for_delivery(reason, at);
            }
            order.end();
            if let Some(entry) = order.body.timeline.last_mut() {
                event.clone_into(&mut entry.event);
            }
        } else {
            order.status = order.status_of_shipments();
        }
        let transition = Transition::of(order, StockEffect::Keep, Some(event));
        Ok(Transition { shipment: Some(id), pieces: back, ..transition })
    }

    /// The shopper no longer wants what was paid for, and nothing of it is on its way: all that is left goes back.
    pub(super) fn cancel_paid(&self, actor: &str, reason: &str, at: Timestamp) -> Transition {
        let mut order = self.moved("order.cancelled", actor, reason, at);
        let live = self.body.shipments.iter().filter(|own| own.status != ShipmentStatus::Cancelled);
        for shipment in live {
            let own = self.body.items.iter().filter(|item| item.merchant == shipment.merchant);
            let pieces: Vec<Pieces> = own
                .map(|item| Pieces { item: item.id, quantity: self.refundable_pieces(item) })
                .filter(|pieces| pieces.quantity > 0)
                .collect();
            let ask = (RefundId::new(), RefundCause::Cancelled, reason, None);
            order.ask_for_pieces((shipment.merchant, &pieces), ask, at);
            for item in &mut order.body.items {
                if item.merchant == shipment.merchant {
                    item.cancelled = item.quantity;
                }
            }
        }
        order.ask_for_delivery(reason, at);
        order.end();
        Transition::of(order, StockEffect::Release, Some("order.cancelled"))
    }

    /// Whether it may be called off although money came: all of it would go back.
    pub(super) fn refundable_whole(&self) -> bool {
        let open = matches!(self.status, Status::Paid | Status::Processing);
        open && self.has_money() && self.untouched()
    }

    pub(super) fn shipment_of(&self, merchant: MerchantId) -> Result<&Shipment, Illegal> {
        let mut shipments = self.body.shipments.iter();
        shipments.find(|own| own.merchant == merchant).ok_or(Illegal::NoShipment)
    }

    fn set_shipment(&mut self, merchant: MerchantId, status: ShipmentStatus) {
        for shipment in &mut self.body.shipments {
            if shipment.merchant == merchant {
                shipment.status = status;
            }
        }
    }
}
