//! The checkout: one transaction of four statements, and one or two more where promotions apply.
//!
//! The first locks the offers in the order of their ids and reads them as they are then: what it is decided by stays until the
//! commit. The second reads the promotions that may apply. The third writes everything at once, takes the stock on the condition
//! that it is there, and draws the number; then the promotions used are counted, on the condition that they are still there. The
//! last tells others, who are told the number.

use postgres::{moment, uuid};
use sqlx::{
    FromRow as _, PgConnection, Row as _, query, query_as,
    types::{Json, Uuid},
};

use super::{
    Encode, Key, Placed, Placing, Remembered, checkout, keys, ledger, levels, promotions,
    redemptions,
    rows::{self, select_offers},
    stock,
};
use crate::{
    domain::{Buyer, Event, Order, Provider, offer::Offer},
    error::Error,
    store::{
        levels::sold,
        promotions::{Basis, uses},
    },
};

/// Where a request stands before anything is written.
enum Standing {
    /// Its key was seen before.
    Before(Remembered),
    /// Its cart has become an order.
    Completed,
    /// Neither. The offers are locked.
    Open(Vec<Offer>),
}

pub(super) async fn place(
    connection: &mut PgConnection,
    placing: Placing,
    encode: Encode,
) -> Result<Placed, Error> {
    let offers = match standing(connection, &placing).await? {
        Standing::Before(before) => return Ok(Placed::Before(before)),
        Standing::Completed => return Err(Error::CartCompleted),
        Standing::Open(offers) => offers,
    };
    let shopper = checkout::shopper(&placing);
    let merchants = checkout::merchants(&offers);
    let offered =
        promotions::offered(connection, &merchants, &placing.codes, &shopper, placing.now).await?;
    let quote = match checkout::quote(&placing, Basis { offers, offered }) {
        Ok(quote) => quote,
        // It may have waited for this very request, or for one of the same cart, which has what is now missing.
        Err(refused) => {
            return match standing(connection, &placing).await? {
                Standing::Before(before) => Ok(Placed::Before(before)),
                Standing::Completed => Err(Error::CartCompleted),
                Standing::Open(_) => Err(refused),
            };
        }
    };
    let (emptied, uses, signals) = (checkout::emptied(&quote), uses(&quote), sold(&quote));
    let (key, token, now) = (placing.key.clone(), placing.order_token.clone(), placing.now);
    // Its number is drawn with the writing.
    let order = checkout::compose(placing, quote, 0);
    let Written { kept, seq, taken } = write(connection, &order, &key, &token).await?;
    if !kept {
        let before = keys::recall(connection, &key.scope, &key.key).await?;
        return before.map(Placed::Before).ok_or(Error::Contended);
    }
    let order = Order { seq: seq.ok_or(Error::CartCompleted)?, ..order };
    if usize::try_from(taken) != Ok(order.body.items.len()) {
        // A row that the quote saw otherwise: nothing is kept.
        return Err(Error::OutOfStock(Vec::new()));
    }
    redemptions::redeem(connection, order.id, &uses, &shopper, now).await?;
    ledger::book(connection, None, &order, now).await?;
    let event = Event::Order { kind: "order.placed", order: &order, shipment: None, at: now };
    let mut drafts = vec![encode(event)];
    drafts.extend(levels::drafts(signals, now, encode));
    drafts.extend(stock::redisplay(connection, emptied, now, encode).await?);
    outbox::postgres::append(connection, &drafts, now).await?;
    Ok(Placed::New(Box::new(order)))
}

