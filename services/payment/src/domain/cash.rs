//! Cash: no provider holds the order, and the money comes to the courier's hand with the goods.

use clock::Timestamp;

use super::{IllegalMove, Payment, Provider, Status};

impl Payment {
    /// The courier has handed over so much, which is less than was agreed when some of the goods were not taken. Of cash alone:
    /// every other provider holds the order first.
    pub fn collect(&mut self, amount: i64, now: Timestamp) -> Result<(), IllegalMove> {
        let sensible = amount > 0 && amount <= self.amount.amount;
        if self.provider != Provider::Cash || self.status != Status::Pending || !sensible {
            return Err(IllegalMove { from: self.status.as_str(), step: "collect" });
        }
        self.status = Status::Paid;
        self.version += 1;
        self.amount.amount = amount;
        self.paid_at = Some(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ids::OrderId;
    use money::Money;

    use super::*;
    use crate::domain::Terms;

    #[test]
    fn only_cash_that_nobody_has_collected_is_collected() {
        let now = Timestamp::from_millis(5);
        let terms = Terms {
            order: OrderId::new(),
            reference: "1K".to_owned(),
            amount: Money::uzs(100),
            payable_until: now,
        };
        let new = |provider| Payment::new(&terms, provider, "key".to_owned(), now);
        let mut cash = new(Provider::Cash);
        for wrong in [0, -1, 101] {
            cash.collect(wrong, now).unwrap_err();
        }
        cash.collect(60, now).unwrap();
        assert_eq!((cash.status, cash.amount.amount, cash.version), (Status::Paid, 60, 2));
        assert_eq!(cash.paid_at, Some(now));
        cash.collect(60, now).unwrap_err();
        new(Provider::Payme).collect(60, now).unwrap_err();
    }
}
