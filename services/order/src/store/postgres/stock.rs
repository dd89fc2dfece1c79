//! Movements of stock, each with an entry in the ledger, and what lists show of them. Offers are locked by id, displays after
//! offers: nobody waits for another in a circle.

use clock::Timestamp;
use ids::{OrderId, ProductId};
use outbox::Draft;
use postgres::{moment, uuid};
use sqlx::{PgConnection, query, query_as, query_scalar, types::Uuid};

use super::{Encode, rows};
use crate::{
    domain::{Event, Moved, StockEffect, offer::Display},
    store::levels::Filled,
};

/// Settles what an order has taken: sells held pieces, or puts held and sold ones back. Settled twice is settled once.
pub(super) async fn settle(
    connection: &mut PgConnection,
    order: OrderId,
    effect: StockEffect,
    now: Timestamp,
) -> Result<Vec<Filled>, sqlx::Error> {
    // What the pieces become, and whether they become available; only pieces that come back may be sold already.
    let (to, back) = match effect {
        StockEffect::Keep => return Ok(Vec::new()),
        StockEffect::Sell => ("sold", false),
        StockEffect::Release => ("released", true),
    };
    let filled: Vec<(Uuid, Uuid, i64)> = query_as(
        "with moved as materialized (
             select r.offer_id, r.quantity, r.state = 'held' as held
             from reservations r join offers o on o.id = r.offer_id
             where r.order_id = $1 and (r.state = 'held' or (r.state = 'sold' and $2))
             order by r.offer_id for no key update
         ), settled as (
             update reservations r set state = $3 from moved m
             where r.order_id = $1 and r.offer_id = m.offer_id
         ), written as (
             insert into stock_ledger (offer_id, available, reserved, cause, order_id, at)
             select offer_id, case when $2 then quantity else 0 end, case when held then -quantity else 0 end, $3, $1, $4
             from moved
         )
         update offers o set available = o.available + case when $2 then m.quantity else 0 end,
             reserved = o.reserved - case when m.held then m.quantity else 0 end,
             version = o.version + 1, updated_at = $4
         from moved m where o.id = m.offer_id returning o.product_id, o.id, case when $2 then m.quantity else 0 end",
    )
    .bind(uuid(order))
    .bind(back)
    .bind(to)
    .bind(moment(now))
    .fetch_all(connection)
    .await?;
    let filled = filled.into_iter().map(|(product, offer, pieces)| Filled {
        product: postgres::id(product),
        offer: postgres::id(offer),
        pieces,
    });
    Ok(filled.collect())
}

/// What product and search have to be told of what products now cost: where that differs from what they were last told.
///
/// Two who change one product take turns: the second works out what both have made of it, in a statement that begins when the
/// first has committed. This is the last lock that a transaction takes.
pub(super) async fn redisplay(
    connection: &mut PgConnection,
    products: impl IntoIterator<Item = ProductId>,
    now: Timestamp,
    encode: Encode,
) -> Result<Vec<Draft>, sqlx::Error> {
    let mut products = rows::uuids(products);
    products.sort_unstable();
    products.dedup();
    if products.is_empty() {
        return Ok(Vec::new());
    }
    let lock =
        "select from displays where product_id = any($1) order by product_id for no key update";
    query(lock).bind(&products).execute(&mut *connection).await?;
    let changed: Vec<(Uuid, i64, bool, Vec<Uuid>, i64)> = query_as(
        "insert into displays (product_id, price_from, in_stock, merchants, version)
         select p.id, coalesce(min(o.price) filter (where o.available > 0), min(o.price), 0),
                coalesce(bool_or(o.available > 0), false),
                coalesce(array_agg(distinct o.merchant_id) filter (where o.id is not null), '{}'), 1
         from unnest($1) as p (id)
         left join (offers o join merchants m on m.id = o.merchant_id and m.active)
              on o.product_id = p.id and o.active and o.listed
         group by p.id order by p.id
         on conflict (product_id) do update set price_from = excluded.price_from,
             in_stock = excluded.in_stock, merchants = excluded.merchants, version = displays.version + 1
         where (displays.price_from, displays.in_stock, displays.merchants)
               is distinct from (excluded.price_from, excluded.in_stock, excluded.merchants)
         returning product_id, price_from, in_stock, merchants, version",
    )
    .bind(&products)
    .fetch_all(connection)
    .await?;
    let draft = |(product, price_from, in_stock, merchants, version)| {
        let merchants = rows::ids::<ids::kind::Merchant>(merchants);
        let merchants = merchants.iter().map(ToString::to_string).collect();
        let product = postgres::id(product);
        encode(Event::Display(Display { product, price_from, in_stock, merchants, version }, now))
    };
    Ok(changed.into_iter().map(draft).collect())
}

/// Puts sold pieces of an order back on sale, some of those that it still has; the products that they are of.
pub(super) async fn put_back(
    connection: &mut PgConnection,
    order: OrderId,
    pieces: &[Moved],
    now: Timestamp,
) -> Result<Vec<Filled>, sqlx::Error> {
    let mut pieces = pieces.to_vec();
    pieces.sort_unstable_by_key(|moved| moved.offer);
    let mut filled = Vec::with_capacity(pieces.len());
    for Moved { offer, quantity, cause } in pieces {
        // The last pieces settle the reservation, as all of them at once would.
        let product: Option<Uuid> = query_scalar(
            "with filled as (
                 update offers set available = available + $3, version = version + 1, updated_at = $5
                 where id = $2 and exists (select from reservations
                     where order_id = $1 and offer_id = $2 and state = 'sold' and quantity >= $3)
                 returning id, product_id
             ), settled as (
                 update reservations r set quantity = case when quantity = $3 then quantity else quantity - $3 end,
                     state = case when quantity = $3 then 'released' else state end
                 from filled where r.order_id = $1 and r.offer_id = filled.id
             ), written as (
                 insert into stock_ledger (offer_id, available, reserved, cause, order_id, at)
                 select id, $3, 0, $4, $1, $5 from filled
             )
             select product_id from filled",
        )
        .bind(uuid(order))
        .bind(uuid(offer))
        .bind(i64::from(quantity))
        .bind(cause)
        .bind(moment(now))
        .fetch_optional(&mut *connection)
        .await?;
        let missing = || sqlx::Error::Decode("more pieces would come back than were sold".into());
        let product = postgres::id(product.ok_or_else(missing)?);
        filled.push(Filled { product, offer, pieces: i64::from(quantity) });
    }
    Ok(filled)
}
