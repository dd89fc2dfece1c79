//! What is owed, how it is paid, and which moves there are.

use clock::Timestamp;
use ids::{OrderId, PaymentId};
use money::Money;
use serde::{Deserialize, Serialize};

mod capabilities;
mod cash;
pub mod click;
pub mod day;
mod event;
pub mod fiscal;
pub mod hosted;
pub mod payme;
pub mod reconciliation;
pub mod refund;

pub use capabilities::{Capabilities, GivesBack};
pub use event::{Event, Happening};

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Provider {
    Payme,
    Click,
    Uzcard,
    Stripe,
    /// To the courier's hand: no provider ever calls.
    Cash,
}

impl Provider {
    /// All of them, in the order in which a checkout page shows them.
    pub const ALL: [Self; 5] = [Self::Payme, Self::Click, Self::Uzcard, Self::Stripe, Self::Cash];

    /// The name everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payme => "payme",
            Self::Click => "click",
            Self::Uzcard => "uzcard",
            Self::Stripe => "stripe",
            Self::Cash => "cash",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == name)
    }
}

/// There is no such move in the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no move from {from} by {step}")]
pub struct IllegalMove {
    /// The state.
    pub from: &'static str,
    /// What was asked of it.
    pub step: &'static str,
}

/// What providers are held to. The moves of payments look at nothing else of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Which order.
    pub order: OrderId,
    /// Its number, which providers know it by.
    pub reference: String,
    /// What is owed.
    pub amount: Money,
    /// Until when a provider may open a transaction.
    pub payable_until: Timestamp,
}

/// What the order service says of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Which order.
    pub order: OrderId,
    /// Its number, which providers know it by.
    pub reference: String,
    /// What is owed.
    pub amount: Money,
    /// Until when a provider may open a transaction.
    pub payable_until: Timestamp,
    /// For the fiscal receipt.
    pub lines: Vec<FiscalLine>,
    /// Price of the delivery, tiyin.
    pub delivery: i64,
    /// E.164; may be empty.
    pub customer_phone: String,
    /// "uz", "uz-Cyrl", "ru" or "en".
    pub locale: String,
}

impl Snapshot {
    /// What of it binds providers.
    pub fn terms(&self) -> Terms {
        Terms {
            order: self.order,
            reference: self.reference.clone(),
            amount: self.amount,
            payable_until: self.payable_until,
        }
    }

    /// Whether lines and delivery add up to what is owed and every line has its codes, so that a receipt may be made of them.
    pub fn is_fiscal(&self) -> bool {
        let coded = |line: &FiscalLine| line.mxik.len() == 17 && !line.package_code.is_empty();
        let sum = self.lines.iter().try_fold(self.delivery, |sum, line| {
            let price = line.unit_price.checked_mul(i64::from(line.quantity))?;
            sum.checked_add(price)?.checked_sub(line.discount)
        });
        !self.lines.is_empty() && self.lines.iter().all(coded) && sum == Some(self.amount.amount)
    }
}

/// A line of a fiscal receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiscalLine {
    /// What was sold.
    pub title: String,
    /// Of one piece, tiyin, VAT included.
    pub unit_price: i64,
    /// Pieces.
    pub quantity: u32,
    /// Of the whole line, tiyin.
    pub discount: i64,
    /// MXIK, 17 digits.
    pub mxik: String,
    /// Package code of the same catalogue.
    pub package_code: String,
    /// VAT rate in percent.
    pub vat_percent: u32,
    /// Unit of measure code; empty means piece.
    pub unit_code: String,
    /// TIN or PINFL of the seller.
    pub seller_tin: String,
}

/// Whether an order may be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayableState {
    /// Yes, while it is in time.
    Open,
    /// No more.
    Closed,
    /// It has been.
    Paid,
}

impl PayableState {
    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Paid => "paid",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Open, Self::Closed, Self::Paid].into_iter().find(|state| state.as_str() == name)
    }
}

/// An order, as payment sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    /// By what the order service said last.
    pub terms: Terms,
    /// Whether it may be paid.
    pub state: PayableState,
    /// "cancelled", "expired" or "refunded"; empty unless closed.
    pub closed_reason: String,
    /// The goods are with the shopper: a provider may not take the payment back by itself.
    pub delivered_at: Option<Timestamp>,
    /// Grows with each change.
    pub version: i64,
}

/// Why an order cannot be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPayable {
    /// It has been paid.
    Paid,
    /// Cancelled, refunded or out of time.
    Over,
}

impl Payable {
    /// One that may be paid.
    pub fn new(terms: Terms) -> Self {
        let closed_reason = String::new();
        Self { terms, state: PayableState::Open, closed_reason, delivered_at: None, version: 1 }
    }

