//! Reconciliation, keys that providers change, and cash.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{DifferenceId, OrderId, ReconciliationId};
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{
    SqlitePayments,
    compared::{ours, ours_named},
    journal,
    rows::{self, moment, moment_if_any, named, parsed},
    unit::{Unit, illegal},
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

macro_rules! select_run {
    ($rest:literal) => {
        concat!(
            "select id, provider, cause, key, period_from, period_to, state, compared, unanswered, found, fixed, note,
             started_at, ended_at from reconciliations ",
            $rest
        )
    };
}

impl FromRow for Run {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(row, 0)?,
            provider: named(row, 1, Provider::parse)?,
            cause: row.get(2)?,
            key: row.get(3)?,
            from: moment(row, 4)?,
            to: moment(row, 5)?,
            state: named(row, 6, RunState::parse)?,
            compared: row.get(7)?,
            unanswered: row.get(8)?,
            found: row.get(9)?,
            fixed: row.get(10)?,
            note: row.get(11)?,
            started_at: moment(row, 12)?,
            ended_at: moment_if_any(row, 13)?,
        })
    }
}

macro_rules! select_difference {
    ($rest:literal) => {
        concat!(
            "select id, run_id, provider, class, outcome, reference, provider_ref, payment_id, order_id, our_state,
             our_amount, their_state, their_amount, note, found_at, seen_at, settled_at from differences ",
            $rest
        )
    };
}

impl FromRow for Difference {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let standing = |column: usize| -> Result<Option<Standing>, Error> {
            let name: Option<String> = row.get(column)?;
            Ok(name.as_deref().and_then(Standing::parse))
        };
        let payment: Option<String> = row.get(7)?;
        let order: Option<String> = row.get(8)?;
        let our_amount: Option<i64> = row.get(10)?;
        let their_amount: Option<i64> = row.get(12)?;
        Ok(Self {
            id: parsed(row, 0)?,
            run: parsed(row, 1)?,
            provider: named(row, 2, Provider::parse)?,
            class: named(row, 3, Class::parse)?,
            outcome: named(row, 4, Outcome::parse)?,
            reference: row.get(5)?,
            provider_ref: row.get(6)?,
            payment: payment.and_then(|id| id.parse().ok()),
            order: order.and_then(|id| id.parse().ok()),
            ours: standing(9)?.map(|standing| (standing, our_amount.unwrap_or_default())),
            theirs: standing(11)?.map(|standing| (standing, their_amount)),
            note: row.get(13)?,
            found_at: moment(row, 14)?,
            seen_at: moment(row, 15)?,
            settled_at: moment_if_any(row, 16)?,
        })
    }
}

/// A count of a provider and class.
struct Count(Provider, Class, i64);

impl FromRow for Count {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self(named(row, 0, Provider::parse)?, named(row, 1, Class::parse)?, row.get(2)?))
    }
}

fn write_difference(connection: &Connection, it: &Difference) -> Result<(), Error> {
    if it.outcome == Outcome::Frozen {
        let seen = connection.execute(
            "update differences set seen_at = ? where provider = ? and provider_ref = ? and class = ? and outcome = 'frozen'",
            params![it.seen_at.millis(), it.provider.as_str(), it.provider_ref, it.class.as_str()],
        )?;
        if seen > 0 {
            return Ok(());
        }
    }
    connection.execute(
        "insert into differences values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            it.id.to_string(),
            it.run.to_string(),
            it.provider.as_str(),
            it.class.as_str(),
            it.outcome.as_str(),
            it.reference,
            it.provider_ref,
            it.payment.map(|id| id.to_string()),
            it.order.map(|id| id.to_string()),
            it.ours.map(|(standing, _)| standing.as_str()),
            it.ours.map(|(_, amount)| amount),
            it.theirs.map(|(standing, _)| standing.as_str()),
            it.theirs.and_then(|(_, amount)| amount),
            it.note,
            it.found_at.millis(),
            it.seen_at.millis(),
            it.settled_at.map(Timestamp::millis),
        ],
    )?;
    Ok(())
}

