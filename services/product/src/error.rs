//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

use crate::domain::Violation;

/// A failure of the product service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such product, or not for this caller.
    #[error("no such product")]
    ProductNotFound,
    /// No such review, or not this caller's.
    #[error("no such review")]
    ReviewNotFound,
    /// No such job, or not this merchant's.
    #[error("no such job")]
    JobNotFound,
    /// Another product of the merchant has it.
    #[error("another product of yours has the SKU {sku}")]
    SkuTaken {
        /// Which.
        sku: String,
        /// Place among the variants sent.
        at: usize,
    },
    /// Another product has the slug that was asked for.
    #[error("another product has this slug")]
    SlugTaken,
    /// Not the version that the caller has seen.
    #[error("the product has changed since it was read")]
    VersionMismatch,
    /// A deleted product is not changed.
    #[error("the product is deleted")]
    Archived,
    /// Others changed the product again and again in the same moment.
    #[error("the product is being changed elsewhere")]
    Contended,
    /// Fields that cannot be accepted.
    #[error("the request is not valid")]
    Invalid(Vec<Violation>),
    /// Whatever a store, a peer or the caller's rights said.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Error {
    /// One field that cannot be accepted.
    pub(crate) fn field(
        field: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), code, message: message.into() }])
    }
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<mongo::Error> for Error {
    fn from(error: mongo::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::ProductNotFound => Self::not_found("PRODUCT"),
            Error::ReviewNotFound => Self::not_found("REVIEW"),
            Error::JobNotFound => Self::not_found("JOB"),
            Error::SkuTaken { at, sku } => {
                let field = Field::new(format!("variants[{at}].sku"), "SKU_TAKEN", message.clone());
                Self::new(Code::AlreadyExists, "SKU_TAKEN", message)
                    .with("sku", sku)
                    .with_fields(vec![field])
            }
            Error::SlugTaken => {
                let field = Field::new("slug", "SLUG_TAKEN", message.clone());
                Self::new(Code::AlreadyExists, "SLUG_TAKEN", message).with_fields(vec![field])
            }
            Error::VersionMismatch => Self::new(Code::Precondition, "VERSION_MISMATCH", message),
            Error::Archived => Self::conflict("PRODUCT_ARCHIVED", message),
            Error::Contended => Self::conflict("PRODUCT_CONTENDED", message),
            Error::Invalid(violations) => {
                let field = |it: Violation| Field::new(it.field, it.code, it.message);
                Self::invalid(violations.into_iter().map(field).collect())
            }
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
