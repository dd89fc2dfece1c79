//! The human number of an order: digits and a closing letter, for example `1000001K`.
//!
//! The letter checks the digits, and keeps a provider's signature over concatenated fields unambiguous: a number never runs into
//! the digits that follow it.

const FIRST: i64 = 1_000_000;
/// No I, O, Q: they look like digits.
const LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPRSTUVWXYZ";

/// The number of the order with this sequence (1, 2, 3, ...).
pub fn format(seq: i64) -> String {
    let digits = FIRST.saturating_add(seq);
    format!("{digits}{}", letter(digits))
}

/// The sequence behind a number; none when the letter does not match.
pub fn parse(number: &str) -> Option<i64> {
    let digits = number.get(..number.len().checked_sub(1)?)?;
    let value: i64 =
        digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let matches = number.ends_with(letter(value));
    (matches && value > FIRST).then(|| value - FIRST)
}

fn letter(digits: i64) -> char {
    // A weight that differs for neighbours, so that swapping two digits shows.
    let mut sum = 0;
    let (mut rest, mut weight) = (digits, 2);
    while rest > 0 {
        sum += (rest % 10) * weight;
        rest /= 10;
        weight += 1;
    }
    let index = usize::try_from(sum % 23).unwrap_or(0);
    LETTERS.get(index).copied().map_or('A', char::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_back(seq in 1i64..1_000_000_000) {
            let number = format(seq);
            prop_assert_eq!(parse(&number), Some(seq));
            prop_assert!(number.ends_with(|last: char| last.is_ascii_uppercase()));
        }

        #[test]
        fn one_wrong_digit_is_noticed(seq in 1i64..8_999_999, place in 0usize..7, digit in 0u8..10) {
            let number = format(seq);
            let mut wrong = number.clone().into_bytes();
            wrong[place] = b'0' + digit;
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assume!(wrong != number);
            prop_assert_eq!(parse(&wrong), None);
        }

        #[test]
        fn no_text_breaks_the_parser(text: String) {
            let _ = parse(&text);
        }
    }
}
