//! Regions and districts of Uzbekistan by their SOATO codes (the state's classifier).

use std::sync::LazyLock;

use serde::Deserialize;

use crate::{Locale, cyrillic};

/// The list that the API answers with; there is no second copy.
const REGIONS: &str = include_str!("../../gateway/data/regions.json");

#[derive(Debug, Deserialize)]
pub(crate) struct Region {
    pub(crate) code: String,
    name: Name,
    pub(crate) districts: Vec<District>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct District {
    pub(crate) code: String,
    name: Name,
}

/// Uzbek is always there.
#[derive(Debug, Deserialize)]
struct Name {
    uz: String,
    #[serde(default)]
    ru: String,
    #[serde(default)]
    en: String,
}

static TABLE: LazyLock<Vec<Region>> = LazyLock::new(|| {
    let read = serde_json::from_str::<Vec<Region>>(REGIONS).map(capital_first);
    read.unwrap_or_else(|error| {
        tracing::error!(%error, "the regions cannot be read");
        Vec::new()
    })
});

/// The capital and its region, where most parcels go, before the others.
fn capital_first(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort_by_key(|region| match region.code.as_str() {
        "1726" => 0,
        "1727" => 1,
        _ => 2,
    });
    regions
}

impl Region {
    pub(crate) fn name(&self, locale: Locale) -> String {
        locale.pick(&self.name.uz, &self.name.ru, &self.name.en)
    }
}

impl District {
    /// The classifier names districts in Uzbek; Russian readers get the name in their letters.
    pub(crate) fn name(&self, locale: Locale) -> String {
        match locale {
            Locale::Uz => self.name.uz.clone(),
            Locale::UzCyrl => cyrillic::from_latin(&self.name.uz),
            Locale::Ru if !self.name.ru.is_empty() => self.name.ru.clone(),
            Locale::En if !self.name.en.is_empty() => self.name.en.clone(),
            Locale::Ru => {
                let (name, kind) = self.parts();
                let name: String = cyrillic::from_latin(name).chars().map(russian_letter).collect();
                if kind == "shahri" {
                    format!("{name} (город)")
                } else {
                    format!("{name} (район)")
                }
            }
            Locale::En => {
                let (name, kind) = self.parts();
                if kind == "shahri" { format!("{name} city") } else { format!("{name} district") }
            }
        }
    }

    fn parts(&self) -> (&str, &str) {
        self.name.uz.rsplit_once(' ').unwrap_or((&self.name.uz, ""))
    }
}

/// The four letters that Russian does not have.
fn russian_letter(letter: char) -> char {
    match letter {
        'ў' => 'у',
        'Ў' => 'У',
        'қ' => 'к',
        'Қ' => 'К',
        'ғ' => 'г',
        'Ғ' => 'Г',
        'ҳ' => 'х',
        'Ҳ' => 'Х',
        other => other,
    }
}

/// Every region, the capital first.
pub(crate) fn all() -> &'static [Region] {
    &TABLE
}

/// The region and the district behind a district's code.
pub(crate) fn find(code: &str) -> Option<(&'static Region, &'static District)> {
    all().iter().find_map(|region| {
        region
            .districts
            .iter()
            .find(|district| district.code == code)
            .map(|district| (region, district))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classifier_is_whole() {
        assert_eq!(all().len(), 14);
        assert_eq!(all().iter().map(|region| region.districts.len()).sum::<usize>(), 207);
        for region in all() {
            for district in &region.districts {
                assert!(district.code.len() == 7 && district.code.starts_with(&region.code));
            }
        }
    }

    #[test]
    fn names_in_each_language() {
        let (region, district) = find("1726269").unwrap();
        assert_eq!(region.name(Locale::Ru), "город Ташкент");
        assert_eq!(district.name(Locale::Uz), "Mirzo Ulugʻbek tumani");
        assert_eq!(district.name(Locale::UzCyrl), "Мирзо Улуғбек тумани");
        assert_eq!(district.name(Locale::Ru), "Мирзо Улугбек (район)");
        assert!(find("1726000").is_none());
    }
}
