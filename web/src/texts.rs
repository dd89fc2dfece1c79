//! The words of the pages. One method per message is written by `build.rs` from `locales/*/storefront.ftl`: a template that asks
//! for a text that is not there does not compile, and neither does a language that lacks one.

use std::{borrow::Cow, sync::LazyLock};

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};

use crate::{Locale, cyrillic};

const UZ: &str = include_str!("../locales/uz/storefront.ftl");
const RU: &str = include_str!("../locales/ru/storefront.ftl");
const EN: &str = include_str!("../locales/en/storefront.ftl");

struct Bundles {
    uz: FluentBundle<FluentResource>,
    uz_cyrl: FluentBundle<FluentResource>,
    ru: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
}

static BUNDLES: LazyLock<Bundles> = LazyLock::new(|| Bundles {
    uz: bundle("uz", UZ.to_owned()),
    uz_cyrl: bundle("uz-Cyrl", cyrillic_file(UZ)),
    ru: bundle("ru", RU.to_owned()),
    en: bundle("en", EN.to_owned()),
});

fn bundle(tag: &str, source: String) -> FluentBundle<FluentResource> {
    let languages = tag.parse().into_iter().collect();
    let mut bundle = FluentBundle::new_concurrent(languages);
    // Isolation marks would stand in titles and attributes, too; all of our languages run from left to right.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source).unwrap_or_else(|(partly, errors)| {
        tracing::error!(tag, ?errors, "a file of texts cannot be read in full");
        partly
    });
    bundle.add_resource_overriding(resource);
    bundle
}

/// The Uzbek file with its texts in Cyrillic script: names of messages and everything in braces stay.
fn cyrillic_file(latin: &str) -> String {
    let mut out = String::with_capacity(latin.len() * 2);
    for line in latin.lines() {
        let (name, mut rest) = match line.split_once(" =") {
            Some((name, text)) if !line.starts_with([' ', '#']) => (name, text),
            _ => ("", line),
        };
        if !name.is_empty() {
            out.push_str(name);
            out.push_str(" =");
        }
        while let Some((text, tail)) = rest.split_once('{') {
            let (inside, tail) = tail.split_once('}').unwrap_or((tail, ""));
            out.push_str(&cyrillic::from_latin(text));
            out.push('{');
            out.push_str(inside);
            out.push('}');
            rest = tail;
        }
        out.push_str(&cyrillic::from_latin(rest));
        out.push('\n');
    }
    out
}

/// A value that stands in a text.
pub trait Argument {
    /// As Fluent takes it.
    fn value(&self) -> FluentValue<'_>;
}

impl Argument for str {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::String(Cow::Borrowed(self))
    }
}
impl Argument for String {
    fn value(&self) -> FluentValue<'_> {
        self.as_str().value()
    }
}
impl Argument for u32 {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(*self)
    }
}
impl Argument for u64 {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(*self)
    }
}
impl<A: Argument + ?Sized> Argument for &A {
    fn value(&self) -> FluentValue<'_> {
        (**self).value()
    }
}

/// The words in one language.
#[derive(Debug, Clone, Copy)]
pub struct Texts(Locale);

impl Texts {
    /// In this language.
    pub const fn new(locale: Locale) -> Self {
        Self(locale)
    }

    fn text<const N: usize>(self, name: &str, values: [(&str, FluentValue<'_>); N]) -> String {
        let bundles = &*BUNDLES;
        let bundle = match self.0 {
            Locale::Uz => &bundles.uz,
            Locale::UzCyrl => &bundles.uz_cyrl,
            Locale::Ru => &bundles.ru,
            Locale::En => &bundles.en,
        };
        let Some(pattern) = bundle.get_message(name).and_then(|message| message.value()) else {
            return name.to_owned();
        };
        let mut arguments = FluentArgs::with_capacity(N);
        for (key, value) in values {
            arguments.set(key.to_owned(), value);
        }
        bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned()
    }
}

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_reads_in_every_language() {
        let bundles = &*BUNDLES;
        for bundle in [&bundles.uz, &bundles.uz_cyrl, &bundles.ru, &bundles.en] {
            for (name, variables) in MESSAGES {
                let message = bundle.get_message(name).unwrap_or_else(|| panic!("{name}"));
                let pattern = message.value().unwrap_or_else(|| panic!("{name} has no text"));
                for number in [0, 1, 2, 5, 21, 112] {
                    let mut arguments = FluentArgs::new();
                    for variable in *variables {
                        arguments.set(*variable, FluentValue::from(number));
                    }
                    let mut errors = Vec::new();
                    let text = bundle.format_pattern(pattern, Some(&arguments), &mut errors);
                    assert!(errors.is_empty(), "{name}: {errors:?}");
                    assert!(!text.contains(['{', '}', '$']), "{name}: {text}");
                }
            }
        }
    }

    #[test]
    fn uzbek_texts_need_no_plural_forms() {
        // Else the derivation of the Cyrillic file would have to understand selectors.
        assert!(!UZ.contains("->"));
    }

    #[test]
    fn the_cyrillic_file_keeps_names_and_variables() {
        let file = cyrillic_file("cart-pieces = Savatda { $count } ta buyum\n");
        assert_eq!(file, "cart-pieces = Саватда { $count } та буюм\n");
    }

    #[test]
    fn uzbek_apostrophes_are_the_right_ones() {
        for line in UZ.lines() {
            assert!(!line.contains(['\'', '`', '\u{2018}', '\u{2019}']), "{line}");
        }
    }

    #[test]
    fn russian_counts_have_forms() {
        let t = Texts::new(Locale::Ru);
        assert_eq!(t.products_found(1u64), "1 товар");
        assert_eq!(t.products_found(3u64), "3 товара");
        assert_eq!(t.products_found(5u64), "5 товаров");
    }
}
