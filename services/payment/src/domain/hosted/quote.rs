//! What an amount of so'm is in the currency that is charged.

use money::{Currency, Money};

/// How amounts are turned into what is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Three capital letters.
    pub currency: String,
    /// Tiyin for one unit of it; none: amounts are charged as they are.
    pub rate: Option<i64>,
    /// What may be charged at once.
    pub limits: Limits,
}

/// The least and the most of a charge, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
}

/// Why an amount cannot be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoQuote {
    /// It is in a currency that is not turned into this one.
    Currency,
    /// It is less than the least.
    Small,
    /// It is more than the most.
    Large,
}

impl Quote {
    /// What is charged for an amount, in hundredths; half a hundredth is rounded up.
    pub fn charged(&self, amount: Money) -> Result<i64, NoQuote> {
        let charged = match self.rate {
            Some(rate) if amount.currency == Currency::Uzs && rate > 0 => {
                let (tiyin, rate) = (i128::from(amount.amount), i128::from(rate));
                let hundredths = (tiyin * 200 + rate).div_euclid(rate * 2);
                i64::try_from(hundredths).map_err(|_| NoQuote::Large)?
            }
            None if amount.currency.code() == self.currency => amount.amount,
            _ => return Err(NoQuote::Currency),
        };
        match charged {
            small if small < self.limits.min.max(1) => Err(NoQuote::Small),
            large if large > self.limits.max => Err(NoQuote::Large),
            charged => Ok(charged),
        }
    }
}

/// What of a charge goes back with `amount` of the payment, of which `before` goes back already. Parts add up to the charge when
/// they add up to the payment.
pub fn share(charged: i64, paid: i64, before: i64, amount: i64) -> i64 {
    let until = |tiyin: i64| {
        if tiyin >= paid || paid <= 0 {
            return charged;
        }
        let part = (i128::from(tiyin.max(0)) * i128::from(charged)).div_euclid(i128::from(paid));
        i64::try_from(part).unwrap_or(charged)
    };
    until(before.saturating_add(amount)).saturating_sub(until(before))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dollars() -> Quote {
        let limits = Limits { min: 50, max: 99_999_999 };
        // 12 650 so'm for a dollar.
        Quote { currency: "USD".to_owned(), rate: Some(1_265_000), limits }
    }

    #[test]
    fn amounts_are_charged_by_the_stored_rate() {
        assert_eq!(dollars().charged(Money::uzs(1_265_000)), Ok(100));
        assert_eq!(dollars().charged(Money::uzs(126_500_000)), Ok(10_000));
        // 99.5 and 99.49 cents.
        assert_eq!(dollars().charged(Money::uzs(1_258_675)), Ok(100));
        assert_eq!(dollars().charged(Money::uzs(1_258_674)), Ok(99));
        let dollar = Money::new(500, Currency::Usd);
        assert_eq!(dollars().charged(dollar), Err(NoQuote::Currency));
    }

    #[test]
    fn a_charge_has_a_least_and_a_most() {
        assert_eq!(dollars().charged(Money::uzs(600_000)), Err(NoQuote::Small));
        assert_eq!(dollars().charged(Money::uzs(i64::MAX)), Err(NoQuote::Large));
        let som = Quote {
            currency: "UZS".to_owned(),
            rate: None,
            limits: Limits { min: 1, max: 99_999_999 },
        };
        assert_eq!(som.charged(Money::uzs(99_999_999)), Ok(99_999_999), "eight digits");
        assert_eq!(som.charged(Money::uzs(100_000_000)), Err(NoQuote::Large));
        assert_eq!(som.charged(Money::uzs(0)), Err(NoQuote::Small));
    }

    proptest! {
        #[test]
        fn parts_that_add_up_to_the_payment_give_back_the_charge(
            charged in 1..1_000_000_i64,
            parts in proptest::collection::vec(1..10_000_000_i64, 1..20),
        ) {
            let paid: i64 = parts.iter().sum();
            let (mut before, mut back) = (0, 0);
            for part in parts {
                let share = share(charged, paid, before, part);
                prop_assert!(share >= 0);
                before += part;
                back += share;
                prop_assert!(back <= charged);
            }
            prop_assert_eq!(back, charged);
        }
    }
}
