//! The embedded database engine: SQLite in WAL mode with one writer that groups commits and many readers.
//!
//! Reads go to a pool of connections ([`Sqlite::read`]). Writes are jobs for the one writer ([`Sqlite::write`]): while a commit
//! waits for the disk, the jobs that arrive meanwhile are gathered and committed together, each inside its own savepoint, so one
//! that fails takes back only what it did itself. A job is acknowledged after the commit that holds it, never before.

use std::{path::Path, str::FromStr as _, time::Duration};

use fault::{Code, Fault};
use sqlx::{
    SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

mod writer;

pub use futures::{FutureExt, future::BoxFuture};
pub use sqlx::SqliteConnection;
use writer::Writer;

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Loss of power: every commit reaches the disk (`synchronous=FULL`).
    Full,
    /// Death of the process; the last moments may be lost with the power (`synchronous=NORMAL`).
    Process,
}

/// What can go wrong with the embedded store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error("the embedded store failed")]
    Sql(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the embedded store could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The writer is gone: the store was closed, or a commit failed on disk.
    #[error("the embedded store is closed")]
    Closed,
    /// The commit that held this write failed.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// The job itself panicked; what it did was taken back.
    #[error("the write panicked")]
    Panicked,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Closed | Error::Commit(_) => {
                let cause = std::sync::Arc::new(error);
                Self { source: Some(cause), ..Self::unavailable("the store is away") }
            }
            other => Self::internal(other),
        }
    }
}

/// Whether a write broke the unique index (or primary key) on `column`, written as `table.column`.
pub fn violates(error: &sqlx::Error, column: &str) -> bool {
    let Some(database) = error.as_database_error() else { return false };
    (database.is_unique_violation() || database.is_check_violation())
        && database.message().contains(column)
}

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqlite {
    readers: SqlitePool,
    writer: Writer,
}

impl Sqlite {
    /// Opens or creates the file behind a `sqlite:` address and migrates it.
    pub async fn open(
        address: &str,
        durability: Durability,
        migrations: &Migrator,
    ) -> Result<Self, Error> {
        let options = SqliteConnectOptions::from_str(address)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match durability {
                Durability::Full => SqliteSynchronous::Full,
                Durability::Process => SqliteSynchronous::Normal,
            })
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-2048")
            .pragma("mmap_size", "16777216")
            .statement_cache_capacity(256);
        if let Some(folder) =
            options.get_filename().parent().filter(|folder| *folder != Path::new(""))
        {
            std::fs::create_dir_all(folder).map_err(sqlx::Error::Io)?;
        }
        let write_options = options.clone();
        let single = SqlitePoolOptions::new().max_connections(1).min_connections(1);
        let single = single.idle_timeout(None).max_lifetime(None);
        let single = single.connect_with(write_options).await?;
        migrations.run(&single).await?;
        let writer = Writer::start(single.acquire().await?.detach(), single);
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .min_connections(1)
            .idle_timeout(Some(Duration::from_mins(1)))
            .acquire_timeout(Duration::from_secs(5))
            // A file does not hang up; the ping would cost as much as the query.
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await?;
        Ok(Self { readers, writer })
    }

    /// The pool for reading.
    pub fn read(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs `job` in a transaction and returns after it is committed. An error of the job takes back all that it wrote.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.submit(job).await
    }

    /// Whether the store answers, for readiness.
    pub async fn ping(&self) -> Result<(), Fault> {
        let one: i64 = sqlx::query_scalar("select 1")
            .fetch_one(&self.readers)
            .await
            .map_err(|error| Fault::from(Error::from(error)))?;
        if one == 1 && self.writer.is_alive() {
            Ok(())
        } else {
            Err(Fault::new(Code::Unavailable, "STORE_CLOSED", "the store is closed"))
        }
    }

    /// Finishes what has been submitted and closes the file.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}
