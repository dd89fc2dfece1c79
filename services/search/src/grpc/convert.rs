//! Between messages and the domain.

use ids::ProductId;
use proto::{
    event::{self as events, event::Data},
    product as products, search as pb, value,
};

use crate::{
    domain::{
        Aspect, Card, Category, Change, Filter, Localized, Offers, Place, Rating, Rebuild,
        RebuildState, Sort, Suggested, Suggestion,
    },
    error::Error,
    service::Found,
};

/// Results on a page: 20 unless asked otherwise, at most 100.
pub(super) fn limit(page: &value::PageRequest) -> usize {
    match page.limit {
        0 => 20,
        limit => usize::try_from(limit.min(100)).unwrap_or(100),
    }
}

pub(super) fn rebuild(rebuild: Rebuild) -> pb::Rebuild {
    let state = match rebuild.state {
        RebuildState::Unknown => pb::RebuildState::Unspecified,
        RebuildState::Running => pb::RebuildState::Running,
        RebuildState::Done => pb::RebuildState::Done,
        RebuildState::Failed => pb::RebuildState::Failed,
    };
    pb::Rebuild {
        state: state.into(),
        indexed: rebuild.indexed,
        total: rebuild.total,
        started_at_ms: rebuild.started_at,
        finished_at_ms: rebuild.finished_at,
        error: rebuild.error,
    }
}

pub(super) fn sort(sort: products::ProductSort) -> Sort {
    match sort {
        products::ProductSort::Unspecified => Sort::Relevance,
        products::ProductSort::Newest => Sort::Newest,
        products::ProductSort::Price => Sort::Price,
        products::ProductSort::PriceDesc => Sort::PriceDesc,
        products::ProductSort::Rating => Sort::Rating,
        products::ProductSort::Popularity => Sort::Popularity,
    }
}

const fn letter(sort: Sort) -> &'static str {
    match sort {
        Sort::Relevance => "r",
        Sort::Newest => "n",
        Sort::Price => "p",
        Sort::PriceDesc => "d",
        Sort::Rating => "s",
        Sort::Popularity => "m",
    }
}

/// The place as text: the order it belongs to, the value sorted by, the product.
fn cursor(place: Place, sort: Sort) -> String {
    format!("{}.{:x}.{:x}", letter(sort), place.key, place.id)
}

pub(super) fn parse_cursor(text: &str, sort: Sort) -> Result<Option<Place>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let place = || {
        let (key, id) = text.strip_prefix(letter(sort))?.strip_prefix('.')?.split_once('.')?;
        Some(Place {
            key: u64::from_str_radix(key, 16).ok()?,
            id: u128::from_str_radix(id, 16).ok()?,
        })
    };
    place().map(Some).ok_or(Error::Cursor)
}

pub(super) fn filter(filter: products::ProductFilter) -> Result<Filter, Error> {
    if filter.own {
        return Err(Error::Filter("own"));
    }
    let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    Ok(Filter {
        category: given(filter.category),
        brand: given(filter.brand),
        seller: given(filter.seller_id),
        price_gte: filter.price_gte,
        price_lte: filter.price_lte,
        in_stock: filter.in_stock,
        attributes: filter.attributes.into_iter().collect(),
    })
}

pub(super) fn found(found: Found, sort: Sort, count: bool) -> pb::SearchResponse {
    let Found { hits, corrected } = found;
    let facet = |facet: crate::domain::Facet| pb::Facet {
        name: facet.name,
        values: facet
            .values
            .into_iter()
            .map(|(value, count)| pb::FacetValue { value, count })
            .collect(),
    };
    pb::SearchResponse {
        product_ids: hits.ids.iter().map(ProductId::to_string).collect(),
        page: Some(value::PageInfo {
            next: hits.next.map(|place| cursor(place, sort)).unwrap_or_default(),
            count: count.then_some(hits.total),
        }),
        facets: hits.facets.into_iter().map(facet).collect(),
        corrected_query: corrected,
    }
}

