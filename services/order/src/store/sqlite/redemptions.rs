//! What orders use of promotions. The file has one writer: what was read stays true until the commit.

use clock::Timestamp;
use ids::OrderId;
use sqlite::{Connection, Error as Failure, params};

use super::checkout;
use crate::{
    domain::{
        Order,
        promotion::{CodeRefusal, Shopper},
    },
    error::Error,
    store::promotions::{Use, gives_back},
};

/// Counts what an order uses. Each of the conditions holds by what the quote has read; the schema says so again.
pub(super) fn redeem(
    connection: &Connection,
    order: OrderId,
    uses: &[Use],
    shopper: &Shopper,
    now: Timestamp,
) -> Result<(), Error> {
    let order = order.to_string();
    for using in uses {
        let (id, amount) = (using.promotion.to_string(), using.amount.amount);
        let counted = connection.execute(
            "update promotions set used = used + 1, spent = spent + ?2 where id = ?1 and version = ?3
             and (usage_limit is null or used < usage_limit) and (budget is null or spent + ?2 <= budget)",
            params![id, amount, using.version],
        )?;
        if counted == 0 {
            return Err(checkout::used_up(using, CodeRefusal::Exhausted));
        }
        connection.execute(
            "insert into redemptions (promotion_id, order_id, amount, state, at) values (?, ?, ?, 'used', ?)",
            params![id, order, amount, now.millis()],
        )?;
        let Some(most) = using.per_customer else { continue };
        for customer in shopper.names() {
            let free: Option<u32> = connection.one(
                "with recursive nth (n) as (select 1 union all select n + 1 from nth where n < ?3)
                 select min(n) from nth where not exists
                 (select 1 from redeemers where promotion_id = ?1 and customer = ?2 and nth = n)",
                params![id, customer, most],
            )?;
            let Some(nth) = free else {
                return Err(checkout::used_up(using, CodeRefusal::Used));
            };
            connection.execute(
                "insert into redeemers (promotion_id, customer, nth, order_id) values (?, ?, ?, ?)",
                params![id, customer, nth, order],
            )?;
        }
    }
    Ok(())
}

/// What a move means for the promotions of its order.
pub(super) fn follow(
    connection: &Connection,
    before: &Order,
    order: &Order,
) -> Result<(), Failure> {
    if gives_back(before, order) { give_back(connection, order.id) } else { Ok(()) }
}

/// Gives back what an order used. Given back twice is given back once.
fn give_back(connection: &Connection, order: OrderId) -> Result<(), Failure> {
    let order = order.to_string();
    connection.execute(
        "update promotions set used = used - 1, spent = spent - r.amount
         from redemptions r where r.order_id = ? and r.state = 'used' and r.promotion_id = promotions.id",
        [&order],
    )?;
    connection.execute("delete from redeemers where order_id = ?", [&order])?;
    connection.execute("update redemptions set state = 'released' where order_id = ?", [&order])?;
    Ok(())
}
