//! Payments on pages of providers. Whoever writes one holds the order's row.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{OrderId, PaymentId, RefundId};
use postgres::{Error, uuid};
use sqlx::{PgConnection, query, query_as, query_scalar, types::Uuid};

use super::{
    PostgresPayments,
    change::Change,
    journal, payables,
    rows::{self, Reader, moment, plain},
    unit::illegal,
};
use crate::{
    domain::{
        Happening, Payable, Payment, Provider, Status,
        hosted::{Charge, Hosted, Outcome, Scene, State, Step, Sum, decide, share},
        payme::REASON_CLOSED,
    },
    store::{
        Encode, Entry, Note,
        hosted::{Acted, Acting, Back, HostedStore, Which},
    },
};

/// Payments of one order that are looked at.
const PAYMENTS: u32 = 1000;

macro_rules! select_hosted {
    ($rest:literal) => {
        concat!(
            "select payment_id, order_id, provider, amount, currency, rate, account, state, attempt, remote_id, charge_id,
             asked_at, opened_at, agreed_at, checks, next_check_at, trouble from hosted_payments ",
            $rest
        )
    };
}

fn read(row: &sqlx::postgres::PgRow) -> Result<Hosted, Error> {
    let mut row = Reader::new(row);
    let number = |number: i32| u32::try_from(number).unwrap_or_default();
    let (payment, order) = (row.id()?, row.id()?);
    let provider = row.named(Provider::parse)?;
    let (amount, currency) = (row.get()?, row.get()?);
    let rate = row.get()?;
    let sum = Sum { amount, currency, account: row.get()? };
    Ok(Hosted {
        payment,
        order,
        provider,
        charge: Charge { sum, rate },
        state: row.named(State::parse)?,
        attempt: number(row.get()?),
        remote_id: row.get::<Option<String>>()?.unwrap_or_default(),
        charge_id: row.get::<Option<String>>()?.unwrap_or_default(),
        asked_at: row.moment_if_any()?,
        opened_at: row.moment_if_any()?,
        agreed_at: row.moment_if_any()?,
        checks: number(row.get()?),
        next_check_at: row.moment_if_any()?,
        trouble: row.get()?,
    })
}

async fn find(connection: &mut PgConnection, payment: PaymentId) -> Result<Option<Hosted>, Error> {
    let found = query(select_hosted!("where payment_id = $1")).bind(uuid(payment));
    found.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

async fn named_by(
    connection: &mut PgConnection,
    which: &Which,
) -> Result<Option<(PaymentId, OrderId)>, Error> {
    let found: Option<(Uuid, Uuid)> = match which {
        Which::Payment(id) => {
            let find = query_as("select id, order_id from payments where id = $1").bind(uuid(*id));
            find.fetch_optional(connection).await?
        }
        Which::Remote(provider, name) => {
            let find = query_as(
                "select payment_id, order_id from hosted_payments where provider = $1 and remote_id = $2",
            );
            find.bind(provider.as_str()).bind(plain(name)).fetch_optional(connection).await?
        }
    };
    Ok(found.map(|(payment, order)| (postgres::id(payment), postgres::id(order))))
}

async fn save(connection: &mut PgConnection, it: &Hosted) -> Result<(), Error> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let text = |text: &str| (!text.is_empty()).then(|| plain(text));
    query(
        "insert into hosted_payments (payment_id, order_id, provider, amount, currency, rate, account, state, attempt,
         remote_id, charge_id, asked_at, opened_at, agreed_at, checks, next_check_at, trouble)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict (payment_id) do update set state = excluded.state, attempt = excluded.attempt,
         remote_id = excluded.remote_id, charge_id = excluded.charge_id, asked_at = excluded.asked_at,
         opened_at = excluded.opened_at, agreed_at = excluded.agreed_at, checks = excluded.checks,
         next_check_at = excluded.next_check_at, trouble = excluded.trouble",
    )
    .bind(uuid(it.payment))
    .bind(uuid(it.order))
    .bind(it.provider.as_str())
    .bind(it.charge.sum.amount)
    .bind(&it.charge.sum.currency)
    .bind(it.charge.rate)
    .bind(&it.charge.sum.account)
    .bind(it.state.as_str())
    .bind(number(it.attempt))
    .bind(text(&it.remote_id))
    .bind(text(&it.charge_id))
    .bind(it.asked_at.map(moment))
    .bind(it.opened_at.map(moment))
    .bind(it.agreed_at.map(moment))
    .bind(number(it.checks))
    .bind(it.next_check_at.map(moment))
    .bind(plain(&it.trouble))
    .execute(connection)
    .await?;
    Ok(())
}

/// An order that this transaction has to itself, as it is after what has been written so far.
struct Held {
    payable: Payable,
    payments: Vec<Payment>,
    told: bool,
}

