//! What is owed to whom: the entries that a move of an order makes.
//!
//! Every posting takes a sum from one account and gives it to another: no posting, and so no ledger, can be out of balance.
//! What the ledger should hold of an order follows from the order alone ([`postings`] posts the difference between before and
//! after), so that no move, whatever it is, can be forgotten, and all postings of an order add up to where it stands.
//!
//! ```text
//! clearing --paid--> shopper --sale--> merchant --commission--> commission, commission_vat
//!                       |                 ^  +-----payout------> payouts --paid--> bank
//!                       +--delivery fee   +-- discounts (what the platform pays of a price)
//! ```
//!
//! A sale is one when it is paid, and in cash when it is delivered. A refund counts from when it is asked for: from then on the
//! merchant has no claim to the money and cannot be paid it; one that the provider refuses is taken back. What the provider has
//! confirmed leaves `clearing`. A part of a price that goes back takes the same part of the commission and of what the platform
//! paid with it, and the last part takes the rest: after all of a price nothing is left of either.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::MerchantId;
use money::{Currency, Money, allocate};
use serde::{Deserialize, Serialize};

use super::{Funder, Item, Order, PaymentState, Provider, RefundState, Shipment, ShipmentStatus};

mod terms;

pub use terms::{Agreement, Commissions};

/// Whose money it is, or whose it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// With payment providers and couriers.
    Clearing,
    /// What shoppers have paid and nobody has earned yet; below zero for goods that are paid in cash and not handed over yet.
    Shopper,
    /// What the platform owes a merchant.
    Merchant,
    /// The platform's commission.
    Commission,
    /// VAT on the commission, owed to the state.
    CommissionVat,
    /// The platform's part of discounts.
    Discounts,
    /// Delivery fees: the platform's.
    Delivery,
    /// Set aside for payouts that are not paid yet.
    Payouts,
    /// The platform's bank.
    Bank,
    /// The other side of corrections by hand.
    Adjustments,
}

/// Why it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Payment,
    Sale,
    Commission,
    Refund,
    Delivery,
    Payout,
    Adjustment,
}

/// A sum from one account to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// Why.
    pub kind: Kind,
    /// Whose ledger shows it; none for what is between shopper and platform.
    pub merchant: Option<MerchantId>,
    /// It has less of it now.
    pub debit: Account,
    /// It has more of it now.
    pub credit: Account,
    /// Above zero.
    pub amount: Money,
}

/// A change of a merchant's sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaleChange {
    /// Whose.
    pub merchant: MerchantId,
    /// The sale, when it is one now.
    pub sold: Option<Sold>,
    /// From when the merchant may have the money; none before that is known.
    pub available_at: Option<Timestamp>,
}

/// What was sold, as reports count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sold {
    /// Pieces.
    pub pieces: i64,
    /// At their prices.
    pub gross: i64,
    /// Taken off them, by whomever.
    pub discount: i64,
    /// Of both.
    pub currency: Currency,
}

/// What the ledger holds of an order: how much has gone each way, in all.
#[derive(Debug, Default)]
struct Position {
    received: i64,
    delivery: i64,
    parts: BTreeMap<MerchantId, Part>,
}

/// Of one merchant's sale.
#[derive(Debug, Default)]
struct Part {
    sold: bool,
    price: i64,
    discounts: i64,
    commission: i64,
    vat: i64,
    /// What the merchant pays of the delivery.
    delivery: i64,
    gross: i64,
    off: i64,
    pieces: i64,
}

/// What a move adds to the ledger. `before` is none for a new order.
pub fn postings(before: Option<&Order>, after: &Order) -> Vec<Posting> {
    use Account::{Clearing, Commission, CommissionVat, Delivery, Discounts, Merchant, Shopper};
    let old = before.map(position).unwrap_or_default();
    let new = position(after);
    let mut journal = Journal { currency: after.body.totals.total.currency, postings: Vec::new() };
    journal.between(
        (Clearing, Shopper),
        (Kind::Payment, Kind::Refund),
        None,
        new.received - old.received,
    );
    journal.between(
        (Shopper, Delivery),
        (Kind::Delivery, Kind::Delivery),
        None,
        new.delivery - old.delivery,
    );
    let none = Part::default();
    for (merchant, part) in &new.parts {
        let was = old.parts.get(merchant).unwrap_or(&none);
        // What is no first sale gives back, or takes a refund back.
        let sale = (if was.sold { Kind::Refund } else { Kind::Sale }, Kind::Refund);
        let commission = (Kind::Commission, Kind::Commission);
        let owner = Some(*merchant);
        journal.between((Shopper, Merchant), sale, owner, part.price - was.price);
        journal.between((Discounts, Merchant), sale, owner, part.discounts - was.discounts);
        let fee = part.commission - was.commission;
        journal.between((Merchant, Commission), commission, owner, fee);
        journal.between((Merchant, CommissionVat), commission, owner, part.vat - was.vat);
        let carried = part.delivery - was.delivery;
        journal.between((Merchant, Delivery), (Kind::Delivery, Kind::Delivery), owner, carried);
    }
    journal.postings
}

