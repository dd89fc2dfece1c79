//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

use pictures::Spoiled;

use crate::domain::MAX_BYTES;

/// A failure of the file service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such file, or not this caller's.
    #[error("no such file")]
    FileNotFound,
    /// The content is none of the formats that the bucket takes.
    #[error("expected a JPEG, PNG, WebP or GIF picture; the bucket \"documents\" takes PDF too")]
    Unsupported,
    /// More bytes than one file may have.
    #[error("a file has at most {MAX_BYTES} bytes")]
    TooManyBytes,
    /// The picture cannot be taken.
    #[error(transparent)]
    Spoiled(#[from] Spoiled),
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
        let invalid = |reason: &'static str| {
            let field = Field::new("content", reason, message.clone());
            Self::new(Code::Invalid, reason, message.clone()).with_fields(vec![field])
        };
        match error {
            Error::FileNotFound => Self::not_found("FILE"),
            Error::Unsupported => invalid("UNSUPPORTED_MEDIA_TYPE"),
            Error::TooManyBytes | Error::Spoiled(Spoiled::TooLarge) => invalid("FILE_TOO_LARGE"),
            Error::Spoiled(Spoiled::Broken) => invalid("IMAGE_BROKEN"),
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
