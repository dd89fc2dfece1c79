//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

use crate::domain::Illegal;

/// A failure of the order service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such order, or not this caller's.
    #[error("no such order")]
    OrderNotFound,
    /// The cart has nothing in it.
    #[error("the cart is empty")]
    CartEmpty,
    /// Nothing says where to deliver.
    #[error("choose how the order is delivered first")]
    DeliveryMissing,
    /// The cart has become an order already.
    #[error("the cart has become an order")]
    CartCompleted,
    /// Some lines cannot be bought any more.
    #[error("some of the goods are sold out")]
    OutOfStock(Vec<Field>),
    /// The sum is not what the shopper saw.
    #[error("prices have changed: the total is now {0}")]
    PriceChanged(i64),
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// No such provider.
    #[error("no such payment provider")]
    UnknownProvider,
    /// The state of the order does not allow it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Others changed the order again and again in the same moment.
    #[error("the order is being changed elsewhere")]
    Contended,
    /// A sum does not fit.
    #[error("the sum is too large")]
    Money(#[from] money::MoneyError),
    /// Whatever a store, a peer or the caller's rights said.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<sqlite::Error> for Error {
    fn from(error: sqlite::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        Self::Fault(error.into())
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        postgres::Error::from(error).into()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::CartEmpty => Self::conflict("CART_EMPTY", message),
            Error::DeliveryMissing => Self::conflict("DELIVERY_MISSING", message),
            Error::CartCompleted => Self::conflict("CART_COMPLETED", message),
            Error::OutOfStock(fields) => {
                Self::conflict("OUT_OF_STOCK", message).with_fields(fields)
            }
            Error::PriceChanged(total) => {
                let field = Field::new("expected_total", "PRICE_CHANGED", message.clone());
                Self::conflict("PRICE_CHANGED", message)
                    .with("total", total)
                    .with_fields(vec![field])
            }
            Error::KeyReused => Self::new(Code::Invalid, "IDEMPOTENCY_KEY_REUSED", message),
            Error::UnknownProvider => Self::invalid(vec![Field::new(
                "payment_provider",
                "UNKNOWN",
                "expected payme, click, uzcard, stripe or cash",
            )]),
            Error::Illegal(Illegal::Cancel) => Self::conflict("ORDER_NOT_CANCELLABLE", message),
            Error::Illegal(Illegal::Payment) => Self::conflict("ORDER_NOT_PAYABLE", message),
            Error::Illegal(Illegal::Shipment) => Self::conflict("SHIPMENT_STATE", message),
            Error::OrderNotFound | Error::Illegal(Illegal::NoShipment) => Self::not_found("ORDER"),
            Error::Contended => Self::conflict("ORDER_CONTENDED", message),
            Error::Money(_) => Self::new(Code::Invalid, "SUM_TOO_LARGE", message),
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
