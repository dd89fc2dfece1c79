//! The language of an answer.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, header::ACCEPT_LANGUAGE};
use proto::value::LocalizedText;

/// A language of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Locale {
    /// Uzbek in Latin script; what is not asked for otherwise.
    Uz,
    /// Uzbek in Cyrillic script.
    UzCyrl,
    /// Russian.
    Ru,
    /// English.
    En,
}

static NAMES: LazyLock<[Arc<str>; 4]> = LazyLock::new(|| Locale::ALL.map(|l| l.as_str().into()));

impl Locale {
    pub(crate) const ALL: [Self; 4] = [Self::Uz, Self::UzCyrl, Self::Ru, Self::En];

    /// The name on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Uz => "uz",
            Self::UzCyrl => "uz-Cyrl",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// The name, shared.
    pub(crate) fn shared(self) -> Arc<str> {
        let [uz, cyrillic, ru, en] = &*NAMES;
        Arc::clone(match self {
            Self::Uz => uz,
            Self::UzCyrl => cyrillic,
            Self::Ru => ru,
            Self::En => en,
        })
    }

    /// The first of the languages that the client prefers and we speak.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let Some(wanted) = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok())
        else {
            return Self::Uz;
        };
        let mut best = (0.0, Self::Uz);
        for part in wanted.split(',').take(16) {
            let (tag, quality) = part.split_once(';').unwrap_or((part, ""));
            let quality = quality.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
            let quality: f32 = quality.unwrap_or(1.0);
            if let Some(locale) = Self::parse(tag.trim())
                && quality > best.0
            {
                best = (quality, locale);
            }
        }
        best.1
    }

    fn parse(tag: &str) -> Option<Self> {
        let mut parts = tag.split('-');
        let language = parts.next()?;
        if language.eq_ignore_ascii_case("uz") {
            let cyrillic = parts.any(|part| part.eq_ignore_ascii_case("Cyrl"));
            Some(if cyrillic { Self::UzCyrl } else { Self::Uz })
        } else if language.eq_ignore_ascii_case("ru") {
            Some(Self::Ru)
        } else if language.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }

    /// The language of that name; Uzbek when there is none.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|locale| locale.as_str() == name).unwrap_or(Self::Uz)
    }

    /// The text in this language, or in Uzbek, or in whatever there is.
    pub(crate) fn pick(self, text: Option<LocalizedText>) -> String {
        let Some(text) = text else { return String::new() };
        let LocalizedText { uz, ru, en } = text;
        if self == Self::UzCyrl && !uz.is_empty() {
            return web::cyrillic::from_latin(&uz);
        }
        let order = match self {
            Self::Uz | Self::UzCyrl => [uz, ru, en],
            Self::Ru => [ru, uz, en],
            Self::En => [en, uz, ru],
        };
        order.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Locale {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, text.parse().unwrap());
        Locale::of(&headers)
    }

    #[test]
    fn the_preferred_language_that_we_speak() {
        assert_eq!(of("ru-RU,ru;q=0.9,en;q=0.8"), Locale::Ru);
        assert_eq!(of("uz-Cyrl"), Locale::UzCyrl);
        assert_eq!(of("uz-Cyrl-UZ"), Locale::UzCyrl);
        assert_eq!(of("de, en;q=0.5, ru;q=0.7"), Locale::Ru);
        assert_eq!(of("de"), Locale::Uz);
        assert_eq!(of("en;q=0, *;q=0.1"), Locale::Uz);
        assert_eq!(Locale::of(&HeaderMap::new()), Locale::Uz);
    }

    #[test]
    fn a_missing_translation_falls_back_to_uzbek() {
        let text =
            LocalizedText {
                uz: "choynak".to_owned(), ru: "чайник".to_owned(), en: String::new()
            };
        assert_eq!(Locale::En.pick(Some(text.clone())), "choynak");
        assert_eq!(Locale::Ru.pick(Some(text)), "чайник");
    }
}
