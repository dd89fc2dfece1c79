//! Reconciliation, keys that providers change, and cash.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{DifferenceId, OrderId, ReconciliationId};
use postgres::{Error, uuid};
use sqlx::{
    PgConnection, query, query_scalar,
    types::{Uuid, time::OffsetDateTime},
};

use super::{
    PostgresPayments, compared, journal, payables,
    rows::{Reader, moment, plain},
    unit::illegal,
};
use crate::{
    domain::{
        Provider, Status,
        reconciliation::{Class, Difference, Ours, Outcome, Run, RunState, Standing},
    },
    store::{
        Entry, Note,
        reconciliation::{Page, ReconciliationStore, Wanted},
    },
};

/// What [`run`] reads.
macro_rules! run_columns {
    () => {
        "r.id, r.provider, r.cause, r.key, r.period_from, r.period_to, r.state, r.compared, r.unanswered, r.found, r.fixed,
         r.note, r.started_at, r.ended_at"
    };
}

fn run(row: &mut Reader<'_>) -> Result<Run, Error> {
    let count = |count: i32| u32::try_from(count).unwrap_or_default();
    Ok(Run {
        id: row.id()?,
        provider: row.named(Provider::parse)?,
        cause: row.get()?,
        key: row.get()?,
        from: row.moment()?,
        to: row.moment()?,
        state: row.named(RunState::parse)?,
        compared: count(row.get()?),
        unanswered: count(row.get()?),
        found: count(row.get()?),
        fixed: count(row.get()?),
        note: row.get()?,
        started_at: row.moment()?,
        ended_at: row.moment_if_any()?,
    })
}

/// What [`difference`] reads.
macro_rules! difference_columns {
    () => {
        "id, run_id, provider, class, outcome, reference, provider_ref, payment_id, order_id, our_state, our_amount,
         their_state, their_amount, note, found_at, seen_at, settled_at"
    };
}

fn difference(row: &mut Reader<'_>) -> Result<Difference, Error> {
    let (id, run) = (row.id()?, row.id()?);
    let provider = row.named(Provider::parse)?;
    let class = row.named(Class::parse)?;
    let outcome = row.named(Outcome::parse)?;
    let (reference, provider_ref) = (row.get()?, row.get()?);
    let payment: Option<Uuid> = row.get()?;
    let order: Option<Uuid> = row.get()?;
    let standing = |name: Option<String>| name.as_deref().and_then(Standing::parse);
    let our_state = standing(row.get()?);
    let our_amount: Option<i64> = row.get()?;
    let their_state = standing(row.get()?);
    let their_amount: Option<i64> = row.get()?;
    Ok(Difference {
        id,
        run,
        provider,
        class,
        outcome,
        reference,
        provider_ref,
        payment: payment.map(postgres::id),
        order: order.map(postgres::id),
        ours: our_state.map(|standing| (standing, our_amount.unwrap_or_default())),
        theirs: their_state.map(|standing| (standing, their_amount)),
        note: row.get()?,
        found_at: row.moment()?,
        seen_at: row.moment()?,
        settled_at: row.moment_if_any()?,
    })
}

async fn write_difference(connection: &mut PgConnection, it: &Difference) -> Result<(), Error> {
    query(
        "insert into differences (id, run_id, provider, class, outcome, reference, provider_ref, payment_id, order_id,
         our_state, our_amount, their_state, their_amount, note, found_at, seen_at, settled_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict (provider, provider_ref, class) where outcome = 'frozen' do update set seen_at = excluded.seen_at",
    )
    .bind(uuid(it.id))
    .bind(uuid(it.run))
    .bind(it.provider.as_str())
    .bind(it.class.as_str())
    .bind(it.outcome.as_str())
    .bind(plain(&it.reference))
    .bind(plain(&it.provider_ref))
    .bind(it.payment.map(uuid))
    .bind(it.order.map(uuid))
    .bind(it.ours.map(|(standing, _)| standing.as_str()))
    .bind(it.ours.map(|(_, amount)| amount))
    .bind(it.theirs.map(|(standing, _)| standing.as_str()))
    .bind(it.theirs.and_then(|(_, amount)| amount))
    .bind(plain(&it.note))
    .bind(moment(it.found_at))
    .bind(moment(it.seen_at))
    .bind(it.settled_at.map(moment))
    .execute(connection)
    .await?;
    Ok(())
}

