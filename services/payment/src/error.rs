//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

use crate::store::OpenRefusal;

/// A failure of the payment service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payment cannot be opened.
    #[error("the payment cannot be opened: {0:?}")]
    NotOpened(OpenRefusal),
    /// The provider is unknown or not configured.
    #[error("this payment provider is not available")]
    ProviderDisabled,
    /// The provider does not take this currency.
    #[error("this payment provider takes UZS only")]
    Currency,
    /// The provider does not charge so little.
    #[error("this payment provider does not take sums as small as this")]
    TooSmall,
    /// The provider does not charge so much.
    #[error("this payment provider does not take sums as large as this")]
    TooLarge,
    /// The provider makes no page now.
    #[error("this payment provider does not answer: try again, or pay another way")]
    ProviderAway,
    /// The name belongs to another refund.
    #[error("the name belongs to another refund")]
    RefundName,
    /// Whatever a store or the caller's rights said.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotOpened(OpenRefusal::Paid) => {
                Self::conflict("ORDER_ALREADY_PAID", "the order is paid")
            }
            Error::NotOpened(OpenRefusal::Over) => {
                Self::conflict("ORDER_NOT_PAYABLE", "the order can no longer be paid")
            }
            Error::NotOpened(OpenRefusal::Busy { until }) => {
                Self::conflict("PAYMENT_IN_PROGRESS", "the order is being paid with a provider")
                    .with("until_ms", until.millis())
            }
            Error::NotOpened(OpenRefusal::Key) => {
                Self::conflict("PAYMENT_KEY_REUSED", "the key belongs to another payment")
            }
            Error::NotOpened(OpenRefusal::Reference) => {
                Self::conflict("REFERENCE_TAKEN", "the reference belongs to another order")
            }
            Error::ProviderDisabled => {
                Self::new(Code::Invalid, "PROVIDER_DISABLED", message.clone())
                    .with_fields(vec![Field::new("provider", "PROVIDER_DISABLED", message)])
            }
            Error::Currency => {
                Self::invalid(vec![Field::new("payable.amount.currency", "CURRENCY", message)])
            }
            Error::TooSmall | Error::TooLarge => {
                Self::new(Code::Invalid, "PAYMENT_AMOUNT", message.clone())
                    .with_fields(vec![Field::new("provider", "PAYMENT_AMOUNT", message)])
            }
            Error::ProviderAway => Self::new(Code::Unavailable, "PROVIDER_UNAVAILABLE", message)
                .retry_after(std::time::Duration::from_secs(5)),
            Error::RefundName => Self::conflict("REFUND_KEY_REUSED", message),
            Error::Fault(fault) => fault,
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        Fault::from(error).into()
    }
}
