//! What a checkout comes to, whichever store writes it.

use fault::Field;
use ids::{ItemId, MerchantId, ProductId, ShipmentId};

use super::{
    Placing,
    promotions::{Basis, Use},
};
use crate::{
    domain::{
        Body, Buyer, Entry, Item, Order, PaymentState, Provider, Shipment, ShipmentStatus, Status,
        ledger::Commissions,
        offer::Offer,
        pricing::{self, Priced, Quote},
        promotion::{CodeRefusal, RefusedCode, Shopper},
    },
    error::Error,
};

/// Who buys.
pub(super) fn shopper(placing: &Placing) -> Shopper {
    let user = match placing.buyer {
        Buyer::User(user) => Some(user),
        Buyer::Token(_) => None,
    };
    Shopper { user, phone: placing.customer.phone.clone() }
}

/// Merchants of offers, each once.
pub(super) fn merchants(offers: &[Offer]) -> Vec<MerchantId> {
    let mut merchants: Vec<MerchantId> = offers.iter().map(|offer| offer.merchant).collect();
    merchants.sort_unstable();
    merchants.dedup();
    merchants
}

/// Prices the lines by these offers and promotions; [`Error::OutOfStock`] with every line that cannot be had,
/// [`Error::PriceChanged`], [`Error::CodesRefused`].
pub(super) fn quote(placing: &Placing, basis: Basis) -> Result<Quote, Error> {
    let Basis { offers, offered } = basis;
    let delivery = Some(&placing.delivery);
    let quote = pricing::quote(&placing.lines, offers, delivery, &placing.tariff, &offered)?;
    refuse_sold_out(&quote)?;
    let total = quote.totals.total;
    let as_expected = placing.expected_total.map(|expected| expected == total);
    // Whoever names the total has seen it; whoever does not may still count on a code that others have used up.
    if as_expected != Some(true) {
        let lost = quote.refused.iter().filter(|refused| refused.why.is_sudden());
        let lost: Vec<RefusedCode> = lost.cloned().collect();
        if !lost.is_empty() {
            return Err(Error::CodesRefused(lost));
        }
    }
    if as_expected == Some(false) {
        return Err(Error::PriceChanged(total.amount));
    }
    Ok(quote)
}

/// What is said when a promotion was used up between its reading and its counting.
pub(super) fn used_up(using: &Use, why: CodeRefusal) -> Error {
    if using.code.is_empty() {
        return Error::PromotionEnded;
    }
    Error::CodesRefused(vec![RefusedCode { code: using.code.clone(), why }])
}

fn refuse_sold_out(quote: &Quote) -> Result<(), Error> {
    let mut missing = Vec::new();
    for (index, line) in quote.lines.iter().enumerate().filter(|(_, line)| !line.available) {
        let left = line.offer.as_ref().filter(|offer| offer.on_sale).map_or(0, Offer::sellable);
        let message = format!("{}: {left} left", line.line.offer);
        missing.push(Field::new(format!("items[{index}]"), "OUT_OF_STOCK", message));
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::OutOfStock(missing)) }
}

/// Products of which the last pieces of an offer go: what their lists show may change.
pub(super) fn emptied(quote: &Quote) -> Vec<ProductId> {
    let last = |line: &Priced| {
        let offer = line.offer.as_ref()?;
        let left = offer.available - i64::from(line.line.quantity);
        (offer.available > 0 && left <= 0).then_some(offer.product)
    };
    quote.lines.iter().filter_map(last).collect()
}

/// The order that the lines make.
pub(super) fn compose(placing: Placing, quote: Quote, seq: i64) -> Order {
    let cash = placing.provider == Provider::Cash;
    let commissions = &placing.commissions;
    let items = quote.lines.into_iter().filter_map(|line| item(line, commissions));
    let items: Vec<Item> = items.collect();
    let entry = Entry {
        at: placing.now.millis(),
        event: "order.placed".to_owned(),
        actor: "shopper".to_owned(),
        note: String::new(),
    };
    Order {
        id: placing.order,
        seq,
        cart: placing.cart,
        buyer: placing.buyer,
        status: if cash { Status::Processing } else { Status::AwaitingPayment },
        payment_status: PaymentState::Pending,
        body: Body {
            shipments: shipments(&items, cash),
            items,
            totals: quote.totals,
            delivery: placing.delivery,
            customer: placing.customer,
            provider: placing.provider,
            timeline: vec![entry],
            locale: placing.locale,
            refunds: Vec::new(),
            delivery_discounts: quote.delivery,
            returns: Vec::new(),
            receipts: Vec::new(),
        },
        payment: None,
        reserved_until: (!cash).then_some(placing.reserved_until),
        version: 1,
        placed_at: placing.now,
    }
}

fn item(priced: Priced, commissions: &Commissions) -> Option<Item> {
    let offer = priced.offer?;
    let agreement = commissions.agree(&offer.plan, &offer.categories);
    let backordered = offer.backordered(priced.line.quantity);
    Some(Item {
        id: ItemId::new(),
        offer: offer.id,
        product: offer.product,
        variant: offer.variant,
        merchant: offer.merchant,
        merchant_name: offer.merchant_name,
        merchant_tin: offer.merchant_tin,
        sku: offer.sku,
        title: offer.title,
        options: offer.options,
        quantity: priced.line.quantity,
        unit_price: priced.unit_price,
        discount: priced.discount,
        total: priced.total,
        fiscal: offer.fiscal,
        picture_url: offer.picture_url,
        adjustments: priced.adjustments,
        cancelled: 0,
        returned: 0,
        backordered,
        agreement: Some(agreement),
    })
}

/// One shipment for each merchant, in the order of their first lines.
fn shipments(items: &[Item], cash: bool) -> Vec<Shipment> {
    let mut shipments: Vec<Shipment> = Vec::new();
    for item in items {
        match shipments.iter_mut().find(|shipment| shipment.merchant == item.merchant) {
            Some(shipment) => shipment.items.push(item.id),
            None => shipments.push(Shipment {
                id: ShipmentId::new(),
                merchant: item.merchant,
                merchant_name: item.merchant_name.clone(),
                status: if cash { ShipmentStatus::New } else { ShipmentStatus::Pending },
                items: vec![item.id],
                carrier: String::new(),
                tracking: String::new(),
                delivered_at: None,
            }),
        }
    }
    shipments
}
