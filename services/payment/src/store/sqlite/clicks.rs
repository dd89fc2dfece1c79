//! Click's transactions.

use clock::Timestamp;
use ids::PaymentId;
use sqlite::{Error, SqliteConnection};
use sqlx::FromRow;

use super::{rows, unit::Unit};
use crate::domain::{
    Payment, Provider,
    click::{Call, LIFETIME, Refusal, State, Transaction, may_prepare, takes_attempts},
};

type Sql<T> = Result<T, sqlx::Error>;

#[derive(FromRow)]
struct TransactionRow {
    prepare_id: i64,
    click_trans_id: i64,
    click_paydoc_id: i64,
    payment_id: String,
    order_id: String,
    reference: String,
    amount: i64,
    state: String,
}

impl TransactionRow {
    fn read(self) -> Sql<Transaction> {
        Ok(Transaction {
            prepare_id: self.prepare_id,
            trans_id: self.click_trans_id,
            paydoc_id: self.click_paydoc_id,
            payment: rows::parsed(&self.payment_id)?,
            order: rows::parsed(&self.order_id)?,
            reference: self.reference,
            amount: self.amount,
            state: rows::known(State::parse(&self.state), "click_transactions.state")?,
        })
    }
}

async fn by_trans_id(connection: &mut SqliteConnection, id: i64) -> Sql<Option<Transaction>> {
    let row: Option<TransactionRow> =
        sqlx::query_as("select * from click_transactions where click_trans_id = ?")
            .bind(id)
            .fetch_optional(connection)
            .await?;
    row.map(TransactionRow::read).transpose()
}

async fn by_prepare_id(connection: &mut SqliteConnection, id: i64) -> Sql<Option<Transaction>> {
    let row: Option<TransactionRow> =
        sqlx::query_as("select * from click_transactions where prepare_id = ?")
            .bind(id)
            .fetch_optional(connection)
            .await?;
    row.map(TransactionRow::read).transpose()
}

pub(super) async fn prepare(
    unit: &mut Unit<'_>,
    call: Call,
) -> Result<Result<Transaction, Refusal>, Error> {
    if let Some(known) = by_trans_id(unit.connection, call.trans_id).await? {
        return Ok(known.repeat(&call).map(|()| known));
    }
    let payable = rows::payable_by_reference(unit.connection, &call.reference).await?;
    let live = match &payable {
        Some(payable) => unit.live(payable.snapshot.order).await?,
        None => None,
    };
    let payable = match may_prepare(payable, live.as_ref(), &call, unit.now) {
        Ok(payable) => payable,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut payment = match live.filter(takes_attempts) {
        Some(payment) => payment,
        None => {
            let key = format!("click/{}", call.trans_id);
            unit.startable(&payable, Provider::Click, key).await?
        }
    };
    let expires_at = unit.now.plus(LIFETIME);
    unit.start(&mut payment, &call.paydoc_id.to_string(), expires_at).await?;
    Ok(Ok(insert(unit.connection, call, &payment, unit.now).await?))
}

pub(super) async fn complete(
    unit: &mut Unit<'_>,
    prepare_id: i64,
    call: Call,
) -> Result<Result<Transaction, Refusal>, Error> {
    let known = by_prepare_id(unit.connection, prepare_id).await?;
    let Some(mut known) = known.filter(|known| known.is_meant(&call)) else {
        return Ok(Err(Refusal::NoTransaction));
    };
    if call.error < 0 {
        give_up_one(unit, known).await?;
        return Ok(Err(Refusal::Cancelled));
    }
    if let Err(refusal) = known.confirm(call.amount) {
        return Ok(Err(refusal));
    }
    let written = sqlx::query(
        "update click_transactions set state = 'confirmed', confirm_id = prepare_id, click_paydoc_id = ?, changed_at = ?
         where prepare_id = ? and state = 'prepared'",
    )
    .bind(call.paydoc_id)
    .bind(unit.now.millis())
    .bind(prepare_id)
    .execute(&mut *unit.connection)
    .await?;
    rows::exactly_one(&written)?;
    // Other attempts of the same payment must not take money a second time.
    give_up(unit.connection, known.payment, unit.now).await?;
    unit.settle(known.payment).await?;
    Ok(Ok(known))
}

/// Ends the open attempts of a payment; the payment itself is the caller's to end.
pub(super) async fn give_up(
    connection: &mut SqliteConnection,
    payment: PaymentId,
    now: Timestamp,
) -> Sql<()> {
    sqlx::query(
        "update click_transactions set state = 'cancelled', changed_at = ?
         where payment_id = ? and state = 'prepared'",
    )
    .bind(now.millis())
    .bind(payment.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Click gave up an attempt: the order is free when it was the last one. What is confirmed is not undone behind the order's back.
async fn give_up_one(unit: &mut Unit<'_>, mut known: Transaction) -> Result<(), Error> {
    if known.state == State::Confirmed {
        let noted = sqlx::query(
            "update click_transactions set disputed_at = ? where prepare_id = ? and disputed_at is null",
        )
        .bind(unit.now.millis())
        .bind(known.prepare_id)
        .execute(&mut *unit.connection)
        .await?;
        if noted.rows_affected() == 1 {
            tracing::error!(
                prepare_id = known.prepare_id,
                "Click cancels a confirmed payment: compare with its cabinet"
            );
        }
        return Ok(());
    }
    if !known.cancel() {
        return Ok(());
    }
    let open: i64 = sqlx::query_scalar(
        "update click_transactions set state = 'cancelled', changed_at = ?2 where prepare_id = ?1 and state = 'prepared'
         returning (select count(*) from click_transactions o
                    where o.payment_id = click_transactions.payment_id and o.prepare_id <> ?1 and o.state = 'prepared')",
    )
    .bind(known.prepare_id)
    .bind(unit.now.millis())
    .fetch_one(&mut *unit.connection)
    .await?;
    if open == 0 {
        let mut payment = rows::payment(unit.connection, known.payment).await?;
        unit.let_go(&mut payment).await?;
    }
    Ok(())
}

async fn insert(
    connection: &mut SqliteConnection,
    call: Call,
    payment: &Payment,
    now: Timestamp,
) -> Sql<Transaction> {
    let prepare_id: i64 = sqlx::query_scalar(
        "insert into click_transactions (click_trans_id, click_paydoc_id, payment_id, order_id, reference,
         amount_text, amount, state, prepared_at, changed_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'prepared', ?8, ?8) returning prepare_id",
    )
    .bind(call.trans_id)
    .bind(call.paydoc_id)
    .bind(payment.id.to_string())
    .bind(payment.order.to_string())
    .bind(&call.reference)
    .bind(&call.amount_text)
    .bind(call.amount)
    .bind(now.millis())
    .fetch_one(connection)
    .await?;
    Ok(Transaction {
        prepare_id,
        trans_id: call.trans_id,
        paydoc_id: call.paydoc_id,
        payment: payment.id,
        order: payment.order,
        reference: call.reference,
        amount: call.amount,
        state: State::Prepared,
    })
}
