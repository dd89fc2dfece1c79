//! Arithmetic of sums: integer minor units with a currency, checked, never a float.
//!
//! UZS has 100 tiyin to the so'm and is shown without them, grouped by no-break spaces: `1 299 000 so'm`.

use std::fmt;

use serde::{Deserialize, Serialize};

mod allocate;
mod decimal;
mod display;

pub use allocate::allocate;
pub use decimal::{ParseAmountError, format_decimal, parse_decimal};
pub use display::{Locale, shown};

/// ISO 4217 code of a currency with two decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Currency {
    /// Uzbek so'm, 100 tiyin.
    #[default]
    Uzs,
    /// United States dollar, for cards from abroad.
    Usd,
}

impl Currency {
    /// The three letters.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Uzs => "UZS",
            Self::Usd => "USD",
        }
    }
}

/// The letters name no currency that is used here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a currency: UZS or USD")]
pub struct ParseCurrencyError;

impl std::str::FromStr for Currency {
    type Err = ParseCurrencyError;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        match code {
            "UZS" => Ok(Self::Uzs),
            "USD" => Ok(Self::Usd),
            _ => Err(ParseCurrencyError),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A sum in minor units (tiyin).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units; negative only for differences.
    pub amount: i64,
    /// Of which currency.
    pub currency: Currency,
}

/// What can go wrong with sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit into 64 bits.
    #[error("the sum is too large")]
    Overflow,
    /// Two currencies met.
    #[error("cannot mix {0} and {1}")]
    CurrencyMismatch(Currency, Currency),
}

impl Money {
    /// So many tiyin.
    pub const fn uzs(amount: i64) -> Self {
        Self { amount, currency: Currency::Uzs }
    }

    /// So many minor units of a currency.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self { amount: 0, currency }
    }

    /// The sum of two.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    /// The difference of two.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    /// So many times this.
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let amount = self.amount.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }

    /// The sum of many; zero in `currency` for none.
    pub fn total(
        sums: impl IntoIterator<Item = Self>,
        currency: Currency,
    ) -> Result<Self, MoneyError> {
        sums.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// The VAT contained in a gross sum at a whole percentage, rounded half up to the tiyin.
    pub fn vat_included(self, percent: u32) -> Result<Self, MoneyError> {
        let (gross, percent) = (i128::from(self.amount), i128::from(percent));
        let base = 100 + percent;
        let vat = (gross * percent * 2 + base).div_euclid(base * 2);
        Ok(Self { amount: i64::try_from(vat).map_err(|_| MoneyError::Overflow)?, ..self })
    }

    /// A whole percentage of this, rounded half up to the tiyin.
    pub fn percent(self, percent: u32) -> Result<Self, MoneyError> {
        let part = (i128::from(self.amount) * i128::from(percent) * 2 + 100).div_euclid(200);
        Ok(Self { amount: i64::try_from(part).map_err(|_| MoneyError::Overflow)?, ..self })
    }

    fn with(
        self,
        other: Self,
        operation: impl Fn(i64, i64) -> Option<i64>,
    ) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch(self.currency, other.currency));
        }
        let amount = operation(self.amount, other.amount).ok_or(MoneyError::Overflow)?;
        Ok(Self { amount, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn vat_of_a_price() {
        // 112.00 so'm at 12 % contain 12.00.
        assert_eq!(Money::uzs(11_200).vat_included(12), Ok(Money::uzs(1_200)));
        assert_eq!(Money::uzs(11_200).vat_included(0), Ok(Money::uzs(0)));
        assert_eq!(Money::uzs(1).vat_included(12), Ok(Money::uzs(0)));
    }

    #[test]
    fn overflow_is_an_error() {
        assert_eq!(Money::uzs(i64::MAX).plus(Money::uzs(1)), Err(MoneyError::Overflow));
        assert_eq!(Money::uzs(i64::MAX).times(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn currencies_do_not_mix() {
        let dollar = Money::new(1, Currency::Usd);
        assert!(matches!(Money::uzs(1).plus(dollar), Err(MoneyError::CurrencyMismatch(..))));
    }

    #[test]
    fn json_is_amount_and_currency() {
        let json = r#"{"amount":12990000,"currency":"UZS"}"#;
        let money: Money = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&money).unwrap(), json);
        assert!(serde_json::from_str::<Money>(r#"{"amount":1.5,"currency":"UZS"}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":1,"currency":"EUR"}"#).is_err());
    }

    proptest! {
        #[test]
        fn vat_never_exceeds_the_price(amount in 0..=i64::MAX / 4, percent in 0u32..=100) {
            let vat = Money::uzs(amount).vat_included(percent).unwrap().amount;
            prop_assert!((0..=amount).contains(&vat));
        }
    }
}
