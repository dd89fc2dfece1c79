//! Movements of stock. Each is conditional, and each leaves an entry in the ledger.

use clock::Timestamp;
use ids::{OrderId, ProductId};
use serde::Serialize;
use sqlite::SqliteConnection;

use super::{Encode, rows};
use crate::{
    domain::{Event, StockEffect, offer::Display, pricing::Line},
    error::Error,
};

#[derive(Serialize)]
struct Take {
    offer: String,
    quantity: u32,
}

/// Takes pieces of every line for an order; false (and nothing to keep) when any line lacks them.
pub(super) async fn take(
    connection: &mut SqliteConnection,
    order: OrderId,
    lines: &[Line],
    sold: bool,
    now: Timestamp,
) -> Result<bool, Error> {
    let takes: Vec<Take> = lines
        .iter()
        .map(|line| Take { offer: line.offer.to_string(), quantity: line.quantity })
        .collect();
    let takes = rows::json(&takes)?;
    let reserve = i64::from(!sold);
    let taken = sqlx::query(
        "update offers set available = available - take.quantity, reserved = reserved + take.quantity * ?2,
         version = version + 1, updated_at = ?3
         from (select value ->> 'offer' as offer, value ->> 'quantity' as quantity from json_each(?1)) take
         where offers.id = take.offer and offers.available >= take.quantity",
    )
    .bind(&takes)
    .bind(reserve)
    .bind(now.millis())
    .execute(&mut *connection)
    .await?;
    if usize::try_from(taken.rows_affected()).ok() != Some(lines.len()) {
        return Ok(false);
    }
    let state = if sold { "sold" } else { "held" };
    // Two statements in one trip to the database.
    sqlx::query(
        "insert into reservations (order_id, offer_id, quantity, state)
         select ?2, value ->> 'offer', value ->> 'quantity', ?3 from json_each(?1);
         insert into stock_ledger (offer_id, available, reserved, cause, order_id, at)
         select value ->> 'offer', -(value ->> 'quantity'), (value ->> 'quantity') * ?4, ?3, ?2, ?5 from json_each(?1)",
    )
    .bind(&takes)
    .bind(order.to_string())
    .bind(state)
    .bind(reserve)
    .bind(now.millis())
    .execute(connection)
    .await?;
    Ok(true)
}

/// Settles what an order has taken: sells held pieces, or puts held and sold ones back. Settled twice is settled once.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    order: OrderId,
    effect: StockEffect,
    now: Timestamp,
) -> Result<Vec<ProductId>, Error> {
    // What moves: (from state) -> (to state, share of the quantity that becomes available).
    let (from, to, back) = match effect {
        StockEffect::Keep => return Ok(Vec::new()),
        StockEffect::Sell => ("('held')", "sold", 0),
        StockEffect::Release => ("('held', 'sold')", "released", 1),
    };
    // Three statements in one trip to the database; the second tells which products they concern.
    let sql = format!(
        "insert into stock_ledger (offer_id, available, reserved, cause, order_id, at)
         select offer_id, quantity * ?2, case state when 'held' then -quantity else 0 end, ?3, order_id, ?4
         from reservations where order_id = ?1 and state in {from};
         update offers set available = available + r.quantity * ?2,
         reserved = reserved - case r.state when 'held' then r.quantity else 0 end,
         version = version + 1, updated_at = ?4
         from reservations r where r.order_id = ?1 and r.state in {from} and offers.id = r.offer_id
         returning product_id;
         update reservations set state = ?3 where order_id = ?1 and state in {from}"
    );
    let products: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(order.to_string())
        .bind(back)
        .bind(to)
        .bind(now.millis())
        .fetch_all(connection)
        .await?;
    products.iter().map(|id| rows::parsed(id)).collect()
}

/// Tells product and search what products now cost, where that differs from what they were last told.
pub(super) async fn redisplay(
    connection: &mut SqliteConnection,
    products: &[ProductId],
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    if products.is_empty() {
        return Ok(());
    }
    let changed: Vec<(String, i64, bool, String, i64)> = sqlx::query_as(
        "with wanted as (select distinct value as id from json_each(?)),
         shown as (
             select w.id,
                    coalesce(min(case when o.available > 0 then o.price end), min(o.price), 0) as price_from,
                    coalesce(max(o.available > 0), 0) as in_stock,
                    coalesce(json_group_array(distinct o.merchant_id) filter (where o.id is not null), '[]') as merchants
             from wanted w
             left join (select o.* from offers o join merchants m on m.id = o.merchant_id
                        where o.active and o.listed and m.active) o on o.product_id = w.id
             group by w.id)
         select s.id, s.price_from, s.in_stock, s.merchants, coalesce(d.version, 0) + 1
         from shown s left join displays d on d.product_id = s.id
         where d.product_id is null or d.price_from <> s.price_from or d.in_stock <> s.in_stock
            or d.merchants <> s.merchants",
    )
    .bind(rows::ids(products))
    .fetch_all(&mut *connection)
    .await?;
    for (id, price_from, in_stock, merchants, version) in changed {
        sqlx::query("insert or replace into displays values (?, ?, ?, ?, ?)")
            .bind(&id)
            .bind(price_from)
            .bind(in_stock)
            .bind(&merchants)
            .bind(version)
            .execute(&mut *connection)
            .await?;
        let product = rows::parsed(&id)?;
        let merchants = rows::unjson(&merchants)?;
        let display = Display { product, price_from, in_stock, merchants, version };
        let draft = encode(&Event::Display(display, now));
        outbox::sqlite::append(connection, &[draft], now).await?;
    }
    Ok(())
}
