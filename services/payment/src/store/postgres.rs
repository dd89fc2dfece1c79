//! Payments in PostgreSQL, which several processes share. Providers' calls arrive at several of them at once, twice and out of order.
//!
//! A use case is two statements. The first reads an order with all that matters of it. The domain decides, and the second writes
//! everything that follows, over the version of the order that was read (`change.rs`): when somebody else was faster it writes
//! nothing at all, and the use case starts again, now with the order locked (`unit.rs`). What is read in one statement is one
//! snapshot, what is written in one statement is one transaction.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::OrderId;
use outbox::{OutboxStore, postgres::PostgresOutbox};
use postgres::{Error, Postgres};

use super::{
    Close, Closing, Encode, Entry, Known, Moved, Note, Noted, Open, OpenRefusal, PaymentStore,
    Receipt, Verdict,
};
use crate::domain::{Payment, click, payme};

mod change;
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
mod sweep;
mod unit;

/// Append only: a step that was released is never edited.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_payments.sql"),
    include_str!("../../migrations/postgres/0002_outbox.sql"),
    include_str!("../../migrations/postgres/0003_domains.sql"),
    include_str!("../../migrations/postgres/0004_refunds.sql"),
    include_str!("../../migrations/postgres/0005_hosted.sql"),
    include_str!("../../migrations/postgres/0006_fiscal_reconciliation.sql"),
];

/// Brings the tables of an address up to date.
pub(super) async fn migrate(address: &str) -> Result<(), Error> {
    postgres::migrate(address, MIGRATIONS).await
}

/// The same, but no further than to this version.
pub(super) async fn migrate_to(address: &str, version: i64) -> Result<(), Error> {
    postgres::migrate_to(address, MIGRATIONS, version).await
}

/// Leaves out so many of Click's numbers behind an address.
pub(super) async fn skip_numbers(address: &str, count: i64) -> Result<(), Error> {
    postgres::backup::skip_numbers(address, "click_prepare_ids", count).await
}

/// The newest version.
pub(super) fn schema() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

pub(super) struct PostgresPayments {
    database: Postgres,
    encode: Encode,
    outbox: Arc<PostgresOutbox>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl PostgresPayments {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, Error> {
        let database = Postgres::open(address, MIGRATIONS).await?;
        let outbox = Arc::new(PostgresOutbox::new(database.clone()));
        Ok(Self { database, encode, outbox, wake: OnceLock::new() })
    }

    /// Events are written.
    fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }
}

#[async_trait]
impl PaymentStore for PostgresPayments {
    async fn open(&self, request: Open, now: Timestamp) -> Verdict<Payment, OpenRefusal> {
        self.run(payables::Opening(request), now).await
    }

    async fn close(&self, request: Close, now: Timestamp) -> Result<Closing, Fault> {
        self.run(payables::Shutting(request), now).await
    }

    async fn delivered(&self, order: OrderId, now: Timestamp) -> Result<(), Fault> {
        let mut connection = self.database.connection().await?;
        Ok(payables::delivered(&mut connection, order, now).await?)
    }

    async fn payments(&self, order: OrderId, limit: u32) -> Result<Vec<Payment>, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(payables::payments(&mut connection, order, limit).await?)
    }

    async fn is_opened(&self, key: &str) -> Result<bool, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(payables::is_opened(&mut connection, key).await?)
    }

    async fn payable(&self, reference: &str, now: Timestamp) -> Result<Option<Known>, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(payables::known(&mut connection, reference, now).await?)
    }

    async fn payme_create(
        &self,
        draft: payme::Draft,
        now: Timestamp,
        note: Note<Result<payme::Transaction, payme::Refusal>>,
    ) -> Noted<Result<payme::Transaction, payme::Refusal>> {
        self.run_noted(paymes::Create(draft), now, note).await
    }

    async fn payme_perform(
        &self,
        id: String,
        now: Timestamp,
        note: Note<Result<Moved<payme::Transaction>, payme::Refusal>>,
    ) -> Noted<Result<Moved<payme::Transaction>, payme::Refusal>> {
        self.run_noted(paymes::Perform { id }, now, note).await
    }

    async fn payme_cancel(
        &self,
        id: String,
        reason: i64,
        now: Timestamp,
        note: Note<Result<Moved<payme::Transaction>, payme::Refusal>>,
    ) -> Noted<Result<Moved<payme::Transaction>, payme::Refusal>> {
        self.run_noted(paymes::Cancel { id, reason }, now, note).await
    }

    async fn payme_find(&self, id: &str) -> Result<Option<payme::Transaction>, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(paymes::find(&mut connection, id).await?)
    }

    async fn payme_statement(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<payme::Transaction>, Fault> {
        let mut connection = self.database.connection().await?;
        Ok(paymes::statement(&mut connection, from, to, limit).await?)
    }

    async fn fiscal_receipt(
        &self,
        receipt: Receipt,
        now: Timestamp,
        note: Note<bool>,
    ) -> Noted<bool> {
        let mut transaction = self.database.begin().await?;
        let kept = paymes::fiscal_receipt(&mut transaction, &receipt, now, note).await?;
        let (known, entry, told) = kept;
        transaction.commit().await.map_err(Error::from)?;
        if told {
            self.wake();
        }
        Ok((known, entry))
    }

    async fn click_prepare(
        &self,
        call: click::Call,
        now: Timestamp,
        note: Note<Result<click::Transaction, click::Refusal>>,
    ) -> Noted<Result<click::Transaction, click::Refusal>> {
        self.run_noted(clicks::Prepare(call), now, note).await
    }

    async fn click_complete(
        &self,
        prepare_id: i64,
        call: click::Call,
        now: Timestamp,
        note: Note<Result<click::Transaction, click::Refusal>>,
    ) -> Noted<Result<click::Transaction, click::Refusal>> {
        self.run_noted(clicks::Complete { prepare_id, call }, now, note).await
    }

    async fn expire(&self, now: Timestamp, limit: u32) -> Result<u32, Fault> {
        let mut transaction = self.database.begin().await?;
        let ended = sweep::expire(&mut transaction, self.encode, now, limit).await?;
        if ended > 0 {
            transaction.commit().await.map_err(Error::from)?;
            self.wake();
        }
        Ok(ended)
    }

    async fn journal(&self, entries: Vec<Entry>) -> Result<(), Fault> {
        let mut connection = self.database.connection().await?;
        Ok(journal::append(&mut connection, &entries).await?)
    }

    async fn trim_journal(&self, before: Timestamp, keep: u32) -> Result<(), Fault> {
        let mut connection = self.database.connection().await?;
        Ok(journal::trim(&mut connection, before, keep).await?)
    }

    fn when_told(&self, wake: Box<dyn Fn() + Send + Sync>) {
        // The first stays.
        drop(self.wake.set(wake));
    }

    fn outbox(&self) -> Arc<dyn OutboxStore> {
        Arc::<PostgresOutbox>::clone(&self.outbox)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close_store(&self) {
        self.database.close().await;
    }
}
