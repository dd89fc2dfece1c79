//! Sums as people read them.

use crate::{Currency, Money};

/// A language in which sums are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    /// Uzbek in Latin script.
    #[default]
    Uz,
    /// Uzbek in Cyrillic script.
    UzCyrl,
    /// Russian.
    Ru,
    /// English.
    En,
}

const NO_BREAK_SPACE: char = '\u{a0}';

/// The sum grouped by threes with the currency's name. So'm are shown without tiyin unless there are some.
pub fn shown(money: Money, locale: Locale) -> String {
    let separator = if locale == Locale::En { ',' } else { NO_BREAK_SPACE };
    let point = if locale == Locale::En { '.' } else { ',' };
    let magnitude = money.amount.unsigned_abs();
    let mut number = grouped(magnitude / 100, separator);
    let minor = magnitude % 100;
    if minor != 0 || money.currency != Currency::Uzs {
        number = format!("{number}{point}{minor:02}");
    }
    let sign = if money.amount < 0 { "\u{2212}" } else { "" };
    let name = match (money.currency, locale) {
        (Currency::Uzs, Locale::Uz) => "so\u{02bb}m",
        (Currency::Uzs, Locale::UzCyrl) => "сўм",
        (Currency::Uzs, Locale::Ru) => "сум",
        (currency, _) => currency.code(),
    };
    format!("{sign}{number}{NO_BREAK_SPACE}{name}")
}

fn grouped(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_it_stands_on_a_price_tag() {
        assert_eq!(
            shown(Money::uzs(129_900_000), Locale::Uz),
            "1\u{a0}299\u{a0}000\u{a0}so\u{02bb}m"
        );
        assert_eq!(shown(Money::uzs(129_900_050), Locale::Ru), "1\u{a0}299\u{a0}000,50\u{a0}сум");
        assert_eq!(shown(Money::new(1999, Currency::Usd), Locale::En), "19.99\u{a0}USD");
        assert_eq!(shown(Money::uzs(-100), Locale::UzCyrl), "\u{2212}1\u{a0}сўм");
    }
}
