//! What the tables beside orders say of returns, refunds and the end of orders.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{Id, Kind, MerchantId, OrderId, RefundId, ReturnId};
use postgres::{moment, uuid};
use sqlx::{FromRow, PgConnection, postgres::PgRow, query, query_as, query_scalar, types::Uuid};

use super::{
    Key, PostgresOrders, Step, keys, orders,
    rows::{self, select_orders},
};
use crate::{
    domain::{Order, Refund, RefundState, Return, ReturnState},
    error::Error,
    store::returns::{Answering, Completion, Following, Keyed, Mark, ReturnStore},
};

/// Later than everything: 9999-12-31.
const LAST: Timestamp = Timestamp::from_millis(253_402_214_400_000);

/// An order, found by something of it.
struct Found<K>(Id<K>, Order);

impl<K: Kind> FromRow<'_, PgRow> for Found<K> {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self(rows::id(row, "found")?, Order::from_row(row)?))
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
/// than there are. The order's row is locked.
pub(super) async fn follow(
    connection: &mut PgConnection,
    before: &Order,
    order: &Order,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let following = Following::of(before, order);
    let id = uuid(order.id);
    if let Some((paid, back)) = following.money {
        query(
            "insert into order_money (order_id, paid, back) values ($1, $2, $3)
             on conflict (order_id) do update set paid = excluded.paid, back = excluded.back",
        )
        .bind(id)
        .bind(paid)
        .bind(back)
        .execute(&mut *connection)
        .await?;
    }
    if !following.pieces.is_empty() {
        let pieces = &following.pieces;
        query(
            "insert into gone_pieces (order_id, item_id, bought, gone)
             select $1, it.item, it.bought, it.gone from unnest($2::uuid[], $3::bigint[], $4::bigint[]) as it (item, bought, gone)
             on conflict (order_id, item_id) do update set gone = excluded.gone",
        )
        .bind(id)
        .bind(rows::uuids(pieces.iter().map(|(item, ..)| *item)))
        .bind(pieces.iter().map(|(_, bought, _)| i64::from(*bought)).collect::<Vec<_>>())
        .bind(pieces.iter().map(|(.., gone)| i64::from(*gone)).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    let changed = order.body.refunds.iter().filter(|it| !before.body.refunds.contains(it));
    follow_refunds(connection, id, &changed.collect::<Vec<_>>(), now).await?;
    let changed = order.body.returns.iter().filter(|it| !before.body.returns.contains(it));
    follow_returns(connection, id, &changed.collect::<Vec<_>>()).await?;
    match following.completes {
        Completion::At(due) => {
            query(
                "insert into completions (order_id, due_at) values ($1, $2)
                 on conflict (order_id) do update set due_at = excluded.due_at",
            )
            .bind(id)
            .bind(moment(due))
            .execute(&mut *connection)
            .await?;
        }
        Completion::Never => {
            let delete = query("delete from completions where order_id = $1").bind(id);
            delete.execute(&mut *connection).await?;
        }
        Completion::Same => {}
    }
    Ok(())
}

async fn follow_refunds(
    connection: &mut PgConnection,
    order: Uuid,
    refunds: &[&Refund],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if refunds.is_empty() {
        return Ok(());
    }
    let states = refunds.iter().map(|refund| rows::name(&refund.state));
    query(
        "insert into refunds (id, order_id, merchant_id, amount, state, at, next_at)
         select it.id, $1, it.merchant, it.amount, it.state, it.at, case it.state when 'pending' then $7 end
         from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::timestamptz[]) as it (id, merchant, amount, state, at)
         on conflict (id) do update set state = excluded.state, next_at = excluded.next_at",
    )
    .bind(order)
    .bind(rows::uuids(refunds.iter().map(|refund| refund.id)))
    .bind(refunds.iter().map(|refund| refund.merchant.map(uuid)).collect::<Vec<_>>())
    .bind(refunds.iter().map(|refund| refund.amount.amount).collect::<Vec<_>>())
    .bind(states.collect::<Result<Vec<_>, _>>()?)
    .bind(refunds.iter().map(|it| moment(Timestamp::from_millis(it.at))).collect::<Vec<_>>())
    .bind(moment(now))
    .execute(connection)
    .await?;
    Ok(())
}

async fn follow_returns(
    connection: &mut PgConnection,
    order: Uuid,
    returns: &[&Return],
) -> Result<(), sqlx::Error> {
    if returns.is_empty() {
        return Ok(());
    }
    let states = returns.iter().map(|it| rows::name(&it.state));
    query(
        "insert into returns (id, order_id, merchant_id, state, at)
         select it.id, $1, it.merchant, it.state, it.at
         from unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) as it (id, merchant, state, at)
         on conflict (id) do update set state = excluded.state",
    )
    .bind(order)
    .bind(rows::uuids(returns.iter().map(|it| it.id)))
    .bind(rows::uuids(returns.iter().map(|it| it.merchant)))
    .bind(states.collect::<Result<Vec<_>, _>>()?)
    .bind(returns.iter().map(|it| moment(Timestamp::from_millis(it.at))).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

#[async_trait]
impl ReturnStore for PostgresOrders {
    async fn apply_keyed(
        &self,
        id: OrderId,
        key: Key,
        step: Step,
        answer: Answering,
        now: Timestamp,
    ) -> Result<Keyed, Error> {
        let mut transaction = self.database.begin().await?;
        // Requests of one order take turns: a repeat finds what the first has left.
        let lock = query("select from orders where id = $1 for no key update").bind(uuid(id));
        lock.execute(&mut *transaction).await?;
        if let Some(before) = keys::recall(&mut transaction, &key.scope, &key.key).await? {
            return Ok(Keyed::Before(before));
        }
        let applied = orders::apply(&mut transaction, id, None, step, now, self.encode).await?;
        let response = answer(&applied.order);
        query(
            "insert into idempotency (scope, key, request_hash, order_id, order_token, response, at)
             values ($1, $2, $3, $4, '', $5, $6)",
        )
        .bind(&key.scope)
        .bind(&key.key)
        .bind(&key.hash)
        .bind(uuid(id))
        .bind(&response)
        .bind(moment(now))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Keyed::Done(Box::new(applied), response))
    }

    async fn returns(
        &self,
        merchant: MerchantId,
        state: Option<ReturnState>,
        after: Option<Mark<ReturnId>>,
        limit: u32,
    ) -> Result<Vec<(ReturnId, Order)>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let (at, id) = after.map_or((LAST, Uuid::max()), |mark| (mark.at, uuid(mark.id)));
        let found: Vec<Found<ids::kind::Return>> = query_as(select_found!(
            "from returns f join orders o on o.id = f.order_id
             where f.merchant_id = $1 and ($2::text is null or f.state = $2) and (f.at, f.id) < ($3, $4)
             order by f.at desc, f.id desc limit $5"
        ))
        .bind(uuid(merchant))
        .bind(state.as_ref().map(rows::name).transpose()?)
        .bind(moment(at))
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        Ok(found.into_iter().map(|Found(id, order)| (id, order)).collect())
    }

    async fn order_of_return(
        &self,
        merchant: MerchantId,
        id: ReturnId,
    ) -> Result<Option<Order>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        let find = query_as(select_orders!(
            "join returns f on f.order_id = o.id where f.id = $1 and f.merchant_id = $2"
        ));
        let find = find.bind(uuid(id)).bind(uuid(merchant));
        Ok(find.fetch_optional(&mut *transaction).await?)
    }

    async fn refunds(
        &self,
        state: Option<RefundState>,
        after: Option<Mark<RefundId>>,
        limit: u32,
    ) -> Result<Vec<(RefundId, Order)>, Error> {
        let mut transaction = self.database.begin().await?;
        let (at, id) = after.map_or((LAST, Uuid::max()), |mark| (mark.at, uuid(mark.id)));
        let found: Vec<Found<ids::kind::Refund>> = query_as(select_found!(
            "from refunds f join orders o on o.id = f.order_id
             where ($1::text is null or f.state = $1) and (f.at, f.id) < ($2, $3)
             order by f.at desc, f.id desc limit $4"
        ))
        .bind(state.as_ref().map(rows::name).transpose()?)
        .bind(moment(at))
        .bind(id)
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        Ok(found.into_iter().map(|Found(id, order)| (id, order)).collect())
    }

    async fn order_of_refund(&self, id: RefundId) -> Result<Option<OrderId>, Error> {
        let mut transaction = self.database.begin().await?;
        let find = query_scalar("select order_id from refunds where id = $1").bind(uuid(id));
        Ok(find.fetch_optional(&mut *transaction).await?.map(postgres::id))
    }

    async fn refunds_due(
        &self,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<(RefundId, OrderId, u32)>, Error> {
        let mut transaction = self.database.begin().await?;
        let due: Vec<(Uuid, Uuid, i64)> = query_as(
            "update refunds set next_at = $2, attempts = attempts + 1 where id = any(array(
                 select id from refunds where next_at <= $1 order by next_at limit $3 for no key update skip locked))
             returning id, order_id, attempts",
        )
        .bind(moment(now))
        .bind(moment(again))
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        transaction.commit().await?;
        let read = |(id, order, tries): (Uuid, Uuid, i64)| {
            (postgres::id(id), postgres::id(order), u32::try_from(tries).unwrap_or(u32::MAX))
        };
        Ok(due.into_iter().map(read).collect())
    }

    async fn refund_later(&self, id: RefundId, at: Timestamp) -> Result<(), Error> {
        let mut transaction = self.database.begin().await?;
        query("update refunds set next_at = $2 where id = $1 and next_at is not null")
            .bind(uuid(id))
            .bind(moment(at))
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn completions_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, Error> {
        let mut connection = self.database.connection().await?;
        let due = query_scalar(
            "select order_id from completions where due_at <= $1 order by due_at limit $2",
        );
        let due = due.bind(moment(now)).bind(i64::from(limit));
        let due: Vec<Uuid> = due.fetch_all(&mut *connection).await?;
        Ok(rows::ids(due))
    }

    async fn complete_later(&self, id: OrderId, at: Timestamp) -> Result<(), Error> {
        let mut connection = self.database.connection().await?;
        query("update completions set due_at = $2 where order_id = $1")
            .bind(uuid(id))
            .bind(moment(at))
            .execute(&mut *connection)
            .await?;
        Ok(())
    }
}
