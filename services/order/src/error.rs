//! What can go wrong, and how it is told.

use fault::{Code, Fault, Field};

use crate::domain::{
    Illegal,
    payout::IllegalPayout,
    promotion::{RefusedCode, Violation},
};

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
    /// Codes that the shopper may have counted on take nothing off any more.
    #[error("a discount code can no longer be used")]
    CodesRefused(Vec<RefusedCode>),
    /// A promotion was used up at this very moment.
    #[error("a promotion has just ended: look at the total again")]
    PromotionEnded,
    /// No such promotion, or not this caller's.
    #[error("no such promotion")]
    PromotionNotFound,
    /// Another promotion has the code.
    #[error("this code is taken")]
    CodeTaken,
    /// The promotion is not possible.
    #[error("the promotion is not possible")]
    BadPromotion(Vec<Violation>),
    /// No such payout.
    #[error("no such payout")]
    PayoutNotFound,
    /// The payout is in another state.
    #[error(transparent)]
    Payout(#[from] IllegalPayout),
    /// No such merchant.
    #[error("no such merchant")]
    MerchantNotFound,
    /// No such offer, or not this caller's.
    #[error("no such offer")]
    OfferNotFound,
    /// A report of so many periods.
    #[error("a report has at most 400 periods: choose a shorter time or larger periods")]
    ReportTooLong,
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// No such provider.
    #[error("no such payment provider")]
    UnknownProvider,
    /// The state of the order does not allow it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// No such return, or not this caller's.
    #[error("no such return")]
    ReturnNotFound,
    /// No such refund.
    #[error("no such refund")]
    RefundNotFound,
    /// The refund does not wait for people.
    #[error("the refund does not wait to be sent by hand")]
    RefundState,
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
            Error::CodesRefused(refused) => {
                let reason = refused.first().map_or("PRICE_CHANGED", |first| first.why.reason());
                let field = |(index, refused): (usize, &RefusedCode)| {
                    let message = format!("{}: {}", refused.code, refused.why);
                    Field::new(format!("discount_codes[{index}]"), refused.why.reason(), message)
                };
                let fields = refused.iter().enumerate().map(field).collect();
                Self::conflict(reason, message).with_fields(fields)
            }
            Error::PromotionEnded => {
                let field = Field::new("promotions", "PROMOTION_EXHAUSTED", message.clone());
                Self::conflict("PRICE_CHANGED", message).with_fields(vec![field])
            }
            Error::PromotionNotFound => Self::not_found("PROMOTION"),
            Error::CodeTaken => Self::new(Code::AlreadyExists, "DISCOUNT_CODE_TAKEN", message),
            Error::BadPromotion(wrong) => {
                let field = |it: Violation| Field::new(it.field, it.code, it.message);
                Self::invalid(wrong.into_iter().map(field).collect())
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
            Error::PayoutNotFound => Self::not_found("PAYOUT"),
            Error::OfferNotFound => Self::not_found("OFFER"),
            Error::MerchantNotFound => Self::not_found("MERCHANT"),
            Error::Payout(_) => Self::conflict("PAYOUT_STATE", message),
            Error::ReportTooLong => {
                Self::invalid(vec![Field::new("from", "OUT_OF_RANGE", message)])
            }
            Error::ReturnNotFound | Error::Illegal(Illegal::NoReturn) => Self::not_found("RETURN"),
            Error::RefundNotFound => Self::not_found("REFUND"),
            Error::RefundState => Self::conflict("REFUND_STATE", message),
            Error::Illegal(Illegal::NoItem) => {
                Self::invalid(vec![Field::new("items", "UNKNOWN", message)])
            }
            Error::Illegal(Illegal::Quantity) => {
                let field = Field::new("items", "ITEM_QUANTITY", message.clone());
                Self::conflict("ITEM_QUANTITY", message).with_fields(vec![field])
            }
            Error::Illegal(Illegal::Return) => Self::conflict("RETURN_STATE", message),
            Error::Illegal(Illegal::NotDelivered) => {
                Self::conflict("RETURN_NOT_DELIVERED", message)
            }
            Error::Illegal(Illegal::ReturnWindow) => Self::conflict("RETURN_WINDOW_OVER", message),
            Error::Illegal(Illegal::OtherMerchant) => {
                Self::conflict("RETURN_SEVERAL_MERCHANTS", message)
            }
            Error::Illegal(Illegal::NotPaid) => Self::conflict("ORDER_NOT_PAID", message),
            Error::Illegal(Illegal::RefundTooLarge) => Self::conflict("REFUND_TOO_LARGE", message),
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
