//! Corrections of what a merchant is owed, by the platform's owner.

use clock::Timestamp;
use ids::{EntryId, MerchantId};
use money::{Currency, Money};

use super::ledger::{Account, Kind, Posting};

/// A correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// The posting that it is in the ledger.
    pub id: EntryId,
    /// When.
    pub at: Timestamp,
    /// Who is owed more, or less, and why.
    pub wish: Wish,
}

/// What the owner asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Whose balance.
    pub merchant: MerchantId,
    /// Above zero.
    pub amount: Money,
    /// The merchant is owed more; else less, also when it is owed nothing.
    pub gives: bool,
    /// For the merchant to read.
    pub reason: String,
}

/// Tiyin at once at most: a hundred million soʻm more than anybody means.
const MOST: i64 = 1_000_000_000_000;

impl Wish {
    /// What is wrong with it: the field, and why.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let fits =
            (1..=MOST).contains(&self.amount.amount) && self.amount.currency == Currency::Uzs;
        if !fits {
            return Err(("amount", "a sum in UZS above zero, 10000000000 soʻm at most"));
        }
        if self.reason.trim().is_empty() || self.reason.len() > 500 || self.reason.contains('\0') {
            return Err(("reason", "1 to 500 bytes"));
        }
        Ok(())
    }

    /// What it is in the ledger.
    pub fn posting(&self) -> Posting {
        let (debit, credit) = if self.gives {
            (Account::Adjustments, Account::Merchant)
        } else {
            (Account::Merchant, Account::Adjustments)
        };
        let (kind, merchant) = (Kind::Adjustment, Some(self.merchant));
        Posting { kind, merchant, debit, credit, amount: self.amount }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(amount: i64, reason: &str) -> Wish {
        let (merchant, amount) = (MerchantId::new(), Money::uzs(amount));
        Wish { merchant, amount, gives: true, reason: reason.to_owned() }
    }

    #[test]
    fn a_correction_has_a_sum_and_a_reason() {
        assert!(wish(1, "a").check().is_ok() && wish(MOST, "a").check().is_ok());
        for amount in [0, -1, MOST + 1] {
            assert_eq!(wish(amount, "a").check().unwrap_err().0, "amount");
        }
        let dollars = Wish { amount: Money::new(1, Currency::Usd), ..wish(1, "a") };
        assert_eq!(dollars.check().unwrap_err().0, "amount");
        for reason in ["", "  ", "a\0", "a".repeat(501).as_str()] {
            assert_eq!(wish(1, reason).check().unwrap_err().0, "reason");
        }
    }

    #[test]
    fn what_is_given_and_taken_is_nothing() {
        let given = wish(5, "a");
        let taken = Wish { gives: false, ..given.clone() };
        let (given, taken) = (given.posting(), taken.posting());
        assert_eq!((given.debit, given.credit), (taken.credit, taken.debit));
        assert_eq!((given.credit, given.amount), (Account::Merchant, taken.amount));
    }
}
