//! Payme's transactions.

use clock::Timestamp;
use postgres::Error;
use sqlx::{PgConnection, query};

use super::{
    change::{Change, Part},
    journal,
    rows::{self, Reader, Seen, moment, plain},
    unit::{Plan, UseCase, illegal},
};
use crate::{
    domain::{
        Happening, Provider,
        payme::{Draft, LIFETIME, Refusal, State, Transaction, may_create},
    },
    store::{Entry, Moved, Note, Receipt},
};

/// What [`transaction`] reads.
macro_rules! transaction {
    () => {
        "t.payme_id, t.payment_id, t.order_id, t.payme_time, t.create_time, t.perform_time, t.cancel_time, t.state,
         t.reason, t.amount, t.account::text"
    };
}

fn transaction(row: &mut Reader<'_>) -> Result<Transaction, Error> {
    Ok(Transaction {
        id: row.get()?,
        payment: row.id()?,
        order: row.id()?,
        time: row.moment()?,
        create_time: row.moment()?,
        perform_time: row.moment_if_any()?,
        cancel_time: row.moment_if_any()?,
        state: State::from_code(row.get::<i32>()?.into())
            .ok_or_else(|| Error::value("a state that Payme does not have"))?,
        reason: row.get()?,
        amount: row.get()?,
        account: row.get()?,
    })
}

/// The transaction with its order; when there is none yet, the order with this number.
async fn look(
    connection: &mut PgConnection,
    id: &str,
    reference: Option<&str>,
) -> Result<Option<Seen<Transaction>>, Error> {
    let rows = query(concat!(
        "select ",
        rows::payable_columns!(),
        ", ",
        rows::payment_columns!(),
        ", ",
        transaction!(),
        " from payables b
          left join payme_transactions t on t.payme_id = $1
          left join payments p on p.order_id = b.order_id and case when t.payment_id is not null then p.id = t.payment_id
              else ",
        rows::holds!(),
        " or p.id = (select w.id from payments w where w.order_id = b.order_id and w.status = 'pending'
                     and w.provider = 'payme' order by w.id desc limit 1) end
          where b.order_id = coalesce((select order_id from payme_transactions where payme_id = $1),
                                      (select order_id from payables where reference = $2))"
    ))
    .bind(plain(id))
    .bind(reference.map(plain))
    .fetch_all(connection)
    .await?;
    Seen::read(&rows, |row, _| row.is_there::<&str>()?.then(|| transaction(row)).transpose())
}

pub(super) async fn find(
    connection: &mut PgConnection,
    id: &str,
) -> Result<Option<Transaction>, Error> {
    let find = query(concat!(
        "select ",
        transaction!(),
        " from payme_transactions t where t.payme_id = $1"
    ));
    let found = find.bind(plain(id)).fetch_optional(connection).await?;
    found.map(|row| transaction(&mut Reader::new(&row))).transpose()
}

pub(super) async fn statement(
    connection: &mut PgConnection,
    from: Timestamp,
    to: Timestamp,
    limit: u32,
) -> Result<Vec<Transaction>, Error> {
    let find = query(concat!(
        "select ",
        transaction!(),
        " from payme_transactions t where t.payme_time between $1 and $2
         order by t.payme_time, t.row limit $3"
    ));
    let find = find.bind(moment(from)).bind(moment(to)).bind(i64::from(limit));
    let found = find.fetch_all(connection).await?;
    found.iter().map(|row| transaction(&mut Reader::new(row))).collect()
}

pub(super) struct Create(pub(super) Draft);

impl UseCase for Create {
    type Outcome = Result<Transaction, Refusal>;