fn difference(connection: &Connection, id: DifferenceId) -> Result<Option<Difference>, Error> {
    connection.first(select_difference!("where id = ?"), [id.to_string()])
}

fn cash_paid(unit: &mut Unit<'_>, order: OrderId, amount: i64) -> Result<bool, Error> {
    let payments = rows::payments(unit.connection, order, 100)?;
    let waiting = |status| status == Status::Pending;
    let cash = payments.into_iter().find(|it| it.provider == Provider::Cash && waiting(it.status));
    let Some(mut payment) = cash else { return Ok(false) };
    let mut payable = rows::payable(unit.connection, order)?;
    payment.collect(amount, unit.now).map_err(illegal)?;
    payable.pay().map_err(illegal)?;
    let written = unit.connection.execute(
        "update payments set status = 'paid', amount = ?1, paid_at = ?2, version = ?3 where id = ?4 and version = ?3 - 1",
        params![payment.amount.amount, unit.now.millis(), payment.version, payment.id.to_string()],
    )?;
    rows::exactly_one(written)?;
    rows::save_state(unit.connection, &payable)?;
    rows::cancel_pending(unit.connection, order)?;
    Ok(true)
}

#[async_trait]
impl ReconciliationStore for SqlitePayments {
    async fn run_add(&self, run: Run, free_at: Timestamp) -> Result<bool, Fault> {
        let add = move |connection: &Connection| {
            connection.execute(
                "insert into reconciliations (id, provider, cause, key, period_from, period_to, state, started_at, lease_until)
                 values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
                params![
                    run.id.to_string(),
                    run.provider.as_str(),
                    run.cause,
                    run.key,
                    run.from.millis(),
                    run.to.millis(),
                    run.state.as_str(),
                    run.started_at.millis(),
                    free_at.millis(),
                ],
            )
        };
        let added: Result<u64, Error> = self.database.write(add).await;
        Ok(added? == 1)
    }

    async fn run_take(&self, now: Timestamp, until: Timestamp) -> Result<Option<Run>, Fault> {
        let find = |connection: &Connection, now: Timestamp| -> Result<Option<Run>, Error> {
            connection.first(
                select_run!(
                    "where state in ('waiting', 'running') and lease_until <= ? order by started_at limit 1"
                ),
                [now.millis()],
            )
        };
        if self.read(move |connection| find(connection, now)).await?.is_none() {
            return Ok(None);
        }
        self.job(now, move |unit| {
            let Some(run) = find(unit.connection, now)? else { return Ok(None) };
            unit.connection.execute(
                "update reconciliations set state = 'running', lease_until = ? where id = ?",
                params![until.millis(), run.id.to_string()],
            )?;
            Ok(Some(Run { state: RunState::Running, ..run }))
        })
        .await
    }

    async fn run_end(&self, run: Run, differences: Vec<Difference>) -> Result<(), Fault> {
        let end = move |connection: &Connection| {
            for difference in &differences {
                write_difference(connection, difference)?;
            }
            connection.execute(
                "update reconciliations set state = ?, compared = ?, unanswered = ?, found = ?, fixed = ?, note = ?,
                 ended_at = ? where id = ? and state in ('waiting', 'running')",
                params![
                    run.state.as_str(),
                    run.compared,
                    run.unanswered,
                    run.found,
                    run.fixed,
                    run.note,
                    run.ended_at.map(Timestamp::millis),
                    run.id.to_string(),
                ],
            )
        };
        let ended: Result<u64, Error> = self.database.write(end).await;
        ended?;
        Ok(())
    }