/// Under the order's lock, as every change of an order.
async fn cash_paid(
    connection: &mut PgConnection,
    order: OrderId,
    amount: i64,
    now: Timestamp,
) -> Result<bool, Error> {
    let Some(mut payable) = super::refunds::lock(connection, order).await? else {
        return Ok(false);
    };
    let payments = payables::payments(connection, order, 100).await?;
    let cash = payments
        .into_iter()
        .find(|it| it.provider == Provider::Cash && it.status == Status::Pending);
    let Some(mut payment) = cash else { return Ok(false) };
    payment.collect(amount, now).map_err(illegal)?;
    payable.pay().map_err(illegal)?;
    query(
        "with held as (update payables set state = $2, version = $3 where order_id = $1 and version = $3 - 1 returning order_id),
         others as (update payments set status = 'cancelled', expires_at = null, version = version + 1
                    from held where payments.order_id = held.order_id and status = 'pending' and id <> $4)
         update payments set status = 'paid', amount = $5, paid_at = $6, version = $7 from held where id = $4",
    )
    .bind(uuid(order))
    .bind(payable.state.as_str())
    .bind(payable.version)
    .bind(uuid(payment.id))
    .bind(payment.amount.amount)
    .bind(moment(now))
    .bind(payment.version)
    .execute(connection)
    .await?;
    Ok(true)
}

#[async_trait]
impl ReconciliationStore for PostgresPayments {
    async fn run_add(&self, run: Run, free_at: Timestamp) -> Result<bool, Fault> {
        let mut connection = self.database.connection().await?;
        let added = query(
            "insert into reconciliations (id, provider, cause, key, period_from, period_to, state, started_at, lease_until)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
        )
        .bind(uuid(run.id))
        .bind(run.provider.as_str())
        .bind(&run.cause)
        .bind(plain(&run.key))
        .bind(moment(run.from))
        .bind(moment(run.to))
        .bind(run.state.as_str())
        .bind(moment(run.started_at))
        .bind(moment(free_at))
        .execute(&mut *connection)
        .await
        .map_err(Error::from)?;
        Ok(added.rows_affected() == 1)
    }

