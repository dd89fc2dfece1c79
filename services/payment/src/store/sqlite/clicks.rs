//! Click's transactions.

use clock::Timestamp;
use ids::PaymentId;
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{
    rows::{self, named, parsed},
    unit::Unit,
};
use crate::domain::{
    Payment, Provider,
    click::{Call, LIFETIME, Refusal, State, Transaction, may_prepare, takes_attempts},
};

macro_rules! select_transaction {
    ($rest:literal) => {
        concat!(
            "select prepare_id, click_trans_id, click_paydoc_id, payment_id, order_id, reference, amount, state
             from click_transactions ",
            $rest
        )
    };
}

impl FromRow for Transaction {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            prepare_id: row.get(0)?,
            trans_id: row.get(1)?,
            paydoc_id: row.get(2)?,
            payment: parsed(row, 3)?,
            order: parsed(row, 4)?,
            reference: row.get(5)?,
            amount: row.get(6)?,
            state: named(row, 7, State::parse)?,
        })
    }
}

pub(super) fn prepare(
    unit: &mut Unit<'_>,
    call: Call,
) -> Result<Result<Transaction, Refusal>, Error> {
    let known: Option<Transaction> =
        unit.connection.first(select_transaction!("where click_trans_id = ?"), [call.trans_id])?;
    if let Some(known) = known {
        return Ok(known.repeat(&call).map(|()| known));
    }
    let payable = rows::payable_by_reference(unit.connection, &call.reference)?;
    let live = match &payable {
        Some(payable) => unit.live(payable.terms.order)?,
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
            unit.startable(&payable, Provider::Click, key)?
        }
    };
    let expires_at = unit.now.plus(LIFETIME);
    unit.start(&mut payment, &call.paydoc_id.to_string(), expires_at)?;
    Ok(Ok(insert(unit.connection, call, &payment, unit.now)?))
}

pub(super) fn complete(
    unit: &mut Unit<'_>,
    prepare_id: i64,
    call: &Call,
) -> Result<Result<Transaction, Refusal>, Error> {
    let known: Option<Transaction> =
        unit.connection.first(select_transaction!("where prepare_id = ?"), [prepare_id])?;
    let Some(mut known) = known.filter(|known| known.is_meant(call)) else {
        return Ok(Err(Refusal::NoTransaction));
    };
    if call.error < 0 {
        give_up_one(unit, known)?;
        return Ok(Err(Refusal::Cancelled));
    }
    if let Err(refusal) = known.confirm(call.amount) {
        return Ok(Err(refusal));
    }
    let written = unit.connection.execute(
        "update click_transactions set state = 'confirmed', confirm_id = prepare_id, click_paydoc_id = ?, changed_at = ?
         where prepare_id = ? and state = 'prepared'",
        params![call.paydoc_id, unit.now.millis(), prepare_id],
    )?;
    rows::exactly_one(written)?;
    // Other attempts of the same payment must not take money a second time.
    give_up(unit.connection, known.payment, unit.now)?;
    unit.settle(known.payment)?;
    Ok(Ok(known))
}

/// Ends the open attempts of a payment; the payment itself is the caller's to end.
pub(super) fn give_up(
    connection: &Connection,
    payment: PaymentId,
    now: Timestamp,
) -> Result<(), Error> {
    connection.execute(
        "update click_transactions set state = 'cancelled', changed_at = ?
         where payment_id = ? and state = 'prepared'",
        params![now.millis(), payment.to_string()],
    )?;
    Ok(())
}

/// Click gave up an attempt: the order is free when it was the last one. What is confirmed is not undone behind the order's back.
fn give_up_one(unit: &mut Unit<'_>, mut known: Transaction) -> Result<(), Error> {
    if known.state == State::Confirmed {
        let noted = unit.connection.execute(
            "update click_transactions set disputed_at = ? where prepare_id = ? and disputed_at is null",
            [unit.now.millis(), known.prepare_id],
        )?;
        if noted == 1 {
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
    let open: i64 = unit.connection.one(
        "update click_transactions set state = 'cancelled', changed_at = ?2 where prepare_id = ?1 and state = 'prepared'
         returning (select count(*) from click_transactions o
                    where o.payment_id = click_transactions.payment_id and o.prepare_id <> ?1 and o.state = 'prepared')",
        [known.prepare_id, unit.now.millis()],
    )?;
    if open == 0 {
        unit.let_go(rows::payment(unit.connection, known.payment)?)?;
    }
    Ok(())
}

/// Leaves out so many numbers after the last one. The engine keeps that in a table of its own, from the first number on.
pub(super) fn skip_numbers(connection: &Connection, count: i64) -> Result<(), Error> {
    connection.execute(
        "insert into sqlite_sequence (name, seq) select 'click_transactions', 0
         where not exists (select 1 from sqlite_sequence where name = 'click_transactions')",
        (),
    )?;
    connection.execute(
        "update sqlite_sequence set seq = seq + ? where name = 'click_transactions'",
        [count],
    )?;
    Ok(())
}

fn insert(
    connection: &Connection,
    call: Call,
    payment: &Payment,
    now: Timestamp,
) -> Result<Transaction, Error> {
    let prepare_id = connection.one(
        "insert into click_transactions (click_trans_id, click_paydoc_id, payment_id, order_id, reference,
         amount_text, amount, state, prepared_at, changed_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'prepared', ?8, ?8) returning prepare_id",
        params![
            call.trans_id,
            call.paydoc_id,
            payment.id.to_string(),
            payment.order.to_string(),
            call.reference,
            call.amount_text,
            call.amount,
            now.millis(),
        ],
    )?;
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
