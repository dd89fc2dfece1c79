//! Payments in SQLite. Here an acknowledged write is money: it survives a loss of power.
//!
//! A use case is one job of the one writer: it reads, asks the domain, and writes what the domain says over the version it read.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::OrderId;
use outbox::{OutboxStore, sqlite::SqliteOutbox};
use sqlite::{Connection, Durability, Error, Sqlite};

use super::{
    Close, Closing, Encode, Entry, Known, Moved, Note, Noted, Open, OpenRefusal, PaymentStore,
    Receipt, Verdict,
};
use crate::domain::{Payment, click, payme};

mod clicks;
mod compared;
mod fiscal;
mod hosted;
mod journal;
mod payables;
mod paymes;
mod reconciliation;
mod refunds;
mod rows;
mod unit;

use unit::Unit;

/// Append only: a step that was released is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_payments.sql"),
    include_str!("../../migrations/sqlite/0002_refunds.sql"),
    include_str!("../../migrations/sqlite/0003_hosted.sql"),
    include_str!("../../migrations/sqlite/0004_fiscal_reconciliation.sql"),
];

/// Leaves out so many of Click's numbers behind an address.
pub(super) async fn skip_numbers(address: &str, count: i64) -> Result<(), Error> {
    let database = Sqlite::open(address, Durability::Full, MIGRATIONS).await?;
    let skip = move |connection: &Connection| clicks::skip_numbers(connection, count);
    let skipped = database.write(skip).await;
    database.close().await;
    skipped
}

pub(super) struct SqlitePayments {
    database: Sqlite,
    encode: Encode,
    outbox: Arc<SqliteOutbox>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl SqlitePayments {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, Error> {
        let database = Sqlite::open(address, Durability::Full, MIGRATIONS).await?;
        let outbox = Arc::new(SqliteOutbox::new(database.clone()));
        Ok(Self { database, encode, outbox, wake: OnceLock::new() })
    }

    /// Runs a use case as one write job.
    async fn job<T, F>(&self, now: Timestamp, work: F) -> Result<T, Fault>
    where
        F: FnOnce(&mut Unit<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let encode = self.encode;
        let job = move |connection: &Connection| {
            let mut unit = Unit { connection, encode, now, told: false };
            let outcome = work(&mut unit)?;
            Ok::<_, Error>((outcome, unit.told))
        };
        let (outcome, told) = self.database.write(job).await?;
        if told && let Some(wake) = self.wake.get() {
            wake();
        }
        Ok(outcome)
    }

    /// The same for a provider's call, with its line in the journal.
    async fn noted<T, F>(&self, now: Timestamp, note: Note<T>, work: F) -> Noted<T>
    where
        F: FnOnce(&mut Unit<'_>) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        let job = move |unit: &mut Unit<'_>| {
            let outcome = work(unit)?;
            let entry = note(&outcome);
            journal::append(unit.connection, &entry)?;
            Ok((outcome, entry))
        };
        self.job(now, job).await
    }

    async fn read<T, F>(&self, job: F) -> Result<T, Fault>
    where
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
        T: Send + 'static,
    {
        Ok(self.database.read(job).await?)
    }
}

#[async_trait]
impl PaymentStore for SqlitePayments {
    async fn open(&self, request: Open, now: Timestamp) -> Verdict<Payment, OpenRefusal> {
        self.job(now, |unit| payables::open(unit, request)).await
    }

    async fn close(&self, request: Close, now: Timestamp) -> Result<Closing, Fault> {
        self.job(now, |unit| payables::close(unit, request)).await
    }

    async fn delivered(&self, order: OrderId, now: Timestamp) -> Result<(), Fault> {
        self.job(now, move |unit| payables::delivered(unit, order)).await
    }

    async fn payments(&self, order: OrderId, limit: u32) -> Result<Vec<Payment>, Fault> {
        self.read(move |connection| rows::payments(connection, order, limit)).await
    }

