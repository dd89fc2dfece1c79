//! Payments on pages of providers.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{PaymentId, RefundId};
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{
    SqlitePayments, journal,
    rows::{self, moment_if_any, named, parsed},
    unit::{Unit, illegal},
};
use crate::{
    domain::{
        Payment, Provider, Status,
        hosted::{Charge, Hosted, Outcome, Scene, State, Step, Sum, decide, share},
    },
    store::{
        Entry, Note,
        hosted::{Acted, Acting, Back, HostedStore, Which},
    },
};

macro_rules! select_hosted {
    ($rest:literal) => {
        concat!(
            "select payment_id, order_id, provider, amount, currency, rate, account, state, attempt, remote_id, charge_id,
             asked_at, opened_at, agreed_at, checks, next_check_at, trouble from hosted_payments ",
            $rest
        )
    };
}

impl FromRow for Hosted {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let sum = Sum { amount: row.get(3)?, currency: row.get(4)?, account: row.get(6)? };
        Ok(Self {
            payment: parsed(row, 0)?,
            order: parsed(row, 1)?,
            provider: named(row, 2, Provider::parse)?,
            charge: Charge { sum, rate: row.get(5)? },
            state: named(row, 7, State::parse)?,
            attempt: row.get(8)?,
            remote_id: row.get::<_, Option<String>>(9)?.unwrap_or_default(),
            charge_id: row.get::<_, Option<String>>(10)?.unwrap_or_default(),
            asked_at: moment_if_any(row, 11)?,
            opened_at: moment_if_any(row, 12)?,
            agreed_at: moment_if_any(row, 13)?,
            checks: row.get(14)?,
            next_check_at: moment_if_any(row, 15)?,
            trouble: row.get(16)?,
        })
    }
}

fn find(connection: &Connection, payment: PaymentId) -> Result<Option<Hosted>, Error> {
    connection.first(select_hosted!("where payment_id = ?"), [payment.to_string()])
}

fn named_by(connection: &Connection, which: &Which) -> Result<Option<PaymentId>, Error> {
    let found: Option<String> = match which {
        Which::Payment(id) => {
            connection.first("select id from payments where id = ?", [id.to_string()])?
        }
        Which::Remote(provider, name) => connection.first(
            "select payment_id from hosted_payments where provider = ? and remote_id = ?",
            params![provider.as_str(), name],
        )?,
    };
    let id = found.map(|id| id.parse()).transpose();
    id.map_err(|error: ids::ParseIdError| Error::value(error))
}

fn none_if_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn save(connection: &Connection, it: &Hosted) -> Result<(), Error> {
    let millis = |at: Option<Timestamp>| at.map(Timestamp::millis);
    connection.execute(
        "insert into hosted_payments (payment_id, order_id, provider, amount, currency, rate, account, state, attempt,
         remote_id, charge_id, asked_at, opened_at, agreed_at, checks, next_check_at, trouble)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (payment_id) do update set state = excluded.state, attempt = excluded.attempt,
         remote_id = excluded.remote_id, charge_id = excluded.charge_id, asked_at = excluded.asked_at,
         opened_at = excluded.opened_at, agreed_at = excluded.agreed_at, checks = excluded.checks,
         next_check_at = excluded.next_check_at, trouble = excluded.trouble",
        params![
            it.payment.to_string(),
            it.order.to_string(),
            it.provider.as_str(),
            it.charge.sum.amount,
            it.charge.sum.currency,
            it.charge.rate,
            it.charge.sum.account,
            it.state.as_str(),
            it.attempt,
            none_if_empty(&it.remote_id),
            none_if_empty(&it.charge_id),
            millis(it.asked_at),
            millis(it.opened_at),
            millis(it.agreed_at),
            it.checks,
            millis(it.next_check_at),
            it.trouble,
        ],
    )?;
    Ok(())
}

fn act(unit: &mut Unit<'_>, acting: Acting) -> Result<Acted, Error> {
    let unknown = Acted { outcome: Outcome::Unknown, hosted: None, payment: None };
    let Some(id) = named_by(unit.connection, &acting.which)? else { return Ok(unknown) };
    let event = acting.event.as_ref();
    if let Some((provider, name)) = event
        && unit.connection.one(
            "select exists (select 1 from provider_events where provider = ? and event = ?)",
            params![provider.as_str(), name],
        )?
    {
        return Ok(Acted { outcome: Outcome::Repeated, ..unknown });
    }
    let order = rows::payment(unit.connection, id)?.order;
    let live = unit.live(order)?;
    let scene = Scene {
        hosted: find(unit.connection, id)?,
        // After the end of a hold, which may have been its own.
        payment: rows::payment(unit.connection, id)?,
        payable: rows::payable(unit.connection, order)?,
        live,
    };
    let decision = decide(&scene, acting.act, unit.now);
    if let Some(hosted) = &decision.hosted {
        save(unit.connection, hosted)?;
    }
    for step in decision.steps {
        take(unit, step, &scene)?;
    }
    if let Some((provider, name)) = event
        && decision.outcome != Outcome::Early
    {
        unit.connection.execute(
            "insert into provider_events (provider, event, received_at) values (?, ?, ?)",
            params![provider.as_str(), name, unit.now.millis()],
        )?;
    }
    Ok(Acted {
        outcome: decision.outcome,
        hosted: decision.hosted.or(scene.hosted),
        payment: Some(rows::payment(unit.connection, id)?),
    })
}

