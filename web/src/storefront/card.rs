//! A product among others.

use askama::Template;
use proto::{order::Offer, product::Product};

use crate::{Locale, Texts};

/// A product in a grid.
#[derive(Template)]
#[template(path = "storefront/card.html")]
pub(crate) struct Card {
    pub(crate) t: Texts,
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) picture: Option<Picture>,
    /// Empty when nobody offers it.
    pub(crate) price: String,
    pub(crate) several: bool,
    pub(crate) compare_at: String,
    /// Whole percent; 0 for none.
    pub(crate) saved: i64,
    pub(crate) rating: Option<Rating>,
    pub(crate) merchant: String,
    pub(crate) in_stock: bool,
    /// In the first view: loaded at once.
    pub(crate) eager: bool,
}

/// A picture with its size, so that nothing jumps when it arrives.
pub(crate) struct Picture {
    pub(crate) url: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What shoppers think.
pub(crate) struct Rating {
    /// One decimal, in the reader's notation.
    pub(crate) average: String,
    pub(crate) count: u32,
    /// 0 to 10: how many half stars are filled.
    pub(crate) halves: u32,
}

impl Rating {
    pub(crate) fn new(locale: Locale, average: f64, count: u32) -> Option<Self> {
        let text = format!("{average:.1}");
        let text = if locale == Locale::En { text } else { text.replace('.', ",") };
        let halves =
            (1..=10u32).filter(|half| average * 2.0 + 0.5 >= f64::from(*half)).max().unwrap_or(0);
        (count > 0).then_some(Self { average: text, count, halves })
    }
}

/// Which of the sizes is shown.
#[derive(Clone, Copy)]
pub(crate) enum Size {
    Medium,
    Large,
}

impl Picture {
    /// The size asked for, or the picture itself where it has not been made. Only our own paths and web addresses are shown.
    pub(crate) fn of(picture: &proto::value::Picture, size: Size) -> Option<Self> {
        let (url, edge) = match size {
            Size::Medium => (&picture.medium_url, 480),
            Size::Large => (&picture.large_url, 960),
        };
        let url = if url.is_empty() { &picture.url } else { url };
        let known =
            url.starts_with('/') || url.starts_with("https://") || url.starts_with("http://");
        // The smaller forms keep the proportions.
        let (width, height) = match (picture.width, picture.height) {
            (0, _) | (_, 0) => (edge, edge),
            (width, height) => (width, height),
        };
        known.then(|| Self { url: url.clone(), width, height })
    }
}

/// Whole percent that a price lies below another; 0 when it does not.
pub(crate) fn saved_percent(price: i64, compare_at: i64) -> i64 {
    if price > 0 && compare_at > price {
        let saved = (i128::from(compare_at) - i128::from(price)) * 100 / i128::from(compare_at);
        i64::try_from(saved).unwrap_or(0)
    } else {
        0
    }
}

impl Card {
    /// `offers` are those of this product; without them the product's own display price stands in.
    pub(crate) fn new(locale: Locale, product: &Product, offers: &[&Offer]) -> Self {
        let price_of = |offer: &Offer| offer.price.as_ref().map_or(0, |price| price.amount);
        let best = offers
            .iter()
            .filter(|offer| price_of(offer) > 0)
            .min_by_key(|offer| (offer.available <= 0, price_of(offer)));
        let price = best.map_or(product.price_from, |offer| price_of(offer));
        let compare_at = best
            .and_then(|offer| offer.compare_at_price.as_ref())
            .map_or(0, |compare| compare.amount);
        let saved = saved_percent(price, compare_at);
        let sum = |tiyin| if tiyin > 0 { locale.price(tiyin) } else { String::new() };
        Self {
            t: Texts::new(locale),
            href: format!("/p/{}", product.slug),
            title: locale.of(product.title.as_ref()),
            picture: product.media.first().and_then(|picture| Picture::of(picture, Size::Medium)),
            price: sum(price),
            several: offers.iter().any(|offer| price_of(offer) > price),
            compare_at: if saved > 0 { sum(compare_at) } else { String::new() },
            saved,
            rating: Rating::new(locale, product.rating_average, product.rating_count),
            merchant: best.map(|offer| offer.merchant_name.clone()).unwrap_or_default(),
            in_stock: if offers.is_empty() {
                product.in_stock
            } else {
                offers.iter().any(|offer| offer.available > 0)
            },
            eager: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_stars() {
        for (average, halves) in
            [(0.0, 0), (4.0, 8), (4.2, 8), (4.3, 9), (4.7, 9), (4.8, 10), (5.0, 10)]
        {
            assert_eq!(Rating::new(Locale::Uz, average, 1).unwrap().halves, halves, "{average}");
        }
        assert!(Rating::new(Locale::Uz, 5.0, 0).is_none());
    }

    #[test]
    fn percent_saved() {
        assert_eq!(saved_percent(45_000, 52_000), 13);
        assert_eq!(saved_percent(52_000, 52_000), 0);
        assert_eq!(saved_percent(0, 52_000), 0);
        assert_eq!(saved_percent(1, i64::MAX), 99, "no overflow");
    }

    #[test]
    fn pictures_come_from_the_web_only() {
        let with = |url: &str| proto::value::Picture { url: url.to_owned(), ..Default::default() };
        assert!(Picture::of(&with("/files/a.jpg"), Size::Medium).is_some());
        assert!(Picture::of(&with("javascript:alert(1)"), Size::Medium).is_none());
    }
}
