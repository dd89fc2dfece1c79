//! Payme's transactions: states 1, 2, -1 and -2, and the twelve hours.

use std::time::Duration;

use clock::Timestamp;
use ids::{OrderId, PaymentId};

use super::{NotPayable, Payable};

/// How long a transaction may stay in state 1, counted from Payme's own time of creation.
pub const LIFETIME: Duration = Duration::from_hours(12);
/// Reason of a cancellation by us: the order was closed.
pub const REASON_CLOSED: i64 = 3;
/// Reason of a cancellation by the clock.
pub const REASON_TIMEOUT: i64 = 4;

/// Where a transaction stands. There are no other edges than 1 -> 2, 1 -> -1 and 2 -> -2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// 1
    Created,
    /// 2
    Performed,
    /// -1
    Cancelled,
    /// -2
    Refunded,
}

impl State {
    /// The number on the wire.
    pub const fn code(self) -> i64 {
        match self {
            Self::Created => 1,
            Self::Performed => 2,
            Self::Cancelled => -1,
            Self::Refunded => -2,
        }
    }

    /// Reads the number.
    pub fn from_code(code: i64) -> Option<Self> {
        [Self::Created, Self::Performed, Self::Cancelled, Self::Refunded]
            .into_iter()
            .find(|state| state.code() == code)
    }
}

/// A transaction of Payme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Payme's name of it.
    pub id: String,
    /// Ours.
    pub payment: PaymentId,
    /// What it pays.
    pub order: OrderId,
    /// When Payme made it.
    pub time: Timestamp,
    /// When we did.
    pub create_time: Timestamp,
    /// When it was paid.
    pub perform_time: Option<Timestamp>,
    /// When it was taken back.
    pub cancel_time: Option<Timestamp>,
    /// Where it stands.
    pub state: State,
    /// Why it was taken back; any number that Payme sends.
    pub reason: Option<i64>,
    /// Tiyin.
    pub amount: i64,
    /// JSON as it was received.
    pub account: String,
}

/// What Payme asks to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Payme's name of it.
    pub id: String,
    /// When Payme made it.
    pub time: Timestamp,
    /// Tiyin.
    pub amount: i64,
    /// JSON as it was received.
    pub account: String,
    /// The order's number out of the account; empty when it names none.
    pub reference: String,
}

/// Why Payme is told no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such order.
    NoOrder,
    /// The order is paid.
    Paid,
    /// The order is cancelled or out of time.
    Over,
    /// The order is being paid elsewhere.
    Busy,
    /// Not what is owed.
    Amount,
    /// No such transaction.
    NotFound,
    /// Not in this state.
    Impossible,
    /// The goods are delivered.
    Delivered,
}

/// Whether an order may be paid with this sum. Changes nothing.
pub fn check(payable: &Payable, busy: bool, amount: i64, now: Timestamp) -> Result<(), Refusal> {
    accepting(payable, now)?;
    if busy {
        return Err(Refusal::Busy);
    }
    exact(payable, amount)
}

/// Whether a new transaction may be created. An order that another one holds is [`Refusal::Impossible`] here, not an account problem.
pub fn may_create(
    payable: Option<Payable>,
    busy: bool,
    draft: &Draft,
    now: Timestamp,
) -> Result<Payable, Refusal> {
    let payable = payable.ok_or(Refusal::NoOrder)?;
    accepting(&payable, now)?;
    exact(&payable, draft.amount)?;
    if busy || over(draft.time, now) {
        return Err(Refusal::Impossible);
    }
    Ok(payable)
}

fn accepting(payable: &Payable, now: Timestamp) -> Result<(), Refusal> {
    payable.accepts(now).map_err(|why| match why {
        NotPayable::Paid => Refusal::Paid,
        NotPayable::Over => Refusal::Over,
    })
}

fn exact(payable: &Payable, amount: i64) -> Result<(), Refusal> {
    if payable.terms.amount.amount == amount { Ok(()) } else { Err(Refusal::Amount) }
}

/// More than twelve hours; exactly twelve are in time.
fn over(time: Timestamp, now: Timestamp) -> bool {
    now > time.plus(LIFETIME)
}

impl Transaction {
    /// A transaction in state 1.
    pub fn new(draft: Draft, payment: PaymentId, order: OrderId, now: Timestamp) -> Self {
        Self {
            id: draft.id,
            payment,
            order,
            time: draft.time,
            create_time: now,
            perform_time: None,
            cancel_time: None,
            state: State::Created,
            reason: None,
            amount: draft.amount,
            account: draft.account,
        }
    }

    /// Whether it is still in state 1 and its twelve hours are over.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.state == State::Created && over(self.time, now)
    }

    /// The clock takes it back; whether it did.
    pub fn expire(&mut self, now: Timestamp) -> bool {
        if !self.is_due(now) {
            return false;
        }
        self.state = State::Cancelled;
        self.reason = Some(REASON_TIMEOUT);
        self.cancel_time = Some(now);
        true
    }

    /// Marks it as paid; false when it was before. Expire it first when it is due.
    pub fn perform(&mut self, now: Timestamp) -> Result<bool, Refusal> {
        match self.state {
            State::Created if self.is_due(now) => Err(Refusal::Impossible),
            State::Created => {
                self.state = State::Performed;
                self.perform_time = Some(now);
                Ok(true)
            }
            State::Performed => Ok(false),
            State::Cancelled | State::Refunded => Err(Refusal::Impossible),
        }
    }

    /// Takes it back; false when it was before, and then nothing of it changes.
    pub fn cancel(
        &mut self,
        reason: i64,
        delivered: bool,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        self.state = match self.state {
            State::Created => State::Cancelled,
            State::Performed if delivered => return Err(Refusal::Delivered),
            State::Performed => State::Refunded,
            State::Cancelled | State::Refunded => return Ok(false),
        };
        self.reason = Some(reason);
        self.cancel_time = Some(now);
        Ok(true)
    }
}
