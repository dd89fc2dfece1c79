//! The checkout: one transaction.

use fault::Field;
use ids::{ItemId, ShipmentId};
use money::Money;
use sqlite::SqliteConnection;

use super::{Encode, Placed, Placing, Wanted, keys, offers, orders, stock};
use crate::{
    domain::{
        Body, Entry, Event, Item, Order, PaymentState, Provider, Shipment, ShipmentStatus, Status,
        pricing::{self, Priced, Quote},
    },
    error::Error,
};

pub(super) async fn place(
    connection: &mut SqliteConnection,
    placing: Placing,
    encode: Encode,
) -> Result<Placed, Error> {
    let key = &placing.key;
    if let Some(before) = keys::recall(connection, &key.scope, &key.key).await? {
        return Ok(Placed::Before(before));
    }
    let (completed, seq) = orders::standing(connection, placing.cart).await?;
    if completed {
        return Err(Error::CartCompleted);
    }
    let wanted = Wanted::Offers(placing.lines.iter().map(|line| line.offer).collect());
    let known = offers::read(connection, wanted).await?;
    let quote = pricing::quote(&placing.lines, known, Some(&placing.delivery), &placing.tariff)?;
    refuse_sold_out(&quote)?;
    let total = quote.totals.total;
    if placing.expected_total.is_some_and(|expected| expected != total) {
        return Err(Error::PriceChanged(total.amount));
    }
    let cash = placing.provider == Provider::Cash;
    let order = compose(&placing, &quote, seq);
    orders::insert(connection, &order).await?;
    if !stock::take(connection, order.id, &placing.lines, cash, placing.now).await? {
        // Two lines of one offer, or a row that the quote saw otherwise: nothing is kept.
        return Err(Error::OutOfStock(Vec::new()));
    }
    keys::insert(connection, key, order.id, &placing.order_token, placing.now).await?;
    let event = Event::Order {
        kind: "order.placed",
        order: Box::new(order.clone()),
        shipment: None,
        at: placing.now,
    };
    outbox::sqlite::append(connection, &[encode(&event)], placing.now).await?;
    let emptied: Vec<_> = quote
        .lines
        .iter()
        .filter_map(|line| {
            let offer = line.offer.as_ref()?;
            (offer.available == i64::from(line.line.quantity)).then_some(offer.product)
        })
        .collect();
    stock::redisplay(connection, &emptied, placing.now, encode).await?;
    Ok(Placed::New(Box::new(order)))
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

fn compose(placing: &Placing, quote: &Quote, seq: i64) -> Order {
    let cash = placing.provider == Provider::Cash;
    let items: Vec<Item> = quote.lines.iter().filter_map(item).collect();
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
        buyer: placing.buyer.clone(),
        status: if cash { Status::Processing } else { Status::AwaitingPayment },
        payment_status: PaymentState::Pending,
        body: Body {
            shipments: shipments(&items, cash),
            items,
            totals: quote.totals,
            delivery: placing.delivery.clone(),
            customer: placing.customer.clone(),
            provider: placing.provider,
            timeline: vec![entry],
            locale: placing.locale.clone(),
        },
        payment: None,
        reserved_until: (!cash).then_some(placing.reserved_until),
        version: 1,
        placed_at: placing.now,
    }
}

fn item(priced: &Priced) -> Option<Item> {
    let offer = priced.offer.as_ref()?;
    Some(Item {
        id: ItemId::new(),
        offer: offer.id,
        product: offer.product,
        variant: offer.variant,
        merchant: offer.merchant,
        merchant_name: offer.merchant_name.clone(),
        merchant_tin: offer.merchant_tin.clone(),
        sku: offer.sku.clone(),
        title: offer.title.clone(),
        options: offer.options.clone(),
        quantity: priced.line.quantity,
        unit_price: offer.price,
        discount: Money::zero(offer.price.currency),
        total: priced.total,
        fiscal: offer.fiscal.clone(),
        picture_url: offer.picture_url.clone(),
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
