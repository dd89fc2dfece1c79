//! What the tables beside orders say of returns, refunds and the end of orders.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{Id, Kind, MerchantId, OrderId, RefundId, ReturnId};
use sqlite::{Connection, FromRow, Row, params};

use super::{
    Key, SqliteOrders, Step, keys, orders,
    rows::{self, select_orders},
};
use crate::{
    domain::{Order, RefundState, ReturnState},
    error::Error,
    store::returns::{Answering, Completion, Following, Keyed, Mark, ReturnStore},
};

/// An order, found by something of it.
struct Found<K>(Id<K>, Order);

impl<K: Kind> FromRow for Found<K> {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let id: String = row.get("found")?;
        Ok(Self(rows::parsed(&id)?, Order::from_row(row)?))
    }
}

/// Orders with the id by which they are found; followed by the rest of the query.
macro_rules! select_found {
    ($rest:literal) => {
        concat!(
            "select f.id as found, o.id, o.seq, o.cart_id, o.user_id, o.token_hash, o.status, o.payment_status, o.body,
             o.payment, o.reserved_until, o.version, o.placed_at ",
            $rest
        )
    };
}

/// Writes what a move has changed of refunds, returns, pieces and the end of the order. Constraints refuse more money or pieces
/// than there are.
pub(super) fn follow(
    connection: &Connection,
    before: &Order,
    order: &Order,
    now: Timestamp,
) -> Result<(), Error> {
    let following = Following::of(before, order);
    let id = order.id.to_string();
    if let Some((paid, back)) = following.money {
        connection.execute(
            "insert into order_money (order_id, paid, back) values (?, ?, ?)
             on conflict (order_id) do update set paid = excluded.paid, back = excluded.back",
            params![id, paid, back],
        )?;
    }
    for (item, bought, gone) in following.pieces {
        connection.execute(
            "insert into gone_pieces (order_id, item_id, bought, gone) values (?, ?, ?, ?)
             on conflict (order_id, item_id) do update set gone = excluded.gone",
            params![id, item.to_string(), bought, gone],
        )?;
    }
    for refund in order.body.refunds.iter().filter(|refund| !before.body.refunds.contains(refund)) {
        let waits = (refund.state == RefundState::Pending).then(|| now.millis());
        connection.execute(
            "insert into refunds (id, order_id, merchant_id, amount, state, at, next_at)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             on conflict (id) do update set state = excluded.state, next_at = excluded.next_at",
            params![
                refund.id.to_string(),
                id,
                refund.merchant.map(|merchant| merchant.to_string()),
                refund.amount.amount,
                rows::name(&refund.state)?,
                refund.at,
                waits,
            ],
        )?;
    }
    for it in order.body.returns.iter().filter(|it| !before.body.returns.contains(it)) {
        connection.execute(
            "insert into returns (id, order_id, merchant_id, state, at) values (?, ?, ?, ?, ?)
             on conflict (id) do update set state = excluded.state",
            params![it.id.to_string(), id, it.merchant.to_string(), rows::name(&it.state)?, it.at],
        )?;
    }
    match following.completes {
        Completion::At(due) => {
            connection.execute(
                "insert into completions (order_id, due_at) values (?, ?)
                 on conflict (order_id) do update set due_at = excluded.due_at",
                params![id, due.millis()],
            )?;
        }
        Completion::Never => {
            connection.execute("delete from completions where order_id = ?", [id])?;
        }
        Completion::Same => {}
    }
    Ok(())
}

fn returns(
    connection: &Connection,
    merchant: MerchantId,
    state: Option<ReturnState>,
    after: Option<Mark<ReturnId>>,
    limit: u32,
) -> Result<Vec<(ReturnId, Order)>, sqlite::Error> {
    let (at, id) =
        after.map_or((i64::MAX, String::new()), |mark| (mark.at.millis(), mark.id.to_string()));
    let state = state.as_ref().map(rows::name).transpose()?;
    let found: Vec<Found<ids::kind::Return>> = connection.all(
        select_found!(
            "from returns f join orders o on o.id = f.order_id
             where f.merchant_id = ?1 and (?2 is null or f.state = ?2) and (f.at, f.id) < (?3, ?4)
             order by f.at desc, f.id desc limit ?5"
        ),
        params![merchant.to_string(), state, at, id, limit],
    )?;
    Ok(found.into_iter().map(|Found(id, order)| (id, order)).collect())
}

fn refunds(
    connection: &Connection,
    state: Option<RefundState>,
    after: Option<Mark<RefundId>>,
    limit: u32,
) -> Result<Vec<(RefundId, Order)>, sqlite::Error> {
    let (at, id) =
        after.map_or((i64::MAX, String::new()), |mark| (mark.at.millis(), mark.id.to_string()));
    let state = state.as_ref().map(rows::name).transpose()?;
    let found: Vec<Found<ids::kind::Refund>> = connection.all(
        select_found!(
            "from refunds f join orders o on o.id = f.order_id
             where (?1 is null or f.state = ?1) and (f.at, f.id) < (?2, ?3)
             order by f.at desc, f.id desc limit ?4"
        ),
        params![state, at, id, limit],
    )?;
    Ok(found.into_iter().map(|Found(id, order)| (id, order)).collect())
}

