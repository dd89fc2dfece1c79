//! Money that goes back. Whoever writes a refund, or what it does to its payment, holds the order's row.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{OrderId, PaymentId, RefundId};
use postgres::{Error, uuid};
use sqlx::{PgConnection, query, query_as, query_scalar, types::Uuid};

use super::{
    PostgresPayments, Verdict,
    change::Change,
    payables,
    rows::{self, Reader, moment},
    unit::illegal,
};
use crate::{
    domain::{
        Happening, Payable, PayableState,
        refund::{self, Refund, RefundState},
    },
    store::{
        Encode,
        refunds::{Asking, NameTaken, RefundStore},
    },
};

async fn find(connection: &mut PgConnection, id: RefundId) -> Result<Option<Refund>, Error> {
    let found = query(
        "select r.id, r.order_id, r.payment_id, p.provider, r.amount, r.state, r.note, r.asked_at
         from refunds r left join payments p on p.id = r.payment_id where r.id = $1",
    );
    let Some(row) = found.bind(uuid(id)).fetch_optional(connection).await? else { return Ok(None) };
    let mut row = Reader::new(&row);
    let (id, order) = (row.id()?, row.id()?);
    let payment: Option<Uuid> = row.get()?;
    let provider: Option<&str> = row.get()?;
    Ok(Some(Refund {
        id,
        order,
        payment: payment.map(postgres::id),
        provider: provider.and_then(crate::domain::Provider::parse),
        amount: row.get()?,
        state: row.named(RefundState::parse)?,
        note: row.get()?,
        asked_at: row.moment_if_any()?,
    }))
}

/// The order's row, from here on this transaction's alone.
pub(super) async fn lock(
    connection: &mut PgConnection,
    order: OrderId,
) -> Result<Option<Payable>, Error> {
    let found = query(concat!(
        "select ",
        rows::payable_columns!(),
        " from payables b where b.order_id = $1 for no key update"
    ));
    let row = found.bind(uuid(order)).fetch_optional(connection).await?;
    row.map(|row| rows::payable(&mut Reader::new(&row))).transpose()
}

async fn sum(
    connection: &mut PgConnection,
    payment: Option<PaymentId>,
    only_done: bool,
) -> Result<i64, Error> {
    let sum = query_scalar(
        "select coalesce(sum(amount), 0)::bigint from refunds where payment_id = $1
         and case when $2 then state = 'succeeded' else state <> 'failed' end",
    );
    Ok(sum.bind(payment.map(uuid)).bind(only_done).fetch_one(connection).await?)
}

async fn begin(
    connection: &mut PgConnection,
    Asking { id, order, amount }: Asking,
    now: Timestamp,
) -> Result<Result<Refund, NameTaken>, Error> {
    let payable = lock(connection, order).await?;
    if let Some(known) = find(connection, id).await? {
        let same = known.order == order && known.amount == amount;
        return Ok(if same { Ok(known) } else { Err(NameTaken) });
    }
    let payments = payables::payments(connection, order, 100).await?;
    let payment = refund::source(&payments);
    let before = sum(connection, payment.map(|payment| payment.id), false).await?;
    let (state, note) = refund::beginning(payment, before, amount);
    query(
        "insert into refunds (id, order_id, payment_id, amount, state, note, created_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(uuid(id))
    .bind(uuid(order))
    .bind(payment.map(|payment| uuid(payment.id)))
    .bind(amount)
    .bind(state.as_str())
    .bind(note)
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    let all = payment.is_some_and(|it| before + amount == it.amount.amount);
    if all && payable.is_some_and(|payable| payable.delivered_at.is_some()) {
        // All of it is to go back: the cabinet of a provider may take the payment back although the goods were delivered.
        query("update payables set delivered_at = null, version = version + 1 where order_id = $1")
            .bind(uuid(order))
            .execute(&mut *connection)
            .await?;
    }
    find(connection, id).await?.ok_or_else(|| Error::value("a refund that is not there")).map(Ok)
}

/// Whether others are told.
async fn settled(
    connection: &mut PgConnection,
    (id, state, note): (RefundId, RefundState, &str),
    encode: Encode,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(refund) = find(connection, id).await? else { return Ok(false) };
    let payable = lock(connection, refund.order).await?;
    let changed = query(
        "update refunds set state = $2, note = $3, settled_at = $4 where id = $1
         and (state in ('pending', 'asked') or (state = 'needs_manual' and $2 = 'succeeded'))",
    )
    .bind(uuid(id))
    .bind(state.as_str())
    .bind(note)
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() == 0 || state != RefundState::Succeeded {
        return Ok(false);
    }
    let payments = payables::payments(connection, refund.order, 100).await?;
    let paid = payments.into_iter().find(|it| Some(it.id) == refund.payment && it.is_paid());
    let (Some(mut payment), Some(payable)) = (paid, payable) else { return Ok(false) };
    let back = sum(connection, Some(payment.id), true).await?;
    let change = if back < payment.amount.amount {
        payment.refund_part().map_err(illegal)?;
        Change::of(&payable).payment(payment)
    } else if payable.state == PayableState::Paid {
        Change::refund(payable, payment).map_err(illegal)?
    } else {
        payment.refund().map_err(illegal)?;
        Change::of(&payable).telling(Happening::Refunded, payment)
    };
    if !change.write(connection, None, encode, now).await? {
        return Err(Error::value("the order is not as it was read"));
    }
    Ok(change.tells())
}

#[async_trait]
impl RefundStore for PostgresPayments {
    async fn refund_begin(&self, asking: Asking, now: Timestamp) -> Verdict<Refund, NameTaken> {
        let mut transaction = self.database.begin().await?;
        let begun = begin(&mut transaction, asking, now).await?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(begun)
    }

    async fn refund_asked(
        &self,
        id: RefundId,
        known: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let mut connection = self.database.connection().await?;
        let asked = query(
            "update refunds set state = 'asked', asked_at = $3 where id = $1
             and ((state = 'pending' and $2::timestamptz is null) or (state = 'asked' and asked_at = $2))",
        )
        .bind(uuid(id))
        .bind(known.map(moment))
        .bind(moment(now))
        .execute(&mut *connection)
        .await
        .map_err(Error::from)?;
        Ok(asked.rows_affected() == 1)
    }

    async fn refund_unasked(&self, id: RefundId) -> Result<(), Fault> {
        let mut connection = self.database.connection().await?;
        query("update refunds set state = 'pending' where id = $1 and state = 'asked'")
            .bind(uuid(id))
            .execute(&mut *connection)
            .await
            .map_err(Error::from)?;
        Ok(())
    }

    async fn refund_settled(
        &self,
        id: RefundId,
        state: RefundState,
        note: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut transaction = self.database.begin().await?;
        let told = settled(&mut transaction, (id, state, note), self.encode, now).await?;
        transaction.commit().await.map_err(Error::from)?;
        if told {
            self.wake();
        }
        Ok(())
    }

    async fn click_paid(&self, id: RefundId) -> Result<Option<(i64, i64)>, Fault> {
        let mut connection = self.database.connection().await?;
        let found = query_as(
            "select t.click_paydoc_id, t.amount::bigint from refunds r join click_transactions t on t.payment_id = r.payment_id
             where r.id = $1 and t.state = 'confirmed'",
        );
        let found = found.bind(uuid(id)).fetch_optional(&mut *connection).await;
        Ok(found.map_err(Error::from)?)
    }
}
