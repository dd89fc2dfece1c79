//! Fiscal receipts.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{OrderId, PaymentId};
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{
    SqlitePayments,
    rows::{self, named, parsed},
    unit::Unit,
};
use crate::{
    domain::{
        Status,
        fiscal::{JobState, Kind, Receipt},
    },
    store::{
        Known,
        fiscal::{FiscalBacklog, FiscalStore, Job, Tell},
    },
};

/// A row of the outbox, with its payment and order.
struct Due {
    payment: PaymentId,
    paydoc: i64,
    state: JobState,
    attempts: u32,
    status: Status,
    reference: String,
}

impl FromRow for Due {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            payment: parsed(row, 0)?,
            paydoc: row.get(1)?,
            state: named(row, 2, JobState::parse)?,
            attempts: row.get(3)?,
            status: named(row, 4, Status::parse)?,
            reference: row.get(5)?,
        })
    }
}

/// A receipt as its issuer wrote it.
struct Written(String, String);

impl FromRow for Written {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self(row.get(0)?, row.get(1)?))
    }
}

fn due(
    connection: &Connection,
    now: Timestamp,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Job>, Error> {
    let found: Vec<Due> = connection.all(
        "select f.payment_id, f.paydoc_id, f.state, f.attempts + 1, p.status, b.reference
         from fiscal_outbox f join payments p on p.id = f.payment_id join payables b on b.order_id = p.order_id
         where f.state in ('waiting', 'sent') and f.next_at <= ? order by f.next_at limit ?",
        params![now.millis(), limit],
    )?;
    let mut jobs = Vec::new();
    for it in found {
        connection.execute(
            "update fiscal_outbox set attempts = ?, next_at = ? where payment_id = ?",
            params![it.attempts, until.millis(), it.payment.to_string()],
        )?;
        let known: Option<Known> = rows::known(connection, &it.reference, now)?;
        let Some(known) = known else { continue };
        jobs.push(Job {
            payment: it.payment,
            paydoc: it.paydoc,
            sent: it.state == JobState::Sent,
            attempts: it.attempts,
            status: it.status,
            sale: known.snapshot,
        });
    }
    Ok(jobs)
}

/// Keeps what an issuer sent of a payment, the last word for each kind, and tells the order when there is something to show.
pub(super) fn keep(
    unit: &mut Unit<'_>,
    payment: PaymentId,
    (kind, body): (Kind, &str),
    tell: Tell,
) -> Result<(), Error> {
    unit.connection.execute(
        "insert into fiscal_receipts values (?, ?, ?, ?)
         on conflict do update set body = excluded.body, received_at = excluded.received_at",
        params![payment.to_string(), kind.as_str(), body, unit.now.millis()],
    )?;
    if let Some(receipt) = Receipt::read(kind, body) {
        let payment = rows::payment(unit.connection, payment)?;
        let draft = tell(&payment, &receipt, unit.now);
        unit.told = true;
        outbox::sqlite::append(unit.connection, &[draft], unit.now)?;
    }
    Ok(())
}

#[async_trait]
impl FiscalStore for SqlitePayments {
    async fn fiscal_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>, Fault> {
        // Looking costs no write: there is seldom anything to ask for.
        let any = self.read(move |connection| {
            connection.one::<bool>(
                "select exists (select 1 from fiscal_outbox where state in ('waiting', 'sent') and next_at <= ?)",
                [now.millis()],
            )
        });
        if !any.await? {
            return Ok(Vec::new());
        }
        self.job(now, move |unit| due(unit.connection, now, until, limit)).await
    }

    async fn fiscal_state(
        &self,
        payment: PaymentId,
        state: JobState,
        error: &str,
        next_at: Timestamp,
    ) -> Result<(), Fault> {
        let error = error.to_owned();
        let write = move |connection: &Connection| {
            connection.execute(
                "update fiscal_outbox set state = ?, error = ?, next_at = ?
                 where payment_id = ? and state in ('waiting', 'sent')",
                params![state.as_str(), error, next_at.millis(), payment.to_string()],
            )
        };
        let written: Result<u64, Error> = self.database.write(write).await;
        written?;
        Ok(())
    }

    async fn fiscal_done(
        &self,
        payment: PaymentId,
        body: String,
        tell: Tell,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.job(now, move |unit| {
            let ended = unit.connection.execute(
                "update fiscal_outbox set state = 'done', error = '' where payment_id = ? and state in ('waiting', 'sent')",
                [payment.to_string()],
            )?;
            if ended == 0 {
                return Ok(());
            }
            keep(unit, payment, (Kind::Sale, &body), tell)
        })
        .await
    }

    async fn fiscal_backlog(&self) -> Result<FiscalBacklog, Fault> {
        let count = |state: &'static str| {
            self.read(move |connection| {
                connection.one::<i64>(
                    "select count(*) from fiscal_outbox where state = ?1 or (?1 = 'waiting' and state = 'sent')",
                    [state],
                )
            })
        };
        Ok(FiscalBacklog { waiting: count("waiting").await?, failed: count("failed").await? })
    }

    async fn fiscal_receipts(&self, order: OrderId) -> Result<Vec<Receipt>, Fault> {
        let written: Vec<Written> = self
            .read(move |connection| {
                connection.all(
                    "select f.kind, f.body from fiscal_receipts f join payments p on p.id = f.payment_id
                     where p.order_id = ? order by f.received_at, f.kind desc",
                    [order.to_string()],
                )
            })
            .await?;
        let read = |Written(kind, body)| Receipt::read(Kind::parse(&kind)?, &body);
        Ok(written.into_iter().filter_map(read).collect())
    }
}
