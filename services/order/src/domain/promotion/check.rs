//! What can be a promotion at all.

use money::Money;

use super::{CURRENCY, Draft, Kind, Promotion};
use crate::domain::Funder;

/// No sum of a promotion is higher, tiyin.
const MAX_SUM: i64 = 100_000_000_000_000;
/// Merchants, categories or products that one names at most.
const MAX_NAMED: usize = 200;

/// What cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Which field.
    pub field: &'static str,
    /// Stable.
    pub code: &'static str,
    /// For people.
    pub message: &'static str,
}

/// A code as it is kept and compared.
pub fn code(text: &str) -> String {
    text.trim().to_uppercase()
}

impl Promotion {
    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<Violation> {
        let mut wrong = Vec::new();
        let mut say = |field, code, message| wrong.push(Violation { field, code, message });
        let draft = &self.draft;
        let name = &draft.terms.name;
        if name.uz.trim().is_empty() {
            say("name.uz", "REQUIRED", "must not be empty");
        }
        if [&name.uz, &name.ru, &name.en].iter().any(|text| text.len() > 200) {
            say("name", "LENGTH", "at most 200 bytes");
        }
        // Not every store can keep it.
        if [&name.uz, &name.ru, &name.en].iter().any(|text| text.contains('\0')) {
            say("name", "INVALID", "no NUL");
        }
        if draft.code.as_ref().is_some_and(|code| !is_code(code)) {
            say("code", "INVALID", "3 to 40 letters A to Z, digits, - and _");
        }
        if draft.starts_at.zip(draft.ends_at).is_some_and(|(starts, ends)| ends <= starts) {
            say("ends_at", "INVALID", "must be after starts_at");
        }
        if draft.usage_limit.is_some_and(|limit| limit == 0 || i64::from(limit) < self.used) {
            say("usage_limit", "OUT_OF_RANGE", "at least 1, and not below the uses so far");
        }
        if draft.usage_limit.is_some_and(|limit| limit > 1_000_000_000) {
            say("usage_limit", "OUT_OF_RANGE", "at most 1000000000");
        }
        if draft.per_customer_limit.is_some_and(|limit| !(1..=1000).contains(&limit)) {
            say("per_customer_limit", "OUT_OF_RANGE", "1 to 1000");
        }
        if draft.budget.is_some_and(|budget| !is_sum(budget) || budget.amount < self.spent) {
            say("budget", "OUT_OF_RANGE", "a sum in UZS above zero, and not below what is spent");
        }
        if draft.terms.min_total.is_some_and(|least| !is_sum(least)) {
            say("min_total", "OUT_OF_RANGE", "a sum in UZS above zero");
        }
        if !(-1000..=1000).contains(&draft.priority) {
            say("priority", "OUT_OF_RANGE", "-1000 to 1000");
        }
        wrong.extend(benefit(draft));
        wrong.extend(self.reach());
        wrong
    }

    /// Whose goods and whose money.
    fn reach(&self) -> Vec<Violation> {
        let mut wrong = Vec::new();
        let mut say = |field, code, message| wrong.push(Violation { field, code, message });
        let terms = &self.draft.terms;
        for (field, count) in [
            ("merchants", terms.merchants.len()),
            ("categories", terms.categories.len()),
            ("products", terms.products.len()),
        ] {
            if count > MAX_NAMED {
                say(field, "TOO_MANY", "at most 200");
            }
        }
        match (self.merchant, self.draft.funded_by) {
            (Some(_), Funder::Platform) => {
                say("funded_by", "INVALID", "a merchant's promotion is its own money");
            }
            (Some(_), Funder::Merchant) if !terms.merchants.is_empty() => {
                say("merchants", "INVALID", "a merchant's promotion is for its own goods");
            }
            (None, Funder::Merchant) if terms.merchants.is_empty() => {
                say("merchants", "REQUIRED", "name the merchants that pay for it");
            }
            _ => {}
        }
        wrong
    }
}

fn benefit(draft: &Draft) -> Vec<Violation> {
    let terms = &draft.terms;
    let mut wrong = Vec::new();
    let mut say = |field, code, message| wrong.push(Violation { field, code, message });
    let percent = |value: i64| (1..=100).contains(&value);
    match (terms.kind, terms.value) {
        (Kind::Percent | Kind::Fixed, None) => say("value", "REQUIRED", "is required"),
        (Kind::Percent | Kind::BuyXGetY, Some(value)) if !percent(value) => {
            say("value", "OUT_OF_RANGE", "a whole percentage, 1 to 100");
        }
        (Kind::Fixed, Some(value)) if !(1..=MAX_SUM).contains(&value) => {
            say("value", "OUT_OF_RANGE", "a sum in UZS above zero");
        }
        (Kind::FreeDelivery, Some(_)) => say("value", "INVALID", "free delivery has no value"),
        _ => {}
    }
    let pieces = 1..=100;
    if terms.kind == Kind::BuyXGetY {
        for (field, count) in [("buy_quantity", terms.buy), ("get_quantity", terms.get)] {
            if !pieces.contains(&count) {
                say(field, "OUT_OF_RANGE", "1 to 100 pieces");
            }
        }
    } else if terms.buy != 0 || terms.get != 0 {
        say("buy_quantity", "INVALID", "only for buy_x_get_y");
    }
    wrong
}

fn is_code(code: &str) -> bool {
    let letter = |byte: u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
    };
    (3..=40).contains(&code.len()) && code.bytes().all(letter)
}

fn is_sum(sum: Money) -> bool {
    sum.currency == CURRENCY && (1..=MAX_SUM).contains(&sum.amount)
}
