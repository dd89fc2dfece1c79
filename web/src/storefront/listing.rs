//! Filters, order and pages of a list, as they stand in the address. Shared by categories and search.

use proto::product::{ProductFilter, ProductSort};

use crate::{Locale, Texts, labels, visit::Visit};

/// How many products a page shows.
pub(crate) const PAGE_SIZE: u32 = 24;

/// What a shopper narrowed a list down to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    /// Whole so'm as typed, empty when there is none.
    pub(crate) price_from: String,
    pub(crate) price_to: String,
    pub(crate) in_stock: bool,
    pub(crate) brand: String,
    pub(crate) category: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) sort: String,
    pub(crate) after: String,
}

/// Names of orders in addresses.
const SORTS: [(&str, ProductSort); 5] = [
    ("popular", ProductSort::Popularity),
    ("new", ProductSort::Newest),
    ("price", ProductSort::Price),
    ("-price", ProductSort::PriceDesc),
    ("rating", ProductSort::Rating),
];

impl Wishes {
    pub(crate) fn read(visit: &Visit) -> Self {
        let digits =
            |name: &str| visit.param(name).chars().filter(char::is_ascii_digit).take(12).collect();
        Self {
            price_from: digits("price_from"),
            price_to: digits("price_to"),
            in_stock: visit.param("in_stock") == "1",
            brand: visit.param("brand").to_owned(),
            category: visit.param("category").to_owned(),
            attributes: visit
                .params("attr.")
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .take(16)
                .collect(),
            sort: visit.param("sort").to_owned(),
            after: visit.param("after").to_owned(),
        }
    }

    pub(crate) fn filter(&self, category: &str) -> ProductFilter {
        let tiyin = |soum: &str| soum.parse::<i64>().ok().and_then(|soum| soum.checked_mul(100));
        ProductFilter {
            category: category.to_owned(),
            brand: self.brand.clone(),
            price_gte: tiyin(&self.price_from),
            price_lte: tiyin(&self.price_to),
            in_stock: self.in_stock.then_some(true),
            attributes: self.attributes.iter().cloned().collect(),
            ..Default::default()
        }
    }

    /// The order asked for; `fallback` where none was.
    pub(crate) fn sort(&self, fallback: ProductSort) -> ProductSort {
        let known = SORTS.iter().find(|(name, _)| *name == self.sort);
        known.map_or(fallback, |(_, sort)| *sort)
    }

    /// Something was narrowed down, so an empty list may be due to it.
    pub(crate) fn any(&self) -> bool {
        self.in_stock
            || !(self.price_from.is_empty()
                && self.price_to.is_empty()
                && self.brand.is_empty()
                && self.category.is_empty()
                && self.attributes.is_empty())
    }
}

/// One choice of a select.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) chosen: bool,
}

/// The orders to choose from; `first` is what an empty value means.
pub(crate) fn sort_choices(t: Texts, wishes: &Wishes, first: Option<String>) -> Vec<Choice> {
    let label = |sort| match sort {
        ProductSort::Newest => t.sort_new(),
        ProductSort::Price => t.sort_price(),
        ProductSort::PriceDesc => t.sort_price_desc(),
        ProductSort::Rating => t.sort_rating(),
        ProductSort::Popularity | ProductSort::Unspecified => t.sort_popular(),
    };
    let first =
        first.map(|label| Choice { value: String::new(), label, chosen: wishes.sort.is_empty() });
    let others = SORTS.iter().map(|(name, sort)| Choice {
        value: (*name).to_owned(),
        label: label(*sort),
        chosen: *name == wishes.sort,
    });
    first.into_iter().chain(others).collect()
}

/// A filter that is on, and the address without it.
pub(crate) struct Chip {
    pub(crate) label: String,
    pub(crate) href: String,
}

/// The filters that are on. `category` is the title of the one that is filtered by.
pub(crate) fn chips(visit: &Visit, wishes: &Wishes, category: Option<String>) -> Vec<Chip> {
    let (t, locale) = (visit.texts(), visit.locale());
    let without = |name: &str| visit.here().set("after", "").set(name, "").to_string();
    let mut chips = Vec::new();
    let mut push = |name: &str, label: String| chips.push(Chip { label, href: without(name) });
    if let Some(title) = category {
        push("category", title);
    }
    if !wishes.brand.is_empty() {
        push("brand", wishes.brand.clone());
    }
    if let Some(soum) = price(locale, &wishes.price_from) {
        push("price_from", t.price_from(soum));
    }
    if let Some(soum) = price(locale, &wishes.price_to) {
        push("price_to", t.price_to(soum));
    }
    if wishes.in_stock {
        push("in_stock", t.in_stock());
    }
    for (name, value) in &wishes.attributes {
        let label = format!("{}: {}", labels::key(locale, name), labels::value(locale, value));
        push(&format!("attr.{name}"), label);
    }
    chips
}

fn price(locale: Locale, soum: &str) -> Option<String> {
    soum.parse::<i64>().ok().and_then(|soum| soum.checked_mul(100)).map(|tiyin| locale.price(tiyin))
}

/// The way to the next page and back to the first.
pub(crate) struct Pages {
    pub(crate) first: Option<String>,
    pub(crate) next: Option<String>,
}

impl Pages {
    pub(crate) fn new(visit: &Visit, next: &str) -> Self {
        let here = visit.here();
        Self {
            first: (!visit.param("after").is_empty())
                .then(|| here.clone().set("after", "").to_string()),
            next: (!next.is_empty()).then(|| here.set("after", next).to_string()),
        }
    }
}
