//! `/p/{slug}`: one product with everything that is offered of it.

use askama::Template;
use axum::extract::{Path, State};
use proto::{
    order::{ListOffersRequest, Offer},
    product::{GetProductRequest, ListReviewsRequest, Product, Review},
    value::PageRequest,
};
use serde_json::json;

use super::{
    Page,
    card::{self, Picture, Rating, Size},
    catalogue::{self, CategoryLink},
    dates, go, html,
};
use crate::{
    App, Locale, Texts,
    failure::{Answer, optional},
    labels,
    visit::Visit,
};

const REVIEWS: u32 = 10;

#[derive(Template)]
#[template(path = "storefront/product.html")]
struct View {
    t: Texts,
    page: Page,
    csrf: String,
    title: String,
    brand: String,
    /// Paragraphs.
    description: Vec<String>,
    trail: Vec<CategoryLink>,
    pictures: Vec<Picture>,
    rating: Option<Rating>,
    variants: Vec<VariantOffers>,
    /// Somebody has it, or will.
    in_stock: bool,
    /// The order service is away: prices are not known now.
    away: bool,
    price_from: String,
    attributes: Vec<(String, String)>,
    reviews: Vec<ReviewView>,
    /// Product data for search engines.
    json_ld: String,
}

/// A form of the product and who offers it.
struct VariantOffers {
    /// "qora, 128 GB"; empty when there is one variant only.
    name: String,
    offers: Vec<OfferView>,
}

struct OfferView {
    id: String,
    merchant: String,
    price: String,
    compare_at: String,
    saved: i64,
    available: bool,
    /// None is there; it is sent as soon as there are some.
    later: bool,
    /// Lower prices of larger quantities: "5", "90 000 so'm".
    tiers: Vec<(u32, String)>,
    /// Few are left; 0 when that need not be said.
    left: u32,
    chosen: bool,
}

struct ReviewView {
    author: String,
    rating: Option<Rating>,
    date: String,
    text: String,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Path(slug): Path<String>) -> Answer {
    let (t, locale) = (visit.texts(), visit.locale());
    let request = GetProductRequest { id_or_slug: slug.clone() };
    let product = app.mesh.product().get_product(request).await?.into_inner().product;
    let Some(product) = product else {
        return Err(crate::failure::Failure::not_found());
    };
    // One address per product: ids lead to the name.
    if product.slug != slug && !product.slug.is_empty() {
        return Ok(go(&format!("/p/{}", product.slug)));
    }
    let (offers, reviews, categories) = futures::join!(
        offers(&app, &product.id),
        reviews(&app, &product.id),
        catalogue::categories(&app),
    );
    let category = product.category.as_ref().map_or("", |category| &category.slug);
    let away = offers.is_none();
    let offers = offers.unwrap_or_default();
    let variants = variants(locale, &product, &offers, visit.param("offer"));
    let title = locale.of(product.title.as_ref());
    let description = locale.of(product.description.as_ref());
    html(&View {
        t,
        page: Page::new(&visit, title.clone()).describe(&description),
        csrf: visit.csrf(),
        brand: product.brand.clone(),
        trail: catalogue::trail(locale, &categories.unwrap_or_default(), category),
        pictures: product
            .media
            .iter()
            .filter_map(|media| Picture::of(media, Size::Large))
            .collect(),
        rating: Rating::new(locale, product.rating_average, product.rating_count),
        in_stock: offers.iter().any(can_be_ordered),
        away,
        price_from: if product.price_from > 0 {
            locale.price(product.price_from)
        } else {
            String::new()
        },
        attributes: attributes(locale, &product),
        reviews: reviews
            .into_iter()
            .map(|review| review_view(visit.texts(), locale, review))
            .collect(),
        json_ld: json_ld(&product, &title, &description, &offers),
        description: description.split("\n\n").map(str::to_owned).collect(),
        variants,
        title,
    })
}

async fn offers(app: &App, product_id: &str) -> Option<Vec<Offer>> {
    let request =
        ListOffersRequest { product_ids: vec![product_id.to_owned()], ..Default::default() };
    let answer = app.mesh.order().list_offers(request).await;
    optional("offers of a product", answer).map(|answer| answer.offers)
}

async fn reviews(app: &App, product_id: &str) -> Vec<Review> {
    let request = ListReviewsRequest {
        product_id: product_id.to_owned(),
        page: Some(PageRequest { limit: REVIEWS, ..Default::default() }),
        ..Default::default()
    };
    let answer = app.mesh.product().list_reviews(request).await;
    optional("reviews", answer).map(|answer| answer.reviews).unwrap_or_default()
}

