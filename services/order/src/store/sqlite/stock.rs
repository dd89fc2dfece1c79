//! Movements of stock. Each is conditional, and each leaves an entry in the ledger.

use clock::Timestamp;
use ids::{OrderId, ProductId};
use sqlite::{Connection, Error, params};

use super::{Encode, rows};
use crate::{
    domain::{Event, Moved, Order, StockEffect, offer::Display},
    store::levels::Filled,
};

/// Takes the pieces of every line of an order; false (and nothing to keep) when any line lacks them.
pub(super) fn take(
    connection: &Connection,
    order: &Order,
    sold: bool,
    now: Timestamp,
) -> Result<bool, Error> {
    let id = order.id.to_string();
    let (state, reserve) = if sold { ("sold", 0) } else { ("held", 1) };
    for item in &order.body.items {
        let (offer, quantity) = (item.offer.to_string(), item.quantity);
        let taken = connection.execute(
            "update offers set available = available - ?2, reserved = reserved + ?2 * ?3,
             version = version + 1, updated_at = ?4 where id = ?1 and available + backorder_limit >= ?2",
            params![offer, quantity, reserve, now.millis()],
        )?;
        if taken == 0 {
            return Ok(false);
        }
        connection.execute(
            "insert into reservations (order_id, offer_id, quantity, state) values (?, ?, ?, ?)",
            params![id, offer, quantity, state],
        )?;
        connection.execute(
            "insert into stock_ledger (offer_id, available, reserved, cause, order_id, at)
             values (?1, -?2, ?2 * ?3, ?4, ?5, ?6)",
            params![offer, quantity, reserve, state, id, now.millis()],
        )?;
    }
    Ok(true)
}

/// Settles what an order has taken: sells held pieces, or puts held and sold ones back. Settled twice is settled once.
pub(super) fn settle(
    connection: &Connection,
    order: OrderId,
    effect: StockEffect,
    now: Timestamp,
) -> Result<Vec<Filled>, Error> {
    // What the pieces become, and their share that becomes available; only pieces that come back may be sold already.
    let (to, back) = match effect {
        StockEffect::Keep => return Ok(Vec::new()),
        StockEffect::Sell => ("sold", 0),
        StockEffect::Release => ("released", 1),
    };
    let order = order.to_string();
    let moved = connection.all::<(String, i64)>(
        "insert into stock_ledger (offer_id, available, reserved, cause, order_id, at)
         select offer_id, quantity * ?2, case state when 'held' then -quantity else 0 end, ?3, order_id, ?4
         from reservations where order_id = ?1 and (state = 'held' or (state = 'sold' and ?2 = 1))
         returning offer_id, available",
        params![order, back, to, now.millis()],
    )?;
    let products = connection.all::<(String, String)>(
        "update offers set available = available + r.quantity * ?2,
         reserved = reserved - case r.state when 'held' then r.quantity else 0 end,
         version = version + 1, updated_at = ?3
         from reservations r where r.order_id = ?1 and (r.state = 'held' or (r.state = 'sold' and ?2 = 1))
         and offers.id = r.offer_id returning product_id, id",
        params![order, back, now.millis()],
    )?;
    connection.execute(
        "update reservations set state = ?3
         where order_id = ?1 and (state = 'held' or (state = 'sold' and ?2 = 1))",
        params![order, back, to],
    )?;
    let filled = products.into_iter().map(|(product, offer)| {
        let pieces =
            moved.iter().find(|(moved, _)| *moved == offer).map_or(0, |(_, pieces)| *pieces);
        Ok(Filled { product: rows::parsed(&product)?, offer: rows::parsed(&offer)?, pieces })
    });
    filled.collect()
}

/// Tells product and search what products now cost, where that differs from what they were last told.
pub(super) fn redisplay(
    connection: &Connection,
    products: &[ProductId],
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    for product in products {
        let changed = connection.first::<(i64, bool, String, i64)>(
            "insert into displays (product_id, price_from, in_stock, merchants, version)
             select ?1, coalesce(min(case when o.available > 0 then o.price end), min(o.price), 0),
                    coalesce(max(o.available > 0), 0), json_group_array(distinct o.merchant_id), 1
             from offers o join merchants m on m.id = o.merchant_id
             where o.product_id = ?1 and o.active and o.listed and m.active
             on conflict (product_id) do update set price_from = excluded.price_from,
                 in_stock = excluded.in_stock, merchants = excluded.merchants, version = version + 1
             where price_from <> excluded.price_from or in_stock <> excluded.in_stock
                or merchants <> excluded.merchants
             returning price_from, in_stock, merchants, version",
            [product.to_string()],
        )?;
        if let Some((price_from, in_stock, merchants, version)) = changed {
            let merchants = rows::unjson(&merchants)?;
            let display = Display { product: *product, price_from, in_stock, merchants, version };
            let draft = encode(Event::Display(display, now));
            outbox::sqlite::append(connection, &[draft], now)?;
        }
    }
    Ok(())
}

/// Puts sold pieces of an order back on sale, some of those that it still has; the products that they are of.
pub(super) fn put_back(
    connection: &Connection,
    order: OrderId,
    pieces: &[Moved],
    now: Timestamp,
) -> Result<Vec<Filled>, Error> {
    let order = order.to_string();
    let mut filled = Vec::new();
    for Moved { offer: id, quantity, cause } in pieces {
        let offer = id.to_string();
        // The last pieces settle the reservation, as all of them at once would.
        let left = connection.execute(
            "update reservations set quantity = case when quantity = ?3 then quantity else quantity - ?3 end,
             state = case when quantity = ?3 then 'released' else state end
             where order_id = ?1 and offer_id = ?2 and state = 'sold' and quantity >= ?3",
            params![order, offer, quantity],
        )?;
        if left == 0 {
            return Err(Error::value("more pieces would come back than were sold"));
        }
        connection.execute(
            "insert into stock_ledger (offer_id, available, reserved, cause, order_id, at) values (?, ?, 0, ?, ?, ?)",
            params![offer, quantity, cause, order, now.millis()],
        )?;
        let product: String = connection.one(
            "update offers set available = available + ?2, version = version + 1, updated_at = ?3
             where id = ?1 returning product_id",
            params![offer, quantity, now.millis()],
        )?;
        let pieces = i64::from(*quantity);
        filled.push(Filled { product: rows::parsed(&product)?, offer: *id, pieces });
    }
    Ok(filled)
}