    async fn run_take(&self, now: Timestamp, until: Timestamp) -> Result<Option<Run>, Fault> {
        let mut connection = self.database.connection().await?;
        let taken = query(concat!(
            "update reconciliations r set state = 'running', lease_until = $2 where id = (
                 select id from reconciliations where state in ('waiting', 'running') and lease_until <= $1
                 order by started_at limit 1 for update skip locked)
             returning ",
            run_columns!()
        ));
        let taken = taken.bind(moment(now)).bind(moment(until));
        let taken = taken.fetch_optional(&mut *connection).await.map_err(Error::from)?;
        Ok(taken.map(|row| run(&mut Reader::new(&row))).transpose()?)
    }

    async fn run_end(&self, run: Run, differences: Vec<Difference>) -> Result<(), Fault> {
        let mut transaction = self.database.begin().await?;
        for difference in &differences {
            write_difference(&mut transaction, difference).await?;
        }
        let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
        query(
            "update reconciliations set state = $2, compared = $3, unanswered = $4, found = $5, fixed = $6, note = $7,
             ended_at = $8 where id = $1 and state in ('waiting', 'running')",
        )
        .bind(uuid(run.id))
        .bind(run.state.as_str())
        .bind(count(run.compared))
        .bind(count(run.unanswered))
        .bind(count(run.found))
        .bind(count(run.fixed))
        .bind(plain(&run.note))
        .bind(run.ended_at.map(moment))
        .execute(&mut *transaction)
        .await
        .map_err(Error::from)?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(())
    }

    async fn runs(&self, page: Page<ReconciliationId>) -> Result<Vec<Run>, Fault> {
        let mut connection = self.database.connection().await?;
        let found = query(concat!(
            "select ",
            run_columns!(),
            " from reconciliations r where $1::uuid is null or id < $1 order by id desc limit $2"
        ));
        let found = found.bind(page.after.map(uuid)).bind(i64::from(page.limit));
        let found = found.fetch_all(&mut *connection).await.map_err(Error::from)?;
        let runs: Result<Vec<Run>, Error> =
            found.iter().map(|row| run(&mut Reader::new(row))).collect();
        Ok(runs?)
    }

    async fn run(&self, id: ReconciliationId) -> Result<Option<Run>, Fault> {
        let mut connection = self.database.connection().await?;
        let found =
            query(concat!("select ", run_columns!(), " from reconciliations r where id = $1"));
        let found = found.bind(uuid(id)).fetch_optional(&mut *connection).await;
        let found = found.map_err(Error::from)?;
        Ok(found.map(|row| run(&mut Reader::new(&row))).transpose()?)
    }

    async fn ours(
        &self,
        provider: Provider,
        period: (Timestamp, Timestamp),
        after: i64,
        limit: u32,
    ) -> Result<Vec<Ours>, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(compared::ours(&mut connection, provider, period, after, limit).await?)
    }

    async fn ours_named(&self, provider: Provider, names: Vec<String>) -> Result<Vec<Ours>, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(compared::ours_named(&mut connection, provider, &names).await?)
    }

    async fn differences(
        &self,
        wanted: Wanted,
        page: Page<DifferenceId>,
    ) -> Result<Vec<Difference>, Fault> {
        let mut connection = self.database.connection().await?;
        let found = query(concat!(
            "select ",
            difference_columns!(),
            " from differences where ($1::text is null or provider = $1) and ($2::text is null or outcome = $2)
              and ($3::text is null or class = $3) and ($4::uuid is null or id < $4) order by id desc limit $5"
        ))
        .bind(wanted.provider.map(Provider::as_str))
        .bind(wanted.outcome.map(Outcome::as_str))
        .bind(wanted.class.map(Class::as_str))
        .bind(page.after.map(uuid))
        .bind(i64::from(page.limit));
        let found = found.fetch_all(&mut *connection).await.map_err(Error::from)?;
        let read: Result<Vec<Difference>, Error> =
            found.iter().map(|row| difference(&mut Reader::new(row))).collect();
        Ok(read?)
    }

    async fn resolve(
        &self,
        id: DifferenceId,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Difference>, Fault> {
        let mut transaction = self.database.begin().await?;
        query(
            "update differences set outcome = 'resolved', note = $2, settled_at = $3
             where id = $1 and outcome = 'frozen'",
        )
        .bind(uuid(id))
        .bind(plain(note))
        .bind(moment(now))
        .execute(&mut *transaction)
        .await
        .map_err(Error::from)?;
        let found =
            query(concat!("select ", difference_columns!(), " from differences where id = $1"));
        let found = found.bind(uuid(id)).fetch_optional(&mut *transaction).await;
        let found = found.map_err(Error::from)?;
        let found = found.map(|row| difference(&mut Reader::new(&row))).transpose()?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(found)
    }

    async fn frozen(&self) -> Result<Vec<(Provider, Class, i64)>, Fault> {
        let mut connection = self.database.connection().await?;
        let counts = query(
            "select provider, class, count(*) from differences where outcome = 'frozen' group by provider, class",
        );
        let counts = counts.fetch_all(&mut *connection).await.map_err(Error::from)?;
        let read = |row| -> Result<(Provider, Class, i64), Error> {
            let mut row = Reader::new(row);
            Ok((row.named(Provider::parse)?, row.named(Class::parse)?, row.get()?))
        };
        let counts: Result<Vec<_>, Error> = counts.iter().map(read).collect();
        Ok(counts?)
    }

    async fn key(
        &self,
        provider: Provider,
        configured: [u8; 32],
    ) -> Result<Option<[u8; 32]>, Fault> {
        let mut connection = self.database.connection().await?;
        let found: Option<Vec<u8>> =
            query_scalar("select digest from provider_keys where provider = $1 and replaces = $2")
                .bind(provider.as_str())
                .bind(configured.to_vec())
                .fetch_optional(&mut *connection)
                .await
                .map_err(Error::from)?;
        Ok(found.and_then(|digest| digest.try_into().ok()))
    }

    async fn key_change(
        &self,
        provider: Provider,
        (configured, new): ([u8; 32], [u8; 32]),
        now: Timestamp,
        note: Note<()>,
    ) -> Result<Entry, Fault> {
        let at: OffsetDateTime = moment(now);
        let mut transaction = self.database.begin().await?;
        query(
            "insert into provider_keys (provider, replaces, digest, changed_at) values ($1, $2, $3, $4)
             on conflict (provider) do update set replaces = excluded.replaces, digest = excluded.digest,
             changed_at = excluded.changed_at",
        )
        .bind(provider.as_str())
        .bind(configured.to_vec())
        .bind(new.to_vec())
        .bind(at)
        .execute(&mut *transaction)
        .await
        .map_err(Error::from)?;
        let entry = note(&());
        journal::append(&mut transaction, std::slice::from_ref(&entry)).await?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(entry)
    }

    async fn cash_paid(&self, order: OrderId, amount: i64, now: Timestamp) -> Result<bool, Fault> {
        let mut transaction = self.database.begin().await?;
        let paid = cash_paid(&mut transaction, order, amount, now).await?;
        transaction.commit().await.map_err(Error::from)?;
        Ok(paid)
    }
}
