//! Payme's transactions.

use clock::Timestamp;
use ids::PaymentId;
use sqlite::{Error, SqliteConnection};
use sqlx::{FromRow, SqliteExecutor, SqlitePool};

use super::{rows, unit::Unit};
use crate::{
    domain::{
        Provider,
        payme::{Draft, LIFETIME, Refusal, State, Transaction, may_create},
    },
    store::{Moved, Receipt},
};

type Sql<T> = Result<T, sqlx::Error>;

#[derive(FromRow)]
struct TransactionRow {
    payme_id: String,
    payment_id: String,
    order_id: String,
    payme_time: i64,
    create_time: i64,
    perform_time: Option<i64>,
    cancel_time: Option<i64>,
    state: i64,
    reason: Option<i64>,
    amount: i64,
    account: String,
}

impl TransactionRow {
    fn read(self) -> Sql<Transaction> {
        Ok(Transaction {
            id: self.payme_id,
            payment: rows::parsed(&self.payment_id)?,
            order: rows::parsed(&self.order_id)?,
            time: Timestamp::from_millis(self.payme_time),
            create_time: Timestamp::from_millis(self.create_time),
            perform_time: self.perform_time.map(Timestamp::from_millis),
            cancel_time: self.cancel_time.map(Timestamp::from_millis),
            state: rows::known(State::from_code(self.state), "payme_transactions.state")?,
            reason: self.reason,
            amount: self.amount,
            account: self.account,
        })
    }
}

pub(super) async fn find<'e>(
    executor: impl SqliteExecutor<'e>,
    id: &str,
) -> Sql<Option<Transaction>> {
    let row: Option<TransactionRow> =
        sqlx::query_as("select * from payme_transactions where payme_id = ?")
            .bind(id)
            .fetch_optional(executor)
            .await?;
    row.map(TransactionRow::read).transpose()
}

pub(super) async fn statement(
    pool: &SqlitePool,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
) -> Sql<Vec<Transaction>> {
    let found: Vec<TransactionRow> = sqlx::query_as(
        "select * from payme_transactions where payme_time between ? and ?
         order by payme_time, row limit ?",
    )
    .bind(from.millis())
    .bind(to.millis())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    found.into_iter().map(TransactionRow::read).collect()
}

pub(super) async fn create(
    unit: &mut Unit<'_>,
    draft: Draft,
) -> Result<Result<Transaction, Refusal>, Error> {
    // The id comes first: a repeat must succeed although the order is held, by this very transaction.
    if let Some(known) = find(&mut *unit.connection, &draft.id).await? {
        let known = expired(unit, known).await?;
        return Ok(if known.state == State::Created {
            Ok(known)
        } else {
            Err(Refusal::Impossible)
        });
    }
    let payable = rows::payable_by_reference(unit.connection, &draft.reference).await?;
    let held = match &payable {
        Some(payable) => unit.live(payable.snapshot.order).await?.is_some(),
        None => false,
    };
    let payable = match may_create(payable, held, &draft, unit.now) {
        Ok(payable) => payable,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let key = format!("payme/{}", draft.id);
    let mut payment = unit.startable(&payable, Provider::Payme, key).await?;
    unit.start(&mut payment, &draft.id, draft.time.plus(LIFETIME)).await?;
    let created = Transaction::new(draft, payment.id, payment.order, unit.now);
    insert(unit.connection, &created).await?;
    Ok(Ok(created))
}

pub(super) async fn perform(
    unit: &mut Unit<'_>,
    id: &str,
) -> Result<Result<Moved<Transaction>, Refusal>, Error> {
    let Some(known) = find(&mut *unit.connection, id).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    let before = expired(unit, known).await?;
    let mut now = before.clone();
    let first = match now.perform(unit.now) {
        Ok(first) => first,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if first {
        update(unit.connection, &before, &now).await?;
        unit.settle(now.payment).await?;
    }
    Ok(Ok(Moved { now, first }))
}

pub(super) async fn cancel(
    unit: &mut Unit<'_>,
    id: &str,
    reason: i64,
) -> Result<Result<Moved<Transaction>, Refusal>, Error> {
    let Some(before) = find(&mut *unit.connection, id).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    let delivered = before.state == State::Performed
        && rows::payable(unit.connection, before.order).await?.delivered_at.is_some();
    let mut now = before.clone();
    let first = match now.cancel(reason, delivered, unit.now) {
        Ok(first) => first,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if first {
        update(unit.connection, &before, &now).await?;
        if now.state == State::Refunded {
            unit.refund(now.payment).await?;
        } else {
            let mut payment = rows::payment(unit.connection, now.payment).await?;
            unit.let_go(&mut payment).await?;
        }
    }
    Ok(Ok(Moved { now, first }))
}

pub(super) async fn fiscal_receipt(unit: &mut Unit<'_>, receipt: Receipt) -> Result<bool, Error> {
    let Some(known) = find(&mut *unit.connection, &receipt.transaction).await? else {
        return Ok(false);
    };
    sqlx::query(
        "insert into fiscal_receipts values (?, ?, ?, ?)
         on conflict do update set body = excluded.body, received_at = excluded.received_at",
    )
    .bind(known.payment.to_string())
    .bind(receipt.kind)
    .bind(receipt.body)
    .bind(unit.now.millis())
    .execute(&mut *unit.connection)
    .await?;
    Ok(true)
}

/// Ends the transaction of a payment from our side; the payment itself is the caller's to end.
pub(super) async fn give_up(
    connection: &mut SqliteConnection,
    payment: PaymentId,
    reason: i64,
    now: Timestamp,
) -> Sql<()> {
    sqlx::query(
        "update payme_transactions set state = -1, reason = ?, cancel_time = ?
         where payment_id = ? and state = 1",
    )
    .bind(reason)
    .bind(now.millis())
    .bind(payment.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// The transaction after the clock had its say.
async fn expired(unit: &mut Unit<'_>, before: Transaction) -> Result<Transaction, Error> {
    let mut now = before.clone();
    if now.expire(unit.now) {
        update(unit.connection, &before, &now).await?;
        let mut payment = rows::payment(unit.connection, now.payment).await?;
        unit.let_go(&mut payment).await?;
    }
    Ok(now)
}

async fn insert(connection: &mut SqliteConnection, new: &Transaction) -> Sql<()> {
    let written = sqlx::query(
        "insert into payme_transactions
         (payme_id, payment_id, order_id, payme_time, create_time, state, amount, account)
         values (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&new.id)
    .bind(new.payment.to_string())
    .bind(new.order.to_string())
    .bind(new.time.millis())
    .bind(new.create_time.millis())
    .bind(new.state.code())
    .bind(new.amount)
    .bind(&new.account)
    .execute(connection)
    .await?;
    rows::exactly_one(&written)
}

/// Writes over the state that was read.
async fn update(
    connection: &mut SqliteConnection,
    before: &Transaction,
    now: &Transaction,
) -> Sql<()> {
    let written = sqlx::query(
        "update payme_transactions set state = ?, perform_time = ?, cancel_time = ?, reason = ?
         where payme_id = ? and state = ?",
    )
    .bind(now.state.code())
    .bind(now.perform_time.map(Timestamp::millis))
    .bind(now.cancel_time.map(Timestamp::millis))
    .bind(now.reason)
    .bind(&now.id)
    .bind(before.state.code())
    .execute(connection)
    .await?;
    rows::exactly_one(&written)
}