    /// Whether a provider may open a transaction now.
    pub fn accepts(&self, now: Timestamp) -> Result<(), NotPayable> {
        match self.state {
            PayableState::Paid => Err(NotPayable::Paid),
            PayableState::Closed => Err(NotPayable::Over),
            PayableState::Open if now > self.terms.payable_until => Err(NotPayable::Over),
            PayableState::Open => Ok(()),
        }
    }

    /// The money is here.
    pub fn pay(&mut self) -> Result<(), IllegalMove> {
        self.step("pay", PayableState::Open, PayableState::Paid)
    }

    /// Nobody may pay any more.
    pub fn close(&mut self, reason: &str) -> Result<(), IllegalMove> {
        self.step("close", PayableState::Open, PayableState::Closed)?;
        reason.clone_into(&mut self.closed_reason);
        Ok(())
    }

    /// The money went back.
    pub fn refund(&mut self) -> Result<(), IllegalMove> {
        self.step("refund", PayableState::Paid, PayableState::Closed)?;
        "refunded".clone_into(&mut self.closed_reason);
        Ok(())
    }

    fn step(
        &mut self,
        step: &'static str,
        from: PayableState,
        to: PayableState,
    ) -> Result<(), IllegalMove> {
        if self.state != from {
            return Err(IllegalMove { from: self.state.as_str(), step });
        }
        self.state = to;
        self.version += 1;
        Ok(())
    }
}

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The shopper has not done anything yet.
    Pending,
    /// The provider holds a transaction.
    Processing,
    /// The money is here.
    Paid,
    /// The provider gave up.
    Failed,
    /// Taken back before it was paid.
    Cancelled,
    /// All of it went back.
    Refunded,
    /// Some of it went back.
    PartiallyRefunded,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Processing,
        Self::Paid,
        Self::Failed,
        Self::Cancelled,
        Self::Refunded,
        Self::PartiallyRefunded,
    ];

    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::PartiallyRefunded => "partially_refunded",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// One try to pay an order with one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its name; also what Payme gets as `transaction`.
    pub id: PaymentId,
    /// What is paid.
    pub order: OrderId,
    /// The order's number.
    pub reference: String,
    /// With whom.
    pub provider: Provider,
    /// How far it is.
    pub status: Status,
    /// How much.
    pub amount: Money,
    /// What makes opening it idempotent.
    pub key: String,
    /// Where to send the shopper; empty for cash.
    pub redirect_url: String,
    /// The provider's own name of the transaction; empty while there is none.
    pub provider_ref: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When the money came.
    pub paid_at: Option<Timestamp>,
    /// Grows with each change.
    pub version: i64,
}

impl Payment {
    /// A payment that nobody has acted on. Cash never expires.
    pub fn new(terms: &Terms, provider: Provider, key: String, now: Timestamp) -> Self {
        Self {
            id: PaymentId::new(),
            order: terms.order,
            reference: terms.reference.clone(),
            provider,
            status: Status::Pending,
            amount: terms.amount,
            key,
            redirect_url: String::new(),
            provider_ref: String::new(),
            created_at: now,
            expires_at: (provider != Provider::Cash).then_some(terms.payable_until),
            paid_at: None,
            version: 1,
        }
    }

    /// The provider holds a transaction until `expires_at`. Again for each new attempt within the same payment.
    pub fn start(&mut self, reference: &str, expires_at: Timestamp) -> Result<(), IllegalMove> {
        self.step("start", &[Status::Pending, Status::Processing], Status::Processing)?;
        reference.clone_into(&mut self.provider_ref);
        self.expires_at = Some(expires_at);
        Ok(())
    }

    /// The money is here.
    pub fn pay(&mut self, now: Timestamp) -> Result<(), IllegalMove> {
        self.step("pay", &[Status::Processing], Status::Paid)?;
        self.expires_at = None;
        self.paid_at = Some(now);
        Ok(())
    }

    /// Taken back before it was paid.
    pub fn cancel(&mut self) -> Result<(), IllegalMove> {
        self.step("cancel", &[Status::Pending, Status::Processing], Status::Cancelled)?;
        self.expires_at = None;
        Ok(())
    }

    /// All of it went back.
    pub fn refund(&mut self) -> Result<(), IllegalMove> {
        self.step("refund", &[Status::Paid, Status::PartiallyRefunded], Status::Refunded)
    }

    /// Whether the provider's hold has ended by itself.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.status == Status::Processing && self.expires_at.is_some_and(|at| at < now)
    }

    fn step(&mut self, step: &'static str, from: &[Status], to: Status) -> Result<(), IllegalMove> {
        if !from.contains(&self.status) {
            return Err(IllegalMove { from: self.status.as_str(), step });
        }
        self.status = to;
        self.version += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
