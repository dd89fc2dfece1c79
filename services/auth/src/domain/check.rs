//! Finding everything that is wrong with a request, not only the first thing.

/// A field that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its name in the public API.
    pub field: &'static str,
    /// Stable code, for example `REQUIRED`.
    pub code: &'static str,
    /// For developers, in English; never repeats what was sent.
    pub message: &'static str,
}

impl Wrong {
    /// A field and what is wrong with it.
    pub const fn new(field: &'static str, code: &'static str, message: &'static str) -> Self {
        Self { field, code, message }
    }
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub struct Checks(Vec<Wrong>);

impl Checks {
    /// The value, or a note of what is wrong with it.
    pub fn take<T>(&mut self, outcome: Result<T, Wrong>) -> Option<T> {
        outcome.map_err(|wrong| self.0.push(wrong)).ok()
    }

    /// Notes something that is wrong.
    pub fn note(&mut self, wrong: Wrong) {
        self.0.push(wrong);
    }

    /// A trimmed text of `least` to `most` characters without control characters.
    pub fn text(
        &mut self,
        field: &'static str,
        text: &str,
        (least, most): (usize, usize),
    ) -> Option<String> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 && least > 0 {
            self.note(Wrong::new(field, "REQUIRED", "must not be empty"));
        } else if length < least || length > most {
            self.note(Wrong::new(field, "LENGTH", "is too long or too short"));
        } else if text.chars().any(char::is_control) {
            self.note(Wrong::new(field, "INVALID", "holds control characters"));
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// Everything that is wrong, or the value made of what was taken.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Wrong>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}
