//! Payments in SQLite. Here an acknowledged write is money: it survives a loss of power.
//!
//! A use case is one job of the one writer: it reads, asks the domain, and writes what the domain says over the version it read.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::OrderId;
use outbox::{OutboxStore, sqlite::SqliteOutbox};
use sqlite::{Durability, Error, FutureExt as _, Sqlite};
use sqlx::migrate::Migrator;

use super::{
    Close, Closing, Encode, Entry, Moved, Open, OpenRefusal, PaymentStore, Receipt, Verdict,
};
use crate::domain::{Payable, Payment, click, payme};

mod clicks;
mod journal;
mod payables;
mod paymes;
mod rows;
mod unit;

use unit::Unit;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(super) struct SqlitePayments {
    database: Sqlite,
    encode: Encode,
    outbox: Arc<SqliteOutbox>,
}

impl SqlitePayments {
    pub(super) async fn open(address: &str, encode: Encode) -> Result<Self, Error> {
        let database = Sqlite::open(address, Durability::Full, &MIGRATIONS).await?;
        let outbox = Arc::new(SqliteOutbox::new(database.clone()));
        Ok(Self { database, encode, outbox })
    }
}

/// Runs a use case as one write job.
macro_rules! job {
    ($self:ident, $now:ident, |$unit:ident| $work:expr) => {{
        let encode = $self.encode;
        let write = $self.database.write::<_, Error, _>(move |connection| {
            async move {
                let mut $unit = Unit { connection, encode, now: $now };
                $work.await
            }
            .boxed()
        });
        Ok(write.await?)
    }};
}

#[async_trait]
impl PaymentStore for SqlitePayments {
    async fn open(&self, request: Open, now: Timestamp) -> Verdict<Payment, OpenRefusal> {
        job!(self, now, |unit| payables::open(&mut unit, request))
    }

    async fn close(&self, request: Close, now: Timestamp) -> Result<Closing, Fault> {
        job!(self, now, |unit| payables::close(&mut unit, request))
    }

    async fn delivered(&self, order: OrderId, now: Timestamp) -> Result<(), Fault> {
        job!(self, now, |unit| payables::delivered(&mut unit, order))
    }

    async fn payments(&self, order: OrderId, limit: u32) -> Result<Vec<Payment>, Fault> {
        Ok(rows::payments(self.database.read(), order, limit).await.map_err(Error::from)?)
    }

    async fn payable(
        &self,
        reference: &str,
        now: Timestamp,
    ) -> Result<Option<(Payable, bool)>, Fault> {
        let found = rows::payable_and_hold(self.database.read(), reference, now).await;
        Ok(found.map_err(Error::from)?)
    }

    async fn payme_create(
        &self,
        draft: payme::Draft,
        now: Timestamp,
    ) -> Verdict<payme::Transaction, payme::Refusal> {
        job!(self, now, |unit| paymes::create(&mut unit, draft))
    }

    async fn payme_perform(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Verdict<Moved<payme::Transaction>, payme::Refusal> {
        let id = id.to_owned();
        job!(self, now, |unit| paymes::perform(&mut unit, &id))
    }

    async fn payme_cancel(
        &self,
        id: &str,
        reason: i64,
        now: Timestamp,
    ) -> Verdict<Moved<payme::Transaction>, payme::Refusal> {
        let id = id.to_owned();
        job!(self, now, |unit| paymes::cancel(&mut unit, &id, reason))
    }

    async fn payme_find(&self, id: &str) -> Result<Option<payme::Transaction>, Fault> {
        Ok(paymes::find(self.database.read(), id).await.map_err(Error::from)?)
    }

    async fn payme_statement(
        &self,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<payme::Transaction>, Fault> {
        let found = paymes::statement(self.database.read(), from, to, limit).await;
        Ok(found.map_err(Error::from)?)
    }

    async fn fiscal_receipt(&self, receipt: Receipt, now: Timestamp) -> Result<bool, Fault> {
        job!(self, now, |unit| paymes::fiscal_receipt(&mut unit, receipt))
    }

    async fn click_prepare(
        &self,
        call: click::Call,
        now: Timestamp,
    ) -> Verdict<click::Transaction, click::Refusal> {
        job!(self, now, |unit| clicks::prepare(&mut unit, call))
    }

    async fn click_complete(
        &self,
        prepare_id: i64,
        call: click::Call,
        now: Timestamp,
    ) -> Verdict<click::Transaction, click::Refusal> {
        job!(self, now, |unit| clicks::complete(&mut unit, prepare_id, call))
    }

    async fn expire(&self, now: Timestamp, limit: u32) -> Result<u32, Fault> {
        // Looking costs no write: there is seldom anything to end.
        let due = rows::due(self.database.read(), now, limit).await.map_err(Error::from)?;
        if due.is_empty() {
            return Ok(0);
        }
        job!(self, now, |unit| unit.expire_all(due))
    }

    async fn journal(&self, entries: Vec<Entry>) -> Result<(), Fault> {
        let write = self
            .database
            .write::<_, Error, _>(move |connection| journal::append(connection, entries).boxed());
        Ok(write.await?)
    }

    async fn trim_journal(&self, before: Timestamp, keep: u32) -> Result<(), Fault> {
        let write = self.database.write::<_, Error, _>(move |connection| {
            journal::trim(connection, before, keep).boxed()
        });
        Ok(write.await?)
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
