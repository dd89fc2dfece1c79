//! Money that goes back: how much may, how much does, and what becomes of the order.

use clock::Timestamp;
use ids::{MerchantId, RefundId, ReturnId};
use money::Money;

use super::{Illegal, StockEffect, Transition};
use crate::domain::{
    Item, Order, PaymentState, Provider, Refund, RefundCause, RefundPart, RefundState, Shipment,
    ShipmentStatus, Status,
    returns::{Pieces, ReturnState},
};

/// What `some` of `pieces` equal pieces cost that cost `sum` together: shares differ by a tiyin at most, the larger ones first, and
/// all of them add up to the sum.
fn share(sum: i64, pieces: u32, some: u32) -> i64 {
    if some >= pieces {
        return sum;
    }
    let (each, rest) = (sum / i64::from(pieces), sum % i64::from(pieces));
    each * i64::from(some) + rest.min(i64::from(some))
}

/// What a merchant gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Giving {
    /// A sum.
    Sum(Money),
    /// What was paid for these pieces.
    Pieces(Vec<Pieces>),
}

/// A request to give money back.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Its name: also the key with the payment service.
    pub id: RefundId,
    /// What for.
    pub giving: Giving,
    /// In the merchant's words.
    pub reason: String,
}

impl Refund {
    /// Whether it counts: what a provider refused did not go back.
    pub fn counts(&self) -> bool {
        self.state != RefundState::Failed
    }
}

impl Order {
    /// Whether money came for it, wherever it is now.
    pub fn has_money(&self) -> bool {
        let by_hand = self.body.provider == Provider::Cash;
        let delivered = |own: &Shipment| own.status == ShipmentStatus::Delivered;
        matches!(
            self.payment_status,
            PaymentState::Paid | PaymentState::PartiallyRefunded | PaymentState::Refunded
        ) || (by_hand && self.body.shipments.iter().any(delivered))
    }

    /// What the shopper has paid: all of it, or to the courier's hand what was delivered.
    pub fn paid_sum(&self) -> i64 {
        if !self.has_money() {
            return 0;
        }
        if self.body.provider != Provider::Cash {
            return self.body.totals.total.amount;
        }
        let goods: i64 = self.body.items.iter().map(|item| self.paid_for(item)).sum();
        goods + self.paid_for_delivery()
    }

    /// What refunds that count come to, in the given states or in all.
    pub fn refunds_sum(&self, only: Option<RefundState>) -> i64 {
        let counted = self.body.refunds.iter().filter(|refund| refund.counts());
        counted
            .filter(|refund| only.is_none_or(|state| refund.state == state))
            .map(|refund| refund.amount.amount)
            .sum()
    }

    /// What may still go back of the whole order.
    pub fn refundable(&self) -> i64 {
        self.paid_sum() - self.refunds_sum(None)
    }

    /// What may still go back of a merchant's sale; with none, of the delivery.
    pub fn refundable_of(&self, merchant: Option<MerchantId>) -> i64 {
        let paid: i64 = match merchant {
            Some(_) => {
                let own = self.body.items.iter().filter(|item| Some(item.merchant) == merchant);
                own.map(|item| self.paid_for(item)).sum()
            }
            None => self.paid_for_delivery(),
        };
        let back = self.body.refunds.iter().filter(|it| it.counts() && it.merchant == merchant);
        let left = paid - back.map(|refund| refund.amount.amount).sum::<i64>();
        left.min(self.refundable()).max(0)
    }

    /// Pieces of a line for which money may still go back.
    pub fn refundable_pieces(&self, item: &Item) -> u32 {
        let refunded: u32 = self.parts_of(item).map(|part| part.quantity).sum();
        let unpaid = if self.body.provider == Provider::Cash { item.cancelled } else { 0 };
        item.quantity.saturating_sub(unpaid).saturating_sub(refunded)
    }

    /// Whether a merchant has delivered its part.
    pub fn is_delivered_by(&self, merchant: MerchantId) -> bool {
        let shipments = self.body.shipments.iter();
        let mut own = shipments.filter(|shipment| shipment.merchant == merchant);
        own.any(|shipment| shipment.status == ShipmentStatus::Delivered)
    }

    /// What was paid for a line: nothing before a courier has brought it, when it is paid to the hand.
    pub fn paid_for(&self, item: &Item) -> i64 {
        let total = item.total.amount;
        match self.body.provider {
            Provider::Cash if !self.is_delivered_by(item.merchant) => 0,
            Provider::Cash => total - share(total, item.quantity, item.cancelled),
            _ => total,
        }
    }

