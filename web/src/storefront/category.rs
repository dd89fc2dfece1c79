//! `/c/{slug}`: the products of a category.

use askama::Template;
use axum::extract::{Path, State};
use proto::{
    product::{ListProductsRequest, ProductSort},
    search::SearchRequest,
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
    failure::{Answer, Failure, optional},
    visit::Visit,
};

#[derive(Template)]
#[template(path = "storefront/category.html")]
struct View {
    t: Texts,
    page: Page,
    action: String,
    heading: String,
    trail: Vec<CategoryLink>,
    children: Vec<CategoryLink>,
    wishes: Wishes,
    brands: Vec<Choice>,
    sorts: Vec<Choice>,
    chips: Vec<Chip>,
    cards: Vec<Card>,
    pages: Pages,
    count: Option<u64>,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Path(slug): Path<String>) -> Answer {
    let (t, locale) = (visit.texts(), visit.locale());
    let wishes = Wishes::read(&visit);
    let (categories, products, brands) = futures::join!(
        catalogue::categories(&app),
        products(&app, &slug, &wishes),
        brands(&app, &slug, &wishes),
    );
    let categories = categories.unwrap_or_default();
    let trail = catalogue::trail(locale, &categories, &slug);
    let Some(heading) = trail.last().map(|link| link.title.clone()) else {
        // Known to be missing only when the catalogue answered.
        return Err(products.err().unwrap_or_else(Failure::not_found));
    };
    let products = products?;
    let info = products.page.unwrap_or_default();
    html(&View {
        t,
        page: Page::new(&visit, heading.clone()).describe(&t.category_lead(&heading)),
        action: format!("/c/{slug}"),
        heading,
        children: catalogue::tree(locale, &categories, &slug),
        trail,
        brands,
        sorts: listing::sort_choices(t, &wishes, None),
        chips: listing::chips(&visit, &wishes, None),
        cards: catalogue::cards(&app, locale, &products.products).await,
        pages: Pages::new(&visit, &info.next),
        count: info.count,
        wishes,
    })
}

async fn products(
    app: &App,
    slug: &str,
    wishes: &Wishes,
) -> Result<proto::product::ListProductsResponse, Failure> {
    let page = PageRequest { limit: PAGE_SIZE, after: wishes.after.clone(), count: true };
    let request = ListProductsRequest {
        page: Some(page),
        filter: Some(wishes.filter(slug)),
        sort: wishes.sort(ProductSort::Popularity).into(),
    };
    Ok(app.mesh.product().list_products(request).await?.into_inner())
}

/// The brands in this category, by the index; none while it is away.
async fn brands(app: &App, slug: &str, wishes: &Wishes) -> Vec<Choice> {
    let mut filter = wishes.filter(slug);
    filter.brand.clear();
    let request = SearchRequest {
        filter: Some(filter),
        page: Some(PageRequest { limit: 1, ..Default::default() }),
        facets: true,
        ..Default::default()
    };
    let answer = optional("brands", app.mesh.search().search(request).await);
    let facets = answer.map(|answer| answer.facets).unwrap_or_default();
    let values =
        facets.into_iter().filter(|facet| facet.name == "brand").flat_map(|facet| facet.values);
    let mut brands: Vec<Choice> = values
        .filter(|value| !value.value.is_empty())
        .map(|value| Choice {
            label: format!("{} ({})", value.value, value.count),
            chosen: value.value == wishes.brand,
            value: value.value,
        })
        .collect();
    if !wishes.brand.is_empty() && !brands.iter().any(|brand| brand.chosen) {
        let brand = wishes.brand.clone();
        brands.push(Choice { label: brand.clone(), value: brand, chosen: true });
    }
    brands
}
