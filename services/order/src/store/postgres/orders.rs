//! Orders and their moves.

use std::time::Duration;

use clock::Timestamp;
use ids::OrderId;
use outbox::Draft;
use postgres::{moment, uuid};
use sqlx::{
    PgConnection, QueryBuilder, query, query_as, query_scalar,
    types::{Json, Uuid, time::OffsetDateTime},
};

use super::{
    Applied, Encode, Listing, Place, Step, ledger, levels, redemptions, returns,
    rows::{self, select_orders},
    stock,
};
use crate::{
    domain::{Event, Order, Payment, StockEffect, Transition},
    error::Error,
};

/// How long an overdue order is left to the process that was given it.
const SWEEPING: Duration = Duration::from_secs(5);
/// Later than every order: 9999-12-31.
const LAST: Timestamp = Timestamp::from_millis(253_402_214_400_000);

pub(super) async fn find(
    connection: &mut PgConnection,
    id: OrderId,
) -> Result<Option<Order>, sqlx::Error> {
    query_as(select_orders!("where o.id = $1")).bind(uuid(id)).fetch_optional(connection).await
}

/// A later word on the payment (paid, refunded) is not overwritten by how it was opened.
pub(super) async fn note_payment(
    connection: &mut PgConnection,
    order: OrderId,
    payment: &Payment,
) -> Result<(), sqlx::Error> {
    query(
        "update orders set payment = $2 where id = $1
         and (payment is null or (status = 'awaiting_payment'
              and (payment ->> 'id' <> $2 ->> 'id' or (payment -> 'version')::bigint < ($2 -> 'version')::bigint)))",
    )
    .bind(uuid(order))
    .bind(Json(payment))
    .execute(connection)
    .await?;
    Ok(())
}

/// The order's row stays locked from the look at it to the commit: of two moves, the second is decided by what the first has made.
pub(super) async fn apply(
    connection: &mut PgConnection,
    id: OrderId,
    cause: Option<&str>,
    step: Step,
    now: Timestamp,
    encode: Encode,
) -> Result<Applied, Error> {
    let lock = query_as::<_, Order>(select_orders!("where o.id = $1 for no key update of o"));
    let before = lock.bind(uuid(id)).fetch_optional(&mut *connection).await?;
    let before = before.ok_or(Error::OrderNotFound)?;
    let Some(Transition { order, stock, event, shipment, pieces }) = step(&before)? else {
        return Ok(Applied { order: before, told: false });
    };
    if let Some(cause) = cause
        && !outbox::postgres::first_time(connection, cause, now).await?
    {
        return Ok(Applied { order: before, told: false });
    }
    let told = event.map(|kind| encode(Event::Order { kind, order: &order, shipment, at: now }));
    update(connection, &before, &order, told.as_slice(), now).await?;
    let mut filled = stock::put_back(connection, id, &pieces, now).await?;
    filled.extend(stock::settle(connection, id, stock, now).await?);
    returns::follow(connection, &before, &order, now).await?;
    ledger::book(connection, Some(&before), &order, now).await?;
    redemptions::follow(connection, &before, &order).await?;
    let shown = stock == StockEffect::Release || !pieces.is_empty();
    if shown {
        let mut drafts = levels::told(connection, &filled, now, encode).await?;
        let products = filled.iter().map(|it| it.product);
        drafts.extend(stock::redisplay(connection, products, now, encode).await?);
        outbox::postgres::append(connection, &drafts, now).await?;
    }
    Ok(Applied { order, told: told.is_some() || shown })
}

/// The order, its shipments and what others are told of it, in one statement.
async fn update(
    connection: &mut PgConnection,
    before: &Order,
    order: &Order,
    told: &[Draft],
    now: Timestamp,
) -> Result<(), Error> {
    let moved = if order.body.shipments == before.body.shipments {
        [].as_slice()
    } else {
        order.body.shipments.as_slice()
    };
    let statuses = moved.iter().map(|shipment| rows::name(&shipment.status));
    let statuses: Vec<String> = statuses.collect::<Result<_, _>>()?;
    let mut statement = QueryBuilder::new("with moved as (update orders set status = ");
    statement
        .push_bind(rows::name(&order.status)?)
        .push(", payment_status = ")
        .push_bind(rows::name(&order.payment_status)?)
        .push(", body = ")
        .push_bind(Json(&order.body))
        .push(", payment = coalesce(")
        .push_bind(order.payment.as_ref().map(Json))
        .push(", payment), reserved_until = ")
        .push_bind(order.reserved_until.map(moment))
        .push(", swept_until = null, version = ")
        .push_bind(order.version)
        .push(" where id = ")
        .push_bind(uuid(order.id))
        .push(" and version = ")
        .push_bind(before.version)
        .push(
            " returning id), parts as (
             update shipments s set status = p.status from moved, unnest(",
        )
        .push_bind(rows::uuids(moved.iter().map(|shipment| shipment.merchant)))
        .push(", ")
        .push_bind(statuses)
        // What ended before it was paid never was a merchant's business.
        .push(
            ") as p (merchant_id, status)
             where s.order_id = moved.id and s.merchant_id = p.merchant_id and s.status <> p.status
             and not (s.status = 'pending' and p.status = 'cancelled'))",
        );
    if !told.is_empty() {
        statement.push(", told as (");
        outbox::postgres::push(&mut statement, told, now, "moved");
        statement.push(")");
    }
    statement.push(" select exists (select from moved)");
    let moved: bool = statement.build_query_scalar().fetch_one(connection).await?;
    if moved { Ok(()) } else { Err(Error::Contended) }
}