    /// What is left of the total when the lines are paid: so that whatever was taken off the delivery is.
    pub fn paid_for_delivery(&self) -> i64 {
        let goods: i64 = self.body.items.iter().map(|item| item.total.amount).sum();
        let by_hand = self.body.provider == Provider::Cash;
        let nothing = by_hand
            && !self.body.shipments.iter().any(|own| own.status == ShipmentStatus::Delivered);
        if nothing { 0 } else { (self.body.totals.total.amount - goods).max(0) }
    }

    fn parts_of(&self, item: &Item) -> impl Iterator<Item = &RefundPart> {
        let id = item.id;
        let counted = self.body.refunds.iter().filter(|refund| refund.counts());
        counted.flat_map(|refund| &refund.parts).filter(move |part| part.item == id)
    }

    /// What goes back for so many pieces of a line: their share of what is left of it.
    fn cost_of(&self, item: &Item, quantity: u32) -> Money {
        let back: i64 = self.parts_of(item).map(|part| part.amount.amount).sum();
        let left = (self.paid_for(item) - back).max(0);
        let amount = share(left, self.refundable_pieces(item), quantity);
        Money { amount, ..item.total }
    }

    /// The line, if it has so many pieces for which money may go back.
    pub(super) fn line(&self, merchant: MerchantId, pieces: Pieces) -> Result<&Item, Illegal> {
        let item = self.body.items.iter().find(|item| item.id == pieces.item);
        let item = item.filter(|item| item.merchant == merchant).ok_or(Illegal::NoItem)?;
        let fits = pieces.quantity > 0 && pieces.quantity <= self.refundable_pieces(item);
        if fits { Ok(item) } else { Err(Illegal::Quantity) }
    }

    /// Asks for the money of pieces of one merchant; whether there was any.
    pub(super) fn ask_for_pieces(
        &mut self,
        (merchant, pieces): (MerchantId, &[Pieces]),
        ask: (RefundId, RefundCause, &str, Option<ReturnId>),
        at: Timestamp,
    ) -> bool {
        let mut left = self.refundable_of(Some(merchant));
        let mut parts: Vec<RefundPart> = Vec::new();
        for wanted in pieces {
            let Some(item) = self.body.items.iter().find(|item| item.id == wanted.item) else {
                continue;
            };
            let quantity = wanted.quantity.min(self.refundable_pieces(item));
            let cost = self.cost_of(item, quantity);
            // After a gift of the merchant's there may be less left than the pieces cost.
            let amount = Money { amount: cost.amount.min(left), ..cost };
            left -= amount.amount;
            parts.push(RefundPart { item: wanted.item, quantity, amount });
        }
        self.ask_for(Some(merchant), parts, ask, at)
    }

    /// Asks for the sum of the parts.
    fn ask_for(
        &mut self,
        merchant: Option<MerchantId>,
        parts: Vec<RefundPart>,
        (id, cause, reason, return_id): (RefundId, RefundCause, &str, Option<ReturnId>),
        at: Timestamp,
    ) -> bool {
        let amount: i64 = parts.iter().map(|part| part.amount.amount).sum();
        self.push(merchant, (parts, amount), (id, cause, reason, return_id), at)
    }

    fn push(
        &mut self,
        merchant: Option<MerchantId>,
        (parts, amount): (Vec<RefundPart>, i64),
        (id, cause, reason, return_id): (RefundId, RefundCause, &str, Option<ReturnId>),
        at: Timestamp,
    ) -> bool {
        if amount <= 0 {
            return false;
        }
        self.body.refunds.push(Refund {
            id,
            merchant,
            parts,
            amount: Money { amount, ..self.body.totals.total },
            cause,
            reason: reason.to_owned(),
            return_id,
            state: RefundState::Pending,
            at: at.millis(),
        });
        true
    }

    /// Asks for everything that is left of a delivery that nobody needs any more.
    pub(super) fn ask_for_delivery(&mut self, reason: &str, at: Timestamp) {
        let amount = self.refundable_of(None);
        let ask = (RefundId::new(), RefundCause::Cancelled, reason, None);
        self.push(None, (Vec::new(), amount), ask, at);
    }

    /// Money that came after the end goes back as it came.
    pub(super) fn ask_for_late_money(&mut self, at: Timestamp) {
        let amount = self.refundable();
        let ask = (RefundId::new(), RefundCause::Cancelled, "", None);
        self.push(None, (Vec::new(), amount), ask, at);
    }

