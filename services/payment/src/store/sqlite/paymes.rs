//! Payme's transactions.

use clock::Timestamp;
use ids::PaymentId;
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{
    rows::{self, exactly_one, moment, moment_if_any, parsed},
    unit::Unit,
};
use crate::{
    domain::{
        Provider,
        payme::{Draft, LIFETIME, Refusal, State, Transaction, may_create},
    },
    store::{Moved, Receipt},
};

macro_rules! select_transaction {
    ($rest:literal) => {
        concat!(
            "select payme_id, payment_id, order_id, payme_time, create_time, perform_time, cancel_time, state, reason,
             amount, account from payme_transactions ",
            $rest
        )
    };
}

impl FromRow for Transaction {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let state = State::from_code(row.get(7)?);
        Ok(Self {
            id: row.get(0)?,
            payment: parsed(row, 1)?,
            order: parsed(row, 2)?,
            time: moment(row, 3)?,
            create_time: moment(row, 4)?,
            perform_time: moment_if_any(row, 5)?,
            cancel_time: moment_if_any(row, 6)?,
            state: state.ok_or_else(|| Error::value("a state that Payme does not have"))?,
            reason: row.get(8)?,
            amount: row.get(9)?,
            account: row.get(10)?,
        })
    }
}

pub(super) fn find(connection: &Connection, id: &str) -> Result<Option<Transaction>, Error> {
    connection.first(select_transaction!("where payme_id = ?"), [id])
}

pub(super) fn statement(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
) -> Result<Vec<Transaction>, Error> {
    connection.all(
        select_transaction!("where payme_time between ? and ? order by payme_time, row limit ?"),
        params![from.millis(), to.millis(), limit],
    )
}

pub(super) fn create(
    unit: &mut Unit<'_>,
    draft: Draft,
) -> Result<Result<Transaction, Refusal>, Error> {
    // The id comes first: a repeat must succeed although the order is held, by this very transaction.
    if let Some(known) = find(unit.connection, &draft.id)? {
        let known = expired(unit, known)?;
        return Ok(if known.state == State::Created {
            Ok(known)
        } else {
            Err(Refusal::Impossible)
        });
    }
    let payable = rows::payable_by_reference(unit.connection, &draft.reference)?;
    let held = match &payable {
        Some(payable) => unit.live(payable.terms.order)?.is_some(),
        None => false,
    };
    let payable = match may_create(payable, held, &draft, unit.now) {
        Ok(payable) => payable,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let key = format!("payme/{}", draft.id);
    let mut payment = unit.startable(&payable, Provider::Payme, key)?;
    unit.start(&mut payment, &draft.id, draft.time.plus(LIFETIME))?;
    let created = Transaction::new(draft, payment.id, payment.order, unit.now);
    insert(unit.connection, &created)?;
    Ok(Ok(created))
}

pub(super) fn perform(
    unit: &mut Unit<'_>,
    id: &str,
) -> Result<Result<Moved<Transaction>, Refusal>, Error> {
    let Some(known) = find(unit.connection, id)? else {
        return Ok(Err(Refusal::NotFound));
    };
    let mut now = expired(unit, known)?;
    let before = now.state;
    let first = match now.perform(unit.now) {
        Ok(first) => first,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if first {
        update(unit.connection, before, &now)?;
        unit.settle(now.payment)?;
    }
    Ok(Ok(Moved { now, first }))
}

pub(super) fn cancel(
    unit: &mut Unit<'_>,
    id: &str,
    reason: i64,
) -> Result<Result<Moved<Transaction>, Refusal>, Error> {
    let Some(mut now) = find(unit.connection, id)? else {
        return Ok(Err(Refusal::NotFound));
    };
    let before = now.state;
    let delivered = before == State::Performed
        && rows::payable(unit.connection, now.order)?.delivered_at.is_some();
    let first = match now.cancel(reason, delivered, unit.now) {
        Ok(first) => first,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if first {
        update(unit.connection, before, &now)?;
        if now.state == State::Refunded {
            unit.refund(now.payment)?;
        } else {
            unit.let_go(rows::payment(unit.connection, now.payment)?)?;
        }
    }
    Ok(Ok(Moved { now, first }))
}

pub(super) fn fiscal_receipt(unit: &mut Unit<'_>, receipt: &Receipt) -> Result<bool, Error> {
    let Some(known) = find(unit.connection, &receipt.transaction)? else {
        return Ok(false);
    };
    super::fiscal::keep(unit, known.payment, (receipt.kind, &receipt.body), receipt.tell)?;
    Ok(true)
}

/// Ends the transaction of a payment from our side; the payment itself is the caller's to end.
pub(super) fn give_up(
    connection: &Connection,
    payment: PaymentId,
    reason: i64,
    now: Timestamp,
) -> Result<(), Error> {
    connection.execute(
        "update payme_transactions set state = -1, reason = ?, cancel_time = ?
         where payment_id = ? and state = 1",
        params![reason, now.millis(), payment.to_string()],
    )?;
    Ok(())
}

/// The transaction after the clock had its say.
fn expired(unit: &mut Unit<'_>, mut known: Transaction) -> Result<Transaction, Error> {
    let before = known.state;
    if known.expire(unit.now) {
        update(unit.connection, before, &known)?;
        unit.let_go(rows::payment(unit.connection, known.payment)?)?;
    }
    Ok(known)
}

fn insert(connection: &Connection, new: &Transaction) -> Result<(), Error> {
    let written = connection.execute(
        "insert into payme_transactions
         (payme_id, payment_id, order_id, payme_time, create_time, state, amount, account)
         values (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            new.id,
            new.payment.to_string(),
            new.order.to_string(),
            new.time.millis(),
            new.create_time.millis(),
            new.state.code(),
            new.amount,
            new.account,
        ],
    )?;
    exactly_one(written)
}

/// Writes over the state that was read.
fn update(connection: &Connection, before: State, now: &Transaction) -> Result<(), Error> {
    let written = connection.execute(
        "update payme_transactions set state = ?, perform_time = ?, cancel_time = ?, reason = ?
         where payme_id = ? and state = ?",
        params![
            now.state.code(),
            now.perform_time.map(Timestamp::millis),
            now.cancel_time.map(Timestamp::millis),
            now.reason,
            now.id,
            before.code(),
        ],
    )?;
    exactly_one(written)
}
