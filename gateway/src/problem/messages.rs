//! What problems are called in each language: `gateway/locales/<locale>.ftl`, one `KEY = text` a line.

use std::{collections::BTreeMap, sync::LazyLock};

use fault::{Code, Fault};
use http::StatusCode;

use crate::locale::Locale;

/// The words of one language.
#[derive(Debug)]
pub(crate) struct Words(BTreeMap<&'static str, &'static str>);

static UZ: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("../../locales/uz.ftl")));
static CYRILLIC: LazyLock<Words> =
    LazyLock::new(|| Words::parse(include_str!("../../locales/uz-Cyrl.ftl")));
static RU: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("../../locales/ru.ftl")));
static EN: LazyLock<Words> = LazyLock::new(|| Words::parse(include_str!("../../locales/en.ftl")));

/// The words of a language.
pub(crate) fn of(locale: Locale) -> &'static Words {
    match locale {
        Locale::Uz => &UZ,
        Locale::UzCyrl => &CYRILLIC,
        Locale::Ru => &RU,
        Locale::En => &EN,
    }
}

impl Words {
    fn parse(text: &'static str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.split_once(" = ")).collect())
    }

    /// The kind of failure in few words.
    pub(crate) fn title(&self, code: Code, status: StatusCode) -> &'static str {
        let exact = match status.as_u16() {
            405 => Some("METHOD_NOT_ALLOWED"),
            413 => Some("PAYLOAD_TOO_LARGE"),
            415 => Some("UNSUPPORTED_MEDIA_TYPE"),
            _ => None,
        };
        let key = exact.unwrap_or_else(|| code.reason());
        self.0.get(key).copied().unwrap_or_default()
    }

    /// What happened: in the words of this language when the reason is known, else those of its kind.
    pub(crate) fn detail(&self, fault: &Fault, status: StatusCode) -> &'static str {
        self.known(&fault.reason).unwrap_or_else(|| self.title(fault.code, status))
    }

    /// The text for a reason.
    pub(crate) fn known(&self, reason: &str) -> Option<&'static str> {
        self.0.get(reason).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_knows_the_same_codes() {
        let keys = |locale| of(locale).0.keys().copied().collect::<Vec<_>>();
        let uz = keys(Locale::Uz);
        assert!(uz.len() > 40);
        for locale in Locale::ALL {
            assert_eq!(keys(locale), uz, "{}", locale.as_str());
            assert!(of(locale).0.values().all(|text| !text.trim().is_empty()));
        }
        for code in Code::ALL {
            assert!(uz.contains(&code.reason()), "{}", code.reason());
        }
    }
}