pub(super) fn suggestion(suggestion: Suggestion) -> pb::Suggestion {
    let kind = match suggestion.kind {
        Suggested::Product => "product",
        Suggested::Category => "category",
        Suggested::Brand => "brand",
    };
    pb::Suggestion { text: suggestion.text, r#type: kind.to_owned() }
}

/// The news in an event; none when it is of no interest here.
pub(super) fn change(event: events::Event) -> Result<Option<Change>, String> {
    let version = event.version;
    match (event.r#type.as_str(), event.data) {
        ("product.deleted", data) => {
            let known = match data {
                Some(Data::Product(events::ProductChanged { product: Some(product), .. })) => {
                    product
                }
                _ => products::Product { id: event.subject, version, ..Default::default() },
            };
            // The deletion may carry the version of the content that it ended.
            let version = version.max(known.version);
            Ok(Some(Change { id: id(&known.id)?, version, aspect: Aspect::Gone }))
        }
        (_, Some(Data::Product(events::ProductChanged { product: Some(known), .. }))) => {
            product(known).map(Some)
        }
        (_, Some(Data::Offers(offers))) => {
            let aspect = Aspect::Offers(Offers {
                price_from: offers.price_from,
                in_stock: offers.in_stock,
                sellers: offers.merchant_ids,
            });
            Ok(Some(Change { id: id(&offers.product_id)?, version, aspect }))
        }
        (_, Some(Data::Review(review))) => {
            let aspect = Aspect::Rating(rating(review.rating_average, review.rating_count));
            Ok(Some(Change { id: id(&review.product_id)?, version, aspect }))
        }
        _ => Ok(None),
    }
}

/// A product as the product service tells of it. Its version is the product's own, in events and lists alike.
pub(super) fn product(product: products::Product) -> Result<Change, String> {
    let id = id(&product.id)?;
    let version = product.version;
    let card = Card {
        active: product.status() == products::ProductStatus::Active,
        title: localized(product.title),
        description: localized(product.description),
        category: category(product.category.unwrap_or_default()),
        brand: product.brand,
        attributes: product.attributes.into_iter().collect(),
        created_at: product.created_at_ms,
        popularity: product.popularity,
    };
    let offers = Offers {
        price_from: product.price_from,
        in_stock: product.in_stock,
        sellers: product.seller_ids,
    };
    let rating = rating(product.rating_average, product.rating_count);
    Ok(Change { id, version, aspect: Aspect::Card(Box::new((card, offers, rating))) })
}

fn id(text: &str) -> Result<ProductId, String> {
    text.parse().map_err(|error: ids::ParseIdError| error.to_string())
}

fn localized(text: Option<value::LocalizedText>) -> Localized {
    let text = text.unwrap_or_default();
    Localized { uz: text.uz, ru: text.ru, en: text.en }
}

fn category(category: products::CategoryRef) -> Category {
    Category {
        id: category.id,
        slug: category.slug,
        title: localized(category.title),
        ancestors: category.ancestors,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0 to 5 stars"
)]
fn rating(average: f64, count: u32) -> Rating {
    Rating { thousandths: (average.clamp(0.0, 5.0) * 1000.0).round() as u32, count }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_back_and_belong_to_their_order() {
        let place = Place { key: 1234, id: ProductId::new().as_u128() };
        for order in [
            Sort::Relevance,
            Sort::Newest,
            Sort::Price,
            Sort::PriceDesc,
            Sort::Rating,
            Sort::Popularity,
        ] {
            assert_eq!(parse_cursor(&cursor(place, order), order).unwrap(), Some(place));
        }
        assert!(parse_cursor(&cursor(place, Sort::Price), Sort::Rating).is_err());
        for wrong in ["x", "r.", "r.1", "r.1.", "r.zz.1", "r.1.1.1", "r.11111111111111111.1"] {
            assert!(parse_cursor(wrong, Sort::Relevance).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ratings_are_kept_in_range() {
        assert_eq!(rating(4.5, 2), Rating { thousandths: 4500, count: 2 });
        assert_eq!(rating(f64::NAN, 1).thousandths, 0);
        assert_eq!(rating(-3.0, 1).thousandths, 0);
        assert_eq!(rating(99.0, 1).thousandths, 5000);
    }

    #[test]
    fn products_cross_the_border_as_faults_expect() {
        let broken = products::Product { id: "nonsense".to_owned(), ..Default::default() };
        assert!(product(broken).is_err());
        let fault = fault::Fault::from(Error::Filter("own"));
        assert_eq!(fault.fields[0].code, "NOT_SUPPORTED");
    }
}
