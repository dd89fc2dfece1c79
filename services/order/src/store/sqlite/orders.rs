//! Orders and their moves.

use clock::Timestamp;
use ids::{CartId, OrderId};
use sqlite::{Connection, params};

use super::{
    Applied, Encode, Listing, Place, Step, ledger, levels, redemptions, returns,
    rows::{self, select_orders},
    stock,
};
use crate::{
    domain::{Buyer, Event, Order, Payment, StockEffect, Transition},
    error::Error,
};

pub(super) fn find(connection: &Connection, id: OrderId) -> Result<Option<Order>, sqlite::Error> {
    connection.first(select_orders!("where o.id = ?"), [id.to_string()])
}

/// Whether the cart has become an order, and the sequence of the next order.
pub(super) fn standing(
    connection: &Connection,
    cart: CartId,
) -> Result<(bool, i64), sqlite::Error> {
    connection.one(
        "select exists (select 1 from orders where cart_id = ?),
         max((select coalesce(max(seq), 0) from orders), (select floor from numbering)) + 1",
        [cart.to_string()],
    )
}

/// Leaves out so many numbers after the last one.
pub(super) fn skip_numbers(connection: &Connection, count: i64) -> Result<(), sqlite::Error> {
    connection.execute(
        "update numbering set floor = max(floor, (select coalesce(max(seq), 0) from orders)) + ?",
        [count],
    )?;
    Ok(())
}

pub(super) fn insert(connection: &Connection, order: &Order) -> Result<(), sqlite::Error> {
    let (user, token) = match &order.buyer {
        Buyer::User(user) => (Some(user.to_string()), None),
        Buyer::Token(hash) => (None, Some(hash)),
    };
    let id = order.id.to_string();
    connection.execute(
        "insert into orders values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, null, ?9, ?10, ?11)",
        params![
            id,
            order.seq,
            order.cart.to_string(),
            user,
            token,
            rows::name(&order.status)?,
            rows::name(&order.payment_status)?,
            rows::json(&order.body)?,
            order.reserved_until.map(Timestamp::millis),
            order.version,
            order.placed_at.millis(),
        ],
    )?;
    for shipment in &order.body.shipments {
        connection.execute(
            "insert into shipments (merchant_id, order_id, status, placed_at) values (?, ?, ?, ?)",
            params![
                shipment.merchant.to_string(),
                id,
                rows::name(&shipment.status)?,
                order.placed_at.millis(),
            ],
        )?;
    }
    Ok(())
}

pub(super) fn note_payment(
    connection: &Connection,
    order: OrderId,
    payment: &Payment,
) -> Result<(), sqlite::Error> {
    // A later word on the payment (paid, refunded) is not overwritten by how it was opened.
    connection.execute(
        "update orders set payment = ?2 where id = ?1
         and (payment is null or (status = 'awaiting_payment'
              and (payment ->> 'id' <> ?3 or (payment ->> 'version') < ?4)))",
        params![order.to_string(), rows::json(payment)?, payment.id.to_string(), payment.version],
    )?;
    Ok(())
}

pub(super) fn apply(
    connection: &Connection,
    id: OrderId,
    cause: Option<&str>,
    step: &Step,
    now: Timestamp,
    encode: Encode,
) -> Result<Applied, Error> {
    let before = find(connection, id)?.ok_or(Error::OrderNotFound)?;
    let Some(Transition { order, stock, event, shipment, pieces }) = step(&before)? else {
        return Ok(Applied { order: before, told: false });
    };
    if let Some(cause) = cause
        && !outbox::sqlite::first_time(connection, cause, now)?
    {
        return Ok(Applied { order: before, told: false });
    }
    update(connection, &before, &order)?;
    let mut filled = stock::put_back(connection, id, &pieces, now)?;
    filled.extend(stock::settle(connection, id, stock, now)?);
    returns::follow(connection, &before, &order, now)?;
    ledger::book(connection, Some(&before), &order, now)?;
    redemptions::follow(connection, &before, &order)?;
    if let Some(kind) = event {
        let draft = encode(Event::Order { kind, order: &order, shipment, at: now });
        outbox::sqlite::append(connection, &[draft], now)?;
    }
    let shown = stock == StockEffect::Release || !pieces.is_empty();
    if shown {
        levels::tell(connection, &filled, now, encode)?;
        let products: Vec<_> = filled.iter().map(|it| it.product).collect();
        stock::redisplay(connection, &products, now, encode)?;
    }
    Ok(Applied { order, told: event.is_some() || shown })
}

