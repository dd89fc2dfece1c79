//! Click's transactions: prepared, then confirmed or cancelled.

use std::time::Duration;

use clock::Timestamp;
use ids::{OrderId, PaymentId};

use super::{NotPayable, Payable, Payment, Provider, Status};

/// How long a prepared transaction holds its order when nothing more is heard of it.
pub const LIFETIME: Duration = Duration::from_mins(30);

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Announced; no money yet.
    Prepared,
    /// The money is here.
    Confirmed,
    /// Over.
    Cancelled,
}

impl State {
    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Prepared, Self::Confirmed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// An attempt of Click. One payment may have several; one of them at most is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Our number of it.
    pub prepare_id: i64,
    /// Click's.
    pub trans_id: i64,
    /// The payment number that the payer sees.
    pub paydoc_id: i64,
    /// Which payment it belongs to.
    pub payment: PaymentId,
    /// What it pays.
    pub order: OrderId,
    /// The order's number as it was received.
    pub reference: String,
    /// Tiyin.
    pub amount: i64,
    /// Where it stands.
    pub state: State,
}

/// What both calls say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Click's number of the attempt.
    pub trans_id: i64,
    /// The payment number that the payer sees.
    pub paydoc_id: i64,
    /// The order's number.
    pub reference: String,
    /// Tiyin.
    pub amount: i64,
    /// The same as it was received.
    pub amount_text: String,
    /// Below zero: Click itself gave up.
    pub error: i64,
}

/// Why Click is told no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// -2
    Amount,
    /// -4
    Paid,
    /// -5
    NoOrder,
    /// -6
    NoTransaction,
    /// -8
    Request,
    /// -9
    Cancelled,
}

/// Whether a new attempt may be prepared. `live` is the payment that holds the order or has paid it.
pub fn may_prepare(
    payable: Option<Payable>,
    live: Option<&Payment>,
    call: &Call,
    now: Timestamp,
) -> Result<Payable, Refusal> {
    let payable = payable.ok_or(Refusal::NoOrder)?;
    let clicks = live.is_none_or(|payment| payment.provider == Provider::Click);
    let accepts = payable.accepts(now);
    // "Already paid" makes Click count its payment as done, so it is never said of money that came another way.
    if accepts == Err(NotPayable::Paid) && clicks {
        return Err(Refusal::Paid);
    }
    if payable.terms.amount.amount != call.amount {
        return Err(Refusal::Amount);
    }
    if accepts.is_err() || !clicks || call.error < 0 {
        return Err(Refusal::Cancelled);
    }
    Ok(payable)
}

impl Transaction {
    /// Whether a repeated announcement says the same; what it is to be told.
    pub fn repeat(&self, call: &Call) -> Result<(), Refusal> {
        if self.reference != call.reference {
            return Err(Refusal::Request);
        }
        match self.state {
            State::Confirmed => Err(Refusal::Paid),
            _ if self.amount != call.amount => Err(Refusal::Amount),
            State::Cancelled => Err(Refusal::Cancelled),
            State::Prepared if call.error < 0 => Err(Refusal::Cancelled),
            State::Prepared => Ok(()),
        }
    }

    /// Whether a completion speaks of this attempt. The signature has no separators: that it holds says nothing of where one
    /// field ends and the next begins, so each field is held against what was prepared.
    pub fn is_meant(&self, call: &Call) -> bool {
        self.trans_id == call.trans_id && self.reference == call.reference
    }

    /// The money is here. A wrong sum spoils nothing: the right one may still come.
    pub fn confirm(&mut self, amount: i64) -> Result<(), Refusal> {
        match self.state {
            State::Confirmed => Err(Refusal::Paid),
            State::Cancelled => Err(Refusal::Cancelled),
            State::Prepared if self.amount != amount => Err(Refusal::Amount),
            State::Prepared => {
                self.state = State::Confirmed;
                Ok(())
            }
        }
    }

    /// Click gave up; whether anything changed. What is confirmed stays so.
    pub fn cancel(&mut self) -> bool {
        let prepared = self.state == State::Prepared;
        if prepared {
            self.state = State::Cancelled;
        }
        prepared
    }
}

/// Whether a payment can take one more attempt of Click.
pub fn takes_attempts(payment: &Payment) -> bool {
    payment.provider == Provider::Click
        && matches!(payment.status, Status::Pending | Status::Processing)
}
