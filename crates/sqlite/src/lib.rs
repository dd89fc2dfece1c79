//! The embedded database engine: SQLite in WAL mode with one writer that groups commits and several readers.
//!
//! Each connection has a thread of its own, and a whole use case is one job for it: one switch of threads there and one back,
//! however many statements it runs. Reads ([`Sqlite::read`]) see one snapshot. Writes ([`Sqlite::write`]) go to the one writer:
//! while a commit waits for the disk, the jobs that arrive meanwhile are gathered and committed together, each inside its own
//! savepoint, so one that fails takes back only what it did itself. A job is acknowledged after the commit that holds it, never
//! before.

use std::path::{Path, PathBuf};

use fault::{Code, Fault};

pub mod backup;
mod connection;
mod error;
mod job;
mod readers;
mod writer;

pub use connection::{Connection, FromRow};
pub use error::{Error, violates};
pub use rusqlite::{Row, ToSql, params, params_from_iter};

use readers::Readers;
use writer::Writer;

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Loss of power: every commit reaches the disk (`synchronous=FULL`).
    Full,
    /// Death of the process; the last moments may be lost with the power (`synchronous=NORMAL`).
    Process,
}

/// An open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sqlite {
    readers: Readers,
    writer: Writer,
}

impl Sqlite {
    /// Opens or creates the file behind a `sqlite:<path>` address and migrates it. Migrations are append only: a file that has
    /// gone through more of them than there are here belongs to a newer program, and is refused.
    pub async fn open(
        address: &str,
        durability: Durability,
        migrations: &'static [&'static str],
    ) -> Result<Self, Error> {
        let path = PathBuf::from(address.strip_prefix("sqlite:").unwrap_or(address));
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            std::fs::create_dir_all(folder)?;
        }
        let opening = move || {
            let writer = Writer::start(Connection::writer(&path, durability, migrations)?)?;
            Ok(Self { readers: Readers::start(&path)?, writer })
        };
        tokio::task::spawn_blocking(opening).await.map_err(|_| Error::Panicked)?
    }

    /// Runs `job` on one snapshot of the database.
    pub async fn read<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.readers.submit(job).await
    }

    /// Runs `job` in a transaction and returns after it is committed. An error of the job takes back all that it wrote.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, E>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.writer.submit(job).await
    }

    /// Whether the store answers, for readiness.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.read(|connection| connection.one::<i64>("select 1", ())).await?;
        if self.writer.is_alive() {
            Ok(())
        } else {
            Err(Fault::new(Code::Unavailable, "STORE_CLOSED", "the store is closed"))
        }
    }

    /// Finishes what has been submitted and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}
