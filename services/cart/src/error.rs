//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

use crate::domain::Refusal;

/// A failure of the cart service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such cart, or not this caller's.
    #[error("no such cart")]
    CartNotFound,
    /// No such offer, or it is not on sale.
    #[error("no such offer")]
    OfferNotFound,
    /// The code takes nothing off this cart, for this reason.
    #[error("the code takes nothing off this cart")]
    CodeRefused(String),
    /// The cart cannot be changed so.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others changed the cart again and again in the same moment.
    #[error("the cart is being changed elsewhere")]
    Contended,
    /// Whatever a store, a peer or the caller's rights said.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::CartNotFound => Self::not_found("CART"),
            Error::OfferNotFound => Self::not_found("OFFER"),
            Error::CodeRefused(reason) if reason == "DISCOUNT_CODE_NOT_FOUND" => {
                Self::not_found("DISCOUNT_CODE")
            }
            Error::CodeRefused(reason) => {
                let field = Field::new("code", reason.clone(), message.clone());
                Self::conflict(reason, message).with_fields(vec![field])
            }
            Error::Refused(Refusal::Completed) => Self::conflict("CART_COMPLETED", message),
            Error::Refused(Refusal::NoLine) => Self::not_found("CART_ITEM"),
            Error::Refused(Refusal::Quantity) => {
                Self::invalid(vec![Field::new("quantity", "OUT_OF_RANGE", message)])
            }
            Error::Refused(Refusal::TooManyLines) => Self::conflict("CART_FULL", message),
            Error::Refused(Refusal::TooManyCodes) => Self::conflict("TOO_MANY_CODES", message),
            Error::Contended => Self::new(Code::Conflict, "CART_CONTENDED", message),
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