fn refunds_due(
    connection: &Connection,
    now: Timestamp,
    again: Timestamp,
    limit: u32,
) -> Result<Vec<(RefundId, OrderId, u32)>, sqlite::Error> {
    let due: Vec<(String, String, u32)> = connection.all(
        "update refunds set next_at = ?2, attempts = attempts + 1 where id in
         (select id from refunds where next_at <= ?1 order by next_at limit ?3)
         returning id, order_id, attempts",
        params![now.millis(), again.millis(), limit],
    )?;
    due.iter()
        .map(|(id, order, tries)| Ok((rows::parsed(id)?, rows::parsed(order)?, *tries)))
        .collect()
}

#[async_trait]
impl ReturnStore for SqliteOrders {
    async fn apply_keyed(
        &self,
        id: OrderId,
        key: Key,
        step: Step,
        answer: Answering,
        now: Timestamp,
    ) -> Result<Keyed, Error> {
        let encode = self.encode;
        let apply = move |connection: &Connection| {
            if let Some(before) = keys::recall(connection, &key.scope, &key.key)? {
                return Ok(Keyed::Before(before));
            }
            let applied = orders::apply(connection, id, None, &step, now, encode)?;
            let response = answer(&applied.order);
            keys::insert(connection, &key, id, "", now)?;
            let kept = keys::answer(connection, &key.scope, &key.key, response)?;
            Ok(Keyed::Done(Box::new(applied), kept))
        };
        self.database.write(apply).await
    }

    async fn returns(
        &self,
        merchant: MerchantId,
        state: Option<ReturnState>,
        after: Option<Mark<ReturnId>>,
        limit: u32,
    ) -> Result<Vec<(ReturnId, Order)>, Error> {
        let list =
            move |connection: &Connection| returns(connection, merchant, state, after, limit);
        Ok(self.database.read(list).await?)
    }

    async fn order_of_return(
        &self,
        merchant: MerchantId,
        id: ReturnId,
    ) -> Result<Option<Order>, Error> {
        let find = move |connection: &Connection| {
            connection.first(
                select_orders!(
                    "join returns f on f.order_id = o.id where f.id = ? and f.merchant_id = ?"
                ),
                [id.to_string(), merchant.to_string()],
            )
        };
        Ok(self.database.read(find).await?)
    }

    async fn refunds(
        &self,
        state: Option<RefundState>,
        after: Option<Mark<RefundId>>,
        limit: u32,
    ) -> Result<Vec<(RefundId, Order)>, Error> {
        let list = move |connection: &Connection| refunds(connection, state, after, limit);
        Ok(self.database.read(list).await?)
    }

    async fn order_of_refund(&self, id: RefundId) -> Result<Option<OrderId>, Error> {
        let find = move |connection: &Connection| -> Result<Option<OrderId>, sqlite::Error> {
            let found: Option<String> =
                connection.first("select order_id from refunds where id = ?", [id.to_string()])?;
            found.map(|id| rows::parsed(&id)).transpose()
        };
        Ok(self.database.read(find).await?)
    }

    async fn refunds_due(
        &self,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<(RefundId, OrderId, u32)>, Error> {
        // Looking costs no write: there is seldom anything to do.
        let look = move |connection: &Connection| -> Result<bool, sqlite::Error> {
            connection
                .one("select exists (select 1 from refunds where next_at <= ?)", [now.millis()])
        };
        if !self.database.read(look).await? {
            return Ok(Vec::new());
        }
        let take = move |connection: &Connection| refunds_due(connection, now, again, limit);
        Ok(self.database.write(take).await?)
    }

    async fn refund_later(&self, id: RefundId, at: Timestamp) -> Result<(), Error> {
        let later = move |connection: &Connection| -> Result<u64, sqlite::Error> {
            connection.execute(
                "update refunds set next_at = ? where id = ? and next_at is not null",
                params![at.millis(), id.to_string()],
            )
        };
        self.database.write(later).await?;
        Ok(())
    }

    async fn completions_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, Error> {
        let due = move |connection: &Connection| -> Result<Vec<OrderId>, sqlite::Error> {
            let found: Vec<String> = connection.all(
                "select order_id from completions where due_at <= ? order by due_at limit ?",
                params![now.millis(), limit],
            )?;
            found.iter().map(|id| rows::parsed(id)).collect()
        };
        Ok(self.database.read(due).await?)
    }

    async fn complete_later(&self, id: OrderId, at: Timestamp) -> Result<(), Error> {
        let later = move |connection: &Connection| -> Result<u64, sqlite::Error> {
            connection.execute(
                "update completions set due_at = ? where order_id = ?",
                params![at.millis(), id.to_string()],
            )
        };
        self.database.write(later).await?;
        Ok(())
    }
}