impl Held {
    async fn lock(connection: &mut PgConnection, order: OrderId) -> Result<Option<Self>, Error> {
        let found = query(concat!(
            "select ",
            rows::payable_columns!(),
            " from payables b where b.order_id = $1 for no key update"
        ));
        let row = found.bind(uuid(order)).fetch_optional(&mut *connection).await?;
        let Some(row) = row else { return Ok(None) };
        let payable = rows::payable(&mut Reader::new(&row))?;
        let payments = payables::payments(connection, order, PAYMENTS).await?;
        Ok(Some(Self { payable, payments, told: false }))
    }

    fn payment(&self, id: PaymentId) -> Result<Payment, Error> {
        let found = self.payments.iter().find(|payment| payment.id == id).cloned();
        found.ok_or_else(|| Error::value("a payment that is not there"))
    }

    fn live(&self) -> Option<Payment> {
        self.payments.iter().find(|payment| rows::is_live(payment)).cloned()
    }

    async fn write(
        &mut self,
        connection: &mut PgConnection,
        change: Change,
        payment: PaymentId,
        (encode, now): (Encode, Timestamp),
    ) -> Result<(), Error> {
        if !change.write(connection, None, encode, now).await? {
            return Err(Error::value("the order is not as it was read"));
        }
        self.told |= change.tells();
        self.payable = change.payable;
        // Others may have ended with it.
        self.payments = payables::payments(connection, self.payable.terms.order, PAYMENTS).await?;
        self.payment(payment).map(drop)
    }
}

async fn act(
    connection: &mut PgConnection,
    acting: Acting,
    encode: Encode,
    now: Timestamp,
) -> Result<(Acted, bool), Error> {
    let unknown = Acted { outcome: Outcome::Unknown, hosted: None, payment: None };
    let Some((id, order)) = named_by(connection, &acting.which).await? else {
        return Ok((unknown, false));
    };
    let Some(mut held) = Held::lock(connection, order).await? else { return Ok((unknown, false)) };
    if let Some((provider, name)) = &acting.event {
        let first = query(
            "insert into provider_events (provider, event, received_at) values ($1, $2, $3) on conflict do nothing",
        );
        let first = first.bind(provider.as_str()).bind(plain(name)).bind(moment(now));
        if first.execute(&mut *connection).await?.rows_affected() == 0 {
            return Ok((Acted { outcome: Outcome::Repeated, ..unknown }, false));
        }
    }
    if let Some(due) = held.live().filter(|live| live.is_due(now)) {
        let change = Change::expire(&held.payable, &due).map_err(illegal)?;
        held.write(connection, change, due.id, (encode, now)).await?;
    }
    let scene = Scene {
        hosted: find(connection, id).await?,
        payment: held.payment(id)?,
        payable: held.payable.clone(),
        live: held.live(),
    };
    let decision = decide(&scene, acting.act, now);
    if let Some(hosted) = &decision.hosted {
        save(connection, hosted).await?;
    }
    for step in decision.steps {
        let (change, of) = change(step, &scene, &held, now)?;
        held.write(connection, change, of, (encode, now)).await?;
    }
    let acted = Acted {
        outcome: decision.outcome,
        hosted: decision.hosted.or(scene.hosted),
        payment: Some(held.payment(id)?),
    };
    Ok((acted, held.told))
}

/// What a step changes, and of which payment.
fn change(
    step: Step,
    scene: &Scene,
    held: &Held,
    now: Timestamp,
) -> Result<(Change, PaymentId), Error> {
    let mut payment = held.payment(scene.payment.id)?;
    let (id, payable) = (payment.id, &held.payable);
    let change = match step {
        Step::Release => {
            let live = held.live().ok_or_else(|| Error::value("nothing holds the order"))?;
            let change = Change::of(payable).release(&live, REASON_CLOSED).map_err(illegal)?;
            return Ok((change, live.id));
        }
        Step::Start(until) => {
            let name = scene.hosted.as_ref().map(|hosted| hosted.remote_id.as_str());
            payment.start(name.unwrap_or_default(), until).map_err(illegal)?;
            Change::of(payable).telling(Happening::Started, payment)
        }
        Step::Settle => Change::settle(payable.clone(), payment, now).map_err(illegal)?,
        Step::LetGo if payment.status == Status::Processing => {
            payment.cancel().map_err(illegal)?;
            Change::of(payable).telling(Happening::Cancelled, payment)
        }
        Step::LetGo => {
            payment.cancel().map_err(illegal)?;
            Change::of(payable).payment(payment)
        }
        Step::Redirect(page) => {
            payment.redirect_url = page;
            payment.version += 1;
            Change::of(payable).payment(payment)
        }
    };
    Ok((change, id))
}

