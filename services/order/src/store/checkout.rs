//! What a checkout comes to, whichever store writes it.

use fault::Field;
use ids::{ItemId, ProductId, ShipmentId};
use money::Money;

use super::Placing;
use crate::{
    domain::{
        Body, Entry, Item, Order, PaymentState, Provider, Shipment, ShipmentStatus, Status,
        offer::Offer,
        pricing::{self, Priced, Quote},
    },
    error::Error,
};

/// Prices the lines by these offers; [`Error::OutOfStock`] with every line that cannot be had, [`Error::PriceChanged`].
pub(super) fn quote(placing: &Placing, offers: Vec<Offer>) -> Result<Quote, Error> {
    let quote = pricing::quote(&placing.lines, offers, Some(&placing.delivery), &placing.tariff)?;
    refuse_sold_out(&quote)?;
    let total = quote.totals.total;
    if placing.expected_total.is_some_and(|expected| expected != total) {
        return Err(Error::PriceChanged(total.amount));
    }
    Ok(quote)
}

fn refuse_sold_out(quote: &Quote) -> Result<(), Error> {
    let mut missing = Vec::new();
    for (index, line) in quote.lines.iter().enumerate().filter(|(_, line)| !line.available) {
        let left =
            line.offer.as_ref().filter(|offer| offer.on_sale).map_or(0, |offer| offer.available);
        let message = format!("{}: {left} left", line.line.offer);
        missing.push(Field::new(format!("items[{index}]"), "OUT_OF_STOCK", message));
    }
    if missing.is_empty() { Ok(()) } else { Err(Error::OutOfStock(missing)) }
}

/// Products of which the last pieces of an offer go: what their lists show may change.
pub(super) fn emptied(quote: &Quote) -> Vec<ProductId> {
    let last = |line: &Priced| {
        let offer = line.offer.as_ref()?;
        (offer.available == i64::from(line.line.quantity)).then_some(offer.product)
    };
    quote.lines.iter().filter_map(last).collect()
}

/// The order that the lines make.
pub(super) fn compose(placing: Placing, quote: Quote, seq: i64) -> Order {
    let cash = placing.provider == Provider::Cash;
    let items: Vec<Item> = quote.lines.into_iter().filter_map(item).collect();
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
        },
        payment: None,
        reserved_until: (!cash).then_some(placing.reserved_until),
        version: 1,
        placed_at: placing.now,
    }
}

fn item(priced: Priced) -> Option<Item> {
    let offer = priced.offer?;
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
        unit_price: offer.price,
        discount: Money::zero(offer.price.currency),
        total: priced.total,
        fiscal: offer.fiscal,
        picture_url: offer.picture_url,
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
            }),
        }
    }
    shipments
}
