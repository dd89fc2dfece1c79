//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

use crate::texts::TextError;

/// A failure of the notification service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An event asks for something that is not there: a template, a value, an address.
    #[error("the event cannot be told to anybody: {0}")]
    Untellable(&'static str),
    /// A text cannot be made.
    #[error(transparent)]
    Text(#[from] TextError),
    /// Whatever a store or the caller's rights said.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// A field of the request that cannot be accepted.
    pub(crate) fn field(name: &str, code: &'static str, message: &str) -> Self {
        Self::Fault(Fault::invalid(vec![Field::new(name, code, message)]))
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Untellable(_) => Self::new(Code::Invalid, "EVENT_UNTELLABLE", message),
            Error::Text(_) => Self::new(Code::Invalid, "TEMPLATE_INCOMPLETE", message),
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