    /// A merchant gives money back. Pieces that were not sent yet are cancelled by it, and so is the shipment when all of its money
    /// goes back.
    pub fn give_back(
        &self,
        merchant: MerchantId,
        ask: &Ask,
        at: Timestamp,
    ) -> Result<Transition, Illegal> {
        let shipment = self.shipment_of(merchant)?;
        let (id, waiting) = (
            shipment.id,
            matches!(shipment.status, ShipmentStatus::New | ShipmentStatus::Accepted),
        );
        if !self.has_money() {
            return Err(Illegal::NotPaid);
        }
        let left = self.refundable_of(Some(merchant));
        if waiting {
            match &ask.giving {
                Giving::Pieces(pieces) => {
                    return self.cancel_pieces(merchant, Some(pieces), &ask.reason, ask.id, at);
                }
                Giving::Sum(sum) if sum.amount == left && left > 0 => {
                    return self.cancel_pieces(merchant, None, &ask.reason, ask.id, at);
                }
                Giving::Sum(_) => {}
            }
        }
        let mut order = self.moved("order.refund_requested", "merchant", &ask.reason, at);
        let why = (ask.id, RefundCause::Goodwill, ask.reason.as_str(), None);
        let asked = match &ask.giving {
            Giving::Sum(sum) => {
                let fits = sum.currency == self.body.totals.total.currency
                    && (1..=left).contains(&sum.amount);
                if !fits {
                    return Err(Illegal::RefundTooLarge);
                }
                order.push(Some(merchant), (Vec::new(), sum.amount), why, at)
            }
            Giving::Pieces(pieces) => {
                for wanted in pieces {
                    self.line(merchant, *wanted)?;
                }
                order.ask_for_pieces((merchant, pieces), why, at)
            }
        };
        if !asked {
            return Err(Illegal::RefundTooLarge);
        }
        let event = Some("order.refund_requested");
        Ok(Transition { shipment: Some(id), ..Transition::of(order, StockEffect::Keep, event) })
    }

    /// How a refund stands now; none when that is known, or when it has ended.
    pub fn refund_stands(
        &self,
        id: RefundId,
        state: RefundState,
        (actor, note): (&str, &str),
        at: Timestamp,
    ) -> Option<Transition> {
        let known = self.body.refunds.iter().find(|refund| refund.id == id)?;
        let over = matches!(known.state, RefundState::Succeeded | RefundState::Failed);
        if over || known.state == state {
            return None;
        }
        let merchant = known.merchant;
        let event = match state {
            RefundState::Succeeded => "order.refund_done",
            RefundState::Failed => "order.refund_failed",
            // How people send the money is no news for the shopper.
            RefundState::NeedsManual | RefundState::Pending => "order.refund_changed",
        };
        let mut order = if matches!(state, RefundState::Succeeded | RefundState::Failed) {
            self.moved(event, actor, note, at)
        } else {
            let mut order = self.clone();
            order.version += 1;
            order
        };
        if let Some(refund) = order.body.refunds.iter_mut().find(|refund| refund.id == id) {
            refund.state = state;
        }
        let event = order.settle_money(event, at);
        let shipment = merchant.and_then(|merchant| self.shipment_of(merchant).ok());
        let transition = Transition::of(order, StockEffect::Keep, Some(event));
        Some(Transition { shipment: shipment.map(|shipment| shipment.id), ..transition })
    }

    /// What the order and its returns are after their refunds stand otherwise; the event to tell.
    pub(super) fn settle_money(&mut self, event: &'static str, at: Timestamp) -> &'static str {
        let done = |refunds: &[Refund], id| {
            let mut of_return = refunds.iter().filter(|refund| refund.return_id == Some(id));
            of_return.any(|refund| refund.state == RefundState::Succeeded)
        };
        for it in &mut self.body.returns {
            if it.state == ReturnState::Received && done(&self.body.refunds, it.id) {
                it.state = ReturnState::Refunded;
                it.changed_at = at.millis();
            }
        }
        let back = self.refunds_sum(Some(RefundState::Succeeded));
        if back == 0 {
            return event;
        }
        if back < self.paid_sum() {
            self.payment_status = PaymentState::PartiallyRefunded;
            return event;
        }
        self.payment_status = PaymentState::Refunded;
        if self.status != Status::Cancelled {
            self.status = Status::Refunded;
        }
        "order.refunded"
    }

    /// All the money went back at once, whoever began it: what was under way is done, and the rest is written down with it.
    pub(super) fn all_money_back(&mut self, cause: RefundCause, at: Timestamp) {
        for refund in self.body.refunds.iter_mut().filter(|refund| refund.counts()) {
            refund.state = RefundState::Succeeded;
        }
        let merchants: Vec<_> = self.body.shipments.iter().map(|own| Some(own.merchant)).collect();
        for merchant in merchants.into_iter().chain([None]) {
            let amount = self.refundable_of(merchant);
            if self.push(merchant, (Vec::new(), amount), (RefundId::new(), cause, "", None), at)
                && let Some(refund) = self.body.refunds.last_mut()
            {
                refund.state = RefundState::Succeeded;
            }
        }
    }
}
