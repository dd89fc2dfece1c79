//! Fiscal receipts. Several processes ask for them: whoever takes one has it to itself for a while.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{OrderId, PaymentId};
use postgres::{Error, uuid};
use sqlx::{PgConnection, query, query_as};

use super::{
    PostgresPayments,
    rows::{self, Reader, moment, plain},
};
use crate::{
    domain::{
        Payment, Status,
        fiscal::{JobState, Kind, Receipt},
    },
    store::fiscal::{FiscalBacklog, FiscalStore, Job, Tell},
};

fn job(row: &mut Reader<'_>) -> Result<Job, Error> {
    let (payment, paydoc) = (row.id()?, row.get()?);
    let state: JobState = row.named(JobState::parse)?;
    let attempts = row.get::<i32>()?;
    let status = row.named(Status::parse)?;
    let sale = rows::known(row)?.snapshot;
    Ok(Job {
        payment,
        paydoc,
        sent: state == JobState::Sent,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        status,
        sale,
    })
}

/// A payment with its order's terms.
async fn payment(connection: &mut PgConnection, id: PaymentId) -> Result<Option<Payment>, Error> {
    let found = query(concat!(
        "select ",
        rows::payable_columns!(),
        ", ",
        rows::payment_columns!(),
        " from payments p join payables b on b.order_id = p.order_id where p.id = $1"
    ));
    let Some(row) = found.bind(uuid(id)).fetch_optional(connection).await? else { return Ok(None) };
    let mut row = Reader::new(&row);
    let payable = rows::payable(&mut row)?;
    rows::payment(&mut row, &payable.terms)
}

/// Keeps what an issuer sent of a payment, the last word for each kind, and tells the order when there is something to show; whether
/// it did.
pub(super) async fn keep(
    connection: &mut PgConnection,
    id: PaymentId,
    (kind, body): (Kind, &str),
    tell: Tell,
    now: Timestamp,
) -> Result<bool, Error> {
    query(
        "insert into fiscal_receipts (payment_id, kind, body, received_at) values ($1, $2, $3::json, $4)
         on conflict (payment_id, kind) do update set body = excluded.body, received_at = excluded.received_at",
    )
    .bind(uuid(id))
    .bind(kind.as_str())
    .bind(plain(body))
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    let Some(receipt) = Receipt::read(kind, body) else { return Ok(false) };
    let Some(payment) = payment(connection, id).await? else { return Ok(false) };
    outbox::postgres::append(connection, &[tell(&payment, &receipt, now)], now).await?;
    Ok(true)
}

#[async_trait]
impl FiscalStore for PostgresPayments {
    async fn fiscal_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>, Fault> {
        let mut connection = self.database.connection().await?;
        let found = query(concat!(
            "with due as (select payment_id from fiscal_outbox where state in ('waiting', 'sent') and next_at <= $1
                          order by next_at limit $3 for update skip locked),
             taken as (update fiscal_outbox f set attempts = attempts + 1, next_at = $2 from due
                       where f.payment_id = due.payment_id returning f.payment_id, f.paydoc_id, f.state, f.attempts)
             select t.payment_id, t.paydoc_id, t.state, t.attempts, p.status, ",
            rows::payable_columns!(),
            ", ",
            rows::snapshot_columns!(),
            " from taken t join payments p on p.id = t.payment_id join payables b on b.order_id = p.order_id"
        ));
        let found = found.bind(moment(now)).bind(moment(until)).bind(i64::from(limit));
        let found = found.fetch_all(&mut *connection).await.map_err(Error::from)?;
        let jobs: Result<Vec<Job>, Error> =
            found.iter().map(|row| job(&mut Reader::new(row))).collect();
        Ok(jobs?)
    }

    async fn fiscal_state(
        &self,
        payment: PaymentId,
        state: JobState,
        error: &str,
        next_at: Timestamp,
    ) -> Result<(), Fault> {
        let mut connection = self.database.connection().await?;
        query(
            "update fiscal_outbox set state = $2, error = $3, next_at = $4
             where payment_id = $1 and state in ('waiting', 'sent')",
        )
        .bind(uuid(payment))
        .bind(state.as_str())
        .bind(plain(error))
        .bind(moment(next_at))
        .execute(&mut *connection)
        .await
        .map_err(Error::from)?;
        Ok(())
    }

    async fn fiscal_done(
        &self,
        payment: PaymentId,
        body: String,
        tell: Tell,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let mut transaction = self.database.begin().await?;
        let ended = query(
            "update fiscal_outbox set state = 'done', error = ''
             where payment_id = $1 and state in ('waiting', 'sent')",
        )
        .bind(uuid(payment))
        .execute(&mut *transaction)
        .await
        .map_err(Error::from)?;
        if ended.rows_affected() == 0 {
            return Ok(());
        }
        let told = keep(&mut transaction, payment, (Kind::Sale, &body), tell, now).await?;
        transaction.commit().await.map_err(Error::from)?;
        if told {
            self.wake();
        }
        Ok(())
    }

    async fn fiscal_backlog(&self) -> Result<FiscalBacklog, Fault> {
        let mut connection = self.database.connection().await?;
        let counts: (i64, i64) = query_as(
            "select count(*) filter (where state in ('waiting', 'sent')), count(*) filter (where state = 'failed')
             from fiscal_outbox where state in ('waiting', 'sent', 'failed')",
        )
        .fetch_one(&mut *connection)
        .await
        .map_err(Error::from)?;
        Ok(FiscalBacklog { waiting: counts.0, failed: counts.1 })
    }

    async fn fiscal_receipts(&self, order: OrderId) -> Result<Vec<Receipt>, Fault> {
        let mut connection = self.database.connection().await?;
        let written: Vec<(String, String)> = query_as(
            "select f.kind, f.body::text from fiscal_receipts f join payments p on p.id = f.payment_id
             where p.order_id = $1 order by f.received_at, f.kind desc",
        )
        .bind(uuid(order))
        .fetch_all(&mut *connection)
        .await
        .map_err(Error::from)?;
        let read = |(kind, body): (String, String)| Receipt::read(Kind::parse(&kind)?, &body);
        Ok(written.into_iter().filter_map(read).collect())
    }
}
