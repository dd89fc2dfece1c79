//! Telephone numbers of Uzbekistan.

use std::fmt;

/// A number in E.164: `+998` and nine digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people write it: nine digits, or with `998`, `+998`, `8`, `8 998` or `00998` before them, with spaces,
    /// dashes, dots and brackets anywhere. None for what cannot be a number of Uzbekistan.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
        let mut digits = String::new();
        for character in rest.chars() {
            match character {
                '0'..='9' if digits.len() < 15 => digits.push(character),
                ' ' | '\u{a0}' | '-' | '.' | '(' | ')' => {}
                _ => return None,
            }
        }
        let national = match (plus, digits.len()) {
            (false, 9) => digits.as_str(),
            (_, 12) => digits.strip_prefix("998")?,
            (false, 10) => digits.strip_prefix('8')?,
            (false, 13) => digits.strip_prefix("8998")?,
            (false, 14) => digits.strip_prefix("00998")?,
            _ => return None,
        };
        // The numbering plan: 20, 33 and everything from 50 on.
        let possible =
            matches!(national.as_bytes(), [b'2', b'0', ..] | [b'3', b'3', ..] | [b'5'..=b'9', ..]);
        possible.then(|| Self(format!("+998{national}")))
    }

    /// The E.164 text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for text in [
            "901234567",
            "90 123 45 67",
            "998901234567",
            "+998 (90) 123-45-67",
            "8 90 123 45 67",
            "8 998 90 123-45-67",
            "00998901234567",
            " +998.90.123.45.67 ",
        ] {
            let phone = Phone::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(phone.as_str(), "+998901234567");
        }
        assert_eq!(Phone::parse("881234567").unwrap().as_str(), "+998881234567");
    }

    #[test]
    fn impossible_numbers_are_refused() {
        for text in [
            "",
            "+",
            "90123456",
            "9012345678",
            "+901234567",
            "+79161234567",
            "101234567",
            "211234567",
            "341234567",
            "451234567",
            "90123456a",
            "٩٠١٢٣٤٥٦٧",
            "+99890123456",
            "++998901234567",
            "8901234567890123",
        ] {
            assert_eq!(Phone::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_way_of_writing_is_the_same_number(
            national in "(20|33|[5-9][0-9])[0-9]{7}",
            prefix in prop::sample::select(vec!["", "998", "+998", "8", "8998", "00998"]),
            gap in prop::sample::select(vec!["", " ", "-", " (", ") "]),
        ) {
            let (code, rest) = national.split_at(2);
            let phone = Phone::parse(&format!("{prefix}{gap}{code}{gap}{rest}")).unwrap();
            prop_assert_eq!(phone.as_str(), format!("+998{national}"));
            prop_assert_eq!(Phone::parse(phone.as_str()), Some(phone));
        }

        #[test]
        fn whatever_is_accepted_is_e164(text in "[0-9+() a-z-]{0,20}") {
            if let Some(phone) = Phone::parse(&text) {
                let digits = phone.as_str().strip_prefix("+998").unwrap();
                prop_assert!(digits.len() == 9 && digits.bytes().all(|digit| digit.is_ascii_digit()));
            }
        }
    }
}