    async fn runs(&self, page: Page<ReconciliationId>) -> Result<Vec<Run>, Fault> {
        let after = page.after.map(|id| id.to_string());
        self.read(move |connection| {
            connection.all(
                select_run!("where ?1 is null or id < ?1 order by id desc limit ?2"),
                params![after, page.limit],
            )
        })
        .await
    }

    async fn run(&self, id: ReconciliationId) -> Result<Option<Run>, Fault> {
        self.read(move |connection| connection.first(select_run!("where id = ?"), [id.to_string()]))
            .await
    }

    async fn ours(
        &self,
        provider: Provider,
        period: (Timestamp, Timestamp),
        after: i64,
        limit: u32,
    ) -> Result<Vec<Ours>, Fault> {
        self.read(move |connection| ours(connection, provider, period, after, limit)).await
    }

    async fn ours_named(&self, provider: Provider, names: Vec<String>) -> Result<Vec<Ours>, Fault> {
        self.read(move |connection| ours_named(connection, provider, &names)).await
    }

    async fn differences(
        &self,
        wanted: Wanted,
        page: Page<DifferenceId>,
    ) -> Result<Vec<Difference>, Fault> {
        self.read(move |connection| {
            connection.all(
                select_difference!(
                    "where (?1 is null or provider = ?1) and (?2 is null or outcome = ?2) and (?3 is null or class = ?3)
                     and (?4 is null or id < ?4) order by id desc limit ?5"
                ),
                params![
                    wanted.provider.map(Provider::as_str),
                    wanted.outcome.map(Outcome::as_str),
                    wanted.class.map(Class::as_str),
                    page.after.map(|id| id.to_string()),
                    page.limit,
                ],
            )
        })
        .await
    }

    async fn resolve(
        &self,
        id: DifferenceId,
        note: &str,
        now: Timestamp,
    ) -> Result<Option<Difference>, Fault> {
        let note = note.to_owned();
        self.job(now, move |unit| {
            unit.connection.execute(
                "update differences set outcome = 'resolved', note = ?, settled_at = ? where id = ? and outcome = 'frozen'",
                params![note, now.millis(), id.to_string()],
            )?;
            difference(unit.connection, id)
        })
        .await
    }

    async fn frozen(&self) -> Result<Vec<(Provider, Class, i64)>, Fault> {
        let counts: Vec<Count> = self
            .read(|connection| {
                connection.all(
                    "select provider, class, count(*) from differences where outcome = 'frozen' group by provider, class",
                    (),
                )
            })
            .await?;
        Ok(counts
            .into_iter()
            .map(|Count(provider, class, count)| (provider, class, count))
            .collect())
    }

    async fn key(
        &self,
        provider: Provider,
        configured: [u8; 32],
    ) -> Result<Option<[u8; 32]>, Fault> {
        let found: Option<Vec<u8>> = self
            .read(move |connection| {
                connection.first(
                    "select digest from provider_keys where provider = ? and replaces = ?",
                    params![provider.as_str(), configured.to_vec()],
                )
            })
            .await?;
        Ok(found.and_then(|digest| digest.try_into().ok()))
    }

    async fn key_change(
        &self,
        provider: Provider,
        (configured, new): ([u8; 32], [u8; 32]),
        now: Timestamp,
        note: Note<()>,
    ) -> Result<Entry, Fault> {
        self.job(now, move |unit| {
            unit.connection.execute(
                "insert into provider_keys values (?, ?, ?, ?) on conflict (provider) do update set
                 replaces = excluded.replaces, digest = excluded.digest, changed_at = excluded.changed_at",
                params![provider.as_str(), configured.to_vec(), new.to_vec(), now.millis()],
            )?;
            let entry = note(&());
            journal::append(unit.connection, &entry)?;
            Ok(entry)
        })
        .await
    }

    async fn cash_paid(&self, order: OrderId, amount: i64, now: Timestamp) -> Result<bool, Fault> {
        self.job(now, move |unit| cash_paid(unit, order, amount)).await
    }
}
