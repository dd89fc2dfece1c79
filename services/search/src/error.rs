//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

/// A failure of the search service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cursor is not one of ours, or of another order.
    #[error("the cursor does not belong to this list")]
    Cursor,
    /// The query is longer than anybody types.
    #[error("at most {limit} characters")]
    QueryTooLong {
        /// What is allowed.
        limit: usize,
    },
    /// A filter that the index cannot answer.
    #[error("{0} cannot be searched by")]
    Filter(&'static str),
    /// Another rebuild is under way.
    #[error("the index is being rebuilt already")]
    Rebuilding,
    /// Whatever the index, a peer or the caller's rights said.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Cursor => Self::invalid(vec![Field::new("after", "INVALID_CURSOR", message)]),
            Error::QueryTooLong { .. } => Self::invalid(vec![Field::new("q", "TOO_LONG", message)]),
            Error::Filter(field) => {
                Self::invalid(vec![Field::new(field, "NOT_SUPPORTED", message)])
            }
            Error::Rebuilding => Self::new(Code::Conflict, "REBUILD_RUNNING", message),
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
