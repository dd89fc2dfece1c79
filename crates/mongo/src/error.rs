//! What can go wrong with MongoDB. Nothing here holds a value of a document: these texts end in logs.

use std::{sync::Arc, time::Duration};

use fault::Fault;
use mongodb::error::{
    ErrorKind, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

/// A key is there already.
const DUPLICATE: i32 = 11000;
/// A document breaks the rules of its collection.
const INVALID: i32 = 121;
/// Another transaction has changed the same document.
const WRITE_CONFLICT: i32 = 112;
/// What a server says that goes down, comes up, is not the primary, or took too long.
const AWAY: [i32; 15] =
    [6, 7, 50, 89, 91, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436];

/// What can go wrong with MongoDB.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server is out of reach, or did not answer in time.
    #[error("MongoDB is away: {0}")]
    Away(String),
    /// The server refused.
    #[error("MongoDB refused: {text}")]
    Refused {
        /// Its code.
        code: i32,
        /// The unique index that was hit.
        index: Option<String>,
        /// Whether the same again may succeed: others changed the same documents.
        contended: bool,
        /// What it said, without values.
        text: String,
    },
    /// Whether a transaction took effect is not known.
    #[error("MongoDB did not say whether it committed")]
    UnknownCommit,
    /// The driver could not do it.
    #[error("MongoDB cannot be used: {0}")]
    Driver(String),
    /// The collections are older than this program.
    #[error("the collections are older than this program: run `ultramarket migrate`")]
    Outdated,
    /// The address of the store cannot be used.
    #[error("not an address of MongoDB: {0}")]
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
        matches!(self, Self::Away(_) | Self::UnknownCommit)
    }

    /// Whether the same, done again, may succeed.
    pub fn is_contention(&self) -> bool {
        matches!(self, Self::Refused { contended: true, .. })
    }

    /// Whether the unique index of this name was hit; `_id_` for the key.
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Self::Refused { index: Some(index), .. } if index == name)
    }

    /// The code of a refusal.
    pub(crate) fn code(&self) -> Option<i32> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub(crate) fn refused(code: i32, name: &str, message: &str, transient: bool) -> Self {
        if AWAY.contains(&code) {
            return Self::Away(format!("{name} ({code})"));
        }
        let quiet = matches!(code, DUPLICATE | INVALID);
        Self::Refused {
            code,
            index: (code == DUPLICATE).then(|| index(message)).flatten(),
            contended: transient || code == WRITE_CONFLICT,
            text: if quiet { format!("{name} ({code})") } else { format!("{message} ({code})") },
        }
    }
}

/// The index that a message about a duplicate key names.
fn index(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("index: ")?;
    let (name, _) = rest.split_once(" dup key")?;
    // Older servers say "database.collection.$name".
    let name = name.rsplit_once('$').map_or(name, |(_, name)| name);
    Some(name.trim().to_owned())
}

impl From<mongodb::error::Error> for Error {
    fn from(error: mongodb::error::Error) -> Self {
        let transient = error.contains_label(TRANSIENT_TRANSACTION_ERROR);
        if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) {
            return Self::UnknownCommit;
        }
        match &*error.kind {
            ErrorKind::Command(one) => {
                Self::refused(one.code, &one.code_name, &one.message, transient)
            }
            ErrorKind::Write(WriteFailure::WriteError(one)) => {
                Self::refused(one.code, "write error", &one.message, transient)
            }
            ErrorKind::Write(WriteFailure::WriteConcernError(one)) => {
                Self::Away(format!("not acknowledged by the majority ({})", one.code))
            }
            ErrorKind::InsertMany(many) => match many.write_errors.iter().flatten().next() {
                Some(one) => Self::refused(one.code, "write error", &one.message, transient),
                None => Self::Away("not acknowledged by the majority".to_owned()),
            },
            ErrorKind::Io(cause) => Self::Away(cause.to_string()),
            ErrorKind::ServerSelection { .. } => Self::Away("no server to be found".to_owned()),
            ErrorKind::ConnectionPoolCleared { .. } => Self::Away("connection lost".to_owned()),
            ErrorKind::DnsResolve { .. } => Self::Away("its name is not found".to_owned()),
            ErrorKind::Shutdown => Self::Away("closed".to_owned()),
            ErrorKind::InvalidArgument { message, .. } => Self::Driver(message.clone()),
            ErrorKind::Authentication { .. } => Self::Driver("it does not let us in".to_owned()),
            ErrorKind::Bson(_) => Self::value("a document is not what the service writes"),
            other => Self::Driver(other.to_string()),
        }
    }
}

impl From<mongodb::bson::error::Error> for Error {
    fn from(_: mongodb::bson::error::Error) -> Self {
        Self::value("a document cannot be written")
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if matches!(error, Error::Outdated) {
            return Self::unavailable(error.to_string()).retry_after(Duration::from_secs(10));
        }
        if error.is_away() || error.is_contention() {
            let fault = Self::unavailable("the store is away").retry_after(Duration::from_secs(1));
            return Self { source: Some(Arc::new(error)), ..fault };
        }
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duplicate_names_its_index_and_no_value() {
        let message = "E11000 duplicate key error collection: shop.products index: products_slug dup key: { slug: \"secret\" }";
        let error = Error::refused(DUPLICATE, "write error", message, false);
        assert!(error.violates("products_slug") && !error.violates("products_skus"));
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn absence_and_contention_come_with_advice() {
        for error in [
            Error::refused(10107, "NotWritablePrimary", "not primary", false),
            Error::refused(WRITE_CONFLICT, "WriteConflict", "conflict", false),
            Error::UnknownCommit,
            Error::Outdated,
        ] {
            let fault = Fault::from(error);
            assert_eq!(fault.code, fault::Code::Unavailable);
            assert!(fault.retry_after.is_some());
        }
    }
}
