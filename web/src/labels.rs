//! Words for the neutral English keys and values of attributes and options (`color`, `black`, `5 kg`).

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use crate::Locale;

/// The list lives with the demo catalogue, which is written in these words. What is not in it is shown as it stands.
const LABELS: &str = include_str!("../../demo/data/labels.toml");

#[derive(Debug, Default, Deserialize)]
struct Labels {
    keys: HashMap<String, Words>,
    values: HashMap<String, Words>,
    units: HashMap<String, Words>,
}

#[derive(Debug, Deserialize)]
struct Words {
    uz: String,
    ru: String,
    en: String,
}

impl Words {
    fn to(&self, locale: Locale) -> String {
        locale.pick(&self.uz, &self.ru, &self.en)
    }
}

static TABLE: LazyLock<Labels> = LazyLock::new(|| {
    toml::from_str(LABELS).unwrap_or_else(|error| {
        tracing::error!(%error, "the labels cannot be read");
        Labels::default()
    })
});

/// The name of an attribute; an unknown one with its first letter in upper case.
pub(crate) fn key(locale: Locale, name: &str) -> String {
    if let Some(words) = TABLE.keys.get(name) {
        return words.to(locale);
    }
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    (first + letters.as_str()).replace('_', " ")
}

/// A value; in `5 kg` the unit is translated.
pub(crate) fn value(locale: Locale, text: &str) -> String {
    if let Some(words) = TABLE.values.get(text) {
        return words.to(locale);
    }
    if let Some((number, rest)) = text.split_once(' ')
        && number.starts_with(|first: char| first.is_ascii_digit())
        && let Some((unit, more)) = unit(rest)
    {
        let number = match locale {
            Locale::En => number.to_owned(),
            _ => number.replace('.', ","),
        };
        return format!("{number}\u{a0}{}{more}", unit.to(locale));
    }
    text.to_owned()
}

/// The unit at the beginning and what follows it: "inch AMOLED" is a unit and a word.
fn unit(text: &str) -> Option<(&'static Words, &str)> {
    let whole = TABLE.units.get(text).map(|words| (words, ""));
    whole.or_else(|| {
        let (first, _) = text.split_once(' ')?;
        Some((TABLE.units.get(first)?, text.strip_prefix(first)?))
    })
}

/// Options as one line: "qora, 128 GB".
pub(crate) fn options<'a>(
    locale: Locale,
    options: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> String {
    let values: Vec<String> = options.into_iter().map(|(_, text)| value(locale, text)).collect();
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_each_language() {
        assert_eq!(key(Locale::Ru, "color"), "Цвет");
        assert_eq!(value(Locale::Uz, "blue"), "koʻk");
        assert_eq!(value(Locale::UzCyrl, "blue"), "кўк");
        assert_eq!(value(Locale::Ru, "1.5 kg"), "1,5\u{a0}кг");
        assert_eq!(value(Locale::Ru, "6.7 inch AMOLED"), "6,7\u{a0}дюймов AMOLED");
        assert_eq!(value(Locale::En, "1.5 kg"), "1.5\u{a0}kg");
    }

    #[test]
    fn what_is_unknown_stays() {
        assert_eq!(key(Locale::Ru, "thread_count"), "Thread count");
        assert_eq!(value(Locale::Ru, "42 furlongs"), "42 furlongs");
        assert_eq!(value(Locale::Ru, "<b>"), "<b>");
    }
}
