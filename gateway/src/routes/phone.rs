//! Phone numbers as people type them.

use fault::{Fault, Field};

use crate::problem::Problem;

/// `+998901234567` from `90 123-45-67`, `998901234567` and the like; numbers of other countries need their `+`.
pub(crate) fn normal(text: &str, field: &str) -> Result<String, Problem> {
    let wrong = || {
        let message = "expected a phone number such as +998901234567";
        Problem(Fault::invalid(vec![Field::new(field, "INVALID", message)]))
    };
    let text = text.trim();
    let foreign = text.starts_with('+');
    if text.chars().any(|c| !c.is_ascii_digit() && !matches!(c, '+' | ' ' | '-' | '(' | ')')) {
        return Err(wrong());
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match digits.len() {
        9 if !foreign => Ok(format!("+998{digits}")),
        12 if digits.starts_with("998") => Ok(format!("+{digits}")),
        8..=15 if foreign && !digits.starts_with("998") => Ok(format!("+{digits}")),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        for text in ["+998901234567", "998 90 123 45 67", "90 123-45-67", "(90) 1234567"] {
            assert_eq!(normal(text, "phone").unwrap(), "+998901234567", "{text}");
        }
        assert_eq!(normal("+7 701 123 45 67", "phone").unwrap(), "+77011234567");
        for text in ["", "123", "+99890", "phone", "12345678901234567", "+9989012345678"] {
            assert!(normal(text, "phone").is_err(), "{text}");
        }
    }
}
