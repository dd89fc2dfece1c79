//! Sellers, from the application to the suspension.
//!
//! ```text
//! pending --approve--> active --suspend--> suspended
//!    |                    ^                    |
//!    +--reject--> rejected +------approve------+
//! ```

use clock::Timestamp;
use ids::{MerchantId, UserId};

use super::{Checks, Email, Event, Phone, Wrong};

/// Where a merchant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Waits for a decision.
    Pending,
    /// May sell.
    Active,
    /// Was turned down, for good; the owner may apply anew.
    Rejected,
    /// May not sell for now.
    Suspended,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Rejected, Self::Suspended];

    /// The name in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the name in stores.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// What a merchant pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The smallest.
    Basic,
    /// The middle.
    Professional,
    /// The largest.
    Enterprise,
}

impl Plan {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Professional => "professional",
            Self::Enterprise => "enterprise",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Basic, Self::Professional, Self::Enterprise]
            .into_iter()
            .find(|it| it.as_str() == name)
    }
}

/// Where a merchant's money goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// 20 digits.
    pub account: String,
    /// Code of the bank, 5 digits.
    pub mfo: String,
    /// Name of the bank.
    pub name: String,
}

/// What somebody fills in to become a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// As shoppers see it.
    pub name: String,
    /// As it is registered.
    pub legal_name: String,
    /// Taxpayer number of a company, 9 digits.
    pub tin: Option<String>,
    /// Personal number, 14 digits. At least one of the two is there.
    pub pinfl: Option<String>,
    /// Telephone.
    pub phone: Phone,
    /// E-mail.
    pub email: Email,
    /// Bank account, when given.
    pub bank: Option<Bank>,
}

/// A seller: a tenant of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Its name.
    pub id: MerchantId,
    /// What it said of itself.
    pub about: Application,
    /// Where it stands.
    pub status: Status,
    /// None before approval.
    pub plan: Option<Plan>,
    /// Who applied.
    pub owner: UserId,
    /// When.
    pub created_at: Timestamp,
    /// Why it was turned down or suspended; empty otherwise.
    pub reason: String,
    /// Grows with each change.
    pub version: i64,
}

/// What the platform owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// May sell, on this plan; None keeps the plan that there is.
    Approve(Option<Plan>),
    /// Is turned down, for this reason.
    Reject(String),
    /// May not sell for now, for this reason.
    Suspend(String),
}

/// The decision does not fit where the merchant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IllegalDecision {
    /// Not from this status.
    #[error("a {} merchant cannot be decided upon so", .0.as_str())]
    Status(Status),
    /// The first approval names a plan.
    #[error("the first approval names a plan")]
    PlanMissing,
}

impl Application {
    /// Reads the form; everything that is wrong at once. The last is account, code and name of the bank.
    pub fn parse(
        [name, legal_name, tin, pinfl, phone, email]: [&str; 6],
        bank: Option<[&str; 3]>,
    ) -> Result<Self, Vec<Wrong>> {
        let mut checks = Checks::default();
        let name = checks.text("name", name, (1, 100));
        let legal_name = checks.text("legal_name", legal_name, (1, 200));
        let (tin, pinfl) = (tin.trim(), pinfl.trim());
        if tin.is_empty() && pinfl.is_empty() {
            checks.note(Wrong::new("tin", "REQUIRED", "give a tin or a pinfl"));
        }
        let tin = checks.take(digits(tin, 9, Wrong::new("tin", "INVALID", "expected 9 digits")));
        let wrong = Wrong::new("pinfl", "INVALID", "expected 14 digits");
        let pinfl = checks.take(digits(pinfl, 14, wrong));
        let wrong = Wrong::new("phone", "INVALID", "expected +998 and nine digits");
        let phone = checks.take(Phone::parse(phone).ok_or(wrong));
        let wrong = Wrong::new("email", "INVALID", "expected name@host");
        let email = checks.take(Email::parse(email).ok_or(wrong));
        let bank = parse_bank(&mut checks, bank);
        let form = (|| {
            Some(Self {
                name: name?,
                legal_name: legal_name?,
                tin: tin?,
                pinfl: pinfl?,
                phone: phone?,
                email: email?,
                bank: bank?,
            })
        })();
        checks.finish(form)
    }
}

