//! What a merchant is paid for a period.
//!
//! ```text
//! draft --approve--> approved --paid--> paid
//!   +-----failed-----> failed <--failed--+--(the bank sent it back)
//! ```
//!
//! A draft sets the sum aside, so that nothing is paid twice; a payout that fails gives it back, and the next one takes it along.

use std::time::Duration;

use clock::Timestamp;
use ids::{MerchantId, PayoutId};
use money::Money;
use serde::{Deserialize, Serialize};

use super::ledger::{Account, Kind, Posting};

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutState {
    /// Made by the platform's clock; the sum is set aside.
    Draft,
    /// The platform owner agrees.
    Approved,
    /// The money is with the merchant's bank.
    Paid,
    /// It is not, and the sum is the merchant's balance again.
    Failed,
}

impl PayoutState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Approved, Self::Paid, Self::Failed];

    /// The name on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved => "approved",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }

    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A sum for a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Its name.
    pub id: PayoutId,
    /// Whose.
    pub merchant: MerchantId,
    /// How much; above zero, and never more than was available.
    pub amount: Money,
    /// It is for what became available until then. One for each merchant, currency and period.
    pub period_end: Timestamp,
    /// How far it is.
    pub state: PayoutState,
    /// What the bank calls it; empty until it is paid.
    pub reference: String,
    /// Why it failed.
    pub reason: String,
    /// When it was drafted.
    pub created_at: Timestamp,
    /// When it came as far as it is.
    pub changed_at: Timestamp,
}

/// What the platform owner does with it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PayoutMove {
    Approve,
    Paid { reference: String },
    Fail { reason: String },
}

impl PayoutMove {
    /// The name in stores and keys.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Paid { .. } => "paid",
            Self::Fail { .. } => "failed",
        }
    }
}

/// The payout is in another state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payout is in another state")]
pub struct IllegalPayout;

impl Payout {
    /// The posting that sets its sum aside.
    pub fn drafted(&self) -> Posting {
        self.posting(Account::Merchant, Account::Payouts)
    }

    /// The payout after a move, and what the ledger has to hold of that.
    pub fn moved(
        &self,
        step: &PayoutMove,
        at: Timestamp,
    ) -> Result<(Self, Option<Posting>), IllegalPayout> {
        let mut payout = Self { changed_at: at, ..self.clone() };
        let posting = match (self.state, step) {
            (PayoutState::Draft, PayoutMove::Approve) => {
                payout.state = PayoutState::Approved;
                None
            }
            (PayoutState::Approved, PayoutMove::Paid { reference }) => {
                payout.state = PayoutState::Paid;
                payout.reference.clone_from(reference);
                Some(self.posting(Account::Payouts, Account::Bank))
            }
            (from, PayoutMove::Fail { reason }) if from != PayoutState::Failed => {
                payout.state = PayoutState::Failed;
                payout.reason.clone_from(reason);
                let held = if from == PayoutState::Paid { Account::Bank } else { Account::Payouts };
                Some(self.posting(held, Account::Merchant))
            }
            _ => return Err(IllegalPayout),
        };
        Ok((payout, posting))
    }

    fn posting(&self, debit: Account, credit: Account) -> Posting {
        let merchant = Some(self.merchant);
        Posting { kind: Kind::Payout, merchant, debit, credit, amount: self.amount }
    }
}

/// When payouts are made: the `[order.payouts]` table of the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Periods {
    /// Days of a period; 0 for no payouts by themselves. Periods of whole weeks begin on Mondays, in Tashkent.
    pub days: u32,
    /// Less than this waits for the next period, tiyin.
    pub minimum: i64,
}

/// Tashkent is five hours ahead of UTC, all year.
pub const TASHKENT: Duration = Duration::from_hours(5);
/// Monday, 5 January 1970: days since the epoch.
const MONDAY: i64 = 4;
const DAY: i64 = 86_400_000;

impl Periods {
    /// The end of the last period that is over; none when payouts are off.
    pub fn last_end(&self, now: Timestamp) -> Option<Timestamp> {
        if self.days == 0 {
            return None;
        }
        let length = i64::from(self.days) * DAY;
        let local = now.plus(TASHKENT).millis() - MONDAY * DAY;
        let end = local.div_euclid(length) * length + MONDAY * DAY;
        Some(Timestamp::from_millis(end).minus(TASHKENT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payout(state: PayoutState) -> Payout {
        Payout {
            id: PayoutId::new(),
            merchant: MerchantId::new(),
            amount: Money::uzs(500),
            period_end: Timestamp::from_millis(0),
            state,
            reference: String::new(),
            reason: String::new(),
            created_at: Timestamp::from_millis(0),
            changed_at: Timestamp::from_millis(0),
        }
    }

    fn steps() -> [PayoutMove; 3] {
        [
            PayoutMove::Approve,
            PayoutMove::Paid { reference: "1".to_owned() },
            PayoutMove::Fail { reason: "closed".to_owned() },
        ]
    }

    /// What is set aside is what is neither paid nor given back, whatever happens in whatever order.
    #[test]
    fn a_sum_is_in_one_place() {
        for first in 0..3 {
            for second in 0..3 {
                for third in 0..3 {
                    let mut now = payout(PayoutState::Draft);
                    let (mut aside, mut bank, mut merchant) = (500, 0, -500);
                    for step in [first, second, third] {
                        let Ok((after, posting)) = now.moved(&steps()[step], now.created_at) else {
                            continue;
                        };
                        for (account, sign) in
                            posting.iter().flat_map(|it| [(it.debit, -1), (it.credit, 1)])
                        {
                            let sum = match account {
                                Account::Payouts => &mut aside,
                                Account::Bank => &mut bank,
                                Account::Merchant => &mut merchant,
                                other => panic!("{other:?}"),
                            };
                            *sum += sign * 500;
                        }
                        now = after;
                    }
                    let expected = match now.state {
                        PayoutState::Draft | PayoutState::Approved => (500, 0, -500),
                        PayoutState::Paid => (0, 500, -500),
                        PayoutState::Failed => (0, 0, 0),
                    };
                    assert_eq!((aside, bank, merchant), expected, "{:?}", now.state);
                }
            }
        }
    }

    #[test]
    fn a_failed_payout_is_over_and_a_draft_cannot_be_paid() {
        let at = Timestamp::from_millis(1);
        for step in steps() {
            assert_eq!(payout(PayoutState::Failed).moved(&step, at), Err(IllegalPayout));
        }
        assert!(payout(PayoutState::Draft).moved(&steps()[1], at).is_err());
        assert!(payout(PayoutState::Paid).moved(&steps()[2], at).is_ok(), "banks send back");
    }

    #[test]
    fn weeks_begin_on_mondays_in_tashkent() {
        let weekly = Periods { days: 7, minimum: 0 };
        let end = |text: &str| weekly.last_end(text.parse().unwrap()).unwrap().to_string();
        // Saturday; and a moment before and after Monday begins.
        assert_eq!(end("2026-11-21T22:00:00Z"), "2026-11-15T19:00:00.000Z");
        assert_eq!(end("2026-11-22T18:59:59Z"), "2026-11-15T19:00:00.000Z");
        assert_eq!(end("2026-11-22T19:00:00Z"), "2026-11-22T19:00:00.000Z");
        assert_eq!(Periods::default().last_end(Timestamp::from_millis(1)), None);
    }
}
