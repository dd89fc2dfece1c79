//! Orders and their moves.

use clock::Timestamp;
use ids::{CartId, OrderId};
use serde::Serialize;
use sqlite::SqliteConnection;

use super::{Encode, Listing, Place, rows, stock};
use crate::{
    domain::{Buyer, Event, Order, Payment, ShipmentStatus, StockEffect, Transition},
    error::Error,
};

pub(super) async fn find(
    connection: &mut SqliteConnection,
    id: OrderId,
) -> Result<Option<Order>, Error> {
    let sql = format!("{} where o.id = ?", rows::ORDER);
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.to_string());
    row.fetch_optional(connection).await?.as_ref().map(rows::order).transpose()
}

/// Whether the cart has become an order, and the sequence of the next order.
pub(super) async fn standing(
    connection: &mut SqliteConnection,
    cart: CartId,
) -> Result<(bool, i64), Error> {
    Ok(sqlx::query_as(
        "select exists (select 1 from orders where cart_id = ?), (select coalesce(max(seq), 0) + 1 from orders)",
    )
    .bind(cart.to_string())
    .fetch_one(connection)
    .await?)
}

#[derive(Serialize)]
struct ShipmentRow {
    merchant: String,
    status: String,
}

fn shipment_rows(order: &Order) -> Result<String, Error> {
    let row = |shipment: &crate::domain::Shipment| {
        let status = rows::name(&shipment.status)?;
        Ok(ShipmentRow { merchant: shipment.merchant.to_string(), status })
    };
    rows::json(&order.body.shipments.iter().map(row).collect::<Result<Vec<_>, Error>>()?)
}

pub(super) async fn insert(connection: &mut SqliteConnection, order: &Order) -> Result<(), Error> {
    let (user, token) = match &order.buyer {
        Buyer::User(user) => (Some(user.to_string()), None),
        Buyer::Token(hash) => (None, Some(hash.to_vec())),
    };
    sqlx::query(
        "insert into orders values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, null, ?9, ?10, ?11);
         insert into shipments (merchant_id, order_id, status, placed_at)
         select value ->> 'merchant', ?1, value ->> 'status', ?11 from json_each(?12)",
    )
    .bind(order.id.to_string())
    .bind(order.seq)
    .bind(order.cart.to_string())
    .bind(user)
    .bind(token)
    .bind(rows::name(&order.status)?)
    .bind(rows::name(&order.payment_status)?)
    .bind(rows::json(&order.body)?)
    .bind(order.reserved_until.map(Timestamp::millis))
    .bind(order.version)
    .bind(order.placed_at.millis())
    .bind(shipment_rows(order)?)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn note_payment(
    connection: &mut SqliteConnection,
    order: OrderId,
    payment: &Payment,
) -> Result<(), Error> {
    // A later word on the payment (paid, refunded) is not overwritten by how it was opened.
    sqlx::query(
        "update orders set payment = ?2 where id = ?1
         and (payment is null or payment ->> 'id' <> ?3 or (payment ->> 'version') < ?4)
         and status = 'awaiting_payment'",
    )
    .bind(order.to_string())
    .bind(rows::json(payment)?)
    .bind(payment.id.to_string())
    .bind(payment.version)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    transition: Transition,
    cause: Option<String>,
    now: Timestamp,
    encode: Encode,
) -> Result<bool, Error> {
    let order = &transition.order;
    if let Some(cause) = &cause {
        let seen: Option<i64> = sqlx::query_scalar("select 1 from inbox where event = ?")
            .bind(cause)
            .fetch_optional(&mut *connection)
            .await?;
        if seen.is_some() {
            return Ok(true);
        }
    }
    let updated = sqlx::query(
        "update orders set status = ?3, payment_status = ?4, body = ?5, payment = coalesce(?6, payment),
         reserved_until = ?7, version = ?2 where id = ?1 and version = ?2 - 1",
    )
    .bind(order.id.to_string())
    .bind(order.version)
    .bind(rows::name(&order.status)?)
    .bind(rows::name(&order.payment_status)?)
    .bind(rows::json(&order.body)?)
    .bind(order.payment.as_ref().map(rows::json).transpose()?)
    .bind(order.reserved_until.map(Timestamp::millis))
    .execute(&mut *connection)
    .await?;
    if updated.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "insert into inbox (event, at) select ?3, ?4 where ?3 is not null;
         update shipments set status = s.status
         from (select value ->> 'merchant' as merchant, value ->> 'status' as status from json_each(?2)) s
         where order_id = ?1 and merchant_id = s.merchant
         -- What ended before it was paid never was a merchant's business.
         and not (shipments.status = 'pending' and s.status = 'cancelled')",
    )
    .bind(order.id.to_string())
    .bind(shipment_rows(order)?)
    .bind(cause)
    .bind(now.millis())
    .execute(&mut *connection)
    .await?;
    let products = stock::settle(connection, order.id, transition.stock, now).await?;
    if let Some(kind) = transition.event {
        let shipment = transition.shipment;
        let event = Event::Order { kind, order: Box::new(transition.order), shipment, at: now };
        outbox::sqlite::append(connection, &[encode(&event)], now).await?;
    }
    if transition.stock == StockEffect::Release {
        stock::redisplay(connection, &products, now, encode).await?;
    }
    Ok(true)
}

pub(super) async fn list(
    connection: &mut SqliteConnection,
    listing: Listing,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Order>, Error> {
    let (from, key, owner, status) = parts(listing)?;
    let sql = format!(
        "{} {from} and ({key}.placed_at, o.id) < (?3, ?4) order by {key}.placed_at desc, o.id desc limit ?5",
        rows::ORDER
    );
    let (at, id) = after.map_or((i64::MAX, String::new()), |place| {
        (place.placed_at.millis(), place.order.to_string())
    });
    let found = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(owner)
        .bind(status)
        .bind(at)
        .bind(id)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    found.iter().map(rows::order).collect()
}

pub(super) async fn count(
    connection: &mut SqliteConnection,
    listing: Listing,
) -> Result<u64, Error> {
    let (from, _, owner, status) = parts(listing)?;
    let sql = format!("select count(*) from orders o {from}");
    let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(owner)
        .bind(status)
        .fetch_one(connection)
        .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The join and condition of a listing, the table that orders it, and what `?1` and `?2` are bound to.
type Parts = (&'static str, &'static str, String, Option<String>);

fn parts(listing: Listing) -> Result<Parts, Error> {
    Ok(match listing {
        Listing::User(user) => ("where o.user_id = ?1 and ?2 is null", "o", user.to_string(), None),
        Listing::Merchant(merchant, status) => {
            let status = status.map(|status: ShipmentStatus| rows::name(&status)).transpose()?;
            // An unpaid order is none of the merchant's business yet.
            let from = "join shipments s on s.order_id = o.id
                        where s.merchant_id = ?1 and (?2 is null or s.status = ?2) and s.status <> 'pending'";
            (from, "s", merchant.to_string(), status)
        }
        Listing::Everything => ("where ?1 = '' and ?2 is null", "o", String::new(), None),
    })
}
