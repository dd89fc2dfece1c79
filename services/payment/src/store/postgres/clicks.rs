//! Click's transactions.

use clock::Timestamp;
use postgres::Error;
use sqlx::{PgConnection, postgres::PgRow, query};

use super::{
    change::{Change, Part},
    rows::{self, Reader, Seen, plain},
    unit::{Plan, UseCase, illegal},
};
use crate::domain::{
    Happening, Provider, Terms,
    click::{Call, LIFETIME, Refusal, State, Transaction, may_prepare, takes_attempts},
};

/// An attempt with what its end depends on.
#[derive(Clone)]
struct Attempt {
    transaction: Transaction,
    /// Click asked for the money back before.
    disputed: bool,
    /// Other attempts of the same payment that are not over.
    others: i64,
}

/// Looks for an attempt by a number, and for what matters of its order, which `$order` finds. `$more` are more columns.
macro_rules! select_attempt {
    ($number:literal, $more:literal, $order:literal) => {
        concat!(
            "select ",
            rows::payable_columns!(),
            ", ",
            rows::payment_columns!(),
            ", t.prepare_id, t.click_trans_id, t.click_paydoc_id, t.payment_id, t.reference, t.amount, t.state,
             t.disputed_at is not null,
             (select count(*) from click_transactions o where o.payment_id = t.payment_id
              and o.prepare_id <> t.prepare_id and o.state = 'prepared')",
            $more,
            " from payables b
             left join click_transactions t on t.",
            $number,
            " = $1 left join payments p on p.order_id = b.order_id
             and case when t.payment_id is not null then p.id = t.payment_id else ",
            rows::holds!(),
            " or p.id = (select w.id from payments w where w.order_id = b.order_id and w.status = 'pending'
                         and w.provider = 'click' order by w.id desc limit 1) end
             where b.order_id = ",
            $order
        )
    };
}

fn attempt(row: &mut Reader<'_>, terms: &Terms) -> Result<Option<Attempt>, Error> {
    if !row.is_there::<i64>()? {
        return Ok(None);
    }
    let transaction = Transaction {
        prepare_id: row.get()?,
        trans_id: row.get()?,
        paydoc_id: row.get()?,
        payment: row.id()?,
        order: terms.order,
        reference: row.get()?,
        amount: row.get()?,
        state: row.named(State::parse)?,
    };
    Ok(Some(Attempt { transaction, disputed: row.get()?, others: row.get()? }))
}

pub(super) struct Prepare(pub(super) Call);

/// The attempt with its order; when there is none yet, the order with the number that the call names, and a number for the attempt.
async fn look(
    connection: &mut PgConnection,
    call: &Call,
) -> Result<Option<(Seen<Attempt>, Option<i64>)>, Error> {
    let rows = query(select_attempt!(
        "click_trans_id",
        ", case when t.prepare_id is null then nextval('click_prepare_ids') end as number",
        "coalesce((select order_id from click_transactions where click_trans_id = $1),
                  (select order_id from payables where reference = $2))"
    ))
    .bind(call.trans_id)
    .bind(plain(&call.reference))
    .fetch_all(connection)
    .await?;
    let number = rows.first().map(|row: &PgRow| sqlx::Row::try_get(row, "number")).transpose()?;
    Ok(Seen::read(&rows, attempt)?.map(|seen| (seen, number.flatten())))
}

impl UseCase for Prepare {
    type Outcome = Result<Transaction, Refusal>;

    async fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Plan<Self::Outcome>, Error> {
        let call = &self.0;
        let Some((seen, number)) = look(connection, call).await? else {
            return Ok(Plan::Nothing(Err(Refusal::NoOrder)));
        };
        if let Some(known) = &seen.known {
            let known = &known.transaction;
            return Ok(Plan::Nothing(known.repeat(call).map(|()| known.clone())));
        }
        let live = seen.live();
        if let Some(due) = live.filter(|live| live.is_due(now)) {
            return Ok(Plan::First(Change::expire(&seen.payable, due).map_err(illegal)?));
        }
        let payable = match may_prepare(Some(seen.payable.clone()), live, call, now) {
            Ok(payable) => payable,
            Err(refusal) => return Ok(Plan::Nothing(Err(refusal))),
        };
        let mut payment = match live.filter(|live| takes_attempts(live)) {
            Some(payment) => payment.clone(),
            None => seen.startable(Provider::Click, format!("click/{}", call.trans_id), now),
        };
        payment.start(&call.paydoc_id.to_string(), now.plus(LIFETIME)).map_err(illegal)?;
        let prepared = Transaction {
            prepare_id: number.ok_or_else(|| Error::value("an attempt without a number"))?,
            trans_id: call.trans_id,
            paydoc_id: call.paydoc_id,
            payment: payment.id,
            order: payment.order,
            reference: call.reference.clone(),
            amount: call.amount,
            state: State::Prepared,
        };
        let change = Change::of(&payable)
            .telling(Happening::Started, payment)
            .part(Part::ClickNew(prepared.clone(), call.amount_text.clone()));
        Ok(Plan::Change(change, Ok(prepared)))
    }
}

pub(super) struct Complete {
    pub(super) prepare_id: i64,
    pub(super) call: Call,
}

impl UseCase for Complete {
    type Outcome = Result<Transaction, Refusal>;

    async fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Plan<Self::Outcome>, Error> {
        let call = &self.call;
        let rows = query(select_attempt!(
            "prepare_id",
            "",
            "(select order_id from click_transactions where prepare_id = $1)"
        ))
        .bind(self.prepare_id)
        .fetch_all(connection)
        .await?;
        let seen = Seen::read(&rows, attempt)?;
        let known = seen.and_then(|seen| seen.known.clone().map(|known| (seen, known)));
        let Some((seen, known)) = known.filter(|(_, known)| known.transaction.is_meant(call))
        else {
            return Ok(Plan::Nothing(Err(Refusal::NoTransaction)));
        };
        if call.error < 0 {
            return given_up(&seen, known);
        }
        let mut confirmed = known.transaction;
        if let Err(refusal) = confirmed.confirm(call.amount) {
            return Ok(Plan::Nothing(Err(refusal)));
        }
        let payment = seen.payment()?;
        let part = Part::ClickConfirmed(payment.id, self.prepare_id, call.paydoc_id);
        let change = Change::settle(seen.payable, payment, now).map_err(illegal)?;
        Ok(Plan::Change(change.part(part), Ok(confirmed)))
    }
}

/// Click gave up an attempt: the order is free when it was the last one. What is confirmed is not undone behind the order's back.
fn given_up(
    seen: &Seen<Attempt>,
    known: Attempt,
) -> Result<Plan<Result<Transaction, Refusal>>, Error> {
    let Attempt { mut transaction, disputed, others } = known;
    let prepare_id = transaction.prepare_id;
    let change = Change::of(&seen.payable);
    let change = if transaction.state == State::Confirmed && !disputed {
        tracing::error!(prepare_id, "Click cancels a confirmed payment: compare with its cabinet");
        change.part(Part::ClickDisputed(prepare_id))
    } else if transaction.cancel() {
        let change = change.part(Part::ClickCancelled(prepare_id));
        if others == 0 {
            let mut payment = seen.payment()?;
            payment.cancel().map_err(illegal)?;
            change.telling(Happening::Cancelled, payment)
        } else {
            change
        }
    } else {
        return Ok(Plan::Nothing(Err(Refusal::Cancelled)));
    };
    Ok(Plan::Change(change, Err(Refusal::Cancelled)))
}
