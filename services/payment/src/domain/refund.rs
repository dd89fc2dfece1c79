//! Money on its way back to a shopper.
//!
//! ```text
//! pending --ask--> asked --answer--> succeeded | needs_manual        needs_manual --sent by hand--> succeeded
//! ```
//!
//! It is asked of a provider only after it is written down that it will be: whatever is lost after that, nothing is given back
//! twice.

use clock::Timestamp;
use ids::{OrderId, PaymentId, RefundId};

use super::{GivesBack, IllegalMove, Payment, Provider, Status};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundState {
    /// The provider has not been asked.
    Pending,
    /// It has been, or is about to be; its answer is not known.
    Asked,
    /// The money is back.
    Succeeded,
    /// There is no such money.
    Failed,
    /// People have to send it.
    NeedsManual,
}

impl RefundState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Pending, Self::Asked, Self::Succeeded, Self::Failed, Self::NeedsManual];

    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Asked => "asked",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::NeedsManual => "needs_manual",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A sum that goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// As the order service calls it.
    pub id: RefundId,
    /// Of which order.
    pub order: OrderId,
    /// Of which payment; none when no payment of the order is known.
    pub payment: Option<PaymentId>,
    /// Who took the money.
    pub provider: Option<Provider>,
    /// Tiyin.
    pub amount: i64,
    /// How far it is.
    pub state: RefundState,
    /// Why, for people.
    pub note: String,
    /// When the provider was asked.
    pub asked_at: Option<Timestamp>,
}

/// The payment that a refund is of: the one that was paid, else what is paid to the courier's hand.
pub fn source(payments: &[Payment]) -> Option<&Payment> {
    let paid = [Status::Paid, Status::PartiallyRefunded, Status::Refunded];
    let found = payments.iter().find(|payment| paid.contains(&payment.status));
    found.or_else(|| payments.iter().find(|payment| payment.provider == Provider::Cash))
}

/// Where a refund begins; `before` is what goes back of the payment already.
pub fn beginning(
    payment: Option<&Payment>,
    before: i64,
    amount: i64,
) -> (RefundState, &'static str) {
    let Some(payment) = payment else {
        return (RefundState::NeedsManual, "no payment of the order is known");
    };
    if before.checked_add(amount).is_none_or(|sum| sum > payment.amount.amount) {
        return (RefundState::Failed, "more than was paid");
    }
    if payment.status == Status::Refunded {
        return (RefundState::Succeeded, "all of the payment went back before");
    }
    match payment.provider.capabilities().gives_back {
        GivesBack::Called => (RefundState::Pending, ""),
        GivesBack::Cabinet => (RefundState::NeedsManual, "cancel the payment in Payme's cabinet"),
        GivesBack::ByHand => (RefundState::NeedsManual, "the money was paid to the courier's hand"),
    }
}

impl Payment {
    /// Some of it went back; not all.
    pub fn refund_part(&mut self) -> Result<(), IllegalMove> {
        let from = [Status::Paid, Status::PartiallyRefunded];
        self.step("refund_part", &from, Status::PartiallyRefunded)
    }

    /// Whether money of it may be marked as gone back.
    pub const fn is_paid(&self) -> bool {
        matches!(self.status, Status::Paid | Status::PartiallyRefunded)
    }
}

#[cfg(test)]
mod tests {
    use ids::OrderId;
    use money::Money;

    use super::*;
    use crate::domain::Terms;

    fn payment(provider: Provider, status: Status) -> Payment {
        let terms = Terms {
            order: OrderId::new(),
            reference: "1000001L".to_owned(),
            amount: Money::uzs(1000),
            payable_until: Timestamp::from_millis(9),
        };
        let new = Payment::new(&terms, provider, "k".to_owned(), Timestamp::from_millis(1));
        Payment { status, ..new }
    }

    #[test]
    fn no_more_goes_back_than_was_paid() {
        let paid = payment(Provider::Click, Status::Paid);
        assert_eq!(beginning(Some(&paid), 0, 1000).0, RefundState::Pending);
        assert_eq!(beginning(Some(&paid), 400, 600).0, RefundState::Pending);
        assert_eq!(beginning(Some(&paid), 400, 601).0, RefundState::Failed);
        assert_eq!(beginning(Some(&paid), i64::MAX, 1).0, RefundState::Failed);
    }

    #[test]
    fn people_send_what_no_call_sends() {
        let in_cabinet = payment(Provider::Payme, Status::Paid);
        assert_eq!(beginning(Some(&in_cabinet), 0, 1).0, RefundState::NeedsManual);
        for provider in [Provider::Click, Provider::Uzcard, Provider::Stripe] {
            let paid = payment(provider, Status::Paid);
            assert_eq!(beginning(Some(&paid), 0, 1).0, RefundState::Pending);
        }
        let by_hand = payment(Provider::Cash, Status::Pending);
        assert_eq!(source(std::slice::from_ref(&by_hand)), Some(&by_hand));
        assert_eq!(beginning(Some(&by_hand), 0, 1).0, RefundState::NeedsManual);
        assert_eq!(beginning(None, 0, 1).0, RefundState::NeedsManual);
        let back = payment(Provider::Payme, Status::Refunded);
        assert_eq!(beginning(Some(&back), 0, 1).0, RefundState::Succeeded);
    }
}
