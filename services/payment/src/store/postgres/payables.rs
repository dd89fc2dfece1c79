//! Opening and closing an order for payment, and what is known of it.

use clock::Timestamp;
use ids::OrderId;
use money::Money;
use postgres::{Error, uuid};
use sqlx::{PgConnection, query, query_scalar};

use super::{
    change::Change,
    rows::{self, Reader, moment, plain},
    unit::{Plan, UseCase, illegal},
};
use crate::{
    domain::{
        NotPayable, Payable, PayableState, Payment, Provider, Snapshot, Status,
        payme::REASON_CLOSED,
    },
    store::{Close, Closing, Known, Open, OpenRefusal},
};

pub(super) struct Opening(pub(super) Open);

impl UseCase for Opening {
    type Outcome = Result<Payment, OpenRefusal>;

    async fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Plan<Self::Outcome>, Error> {
        let request = &self.0;
        let found = related(connection, request).await?;
        let replayed = found.iter().find_map(|(known, payment)| {
            let payment = payment.as_ref().filter(|payment| payment.key == request.key)?;
            Some((&known.payable, payment.clone()))
        });
        if let Some((payable, payment)) = replayed {
            return Ok(replay(payable, payment, request));
        }
        let snapshot = &request.payable;
        let ours = |known: &Known| known.snapshot.order == snapshot.order;
        let known = found.iter().map(|(known, _)| known).find(|known| ours(known));
        match known.map(|known| known.payable.state) {
            Some(PayableState::Paid) => return Ok(Plan::Nothing(Err(OpenRefusal::Paid))),
            Some(PayableState::Closed) => return Ok(Plan::Nothing(Err(OpenRefusal::Over))),
            Some(PayableState::Open) | None => {}
        }
        let live = found.iter().find_map(|(known, payment)| {
            payment.as_ref().filter(|_| ours(known)).map(|payment| (&known.payable, payment))
        });
        if let Some((payable, live)) = live {
            if live.is_due(now) {
                return Ok(Plan::First(Change::expire(payable, live).map_err(illegal)?));
            }
            let until = live.expires_at.unwrap_or(now);
            return Ok(Plan::Nothing(Err(OpenRefusal::Busy { until })));
        }
        // From here on the amount may change: nobody holds the order.
        let change = match known {
            Some(known) if known.snapshot == *snapshot => Change::of(&known.payable),
            Some(known) => {
                let version = known.payable.version + 1;
                let terms = snapshot.terms();
                let payable = Payable { terms, version, ..known.payable.clone() };
                Change::retold(payable, snapshot.clone())
            }
            None => Change::new(Payable::new(snapshot.terms()), snapshot.clone()),
        };
        let over = change.payable.accepts(now) == Err(NotPayable::Over);
        if request.provider != Provider::Cash && over {
            return Ok(Plan::Nothing(Err(OpenRefusal::Over)));
        }
        if found.iter().any(|(known, _)| !ours(known)) {
            return Ok(Plan::Nothing(Err(OpenRefusal::Reference)));
        }
        let key = request.key.clone();
        let mut payment = Payment::new(&change.payable.terms, request.provider, key, now);
        payment.redirect_url.clone_from(&request.redirect_url);
        Ok(Plan::Change(change.payment(payment.clone()), Ok(payment)))
    }
}

/// The same key again: the same payment. A way back to the shop is taken over when the first call knew none.
fn replay(
    payable: &Payable,
    mut payment: Payment,
    request: &Open,
) -> Plan<Result<Payment, OpenRefusal>> {
    if payment.order != request.payable.order || payment.provider != request.provider {
        return Plan::Nothing(Err(OpenRefusal::Key));
    }
    let better = request.returns && payment.redirect_url != request.redirect_url;
    if better && payment.status == Status::Pending && payment.amount == request.payable.amount {
        payment.redirect_url.clone_from(&request.redirect_url);
        payment.version += 1;
        return Plan::Change(Change::of(payable).payment(payment.clone()), Ok(payment));
    }
    Plan::Nothing(Ok(payment))
}

/// The order, the one that has its number and the one that has the key; each with its payment that has the key, and the one that
/// holds it. `case` keeps the planner from looking for all payments that hold any order.
async fn related(
    connection: &mut PgConnection,
    request: &Open,
) -> Result<Vec<(Known, Option<Payment>)>, Error> {
    let found = query(concat!(
        "select ",
        rows::payable_columns!(),
        ", ",
        rows::snapshot_columns!(),
        ", ",
        rows::payment_columns!(),
        " from payables b
          left join payments p on p.order_id = b.order_id and case when p.key = $3 then true else ",
        rows::holds!(),
        " end where b.order_id in ($1, (select order_id from payables where reference = $2),
                                    (select order_id from payments where key = $3))"
    ))
    .bind(uuid(request.payable.order))
    .bind(&request.payable.reference)
    .bind(&request.key)
    .fetch_all(connection)
    .await?;
    let read = |row| {
        let mut row = Reader::new(row);
        let known = rows::known(&mut row)?;
        let payment = rows::payment(&mut row, &known.payable.terms)?;
        Ok((known, payment))
    };
    found.iter().map(read).collect()
}

