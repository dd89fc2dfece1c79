//! Where events are kept: each store with the tables that services make.

use std::sync::Arc;

use async_trait::async_trait;
use clock::Timestamp;
use outbox::{Draft, OutboxStore, postgres::PostgresOutbox, sqlite::SqliteOutbox};
use postgres::Postgres;
use sqlite::{Durability, Sqlite};
use testkit::{Folder, FreshDatabase};

const IN_SQLITE: &[&str] =
    &[include_str!("../../../../services/auth/migrations/sqlite/0003_events.sql")];
const IN_POSTGRES: &[&str] = &[
    include_str!("../../../../services/order/migrations/postgres/0002_events.sql"),
    include_str!("../../../../services/order/migrations/postgres/0003_outbox.sql"),
];

/// A store as a service uses it.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// The relay's side.
    fn outbox(&self) -> &dyn OutboxStore;
    /// The side of another worker: of another process, where several share a store.
    fn other(&self) -> &dyn OutboxStore;
    /// Writes events with a change.
    async fn append(&self, drafts: &[Draft], now: Timestamp);
    /// Whether they could be written.
    async fn try_append(&self, drafts: &[Draft], now: Timestamp) -> bool;
    /// Writes events with a change that fails.
    async fn append_in_vain(&self, drafts: &[Draft], now: Timestamp);
    /// Receives an event.
    async fn receive(&self, event: &str, now: Timestamp) -> bool;
    /// Receives an event, and fails to do what it asks for.
    async fn receive_in_vain(&self, event: &str, now: Timestamp) -> bool;
    /// Forgets what was received.
    async fn forget(&self, before: Timestamp, limit: u32) -> u64;
    async fn close(&self);
}

struct Embedded {
    database: Sqlite,
    outbox: SqliteOutbox,
    _folder: Folder,
}

pub(crate) async fn embedded() -> Option<Arc<dyn Place>> {
    let folder = Folder::new("outbox");
    let address = format!("sqlite:{}", folder.path().join("outbox.db").display());
    let database = Sqlite::open(&address, Durability::Process, IN_SQLITE).await.unwrap();
    let outbox = SqliteOutbox::new(database.clone());
    Some(Arc::new(Embedded { database, outbox, _folder: folder }))
}

#[async_trait]
impl Place for Embedded {
    fn outbox(&self) -> &dyn OutboxStore {
        &self.outbox
    }

    /// One process owns an embedded store.
    fn other(&self) -> &dyn OutboxStore {
        &self.outbox
    }

    async fn append(&self, drafts: &[Draft], now: Timestamp) {
        assert!(self.try_append(drafts, now).await);
    }

    async fn try_append(&self, drafts: &[Draft], now: Timestamp) -> bool {
        let drafts = drafts.to_vec();
        let write =
            move |connection: &sqlite::Connection| outbox::sqlite::append(connection, &drafts, now);
        self.database.write(write).await.is_ok()
    }

    async fn append_in_vain(&self, drafts: &[Draft], now: Timestamp) {
        let drafts = drafts.to_vec();
        let write = move |connection: &sqlite::Connection| {
            outbox::sqlite::append(connection, &drafts, now)?;
            Err::<(), _>(sqlite::Error::Busy)
        };
        self.database.write(write).await.unwrap_err();
    }

    async fn receive(&self, event: &str, now: Timestamp) -> bool {
        let event = event.to_owned();
        let receive = move |connection: &sqlite::Connection| {
            outbox::sqlite::first_time(connection, &event, now)
        };
        self.database.write(receive).await.unwrap()
    }

    async fn receive_in_vain(&self, event: &str, now: Timestamp) -> bool {
        let event = event.to_owned();
        let (told, first) = std::sync::mpsc::channel();
        let receive = move |connection: &sqlite::Connection| {
            told.send(outbox::sqlite::first_time(connection, &event, now)?).unwrap();
            Err::<(), _>(sqlite::Error::Busy)
        };
        self.database.write(receive).await.unwrap_err();
        first.recv().unwrap()
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> u64 {
        let forget = move |connection: &sqlite::Connection| {
            outbox::sqlite::forget(connection, before, limit)
        };
        self.database.write(forget).await.unwrap()
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

struct Production {
    databases: [Postgres; 2],
    outboxes: [PostgresOutbox; 2],
    _fresh: FreshDatabase,
}

pub(crate) async fn production() -> Option<Arc<dyn Place>> {
    let fresh = FreshDatabase::create().await?;
    postgres::migrate(&fresh.address, IN_POSTGRES).await.unwrap();
    let open = || async { Postgres::open(&fresh.address, IN_POSTGRES).await.unwrap() };
    let databases = [open().await, open().await];
    let outboxes = [0, 1].map(|nth: usize| PostgresOutbox::new(databases[nth].clone()));
    Some(Arc::new(Production { databases, outboxes, _fresh: fresh }))
}

#[async_trait]
impl Place for Production {
    fn outbox(&self) -> &dyn OutboxStore {
        &self.outboxes[0]
    }

    fn other(&self) -> &dyn OutboxStore {
        &self.outboxes[1]
    }

    async fn append(&self, drafts: &[Draft], now: Timestamp) {
        assert!(self.try_append(drafts, now).await);
    }

    async fn try_append(&self, drafts: &[Draft], now: Timestamp) -> bool {
        let mut transaction = self.databases[0].begin().await.unwrap();
        let written = outbox::postgres::append(&mut transaction, drafts, now).await.is_ok();
        written && transaction.commit().await.is_ok()
    }

    async fn append_in_vain(&self, drafts: &[Draft], now: Timestamp) {
        let mut transaction = self.databases[0].begin().await.unwrap();
        outbox::postgres::append(&mut transaction, drafts, now).await.unwrap();
        transaction.rollback().await.unwrap();
    }

    async fn receive(&self, event: &str, now: Timestamp) -> bool {
        let mut transaction = self.databases[1].begin().await.unwrap();
        let first = outbox::postgres::first_time(&mut transaction, event, now).await.unwrap();
        transaction.commit().await.unwrap();
        first
    }

    async fn receive_in_vain(&self, event: &str, now: Timestamp) -> bool {
        let mut transaction = self.databases[1].begin().await.unwrap();
        let first = outbox::postgres::first_time(&mut transaction, event, now).await.unwrap();
        transaction.rollback().await.unwrap();
        first
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> u64 {
        let mut connection = self.databases[0].connection().await.unwrap();
        outbox::postgres::forget(&mut connection, before, limit).await.unwrap()
    }

    async fn close(&self) {
        for database in &self.databases {
            database.close().await;
        }
    }
}