/// A repeat, or a cart that is done with, locks nothing.
async fn standing(connection: &mut PgConnection, placing: &Placing) -> Result<Standing, Error> {
    let found = query(concat!(
        "with wanted as materialized (",
        select_offers!(
            "where o.id = any($4)
             and not exists (select from idempotency where scope = $1 and key = $2)
             and not exists (select from orders where cart_id = $3)
             order by o.id for no key update of o"
        ),
        ") select k.request_hash, k.order_id, k.order_token, k.response,
                  exists (select from orders where cart_id = $3) as completed, w.*
         from (values (true)) as request (here)
         left join idempotency k on k.scope = $1 and k.key = $2 left join wanted w on true"
    ))
    .bind(&placing.key.scope)
    .bind(&placing.key.key)
    .bind(uuid(placing.cart))
    .bind(rows::uuids(placing.lines.iter().map(|line| line.offer)))
    .fetch_all(connection)
    .await?;
    let mut offers = Vec::with_capacity(found.len());
    for row in &found {
        if row.try_get::<Option<&[u8]>, _>("request_hash")?.is_some() {
            return Ok(Standing::Before(Remembered::from_row(row)?));
        }
        if row.try_get("completed")? {
            return Ok(Standing::Completed);
        }
        if row.try_get::<Option<Uuid>, _>("id")?.is_some() {
            offers.push(Offer::from_row(row)?);
        }
    }
    Ok(Standing::Open(offers))
}

/// What came of writing.
struct Written {
    /// The key is new; else nothing was written.
    kept: bool,
    /// The order's number; none when its cart has become another order.
    seq: Option<i64>,
    /// Lines of which the stock was there.
    taken: i64,
}

async fn write(
    connection: &mut PgConnection,
    order: &Order,
    key: &Key,
    token: &str,
) -> Result<Written, sqlx::Error> {
    let (user, hash) = match &order.buyer {
        Buyer::User(user) => (Some(uuid(*user)), None),
        Buyer::Token(hash) => (None, Some(hash.as_slice())),
    };
    let (items, shipments) = (&order.body.items, &order.body.shipments);
    let status = shipments.first().map(|shipment| rows::name(&shipment.status)).transpose()?;
    let cash = order.body.provider == Provider::Cash;
    let written: (bool, Option<i64>, i64) = query_as(
        "with kept as (
             insert into idempotency (scope, key, request_hash, order_id, order_token, at)
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning order_id
         ), placed as (
             insert into orders (id, cart_id, user_id, token_hash, status, payment_status, body, reserved_until, version, placed_at)
             select order_id, $7, $8, $9, $10, $11, $12, $13, $14, $6 from kept
             where not exists (select from orders where cart_id = $7)
             on conflict (cart_id) do nothing returning id, seq
         ), parts as (
             insert into shipments (merchant_id, order_id, status, placed_at)
             select merchant, id, $15, $6 from placed, unnest($16::uuid[]) as part (merchant)
         ), lines as materialized (
             select id as placed, offer, quantity from placed, unnest($17::uuid[], $18::bigint[]) as line (offer, quantity)
         ), taken as (
             update offers o set available = o.available - quantity,
                 reserved = o.reserved + case when $19 = 'held' then quantity else 0 end,
                 version = o.version + 1, updated_at = $6
             from lines where o.id = offer and o.available + o.backorder_limit >= quantity returning o.id
         ), held as (
             insert into reservations (order_id, offer_id, quantity, state)
             select placed, offer, quantity, $19 from lines
         ), written as (
             insert into stock_ledger (offer_id, available, reserved, cause, order_id, at)
             select offer, -quantity, case when $19 = 'held' then quantity else 0 end, $19, placed, $6 from lines
         )
         select exists (select from kept) as kept, (select seq from placed) as seq, (select count(*) from taken) as taken",
    )
    .bind(&key.scope)
    .bind(&key.key)
    .bind(&key.hash)
    .bind(uuid(order.id))
    .bind(token)
    .bind(moment(order.placed_at))
    .bind(uuid(order.cart))
    .bind(user)
    .bind(hash)
    .bind(rows::name(&order.status)?)
    .bind(rows::name(&order.payment_status)?)
    .bind(Json(&order.body))
    .bind(order.reserved_until.map(moment))
    .bind(order.version)
    .bind(status)
    .bind(rows::uuids(shipments.iter().map(|shipment| shipment.merchant)))
    .bind(rows::uuids(items.iter().map(|item| item.offer)))
    .bind(items.iter().map(|item| i64::from(item.quantity)).collect::<Vec<_>>())
    .bind(if cash { "sold" } else { "held" })
    .fetch_one(connection)
    .await?;
    let (kept, seq, taken) = written;
    Ok(Written { kept, seq, taken })
}
