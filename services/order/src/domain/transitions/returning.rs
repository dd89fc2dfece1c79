//! Goods that come back, and the end of an order that nobody can bring back any more.

use std::{collections::BTreeSet, time::Duration};

use clock::Timestamp;
use ids::{ItemId, MerchantId, RefundId, ReturnId};

use super::{Illegal, Moved, StockEffect, Transition};
use crate::domain::{
    Item, Order, RefundCause, Shipment, ShipmentStatus, Status,
    returns::{Return, ReturnMove, ReturnState, Wish},
};

/// By the law on consumers' rights: for what was sold before it was written down with the lines.
const LEGAL: Duration = Duration::from_hours(10 * 24);

impl Order {
    /// The shopper wants to bring pieces back to one merchant.
    pub fn request_return(&self, wish: &Wish, at: Timestamp) -> Result<Transition, Illegal> {
        let first = wish.parts.first().ok_or(Illegal::NoItem)?;
        let merchant = self.line_of(first.item)?.merchant;
        let shipment = self.shipment_of(merchant)?;
        let (id, until) = (shipment.id, self.returnable_until(shipment));
        let mut seen = BTreeSet::new();
        for part in &wish.parts {
            let item = self.line_of(part.item)?;
            if item.merchant != merchant {
                return Err(Illegal::OtherMerchant);
            }
            let fits = part.quantity > 0 && part.quantity <= self.returnable_pieces(item);
            if !fits || !seen.insert(part.item) {
                return Err(Illegal::Quantity);
            }
        }
        match until {
            None => return Err(Illegal::NotDelivered),
            Some(until) if at > until => return Err(Illegal::ReturnWindow),
            Some(_) => {}
        }
        let mut order = self.moved("order.return_requested", "shopper", &wish.reason, at);
        order.body.returns.push(Return {
            id: wish.id,
            merchant,
            parts: wish.parts.clone(),
            reason: wish.reason.clone(),
            comment: wish.comment.clone(),
            photos: wish.photos.clone(),
            state: ReturnState::Requested,
            answer: String::new(),
            restocked: None,
            at: at.millis(),
            changed_at: at.millis(),
        });
        let event = Some("order.return_requested");
        Ok(Transition { shipment: Some(id), ..Transition::of(order, StockEffect::Keep, event) })
    }

    /// The merchant answers, or has the goods again.
    pub fn move_return(
        &self,
        merchant: MerchantId,
        id: ReturnId,
        step: &ReturnMove,
        at: Timestamp,
    ) -> Result<Transition, Illegal> {
        let known = self.find_return(id).filter(|known| known.merchant == merchant);
        let known = known.ok_or(Illegal::NoReturn)?.clone();
        let shipment = self.shipment_of(merchant)?.id;
        let (event, state, note) = match (known.state, step) {
            (ReturnState::Requested, ReturnMove::Approve) => {
                ("order.return_approved", ReturnState::Approved, "")
            }
            (ReturnState::Requested, ReturnMove::Refuse { reason }) => {
                ("order.return_refused", ReturnState::Refused, reason.as_str())
            }
            (ReturnState::Approved, ReturnMove::Receive { .. }) => {
                ("order.return_received", ReturnState::Received, "")
            }
            _ => return Err(Illegal::Return),
        };
        let mut order = self.moved(event, "merchant", note, at);
        let (mut back, mut restocked) = (Vec::new(), None);
        let mut state = state;
        if let ReturnMove::Receive { restock } = step {
            restocked = Some(*restock);
            for item in &mut order.body.items {
                let quantity: u32 = pieces_in(&known, item.id);
                item.returned += quantity;
                if *restock && quantity > 0 {
                    back.push(Moved { offer: item.offer, quantity, cause: "returned" });
                }
            }
            let ask = (RefundId::new(), RefundCause::Returned, known.reason.as_str(), Some(id));
            if !order.ask_for_pieces((merchant, &known.parts), ask, at) {
                // Its money went back before the goods did.
                state = ReturnState::Refunded;
            }
        }
        for it in &mut order.body.returns {
            if it.id == id {
                (it.state, it.restocked, it.changed_at) = (state, restocked, at.millis());
                note.clone_into(&mut it.answer);
            }
        }
        let transition = Transition::of(order, StockEffect::Keep, Some(event));
        Ok(Transition { shipment: Some(shipment), pieces: back, ..transition })
    }

    /// Nobody can bring anything back any more: when that time has come. None while somebody wants to.
    pub fn complete(&self, at: Timestamp) -> Option<Transition> {
        let due = self.completes_at().is_some_and(|due| due <= at);
        if !due || self.has_open_return() {
            return None;
        }
        let mut order = self.moved("order.completed", "system", "", at);
        order.status = Status::Completed;
        Some(Transition::of(order, StockEffect::Keep, Some("order.completed")))
    }

    /// When a delivered order will be completed; none in any other state.
    pub fn completes_at(&self) -> Option<Timestamp> {
        if self.status != Status::Delivered {
            return None;
        }
        self.body.shipments.iter().filter_map(|own| self.returnable_until(own)).max()
    }

    /// Whether somebody waits for the end of a return.
    pub fn has_open_return(&self) -> bool {
        let open = |it: &Return| matches!(it.state, ReturnState::Requested | ReturnState::Approved);
        self.body.returns.iter().any(open)
    }

    /// Until when pieces of a shipment may be brought back; none before it is delivered.
    pub fn returnable_until(&self, shipment: &Shipment) -> Option<Timestamp> {
        if shipment.status != ShipmentStatus::Delivered {
            return None;
        }
        let told = self.body.timeline.iter().rev().find(|entry| entry.event == "order.delivered");
        let at = shipment.delivered_at.or(told.map(|entry| entry.at))?;
        Some(Timestamp::from_millis(at).plus(self.window(shipment.merchant)))
    }

    /// How long after its delivery what a merchant sold may be brought back, as it was when it was sold.
    fn window(&self, merchant: MerchantId) -> Duration {
        let own = self.body.items.iter().filter(|item| item.merchant == merchant);
        let agreed = own.filter_map(|item| item.agreement).map(|agreement| agreement.hold());
        agreed.max().unwrap_or(LEGAL)
    }

    /// Pieces of a line that may still be asked back.
    pub fn returnable_pieces(&self, item: &Item) -> u32 {
        item.quantity.saturating_sub(item.cancelled).saturating_sub(self.claimed(item))
    }

    /// Pieces of a line that came back or were asked back.
    pub fn claimed(&self, item: &Item) -> u32 {
        let returns = self.body.returns.iter().filter(|it| it.state != ReturnState::Refused);
        returns.map(|it| pieces_in(it, item.id)).sum()
    }

    /// A return of the order.
    pub fn find_return(&self, id: ReturnId) -> Option<&Return> {
        self.body.returns.iter().find(|it| it.id == id)
    }

    fn line_of(&self, id: ItemId) -> Result<&Item, Illegal> {
        self.body.items.iter().find(|item| item.id == id).ok_or(Illegal::NoItem)
    }
}

fn pieces_in(of: &Return, item: ItemId) -> u32 {
    of.parts.iter().filter(|part| part.item == item).map(|part| part.quantity).sum()
}