/// The outer None means that something was wrong, the inner that there is none.
#[expect(clippy::option_option, reason = "wrong and absent are different things here")]
fn parse_bank(checks: &mut Checks, bank: Option<[&str; 3]>) -> Option<Option<Bank>> {
    let Some([account, mfo, name]) = bank.map(|fields| fields.map(str::trim)) else {
        return Some(None);
    };
    if account.is_empty() && mfo.is_empty() && name.is_empty() {
        return Some(None);
    }
    let missing = |field| Wrong::new(field, "REQUIRED", "must not be empty");
    let wrong = Wrong::new("bank.account", "INVALID", "expected 20 digits");
    let account = checks.take(digits(account, 20, wrong));
    let account = account.and_then(|it| checks.take(it.ok_or(missing("bank.account"))));
    let wrong = Wrong::new("bank.mfo", "INVALID", "expected 5 digits");
    let mfo = checks.take(digits(mfo, 5, wrong));
    let mfo = mfo.and_then(|it| checks.take(it.ok_or(missing("bank.mfo"))));
    let name = checks.text("bank.name", name, (0, 200));
    Some(Some(Bank { account: account?, mfo: mfo?, name: name? }))
}

/// Exactly so many digits, or nothing at all.
fn digits(text: &str, count: usize, wrong: Wrong) -> Result<Option<String>, Wrong> {
    if text.is_empty() {
        Ok(None)
    } else if text.len() == count && text.bytes().all(|digit| digit.is_ascii_digit()) {
        Ok(Some(text.to_owned()))
    } else {
        Err(wrong)
    }
}

impl Merchant {
    /// A merchant that waits for a decision.
    pub fn new(owner: UserId, about: Application, now: Timestamp) -> Self {
        Self {
            id: MerchantId::new(),
            about,
            status: Status::Pending,
            plan: None,
            owner,
            created_at: now,
            reason: String::new(),
            version: 1,
        }
    }

    /// Carries a decision out; what others are to know of it. The same decision again changes nothing and is told to nobody.
    pub fn decide(&mut self, decision: &Decision) -> Result<Option<Event>, IllegalDecision> {
        let illegal = Err(IllegalDecision::Status(self.status));
        let made: fn(Self) -> Event = match (self.status, decision) {
            (Status::Pending | Status::Suspended | Status::Active, Decision::Approve(plan)) => {
                let plan = plan.or(self.plan).ok_or(IllegalDecision::PlanMissing)?;
                if self.status == Status::Active && self.plan == Some(plan) {
                    return Ok(None);
                }
                (self.status, self.plan) = (Status::Active, Some(plan));
                self.reason.clear();
                Event::MerchantApproved
            }
            (Status::Pending, Decision::Reject(reason)) => {
                self.status = Status::Rejected;
                self.reason.clone_from(reason);
                Event::MerchantRejected
            }
            (Status::Active, Decision::Suspend(reason)) => {
                self.status = Status::Suspended;
                self.reason.clone_from(reason);
                Event::MerchantSuspended
            }
            (Status::Rejected, Decision::Reject(_)) | (Status::Suspended, Decision::Suspend(_)) => {
                return Ok(None);
            }
            (Status::Rejected, Decision::Approve(_) | Decision::Suspend(_))
            | (Status::Active | Status::Suspended, Decision::Reject(_))
            | (Status::Pending, Decision::Suspend(_)) => return illegal,
        };
        self.version += 1;
        Ok(Some(made(self.clone())))
    }
}

#[cfg(test)]
mod tests;
