//! Payments on pages that a provider makes when it is asked to: UzCard (by ATMOS) and Stripe. One machine for both.
//!
//! ```text
//! new --ask--> asked --answer--> open --money--> paid
//!              asked --no page--> new            open --none will come--> ended
//! open | ended --money that no order waits for--> stray --ask--> returning --answer--> returned
//! ```
//!
//! A page is asked for by one caller at a time, after that is written down, and counts only when its number is: a page whose answer
//! was lost has a number that nobody was told, and that nobody is agreed to be debited under. Whatever a provider says is held
//! against what was asked of it. What it does not say is pending.

use std::time::Duration;

use clock::Timestamp;
use ids::{OrderId, PaymentId};

use super::{Payable, Payment, Provider};

mod quote;
mod rules;
mod schedule;

pub use quote::{Limits, NoQuote, Quote, share};
pub use rules::decide;
pub use schedule::{LOOK_FOR, next_look};

/// After the shop has agreed to a debit the order is the provider's so long, unless it is known before what came of it.
pub const AGREED: Duration = Duration::from_hours(24);
/// A debit that the shop agreed to is over when the provider has not made it by then.
pub const DEBIT: Duration = Duration::from_mins(30);
/// Whoever has not written an answer down by then will not.
pub const LOST: Duration = Duration::from_mins(1);
/// Between two tries to send money back.
pub const RETURN_EVERY: Duration = Duration::from_mins(5);

/// How far such a payment is at its provider, as far as it is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is no page.
    New,
    /// The provider was asked for a page, or is about to be.
    Asked,
    /// The page is there; whether there is money is not known.
    Open,
    /// The money is here, and the order is paid with it.
    Paid,
    /// No money will come, or nobody looks any more.
    Ended,
    /// There is money that no order waits for.
    Stray,
    /// The provider was asked to give that back, or is about to be.
    Returning,
    /// It is back.
    Returned,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::New,
        Self::Asked,
        Self::Open,
        Self::Paid,
        Self::Ended,
        Self::Stray,
        Self::Returning,
        Self::Returned,
    ];

    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Asked => "asked",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Ended => "ended",
            Self::Stray => "stray",
            Self::Returning => "returning",
            Self::Returned => "returned",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing that a provider says changes it any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Paid | Self::Returned)
    }
}

/// A sum under a name, as a provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// Hundredths of the currency.
    pub amount: i64,
    /// Three capital letters.
    pub currency: String,
    /// What the provider was told that the order is called.
    pub account: String,
}

/// What a provider is asked to charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// How much, for what.
    pub sum: Sum,
    /// Tiyin for one unit of the currency; none when so'm are charged.
    pub rate: Option<i64>,
}

/// A payment at such a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosted {
    /// The payment.
    pub payment: PaymentId,
    /// Its order.
    pub order: OrderId,
    /// Whose page.
    pub provider: Provider,
    /// What is charged.
    pub charge: Charge,
    /// How far it is.
    pub state: State,
    /// Grows when a request for a page must not be repeated under its old name.
    pub attempt: u32,
    /// The provider's name of what its page is for; empty while there is none.
    pub remote_id: String,
    /// The provider's name of the debit; empty while there is none.
    pub charge_id: String,
    /// Since when somebody waits for an answer.
    pub asked_at: Option<Timestamp>,
    /// Since when there is a page.
    pub opened_at: Option<Timestamp>,
    /// When the provider was told last that it may take the money.
    pub agreed_at: Option<Timestamp>,
    /// Looks since the page was made, or since the shop agreed.
    pub checks: u32,
    /// When to look; none: never again.
    pub next_check_at: Option<Timestamp>,
    /// What people have to look at.
    pub trouble: String,
}

/// All that a step depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// None only before its beginning.
    pub hosted: Option<Hosted>,
    /// Its payment.
    pub payment: Payment,
    /// Its order.
    pub payable: Payable,
    /// The payment that holds the order or has paid it; a hold whose time is over is none.
    pub live: Option<Payment>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The payment was opened.
    Begin(Charge),
    /// Somebody wants to ask the provider for a page, or for the way back of money; `known` is since when the answer to another is
    /// lost.
    Ask {
        /// When that one asked.
        known: Option<Timestamp>,
    },
    /// Who asked then got no page, and will not; `spoilt` when the request cannot be repeated under its name. Or: no money was sent
    /// back.
    Unask {
        /// When it asked.
        asked_at: Timestamp,
        /// Whether another name is needed.
        spoilt: bool,
    },
    /// Who asked then got a page.
    Open {
        /// When it asked.
        asked_at: Timestamp,
        /// The provider's name for it.
        remote_id: String,
        /// Where to send the shopper.
        page: String,
    },
    /// The provider asks whether it may take the money.
    Debit(Sum),
    /// The provider says how it stands.
    Heard(Word),
    /// The money is back with the shopper.
    Returned,
    /// People have to send it back.
    Stuck(String),
}

/// What a provider says of the money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// There is none yet.
    Waiting,
    /// It has been taken.
    Money {
        /// The provider's name of the debit.
        charge_id: String,
        /// What was taken, for what.
        sum: Sum,
    },
    /// None will come.
    Over,
    /// Nothing that could be taken for a verdict.
    Silence,
}

/// Why a provider may not take the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No such transaction is known.
    Unknown,
    /// It is about another sum, or another order.
    Sum,
    /// The order is paid.
    Paid,
    /// The order, or this way to pay it, is over.
    Over,
    /// Another provider holds the order.
    Busy,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing more to do.
    Stands,
    /// The caller asks the provider now; nobody else does.
    Yours(Timestamp),
    /// Somebody else does.
    Waits,
    /// The provider may take the money.
    Agreed,
    /// It may not.
    Refused(Refusal),
    /// The order is paid by this.
    Paid,
    /// There is money that goes back.
    Stray,
    /// The provider says something that does not fit what was asked of it.
    Odd,
    /// It came too early: to be told again.
    Early,
    /// This event had its effect before.
    Repeated,
    /// No such payment is known.
    Unknown,
}

/// What becomes of payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The payment that holds the order ends: its provider has no money.
    Release,
    /// This one holds the order until then.
    Start(Timestamp),
    /// This one has paid the order.
    Settle,
    /// This one ends without money.
    LetGo,
    /// The page is there.
    Redirect(String),
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// For the caller.
    pub outcome: Outcome,
    /// To write, when it changed.
    pub hosted: Option<Hosted>,
    /// To do, in this order.
    pub steps: Vec<Step>,
}

#[cfg(test)]
mod tests;
