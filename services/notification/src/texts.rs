//! What people read, in their language: Fluent files under `locales/`, compiled in.

use std::{borrow::Cow, sync::Arc};

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};

use crate::{
    cyrillic,
    domain::{Locale, Template, Values},
};

type Bundle = FluentBundle<FluentResource>;

/// All texts. Cheap to clone.
#[derive(Clone)]
pub struct Texts(Arc<[(Locale, Bundle)]>);

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(locale, _)| locale)).finish()
    }
}

/// A message in one language.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The title, or the subject of a letter.
    pub title: String,
    /// The text. May hold a code: nothing shows it.
    pub body: String,
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").field("title", &self.title).finish_non_exhaustive()
    }
}

/// A text cannot be made: a key or a value is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template {template} cannot be filled in for {locale}")]
pub struct TextError {
    template: &'static str,
    locale: &'static str,
}

impl Texts {
    /// Reads the files. They are part of the program: an error is a mistake in them.
    pub fn load() -> anyhow::Result<Self> {
        let uz = include_str!("../locales/uz.ftl");
        let bundles = [
            (Locale::Uz, bundle("uz", uz)?),
            (Locale::UzCyrl, {
                let mut bundle = bundle("uz-Cyrl", uz)?;
                // Texts are transliterated, values are not: a code, a name or a number stays what it is.
                bundle.set_transform(Some(transliterate));
                bundle
            }),
            (Locale::Ru, bundle("ru", include_str!("../locales/ru.ftl"))?),
            (Locale::En, bundle("en", include_str!("../locales/en.ftl"))?),
        ];
        Ok(Self(bundles.into()))
    }

    /// Fills a template in.
    pub fn render(
        &self,
        locale: Locale,
        template: Template,
        values: &Values,
    ) -> Result<Rendered, TextError> {
        let error = || TextError { template: template.key(), locale: locale.as_str() };
        let found = self.0.iter().find(|(known, _)| *known == locale);
        let (_, bundle) = found.ok_or_else(error)?;
        let message = bundle.get_message(template.key()).ok_or_else(error)?;
        let mut args = FluentArgs::new();
        for (name, value) in values.iter() {
            args.set(name, value.as_str());
        }
        let format = |pattern: &_| {
            let mut errors = Vec::new();
            let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
            if errors.is_empty() { Ok(text) } else { Err(error()) }
        };
        let body = message.get_attribute("body").ok_or_else(error)?;
        Ok(Rendered {
            title: format(message.value().ok_or_else(error)?)?,
            body: format(body.value())?,
        })
    }
}

fn transliterate(text: &str) -> Cow<'_, str> {
    cyrillic::from_latin(text)
}

fn bundle(locale: &'static str, source: &str) -> anyhow::Result<Bundle> {
    let resource = FluentResource::try_new(source.to_owned())
        .map_err(|(_, errors)| anyhow::anyhow!("{locale}.ftl: {errors:?}"))?;
    let mut bundle = FluentBundle::new_concurrent(vec![locale.parse()?]);
    bundle.set_use_isolating(false);
    bundle.add_resource(resource).map_err(|errors| anyhow::anyhow!("{locale}.ftl: {errors:?}"))?;
    Ok(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        ["number", "name", "reason", "title", "count", "code", "token"]
            .into_iter()
            .map(|name| (name.to_owned(), format!("<{name} Yo>")))
            .collect()
    }

    #[test]
    fn every_template_speaks_every_language() {
        let texts = Texts::load().unwrap();
        for locale in Locale::ALL {
            for template in Template::ALL.iter().copied() {
                let text = texts.render(locale, template, &values()).unwrap();
                assert!(!text.title.is_empty() && !text.body.is_empty());
                for (name, value) in
                    template.needs().iter().map(|name| (name, format!("<{name} Yo>")))
                {
                    assert!(text.body.contains(&value), "{name} in {template:?} {locale:?}");
                }
            }
        }
    }

    #[test]
    fn cyrillic_keeps_values_as_they_are() {
        let texts = Texts::load().unwrap();
        let values = Values::from_iter([("number".to_owned(), "1000001K".to_owned())]);
        let text = texts.render(Locale::UzCyrl, Template::OrderPaid, &values).unwrap();
        assert_eq!(text.title, "Тўлов қабул қилинди");
        assert!(text.body.starts_with("1000001K рақамли буюртма"), "{}", text.body);
    }

    #[test]
    fn a_missing_value_is_an_error_not_a_gap() {
        let texts = Texts::load().unwrap();
        for template in Template::ALL.iter().copied() {
            assert!(texts.render(Locale::En, template, &Values::default()).is_err());
        }
    }
}