pub(super) async fn list(
    connection: &mut PgConnection,
    listing: Listing,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Order>, sqlx::Error> {
    let (at, id) = after.map_or((LAST, Uuid::max()), |place| (place.placed_at, uuid(place.order)));
    let text = match listing {
        Listing::User(_) => select_orders!(
            "where o.user_id = $4 and (o.placed_at, o.id) < ($1, $2)
             order by o.placed_at desc, o.id desc limit $3"
        ),
        // An unpaid order is none of the merchant's business yet.
        Listing::Merchant(_, None) => select_orders!(
            "join shipments s on s.order_id = o.id
             where s.merchant_id = $4 and s.status <> 'pending' and (s.placed_at, s.order_id) < ($1, $2)
             order by s.placed_at desc, s.order_id desc limit $3"
        ),
        Listing::Merchant(_, Some(_)) => select_orders!(
            "join shipments s on s.order_id = o.id
             where s.merchant_id = $4 and s.status = $5 and s.status <> 'pending'
             and (s.placed_at, s.order_id) < ($1, $2)
             order by s.placed_at desc, s.order_id desc limit $3"
        ),
        Listing::Everything => select_orders!(
            "where (o.placed_at, o.id) < ($1, $2) order by o.placed_at desc, o.id desc limit $3"
        ),
    };
    let list = query_as(text).bind(moment(at)).bind(id).bind(i64::from(limit));
    let list = match listing {
        Listing::User(user) => list.bind(uuid(user)),
        Listing::Merchant(merchant, None) => list.bind(uuid(merchant)),
        Listing::Merchant(merchant, Some(status)) => {
            list.bind(uuid(merchant)).bind(rows::name(&status)?)
        }
        Listing::Everything => list,
    };
    list.fetch_all(connection).await
}

pub(super) async fn count(
    connection: &mut PgConnection,
    listing: Listing,
) -> Result<u64, sqlx::Error> {
    let count = match listing {
        Listing::User(user) => {
            query_scalar("select count(*) from orders where user_id = $1").bind(uuid(user))
        }
        Listing::Merchant(merchant, None) => query_scalar(
            "select count(*) from shipments where merchant_id = $1 and status <> 'pending'",
        )
        .bind(uuid(merchant)),
        Listing::Merchant(merchant, Some(status)) => query_scalar(
            "select count(*) from shipments where merchant_id = $1 and status = $2 and status <> 'pending'",
        )
        .bind(uuid(merchant))
        .bind(rows::name(&status)?),
        Listing::Everything => query_scalar("select count(*) from orders"),
    };
    let count: i64 = count.fetch_one(connection).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Orders whose goods are held for payment no longer than until `now`, the oldest first. Processes that ask at once are given
/// different ones; one whose end did not come is given out again a little later.
pub(super) async fn expired(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<OrderId>, sqlx::Error> {
    let mut due: Vec<(OffsetDateTime, Uuid)> = query_as(
        "update orders set swept_until = $2 where id = any(array(
             select id from orders where reserved_until <= $1 and (swept_until is null or swept_until <= $1)
             order by reserved_until limit $3 for no key update skip locked))
         returning reserved_until, id",
    )
    .bind(moment(now))
    .bind(moment(now.plus(SWEEPING)))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    due.sort_unstable();
    Ok(due.into_iter().map(|(_, id)| postgres::id(id)).collect())
}

/// The order with a sequence.
pub(super) async fn numbered(
    connection: &mut PgConnection,
    seq: i64,
) -> Result<Option<OrderId>, sqlx::Error> {
    let find = query_scalar("select id from orders where seq = $1").bind(seq);
    Ok(find.fetch_optional(connection).await?.map(postgres::id))
}
