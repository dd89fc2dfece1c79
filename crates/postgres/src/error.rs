//! What can go wrong with PostgreSQL.

use std::time::Duration;

use fault::Fault;

/// What can go wrong with PostgreSQL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused, or did not answer.
    #[error("PostgreSQL failed")]
    Sql(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("PostgreSQL could not be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The server did not answer a moment ago.
    #[error("PostgreSQL is away")]
    Away,
    /// The tables are older than this program.
    #[error("the tables are older than this program: run `ultramarket migrate`")]
    Outdated,
    /// A backup is being put into the database, or this was cut off.
    #[error("a restore into this database has not ended: run `ultramarket restore {0}` again")]
    Restoring(String),
    /// The address of the store cannot be used.
    #[error("not an address of PostgreSQL: {0}")]
    Address(String),
    /// The backup could not be written or read.
    #[error("the backup")]
    Archive(#[from] archive::Error),
    /// A stored value is not what the service writes, or a value cannot be stored.
    #[error("a stored value is broken")]
    Value(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// For a stored value that cannot be read, or one that cannot be written.
    pub fn value(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Value(cause.into())
    }

    /// Whether the server is out of reach, as opposed to having refused.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Away => true,
            Self::Sql(error) => match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed => true,
                // Connection exceptions, short of resources, and a server that goes down, comes up or takes too long.
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    ["08", "53", "57"].iter().any(|class| code.starts_with(class))
                }),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the same transaction, run again, may succeed: a serialisation failure, a deadlock, a lock that took too long.
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| matches!(&*code, "40001" | "40P01" | "55P03")))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Outdated) {
            return Self::unavailable(error.to_string()).retry_after(Duration::from_secs(10));
        }
        if matches!(error, Error::Restoring(_)) {
            let cause = std::sync::Arc::new(error);
            let fault = Self::unavailable("the store is being restored");
            let fault = fault.retry_after(Duration::from_secs(10));
            return Self { source: Some(cause), ..fault };
        }
        if error.is_away() || error.is_contention() {
            let cause = std::sync::Arc::new(error);
            let fault = Self::unavailable("the store is away").retry_after(Duration::from_secs(1));
            return Self { source: Some(cause), ..fault };
        }
        Self::internal(error)
    }
}

/// Whether a statement broke the constraint or unique index of this name.
pub fn violates(error: &sqlx::Error, constraint: &str) -> bool {
    error.as_database_error().and_then(|error| error.constraint()) == Some(constraint)
}