    async fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Plan<Self::Outcome>, Error> {
        let draft = &self.0;
        let Some(seen) = look(connection, &draft.id, Some(&draft.reference)).await? else {
            return Ok(Plan::Nothing(Err(Refusal::NoOrder)));
        };
        // The id comes first: a repeat must succeed although the order is held, by this very transaction.
        if let Some(known) = &seen.known {
            if known.is_due(now) {
                let release = Change::expire(&seen.payable, &seen.payment()?);
                return Ok(Plan::First(release.map_err(illegal)?));
            }
            let created = known.state == State::Created;
            let outcome = if created { Ok(known.clone()) } else { Err(Refusal::Impossible) };
            return Ok(Plan::Nothing(outcome));
        }
        if let Some(due) = seen.live().filter(|live| live.is_due(now)) {
            let release = Change::expire(&seen.payable, due);
            return Ok(Plan::First(release.map_err(illegal)?));
        }
        let held = seen.live().is_some();
        let payable = match may_create(Some(seen.payable.clone()), held, draft, now) {
            Ok(payable) => payable,
            Err(refusal) => return Ok(Plan::Nothing(Err(refusal))),
        };
        let key = format!("payme/{}", plain(&draft.id));
        let mut payment = seen.startable(Provider::Payme, key, now);
        payment.start(&plain(&draft.id), draft.time.plus(LIFETIME)).map_err(illegal)?;
        let created = Transaction::new(draft.clone(), payment.id, payment.order, now);
        let change = Change::of(&payable)
            .telling(Happening::Started, payment)
            .part(Part::PaymeNew(created.clone()));
        Ok(Plan::Change(change, Ok(created)))
    }
}

pub(super) struct Perform {
    pub(super) id: String,
}

impl UseCase for Perform {
    type Outcome = Result<Moved<Transaction>, Refusal>;

    async fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Plan<Self::Outcome>, Error> {
        let seen = look(connection, &self.id, None).await?;
        let Some((seen, known)) = seen.and_then(|seen| seen.known.clone().map(|it| (seen, it)))
        else {
            return Ok(Plan::Nothing(Err(Refusal::NotFound)));
        };
        let payment = seen.payment()?;
        if known.is_due(now) {
            return Ok(Plan::First(Change::expire(&seen.payable, &payment).map_err(illegal)?));
        }
        let mut moved = known;
        Ok(match moved.perform(now) {
            Err(refusal) => Plan::Nothing(Err(refusal)),
            Ok(false) => Plan::Nothing(Ok(Moved { now: moved, first: false })),
            Ok(true) => {
                let change = Change::settle(seen.payable, payment, now).map_err(illegal)?;
                let change = change.part(Part::PaymeMoved(moved.clone()));
                Plan::Change(change, Ok(Moved { now: moved, first: true }))
            }
        })
    }
}

pub(super) struct Cancel {
    pub(super) id: String,
    pub(super) reason: i64,
}

impl UseCase for Cancel {
    type Outcome = Result<Moved<Transaction>, Refusal>;

    async fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Plan<Self::Outcome>, Error> {
        let seen = look(connection, &self.id, None).await?;
        let Some((seen, known)) = seen.and_then(|seen| seen.known.clone().map(|it| (seen, it)))
        else {
            return Ok(Plan::Nothing(Err(Refusal::NotFound)));
        };
        let mut payment = seen.payment()?;
        let mut moved = known;
        let delivered = seen.payable.delivered_at.is_some();
        Ok(match moved.cancel(self.reason, delivered, now) {
            Err(refusal) => Plan::Nothing(Err(refusal)),
            Ok(false) => Plan::Nothing(Ok(Moved { now: moved, first: false })),
            Ok(true) => {
                let change = if moved.state == State::Refunded {
                    Change::refund(seen.payable, payment).map_err(illegal)?
                } else {
                    payment.cancel().map_err(illegal)?;
                    Change::of(&seen.payable).telling(Happening::Cancelled, payment)
                };
                let change = change.part(Part::PaymeMoved(moved.clone()));
                Plan::Change(change, Ok(Moved { now: moved, first: true }))
            }
        })
    }
}

/// The receipt, what the order is told of it and the line: whether there is such a transaction, and whether others are told.
pub(super) async fn fiscal_receipt(
    connection: &mut PgConnection,
    receipt: &Receipt,
    now: Timestamp,
    note: Note<bool>,
) -> Result<(bool, Entry, bool), Error> {
    let find = query("select payment_id from payme_transactions where payme_id = $1");
    let found = find.bind(plain(&receipt.transaction)).fetch_optional(&mut *connection).await?;
    let payment = found.map(|row| Reader::new(&row).id()).transpose()?;
    let entry = note(&payment.is_some());
    journal::append(connection, std::slice::from_ref(&entry)).await?;
    let Some(payment) = payment else { return Ok((false, entry, false)) };
    let kept = (receipt.kind, receipt.body.as_str());
    let told = super::fiscal::keep(connection, payment, kept, receipt.tell, now).await?;
    Ok((true, entry, told))
}
