//! `/search?q=`: products by words.

use askama::Template;
use axum::extract::State;
use proto::{
    product::{BatchGetProductsRequest, Category, ProductSort},
    search::{Facet, SearchRequest, SearchResponse},
    value::PageRequest,
};

use super::{
    Page,
    card::Card,
    catalogue::{self, CategoryLink},
    html,
    listing::{self, Chip, Choice, PAGE_SIZE, Pages, Wishes},
};
use crate::{
    App, Texts,
    failure::{Answer, optional},
    labels,
    visit::Visit,
};

/// No list of values is longer.
const FACET_VALUES: usize = 10;
/// What people type is not longer.
const MAX_QUERY: usize = 200;

#[derive(Template)]
#[template(path = "storefront/search.html")]
struct View {
    t: Texts,
    page: Page,
    query: String,
    heading: String,
    corrected: String,
    wishes: Wishes,
    facets: Vec<FacetLinks>,
    sorts: Vec<Choice>,
    chips: Vec<Chip>,
    cards: Vec<Card>,
    pages: Pages,
    count: Option<u64>,
    categories: Vec<CategoryLink>,
    away: bool,
}

/// The values of a facet, each a link that narrows the list down.
struct FacetLinks {
    name: String,
    values: Vec<FacetLink>,
}

struct FacetLink {
    label: String,
    href: String,
    count: u64,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let (t, locale) = (visit.texts(), visit.locale());
    let wishes = Wishes::read(&visit);
    let query: String = visit.param("q").chars().take(MAX_QUERY).collect();
    let request = SearchRequest {
        query: query.clone(),
        filter: Some(wishes.filter(&wishes.category)),
        sort: wishes.sort(ProductSort::Unspecified).into(),
        page: Some(PageRequest { limit: PAGE_SIZE, after: wishes.after.clone(), count: true }),
        facets: true,
    };
    let mut search = app.mesh.search();
    let (found, categories) = futures::join!(search.search(request), catalogue::categories(&app));
    let found = optional("search", found);
    let categories = categories.unwrap_or_default();
    let away = found.is_none();
    let SearchResponse { product_ids, page, facets, corrected_query } = found.unwrap_or_default();
    let info = page.unwrap_or_default();
    let products = if product_ids.is_empty() {
        Vec::new()
    } else {
        let request = BatchGetProductsRequest { ids: product_ids };
        app.mesh.product().batch_get_products(request).await?.into_inner().products
    };
    let heading = if query.is_empty() { t.search_all() } else { t.search_heading(&query) };
    let chosen = trail_title(&visit, &categories, &wishes.category);
    let mut frame = Page::new(&visit, heading.clone()).private();
    frame.query.clone_from(&query);
    html(&View {
        t,
        page: frame,
        heading,
        query,
        corrected: corrected_query,
        facets: facet_links(&visit, &wishes, &categories, facets),
        sorts: listing::sort_choices(t, &wishes, Some(t.sort_relevance())),
        chips: listing::chips(&visit, &wishes, chosen),
        cards: catalogue::cards(&app, locale, &products).await,
        pages: Pages::new(&visit, &info.next),
        count: info.count,
        categories: catalogue::tree(locale, &categories, ""),
        wishes,
        away,
    })
}

fn trail_title(visit: &Visit, categories: &[Category], slug: &str) -> Option<String> {
    let title = || {
        let known = categories.iter().find(|category| category.slug == slug);
        known.map_or_else(|| slug.to_owned(), |category| visit.locale().of(category.title.as_ref()))
    };
    (!slug.is_empty()).then(title)
}

/// Facets whose value is chosen already are shown as chips, not here; prices have fields of their own.
fn facet_links(
    visit: &Visit,
    wishes: &Wishes,
    categories: &[Category],
    facets: Vec<Facet>,
) -> Vec<FacetLinks> {
    let (t, locale) = (visit.texts(), visit.locale());
    let mut links = Vec::new();
    for facet in facets {
        let attribute = facet.name.strip_prefix("attr.");
        let (name, chosen) = match (facet.name.as_str(), attribute) {
            ("category", _) => (t.category(), !wishes.category.is_empty()),
            ("brand", _) => (t.brand(), !wishes.brand.is_empty()),
            (_, Some(key)) => {
                (labels::key(locale, key), wishes.attributes.iter().any(|(name, _)| name == key))
            }
            _ => continue,
        };
        if chosen || facet.values.len() < 2 {
            continue;
        }
        let link = |value: &str| visit.here().set("after", "").set(&facet.name, value).to_string();
        let label = |value: &str| match attribute {
            Some(_) => labels::value(locale, value),
            None if facet.name == "category" => {
                trail_title(visit, categories, value).unwrap_or_default()
            }
            None => value.to_owned(),
        };
        let values = facet.values.iter().filter(|value| !value.value.is_empty()).take(FACET_VALUES);
        let values = values
            .map(|value| FacetLink {
                label: label(&value.value),
                href: link(&value.value),
                count: value.count,
            })
            .collect();
        links.push(FacetLinks { name, values });
    }
    links
}