fn take(unit: &mut Unit<'_>, step: Step, scene: &Scene) -> Result<(), Error> {
    let mut payment = rows::payment(unit.connection, scene.payment.id)?;
    match step {
        Step::Release => match scene.live.clone() {
            Some(live) => unit.release_closed(live),
            None => Ok(()),
        },
        Step::Start(until) => {
            let name = scene.hosted.as_ref().map(|hosted| hosted.remote_id.clone());
            unit.start(&mut payment, &name.unwrap_or_default(), until)
        }
        Step::Settle => unit.settle(payment.id),
        Step::LetGo if payment.status == Status::Processing => unit.let_go(payment),
        Step::LetGo => {
            payment.cancel().map_err(illegal)?;
            rows::save_payment(unit.connection, &payment)
        }
        Step::Redirect(page) => {
            payment.redirect_url = page;
            payment.version += 1;
            rows::save_payment(unit.connection, &payment)
        }
    }
}

fn back(unit: &Unit<'_>, refund: RefundId) -> Result<Option<Back>, Error> {
    let connection = unit.connection;
    let payment: Option<(String, i64)> = connection
        .first("select payment_id, amount from refunds where id = ?", [refund.to_string()])?;
    let Some((payment, amount)) = payment else { return Ok(None) };
    let hosted: Option<Hosted> =
        connection.first(select_hosted!("where payment_id = ?"), [payment.as_str()])?;
    let Some(hosted) = hosted.filter(|hosted| hosted.state == State::Paid) else {
        return Ok(None);
    };
    let known = "select amount, remote_id from hosted_refunds where refund_id = ?";
    let known: Option<(i64, Option<String>)> = connection.first(known, [refund.to_string()])?;
    if let Some((amount, remote_id)) = known {
        return Ok(Some(Back { hosted, amount, remote_id: remote_id.unwrap_or_default() }));
    }
    let before: i64 = connection.one(
        "select coalesce(sum(r.amount), 0) from hosted_refunds h join refunds r on r.id = h.refund_id
         where h.payment_id = ?",
        [payment.as_str()],
    )?;
    let paid = rows::payment(connection, hosted.payment)?.amount.amount;
    let amount = share(hosted.charge.sum.amount, paid, before, amount);
    connection.execute(
        "insert into hosted_refunds (refund_id, payment_id, amount) values (?, ?, ?)",
        params![refund.to_string(), payment, amount],
    )?;
    Ok(Some(Back { hosted, amount, remote_id: String::new() }))
}

fn due(
    connection: &Connection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<(Hosted, Payment)>, Error> {
    let ids = due_ids(connection, now, limit)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        connection.execute(
            "update hosted_payments set next_check_at = ? where payment_id = ?",
            params![until.millis(), id],
        )?;
        let hosted: Hosted =
            connection.one(select_hosted!("where payment_id = ?"), [id.as_str()])?;
        let payment = rows::payment(connection, hosted.payment)?;
        found.push((hosted, payment));
    }
    Ok(found)
}

fn due_ids(connection: &Connection, now: Timestamp, limit: u32) -> Result<Vec<String>, Error> {
    connection.all(
        "select payment_id from hosted_payments where next_check_at <= ? order by next_check_at limit ?",
        params![now.millis(), limit],
    )
}

#[async_trait]
impl HostedStore for SqlitePayments {
    async fn hosted_act(
        &self,
        acting: Acting,
        now: Timestamp,
        note: Option<Note<Acted>>,
    ) -> Result<(Acted, Option<Entry>), Fault> {
        let job = move |unit: &mut Unit<'_>| {
            let acted = act(unit, acting)?;
            let entry = note.map(|note| note(&acted));
            if let Some(entry) = &entry {
                journal::append(unit.connection, entry)?;
            }
            Ok((acted, entry))
        };
        self.job(now, job).await
    }

    async fn hosted_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Hosted, Payment)>, Fault> {
        // Looking costs no write: there is seldom anything to ask.
        if self.read(move |connection| due_ids(connection, now, 1)).await?.is_empty() {
            return Ok(Vec::new());
        }
        let due = move |connection: &Connection| due(connection, now, until, limit);
        Ok(self.database.write(due).await?)
    }

    async fn hosted_back(&self, refund: RefundId) -> Result<Option<Back>, Fault> {
        self.job(Timestamp::default(), move |unit| back(unit, refund)).await
    }

    async fn hosted_back_named(&self, refund: RefundId, remote_id: &str) -> Result<(), Fault> {
        let name = remote_id.to_owned();
        let named = move |connection: &Connection| -> Result<u64, Error> {
            connection.execute(
                "update hosted_refunds set remote_id = ? where refund_id = ?",
                params![name, refund.to_string()],
            )
        };
        self.database.write(named).await?;
        Ok(())
    }

    async fn hosted_trouble(&self) -> Result<i64, Fault> {
        self.read(|connection| {
            connection.one("select count(*) from hosted_payments where trouble <> ''", ())
        })
        .await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<(), Fault> {
        let forget = move |connection: &Connection| -> Result<u64, Error> {
            connection
                .execute("delete from provider_events where received_at < ?", [before.millis()])
        };
        self.database.write(forget).await?;
        Ok(())
    }
}
