//! What orders use of promotions.
//!
//! It is counted at the end of a checkout, on the condition that it is still there: a promotion without a limit is only held
//! against being changed, so that nobody waits; one with a limit is counted in its row; the uses of one shopper are numbered, and a
//! number is taken once. Promotions are locked by id, after offers and before displays.

use clock::Timestamp;
use ids::OrderId;
use postgres::{moment, uuid};
use sqlx::{PgConnection, query, query_scalar, types::Uuid};

use super::{checkout, rows};
use crate::{
    domain::{
        Order,
        promotion::{CodeRefusal, Shopper},
    },
    error::Error,
    store::promotions::{Use, gives_back},
};

/// Tries to number the use of a shopper who uses a promotion twice in the same moment.
const TRIES: usize = 3;

/// Counts what an order uses; refused when some of it is used up by now, or its owner has changed it meanwhile.
pub(super) async fn redeem(
    connection: &mut PgConnection,
    order: OrderId,
    uses: &[Use],
    shopper: &Shopper,
    now: Timestamp,
) -> Result<(), Error> {
    if uses.is_empty() {
        return Ok(());
    }
    let limited: Vec<Uuid> =
        uses.iter().filter(|it| it.limited).map(|it| uuid(it.promotion)).collect();
    // One row is locked by the change itself; several are locked in the order of their ids first.
    if limited.len() > 1 {
        let lock = "select from promotions where id = any($1) order by id for no key update";
        query(lock).bind(&limited).execute(&mut *connection).await?;
    }
    let counted: Vec<Uuid> = query_scalar(
        "with given as (
             select * from unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::boolean[]) as g (id, version, amount, limited)
         ), counted as (
             update promotions p set used = p.used + 1, spent = p.spent + g.amount from given g
             where g.limited and p.id = g.id and p.version = g.version
             and (p.usage_limit is null or p.used < p.usage_limit) and (p.budget is null or p.spent + g.amount <= p.budget)
             returning p.id
         ), held as materialized (
             select p.id from promotions p join given g on g.id = p.id
             where not g.limited and p.version = g.version order by p.id for key share of p
         ), there as (select id from counted union all select id from held)
         insert into redemptions (promotion_id, order_id, amount, state, at)
         select g.id, $1, g.amount, 'used', $6 from given g join there on there.id = g.id returning promotion_id",
    )
    .bind(uuid(order))
    .bind(rows::uuids(uses.iter().map(|it| it.promotion)))
    .bind(uses.iter().map(|it| it.version).collect::<Vec<_>>())
    .bind(uses.iter().map(|it| it.amount.amount).collect::<Vec<_>>())
    .bind(uses.iter().map(|it| it.limited).collect::<Vec<_>>())
    .bind(moment(now))
    .fetch_all(&mut *connection)
    .await?;
    if let Some(gone) = uses.iter().find(|it| !counted.contains(&uuid(it.promotion))) {
        return Err(checkout::used_up(gone, CodeRefusal::Exhausted));
    }
    for using in uses {
        if let Some(most) = using.per_customer {
            number(connection, order, using, most, shopper).await?;
        }
    }
    Ok(())
}

/// Takes the next number of this shopper. Two in the same moment want the same one: the second waits for the first, and takes the
/// number after it.
async fn number(
    connection: &mut PgConnection,
    order: OrderId,
    using: &Use,
    most: u32,
    shopper: &Shopper,
) -> Result<(), Error> {
    let mut names = shopper.names();
    names.sort_unstable();
    for _ in 0..TRIES {
        let taken: Vec<String> = query_scalar(
            "insert into redeemers (promotion_id, customer, nth, order_id)
             select $1, c.name, n.nth, $2 from unnest($3::text[]) as c (name)
             join lateral (
                 select min(n) as nth from generate_series(1, $4::integer) as n
                 where not exists (select from redeemers r where r.promotion_id = $1 and r.customer = c.name and r.nth = n)
             ) n on n.nth is not null
             order by c.name
             on conflict do nothing returning customer",
        )
        .bind(uuid(using.promotion))
        .bind(uuid(order))
        .bind(&names)
        .bind(i32::try_from(most).unwrap_or(i32::MAX))
        .fetch_all(&mut *connection)
        .await?;
        names.retain(|name| !taken.contains(name));
        if names.is_empty() {
            return Ok(());
        }
    }
    Err(checkout::used_up(using, CodeRefusal::Used))
}

/// What a move means for the promotions of its order.
pub(super) async fn follow(
    connection: &mut PgConnection,
    before: &Order,
    order: &Order,
) -> Result<(), sqlx::Error> {
    if gives_back(before, order) { give_back(connection, order.id).await } else { Ok(()) }
}

/// Gives back what an order used. Given back twice is given back once: the order's row is locked.
async fn give_back(connection: &mut PgConnection, order: OrderId) -> Result<(), sqlx::Error> {
    let lock = "select from promotions where id = any(array(
                    select promotion_id from redemptions where order_id = $1 and state = 'used'))
                and (usage_limit is not null or budget is not null) order by id for no key update";
    query(lock).bind(uuid(order)).execute(&mut *connection).await?;
    query(
        "with released as (
             update redemptions set state = 'released' where order_id = $1 and state = 'used' returning promotion_id, amount
         ), free as (delete from redeemers where order_id = $1)
         update promotions p set used = p.used - 1, spent = p.spent - r.amount from released r
         where p.id = r.promotion_id and (p.usage_limit is not null or p.budget is not null)",
    )
    .bind(uuid(order))
    .execute(connection)
    .await?;
    Ok(())
}
