//! What can go wrong with the embedded store.

use fault::Fault;
use rusqlite::ErrorCode;

/// What can go wrong with the embedded store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error("the embedded store failed")]
    Sql(#[from] rusqlite::Error),
    /// The schema could not be brought up to date.
    #[error("the embedded store could not be migrated")]
    Migrate(#[from] rusqlite_migration::Error),
    /// The file or its folder is out of reach.
    #[error("the embedded store could not be opened")]
    Io(#[from] std::io::Error),
    /// A stored value is not what the service writes, or a value cannot be stored.
    #[error("a stored value is broken")]
    Value(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store was closed.
    #[error("the embedded store is closed")]
    Closed,
    /// The commit that held this write failed.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// There is no database to copy.
    #[error("there is no database {}", .0.display())]
    Missing(std::path::PathBuf),
    /// Others write without a pause.
    #[error("others write without a pause")]
    Busy,
    /// A copy is not sound.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// The backup could not be written or read.
    #[error("the backup")]
    Archive(#[from] archive::Error),
    /// The job itself panicked; what it did was taken back.
    #[error("the job panicked")]
    Panicked,
}

impl Error {
    /// For a stored value that cannot be read, or one that cannot be written.
    pub fn value(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Value(cause.into())
    }

    /// Whether the disk is to blame, not what was asked for: it is full, or it fails.
    fn is_of_the_disk(&self) -> bool {
        matches!(self, Self::Sql(rusqlite::Error::SqliteFailure(failure, _))
            if matches!(failure.code, ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            error
                if matches!(error, Error::Closed | Error::Commit(_)) || error.is_of_the_disk() =>
            {
                let cause = std::sync::Arc::new(error);
                Self { source: Some(cause), ..Self::unavailable("the store is away") }
            }
            other => Self::internal(other),
        }
    }
}

/// Whether a statement broke the unique index, primary key or check that names `column`, written as `table.column` or as the
/// name of the index or check.
pub fn violates(error: &Error, column: &str) -> bool {
    match error {
        Error::Sql(rusqlite::Error::SqliteFailure(failure, Some(message))) => {
            failure.code == ErrorCode::ConstraintViolation && message.contains(column)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use fault::Code;
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn a_disk_that_is_full_or_fails_is_no_fault_of_the_statement() {
        let told = |code| {
            let failure = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Fault::from(Error::Sql(failure)).code
        };
        for code in
            [ffi::SQLITE_FULL, ffi::SQLITE_IOERR, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_CANTOPEN]
        {
            assert_eq!(told(code), Code::Unavailable, "{code}");
        }
        assert_eq!(told(ffi::SQLITE_CONSTRAINT), Code::Internal);
        assert_eq!(told(ffi::SQLITE_CORRUPT), Code::Internal);
    }
}
