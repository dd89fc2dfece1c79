//! The languages of the pages, and which of them a visitor wants.

use proto::value::LocalizedText;

use crate::cyrillic;

/// A language in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Locale {
    /// Uzbek in Latin script.
    #[default]
    Uz,
    /// Uzbek in Cyrillic script, derived from the Latin one.
    UzCyrl,
    /// Russian.
    Ru,
    /// English.
    En,
}

impl Locale {
    /// Every language, in the order of the switch.
    pub const ALL: [Self; 4] = [Self::Uz, Self::UzCyrl, Self::Ru, Self::En];

    /// The BCP 47 tag: in `lang` attributes, in the cookie and on calls.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Uz => "uz",
            Self::UzCyrl => "uz-Cyrl",
            Self::Ru => "ru",
            Self::En => "en",
        }
    }

    /// What the language calls itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uz => "O\u{2bb}zbekcha",
            Self::UzCyrl => "Ўзбекча",
            Self::Ru => "Русский",
            Self::En => "English",
        }
    }

    /// The same in two letters, for the switch.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Uz => "Oʻz",
            Self::UzCyrl => "Ўз",
            Self::Ru => "Ru",
            Self::En => "En",
        }
    }

    /// Reads a tag.
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(tag.trim()))
    }

    /// The best of an `Accept-Language` header; Uzbek in Latin script when none fits.
    pub fn negotiate(header: &str) -> Self {
        let mut wanted: Vec<(f32, &str)> = header
            .split(',')
            .filter_map(|item| {
                let mut parts = item.split(';');
                let tag = parts.next()?.trim();
                let weight = parts
                    .find_map(|part| part.trim().strip_prefix("q=")?.parse().ok())
                    .unwrap_or(1.0);
                (weight > 0.0).then_some((weight, tag))
            })
            .collect();
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        wanted.into_iter().find_map(|(_, tag)| Self::of_range(tag)).unwrap_or_default()
    }

    /// `ru-UZ` is Russian, `uz-Cyrl-UZ` is Uzbek in Cyrillic script.
    fn of_range(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase();
        let mut parts = tag.split('-');
        match parts.next()? {
            "uz" if parts.any(|part| part == "cyrl") => Some(Self::UzCyrl),
            "uz" => Some(Self::Uz),
            "ru" => Some(Self::Ru),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// How sums are written.
    pub const fn money(self) -> money::Locale {
        match self {
            Self::Uz => money::Locale::Uz,
            Self::UzCyrl => money::Locale::UzCyrl,
            Self::Ru => money::Locale::Ru,
            Self::En => money::Locale::En,
        }
    }

    /// The text of a triple in this language; Uzbek, then whatever there is, where it is missing.
    pub fn pick(self, uz: &str, ru: &str, en: &str) -> String {
        let own = match self {
            Self::Uz | Self::UzCyrl => uz,
            Self::Ru => ru,
            Self::En => en,
        };
        match (own.is_empty(), self) {
            (false, Self::UzCyrl) => cyrillic::from_latin(uz),
            (false, _) => own.to_owned(),
            (true, _) => [uz, ru, en]
                .into_iter()
                .find(|text| !text.is_empty())
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// The text of the catalogue in this language.
    pub fn of(self, text: Option<&LocalizedText>) -> String {
        text.map(|text| self.pick(&text.uz, &text.ru, &text.en)).unwrap_or_default()
    }

    /// A sum in tiyin as it stands on a price tag.
    pub fn price(self, tiyin: i64) -> String {
        money::shown(money::Money::uzs(tiyin), self.money())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_decides() {
        for (header, locale) in [
            ("", Locale::Uz),
            ("de-DE,de;q=0.9", Locale::Uz),
            ("ru-RU,ru;q=0.9,en;q=0.8", Locale::Ru),
            ("en;q=0.4, uz-Cyrl-UZ;q=0.9", Locale::UzCyrl),
            ("ru;q=0, en", Locale::En),
            ("*", Locale::Uz),
        ] {
            assert_eq!(Locale::negotiate(header), locale, "{header}");
        }
    }

    #[test]
    fn a_missing_translation_is_shown_in_another_language() {
        assert_eq!(Locale::Ru.pick("Choynak", "", ""), "Choynak");
        assert_eq!(Locale::UzCyrl.pick("Choynak", "Чайник", ""), "Чойнак");
        assert_eq!(Locale::UzCyrl.pick("", "Чайник", ""), "Чайник");
    }
}