async fn back(connection: &mut PgConnection, refund: RefundId) -> Result<Option<Back>, Error> {
    let found = query_as(
        "select r.amount::bigint, p.amount::bigint, p.id, p.order_id from refunds r join payments p on p.id = r.payment_id
         where r.id = $1",
    );
    let found: Option<(i64, i64, Uuid, Uuid)> =
        found.bind(uuid(refund)).fetch_optional(&mut *connection).await?;
    let Some((amount, paid, payment, order)) = found else { return Ok(None) };
    let Some(held) = Held::lock(connection, postgres::id(order)).await? else { return Ok(None) };
    let hosted = find(connection, held.payment(postgres::id(payment))?.id).await?;
    let Some(hosted) = hosted.filter(|hosted| hosted.state == State::Paid) else {
        return Ok(None);
    };
    let known =
        query_as("select amount::bigint, remote_id from hosted_refunds where refund_id = $1");
    let known: Option<(i64, Option<String>)> =
        known.bind(uuid(refund)).fetch_optional(&mut *connection).await?;
    if let Some((amount, remote_id)) = known {
        return Ok(Some(Back { hosted, amount, remote_id: remote_id.unwrap_or_default() }));
    }
    let before = query_scalar(
        "select coalesce(sum(r.amount), 0)::bigint from hosted_refunds h join refunds r on r.id = h.refund_id
         where h.payment_id = $1",
    );
    let before: i64 = before.bind(payment).fetch_one(&mut *connection).await?;
    let amount = share(hosted.charge.sum.amount, paid, before, amount);
    query("insert into hosted_refunds (refund_id, payment_id, amount) values ($1, $2, $3)")
        .bind(uuid(refund))
        .bind(payment)
        .bind(amount)
        .execute(connection)
        .await?;
    Ok(Some(Back { hosted, amount, remote_id: String::new() }))
}

async fn due(
    connection: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<(Hosted, Payment)>, Error> {
    // Those that another process is about to ask for are left to it.
    let taken = query(
        "update hosted_payments set next_check_at = $2 where payment_id = any(array(
         select payment_id from hosted_payments where next_check_at <= $1
         order by next_check_at limit $3 for no key update skip locked))
         returning payment_id, order_id, provider, amount, currency, rate, account, state, attempt, remote_id, charge_id,
         asked_at, opened_at, agreed_at, checks, next_check_at, trouble",
    )
    .bind(moment(now))
    .bind(moment(until))
    .bind(i64::from(limit))
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Vec::with_capacity(taken.len());
    for row in &taken {
        let hosted = read(row)?;
        let payments = payables::payments(connection, hosted.order, PAYMENTS).await?;
        let payment = payments.into_iter().find(|payment| payment.id == hosted.payment);
        found.extend(payment.map(|payment| (hosted, payment)));
    }
    Ok(found)
}

#[async_trait]
impl HostedStore for PostgresPayments {
    async fn hosted_act(
        &self,
        acting: Acting,
        now: Timestamp,
        note: Option<Note<Acted>>,
    ) -> Result<(Acted, Option<Entry>), Fault> {
        let mut transaction = self.database.begin().await?;
        let early = acting.event.is_some();
        let (acted, told) = act(&mut transaction, acting, self.encode, now).await?;
        if early && acted.outcome == Outcome::Early {
            // Told again, it is an event as if it were heard for the first time.
            transaction.rollback().await.map_err(Error::from)?;
            return Ok((acted, None));
        }
        let entry = note.map(|note| note(&acted));
        journal::append(&mut transaction, entry.as_slice()).await?;
        transaction.commit().await.map_err(Error::from)?;
        if told {
            self.wake();
        }
        Ok((acted, entry))
    }

    async fn hosted_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Hosted, Payment)>, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(due(&mut connection, now, until, limit).await?)
    }

    async fn hosted_back(&self, refund: RefundId) -> Result<Option<Back>, Fault> {
        let mut transaction = self.database.begin().await?;
        let found = back(&mut transaction, refund).await?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(found)
    }

    async fn hosted_back_named(&self, refund: RefundId, remote_id: &str) -> Result<(), Fault> {
        let mut connection = self.database.connection().await?;
        query("update hosted_refunds set remote_id = $2 where refund_id = $1")
            .bind(uuid(refund))
            .bind(plain(remote_id))
            .execute(&mut *connection)
            .await
            .map_err(Error::from)?;
        Ok(())
    }

    async fn hosted_trouble(&self) -> Result<i64, Fault> {
        let mut connection = self.database.connection().await?;
        let count = query_scalar("select count(*) from hosted_payments where trouble <> ''");
        Ok(count.fetch_one(&mut *connection).await.map_err(Error::from)?)
    }

    async fn forget_events(&self, before: Timestamp) -> Result<(), Fault> {
        let mut connection = self.database.connection().await?;
        query("delete from provider_events where received_at < $1")
            .bind(moment(before))
            .execute(&mut *connection)
            .await
            .map_err(Error::from)?;
        Ok(())
    }
}