/// Which sales a move makes or ends, and from when their money is the merchant's to have.
pub fn sales(before: Option<&Order>, after: &Order, now: Timestamp) -> Vec<SaleChange> {
    let old = before.map(position).unwrap_or_default();
    let currency = after.body.totals.total.currency;
    let mut changes = Vec::new();
    for (merchant, part) in position(after).parts {
        let was_sold = old.parts.get(&merchant).is_some_and(|part| part.sold);
        let available_at = part.sold.then(|| available_at(after, merchant, now)).flatten();
        if part.sold && !was_sold {
            let sold =
                Sold { pieces: part.pieces, gross: part.gross, discount: part.off, currency };
            changes.push(SaleChange { merchant, sold: Some(sold), available_at });
        } else if part.sold {
            let known = before.and_then(|order| delivered(order, merchant)).is_some();
            if let Some(at) = available_at.filter(|_| !known) {
                changes.push(SaleChange { merchant, sold: None, available_at: Some(at) });
            }
        } else if was_sold {
            // Nothing is left to wait for.
            changes.push(SaleChange { merchant, sold: None, available_at: Some(now) });
        }
    }
    changes
}

/// What the ledger holds of an order when every posting was made, for whoever looks after it: how much more each account of each
/// merchant has been given than taken.
pub fn expected(order: &Order) -> BTreeMap<(Option<MerchantId>, Account), i64> {
    let mut sums = BTreeMap::new();
    for posting in postings(None, order) {
        let amount = posting.amount.amount;
        *sums.entry((posting.merchant, posting.debit)).or_insert(0) -= amount;
        *sums.entry((posting.merchant, posting.credit)).or_insert(0) += amount;
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

struct Journal {
    currency: Currency,
    postings: Vec<Posting>,
}

impl Journal {
    /// Moves `amount` along, or back when it is below zero.
    fn between(
        &mut self,
        (from, to): (Account, Account),
        (along, back): (Kind, Kind),
        merchant: Option<MerchantId>,
        amount: i64,
    ) {
        let posting = match amount {
            0 => return,
            1.. => (along, from, to),
            _ => (back, to, from),
        };
        let (kind, debit, credit) = posting;
        let amount = Money::new(amount.saturating_abs(), self.currency);
        self.postings.push(Posting { kind, merchant, debit, credit, amount });
    }
}

fn position(order: &Order) -> Position {
    // Orders from before there was a ledger are settled without it.
    if order.body.items.iter().any(|item| item.agreement.is_none()) {
        return Position::default();
    }
    let parts: BTreeMap<MerchantId, Part> = order
        .body
        .shipments
        .iter()
        .map(|shipment| (shipment.merchant, part(order, shipment)))
        .collect();
    let received = if received(order) { order.paid_sum() - returned(order) } else { 0 };
    let delivery = if parts.values().any(|part| part.sold) { fee(order) } else { 0 };
    Position { received, delivery, parts }
}

/// Whether the money came, wherever it is now.
fn received(order: &Order) -> bool {
    use PaymentState::{Paid, PartiallyRefunded, Refunded};
    matches!(order.payment_status, Paid | PartiallyRefunded | Refunded)
}

/// What the provider has given back.
fn returned(order: &Order) -> i64 {
    let paid = order.paid_sum().max(0);
    match order.payment_status {
        // Said of the whole at once. Cash comes with each delivery, and goes back by itself.
        PaymentState::Refunded if order.body.provider != Provider::Cash => paid,
        _ => order.refunds_sum(Some(RefundState::Succeeded)).clamp(0, paid),
    }
}

/// What is left to the platform of what was paid for delivery: of the total, what the lines do not take.
fn fee(order: &Order) -> i64 {
    let goods: i64 = order.body.items.iter().map(|item| item.total.amount).sum();
    let refunds = order.body.refunds.iter();
    let back = refunds.filter(|refund| refund.merchant.is_none() && refund.counts());
    let back: i64 = back.map(|refund| refund.amount.amount).sum();
    (order.body.totals.total.amount - goods - back).max(0)
}

fn part(order: &Order, shipment: &Shipment) -> Part {
    let by_hand = order.body.provider == Provider::Cash;
    let delivered = shipment.status == ShipmentStatus::Delivered;
    let live = !matches!(shipment.status, ShipmentStatus::Pending | ShipmentStatus::Cancelled);
    // Cash is the merchant's when its own goods are handed over, whoever else's were.
    let earned = if by_hand { delivered } else { received(order) };
    let mut part = Part::default();
    if !live || !earned {
        return part;
    }
    part.sold = true;
    let own = |item: &&Item| item.merchant == shipment.merchant;
    let items: Vec<&Item> = order.body.items.iter().filter(own).collect();
    for (item, kept) in items.iter().zip(kept(order, shipment.merchant, &items)) {
        let Some(agreement) = item.agreement else { continue };
        let (kept, of) = match item.total.amount {
            // Nothing was paid for it, by the shopper: pieces tell how much of it is left.
            0 => (pieces_left(item), i64::from(item.quantity)),
            total => {
                part.price += kept;
                (kept, total)
            }
        };
        let paid_by_platform = platform(item);
        let (commission, vat) = agreement.commission(item.total.amount + paid_by_platform);
        let discount = proportion(item.discount.amount, kept, of);
        part.discounts += proportion(paid_by_platform, kept, of);
        part.commission += proportion(commission, kept, of);
        part.vat += proportion(vat, kept, of);
        part.off += discount;
        part.pieces +=
            i64::from(item.quantity) - i64::from(if by_hand { item.cancelled } else { 0 });
    }
    part.gross = part.price + part.off;
    let carried = order.body.delivery_discounts.iter().filter(|own| {
        own.merchant == shipment.merchant && own.adjustment.funded_by == Funder::Merchant
    });
    part.delivery = carried.map(|own| own.adjustment.amount.amount).sum();
    part
}

/// What is left of the price of each line after refunds: those of pieces come off their lines, the rest comes off all in
/// proportion to what is left.
fn kept(order: &Order, merchant: MerchantId, items: &[&Item]) -> Vec<i64> {
    let mut kept: Vec<i64> = items.iter().map(|item| order.paid_for(item)).collect();
    let mut rest = 0;
    for refund in &order.body.refunds {
        if refund.merchant != Some(merchant) || !refund.counts() {
            continue;
        }
        rest += refund.amount.amount;
        for part in &refund.parts {
            let line = items.iter().position(|item| item.id == part.item);
            if let Some(left) = line.and_then(|line| kept.get_mut(line)) {
                let back = part.amount.amount.clamp(0, *left);
                *left -= back;
                rest -= back;
            }
        }
    }
    let left: i64 = kept.iter().sum();
    let weights: Vec<u64> = kept.iter().map(|left| u64::try_from(*left).unwrap_or(0)).collect();
    let spread = allocate(rest.clamp(0, left), &weights);
    kept.iter().zip(spread).map(|(left, back)| left - back).collect()
}

fn pieces_left(item: &Item) -> i64 {
    i64::from(item.quantity.saturating_sub(item.cancelled).saturating_sub(item.returned))
}

/// What the platform pays of a line's price.
fn platform(item: &Item) -> i64 {
    let by_platform = item.adjustments.iter().filter(|own| own.funded_by == Funder::Platform);
    by_platform.map(|own| own.amount.amount).sum()
}

/// `kept` of `of` parts of a sum, rounded half up: all of it for all, nothing for none.
fn proportion(sum: i64, kept: i64, of: i64) -> i64 {
    if of <= 0 {
        return 0;
    }
    let (sum, kept, of) = (i128::from(sum), i128::from(kept), i128::from(of));
    i64::try_from((sum * kept * 2 + of).div_euclid(of * 2)).unwrap_or(i64::MAX)
}

fn delivered(order: &Order, merchant: MerchantId) -> Option<&Shipment> {
    let mut shipments = order.body.shipments.iter();
    shipments.find(|own| own.merchant == merchant && own.status == ShipmentStatus::Delivered)
}

/// When the time to bring the goods back is over.
fn available_at(order: &Order, merchant: MerchantId, now: Timestamp) -> Option<Timestamp> {
    let shipment = delivered(order, merchant)?;
    let at = shipment.delivered_at.map_or(now, Timestamp::from_millis);
    let own = order.body.items.iter().filter(|item| item.merchant == merchant);
    let hold = own.filter_map(|item| item.agreement).map(|agreement| agreement.hold()).max();
    Some(at.plus(hold.unwrap_or_default()))
}

#[cfg(test)]
mod tests;