pub(super) struct Shutting(pub(super) Close);

impl UseCase for Shutting {
    type Outcome = Closing;

    async fn plan(
        &self,
        connection: &mut PgConnection,
        now: Timestamp,
    ) -> Result<Plan<Closing>, Error> {
        let request = &self.0;
        let found = query(concat!(
            "select ",
            rows::payable_columns!(),
            ", ",
            rows::payment_columns!(),
            " from payables b left join payments p on p.order_id = b.order_id and ",
            rows::holds!(),
            " where b.order_id = $1"
        ))
        .bind(uuid(request.order))
        .fetch_optional(connection)
        .await?;
        let Some(row) = found else {
            // It was never heard of, and news of it may still be on the way: it must not open then.
            return Ok(Plan::Change(unheard(request), Closing::Closed));
        };
        let mut row = Reader::new(&row);
        let mut payable = rows::payable(&mut row)?;
        let live = rows::payment(&mut row, &payable.terms)?;
        match payable.state {
            PayableState::Paid => return Ok(Plan::Nothing(Closing::Paid)),
            PayableState::Closed => return Ok(Plan::Nothing(Closing::Closed)),
            PayableState::Open => {}
        }
        if let Some(due) = live.as_ref().filter(|live| live.is_due(now)) {
            return Ok(Plan::First(Change::expire(&payable, due).map_err(illegal)?));
        }
        let until = live.as_ref().and_then(|live| live.expires_at);
        if let Some(until) = until.filter(|_| request.spare_live) {
            return Ok(Plan::Nothing(Closing::Live(until)));
        }
        payable.close(&request.reason).map_err(illegal)?;
        let mut change = Change::moved(payable).cancelling_pending();
        if let Some(live) = live {
            change = change.release(&live, REASON_CLOSED).map_err(illegal)?;
        }
        Ok(Plan::Change(change, Closing::Closed))
    }
}

/// A closed order of which nothing but the id is known. The id stands in for the number, which no provider can name.
fn unheard(request: &Close) -> Change {
    let snapshot = Snapshot {
        order: request.order,
        reference: request.order.to_string(),
        amount: Money::uzs(0),
        payable_until: Timestamp::from_millis(0),
        lines: Vec::new(),
        delivery: 0,
        customer_phone: String::new(),
        locale: String::new(),
    };
    let payable = Payable {
        state: PayableState::Closed,
        closed_reason: request.reason.clone(),
        ..Payable::new(snapshot.terms())
    };
    Change::new(payable, snapshot)
}

pub(super) async fn delivered(
    connection: &mut PgConnection,
    order: OrderId,
    now: Timestamp,
) -> Result<(), Error> {
    query(
        "update payables set delivered_at = $2, version = version + 1
         where order_id = $1 and delivered_at is null",
    )
    .bind(uuid(order))
    .bind(moment(now))
    .execute(connection)
    .await?;
    Ok(())
}

/// What an order's number stands for. A hold whose time is over counts for nothing.
pub(super) async fn known(
    connection: &mut PgConnection,
    reference: &str,
    now: Timestamp,
) -> Result<Option<Known>, Error> {
    let found = query(concat!(
        "select ",
        rows::payable_columns!(),
        ", ",
        rows::snapshot_columns!(),
        ", exists (select from payments p where p.order_id = b.order_id
           and p.status = 'processing' and p.expires_at >= $2)
         from payables b where b.reference = $1"
    ))
    .bind(plain(reference))
    .bind(moment(now))
    .fetch_optional(connection)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let mut row = Reader::new(&row);
    let known = rows::known(&mut row)?;
    Ok(Some(Known { held: row.get()?, ..known }))
}

/// Payments of an order, latest first.
pub(super) async fn payments(
    connection: &mut PgConnection,
    order: OrderId,
    limit: u32,
) -> Result<Vec<Payment>, Error> {
    let found = query(concat!(
        "select ",
        rows::payable_columns!(),
        ", ",
        rows::payment_columns!(),
        " from payments p join payables b on b.order_id = p.order_id
         where p.order_id = $1 order by p.id desc limit $2"
    ))
    .bind(uuid(order))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let read = |row| {
        let mut row = Reader::new(row);
        let payable = rows::payable(&mut row)?;
        rows::payment(&mut row, &payable.terms)
    };
    found.iter().filter_map(|row| read(row).transpose()).collect()
}

pub(super) async fn is_opened(connection: &mut PgConnection, key: &str) -> Result<bool, Error> {
    let find = query_scalar("select exists (select from payments where key = $1)").bind(key);
    Ok(find.fetch_one(connection).await?)
}