fn update(connection: &Connection, before: &Order, order: &Order) -> Result<(), Error> {
    let id = order.id.to_string();
    let updated = connection.execute(
        "update orders set status = ?3, payment_status = ?4, body = ?5, payment = coalesce(?6, payment),
         reserved_until = ?7, version = ?2 where id = ?1 and version = ?2 - 1",
        params![
            id,
            order.version,
            rows::name(&order.status)?,
            rows::name(&order.payment_status)?,
            rows::json(&order.body)?,
            order.payment.as_ref().map(rows::json).transpose()?,
            order.reserved_until.map(Timestamp::millis),
        ],
    )?;
    if updated == 0 {
        return Err(Error::Contended);
    }
    if order.body.shipments == before.body.shipments {
        return Ok(());
    }
    for shipment in &order.body.shipments {
        connection.execute(
            "update shipments set status = ?3 where order_id = ?1 and merchant_id = ?2
             -- What ended before it was paid never was a merchant's business.
             and not (status = 'pending' and ?3 = 'cancelled')",
            params![id, shipment.merchant.to_string(), rows::name(&shipment.status)?],
        )?;
    }
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    listing: Listing,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Order>, sqlite::Error> {
    let (at, id) = after.map_or((i64::MAX, String::new()), |place| {
        (place.placed_at.millis(), place.order.to_string())
    });
    match listing {
        Listing::User(user) => connection.all(
            select_orders!(
                "where o.user_id = ?4 and (o.placed_at, o.id) < (?1, ?2)
                 order by o.placed_at desc, o.id desc limit ?3"
            ),
            params![at, id, limit, user.to_string()],
        ),
        // An unpaid order is none of the merchant's business yet.
        Listing::Merchant(merchant, status) => connection.all(
            select_orders!(
                "join shipments s on s.order_id = o.id
                 where s.merchant_id = ?4 and (?5 is null or s.status = ?5) and s.status <> 'pending'
                 and (s.placed_at, s.order_id) < (?1, ?2) order by s.placed_at desc, s.order_id desc limit ?3"
            ),
            params![
                at,
                id,
                limit,
                merchant.to_string(),
                status.as_ref().map(rows::name).transpose()?
            ],
        ),
        Listing::Everything => connection.all(
            select_orders!(
                "where (o.placed_at, o.id) < (?1, ?2) order by o.placed_at desc, o.id desc limit ?3"
            ),
            params![at, id, limit],
        ),
    }
}

pub(super) fn count(connection: &Connection, listing: Listing) -> Result<u64, sqlite::Error> {
    let count: i64 = match listing {
        Listing::User(user) => {
            connection.one("select count(*) from orders where user_id = ?", [user.to_string()])?
        }
        Listing::Merchant(merchant, status) => connection.one(
            "select count(*) from shipments
             where merchant_id = ?1 and (?2 is null or status = ?2) and status <> 'pending'",
            params![merchant.to_string(), status.as_ref().map(rows::name).transpose()?],
        )?,
        Listing::Everything => connection.one("select count(*) from orders", ())?,
    };
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Orders whose goods are held for payment no longer than until `now`.
pub(super) fn expired(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<OrderId>, sqlite::Error> {
    let found: Vec<String> = connection.all(
        "select id from orders where reserved_until <= ? order by reserved_until limit ?",
        params![now.millis(), limit],
    )?;
    found.iter().map(|id| rows::parsed(id)).collect()
}

/// The order with a sequence.
pub(super) fn numbered(
    connection: &Connection,
    seq: i64,
) -> Result<Option<OrderId>, sqlite::Error> {
    let found: Option<String> = connection.first("select id from orders where seq = ?", [seq])?;
    found.map(|id| rows::parsed(&id)).transpose()
}