    async fn is_opened(&self, key: &str) -> Result<bool, Fault> {
        let key = key.to_owned();
        self.read(move |connection| rows::is_opened(connection, &key)).await
    }

    async fn payable(&self, reference: &str, now: Timestamp) -> Result<Option<Known>, Fault> {
        let reference = reference.to_owned();
        self.read(move |connection| rows::known(connection, &reference, now)).await
    }

    async fn payme_create(
        &self,
        draft: payme::Draft,
        now: Timestamp,
        note: Note<Result<payme::Transaction, payme::Refusal>>,
    ) -> Noted<Result<payme::Transaction, payme::Refusal>> {
        self.noted(now, note, |unit| paymes::create(unit, draft)).await
    }

    async fn payme_perform(
        &self,
        id: String,
        now: Timestamp,
        note: Note<Result<Moved<payme::Transaction>, payme::Refusal>>,
    ) -> Noted<Result<Moved<payme::Transaction>, payme::Refusal>> {
        self.noted(now, note, move |unit| paymes::perform(unit, &id)).await
    }

    async fn payme_cancel(
        &self,
        id: String,
        reason: i64,
        now: Timestamp,
        note: Note<Result<Moved<payme::Transaction>, payme::Refusal>>,
    ) -> Noted<Result<Moved<payme::Transaction>, payme::Refusal>> {
        self.noted(now, note, move |unit| paymes::cancel(unit, &id, reason)).await
    }

    async fn payme_find(&self, id: &str) -> Result<Option<payme::Transaction>, Fault> {
        let id = id.to_owned();
        self.read(move |connection| paymes::find(connection, &id)).await
    }

    async fn payme_statement(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<payme::Transaction>, Fault> {
        self.read(move |connection| paymes::statement(connection, from, to, limit)).await
    }

    async fn fiscal_receipt(
        &self,
        receipt: Receipt,
        now: Timestamp,
        note: Note<bool>,
    ) -> Noted<bool> {
        self.noted(now, note, move |unit| paymes::fiscal_receipt(unit, &receipt)).await
    }

    async fn click_prepare(
        &self,
        call: click::Call,
        now: Timestamp,
        note: Note<Result<click::Transaction, click::Refusal>>,
    ) -> Noted<Result<click::Transaction, click::Refusal>> {
        self.noted(now, note, |unit| clicks::prepare(unit, call)).await
    }

    async fn click_complete(
        &self,
        prepare_id: i64,
        call: click::Call,
        now: Timestamp,
        note: Note<Result<click::Transaction, click::Refusal>>,
    ) -> Noted<Result<click::Transaction, click::Refusal>> {
        self.noted(now, note, move |unit| clicks::complete(unit, prepare_id, &call)).await
    }

    async fn expire(&self, now: Timestamp, limit: u32) -> Result<u32, Fault> {
        // Looking costs no write: there is seldom anything to end.
        let due = self.read(move |connection| rows::due(connection, now, limit)).await?;
        if due.is_empty() {
            return Ok(0);
        }
        self.job(now, |unit| unit.expire_all(due)).await
    }

    async fn journal(&self, entries: Vec<Entry>) -> Result<(), Fault> {
        let append = move |connection: &Connection| {
            entries.iter().try_for_each(|entry| journal::append(connection, entry))
        };
        Ok(self.database.write(append).await?)
    }

    async fn trim_journal(&self, before: Timestamp, keep: u32) -> Result<(), Fault> {
        let trim = move |connection: &Connection| journal::trim(connection, before, keep);
        Ok(self.database.write(trim).await?)
    }

    fn when_told(&self, wake: Box<dyn Fn() + Send + Sync>) {
        // The first stays.
        drop(self.wake.set(wake));
    }

    fn outbox(&self) -> Arc<dyn OutboxStore> {
        Arc::<SqliteOutbox>::clone(&self.outbox)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close_store(&self) {
        self.database.close().await;
    }
}
