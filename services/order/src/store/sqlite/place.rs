//! The checkout: one transaction.

use sqlite::Connection;

use super::{
    Encode, Placed, Placing, Wanted, checkout, keys, ledger, levels, offers, orders, promotions,
    redemptions, stock,
};
use crate::{
    domain::{Event, Provider},
    error::Error,
    store::{
        levels::sold,
        promotions::{Basis, uses},
    },
};

pub(super) fn place(
    connection: &Connection,
    placing: Placing,
    encode: Encode,
) -> Result<Placed, Error> {
    let (key, now) = (&placing.key, placing.now);
    if let Some(before) = keys::recall(connection, &key.scope, &key.key)? {
        return Ok(Placed::Before(before));
    }
    let (completed, seq) = orders::standing(connection, placing.cart)?;
    if completed {
        return Err(Error::CartCompleted);
    }
    let wanted = Wanted::Offers(placing.lines.iter().map(|line| line.offer).collect());
    let offers = offers::read(connection, &wanted)?;
    let shopper = checkout::shopper(&placing);
    let merchants = checkout::merchants(&offers);
    let offered = promotions::offered(connection, &merchants, &placing.codes, &shopper, now)?;
    let quote = checkout::quote(&placing, Basis { offers, offered })?;
    keys::insert(connection, key, placing.order, &placing.order_token, now)?;
    let (emptied, uses, signals) = (checkout::emptied(&quote), uses(&quote), sold(&quote));
    let order = checkout::compose(placing, quote, seq);
    orders::insert(connection, &order)?;
    if !stock::take(connection, &order, order.body.provider == Provider::Cash, now)? {
        // A row that the quote saw otherwise: nothing is kept.
        return Err(Error::OutOfStock(Vec::new()));
    }
    redemptions::redeem(connection, order.id, &uses, &shopper, now)?;
    ledger::book(connection, None, &order, now)?;
    let event = Event::Order { kind: "order.placed", order: &order, shipment: None, at: now };
    outbox::sqlite::append(connection, &[encode(event)], now)?;
    levels::told(connection, signals, now, encode)?;
    stock::redisplay(connection, &emptied, now, encode)?;
    Ok(Placed::New(Box::new(order)))
}