fn amount(money: Option<&proto::value::Money>) -> i64 {
    money.map_or(0, |money| money.amount)
}

/// What is offered of each variant, the cheapest first; the cheapest that is in stock is chosen unless the address names another.
fn variants(
    locale: Locale,
    product: &Product,
    offers: &[Offer],
    wanted: &str,
) -> Vec<VariantOffers> {
    let for_sale = |offer: &&Offer| can_be_ordered(offer) && amount(offer.price.as_ref()) > 0;
    let chosen = offers
        .iter()
        .filter(for_sale)
        .min_by_key(|offer| {
            (offer.id != wanted, offer.available <= 0, amount(offer.price.as_ref()))
        })
        .map(|offer| offer.id.as_str());
    let several = product.variants.len() > 1;
    let group = |variant: &proto::product::Variant| {
        let mut own: Vec<&Offer> = offers
            .iter()
            .filter(|offer| offer.variant_id == variant.id && amount(offer.price.as_ref()) > 0)
            .collect();
        own.sort_by_key(|offer| (offer.available <= 0, amount(offer.price.as_ref())));
        let name = if several { labels::options(locale, &variant.options) } else { String::new() };
        let name = if several && name.is_empty() { variant.sku.clone() } else { name };
        let offers = own.into_iter().map(|offer| offer_view(locale, offer, chosen)).collect();
        VariantOffers { name, offers }
    };
    product.variants.iter().map(group).filter(|group| !group.offers.is_empty()).collect()
}

/// It is there, or may be sold before it is.
const fn can_be_ordered(offer: &Offer) -> bool {
    offer.available + offer.backorder_limit > 0
}

fn offer_view(locale: Locale, offer: &Offer, chosen: Option<&str>) -> OfferView {
    let price = amount(offer.price.as_ref());
    let compare_at = amount(offer.compare_at_price.as_ref());
    let saved = card::saved_percent(price, compare_at);
    OfferView {
        id: offer.id.clone(),
        merchant: offer.merchant_name.clone(),
        price: locale.price(price),
        compare_at: if saved > 0 { locale.price(compare_at) } else { String::new() },
        saved,
        available: can_be_ordered(offer),
        later: offer.available <= 0 && can_be_ordered(offer),
        tiers: offer
            .price_tiers
            .iter()
            .map(|tier| (tier.from_quantity, locale.price(amount(tier.price.as_ref()))))
            .collect(),
        left: u32::try_from(offer.available).ok().filter(|left| *left <= 5).unwrap_or(0),
        chosen: chosen == Some(offer.id.as_str()),
    }
}

fn attributes(locale: Locale, product: &Product) -> Vec<(String, String)> {
    let pairs = product.attributes.iter();
    let mut rows: Vec<_> = pairs
        .map(|(name, value)| (labels::key(locale, name), labels::value(locale, value)))
        .collect();
    rows.sort();
    rows
}

fn review_view(t: Texts, locale: Locale, review: Review) -> ReviewView {
    ReviewView {
        author: review.author,
        rating: Rating::new(locale, f64::from(review.rating), 1),
        date: dates::day(t, locale, review.created_at_ms),
        text: review.text,
    }
}

/// schema.org data. Browsers do not run it; `<` is escaped so that no text can end the element.
fn json_ld(product: &Product, title: &str, description: &str, offers: &[Offer]) -> String {
    let prices: Vec<i64> = offers
        .iter()
        .filter(|offer| offer.available > 0)
        .map(|offer| amount(offer.price.as_ref()))
        .filter(|price| *price > 0)
        .collect();
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": title,
        "description": description,
        "brand": { "@type": "Brand", "name": product.brand },
        "image": product.media.iter().map(|media| media.url.as_str()).collect::<Vec<_>>(),
    });
    if let (Some(low), Some(high), Some(map)) =
        (prices.iter().min(), prices.iter().max(), data.as_object_mut())
    {
        let offer = json!({
            "@type": "AggregateOffer",
            "priceCurrency": "UZS",
            "lowPrice": money::format_decimal(*low),
            "highPrice": money::format_decimal(*high),
            "offerCount": prices.len(),
            "availability": "https://schema.org/InStock",
        });
        map.insert("offers".to_owned(), offer);
    }
    if let (true, Some(map)) = (product.rating_count > 0, data.as_object_mut()) {
        let rating = json!({
            "@type": "AggregateRating",
            "ratingValue": product.rating_average,
            "reviewCount": product.rating_count,
        });
        map.insert("aggregateRating".to_owned(), rating);
    }
    data.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_title_ends_the_data() {
        let text = json_ld(&Product::default(), "</script><script>alert(1)</script>", "", &[]);
        assert!(!text.contains('<'), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}
