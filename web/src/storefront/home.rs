//! `/`: what there is.

use askama::Template;
use axum::extract::State;
use proto::{
    product::{ListProductsRequest, Product, ProductFilter, ProductSort},
    value::PageRequest,
};

use super::{
    Page,
    card::Card,
    catalogue::{self, CategoryLink},
    html,
};
use crate::{
    App, Texts,
    failure::{Answer, optional},
    visit::Visit,
};

const POPULAR: u32 = 12;
const NEWEST: u32 = 8;

#[derive(Template)]
#[template(path = "storefront/home.html")]
struct View {
    t: Texts,
    page: Page,
    categories: Vec<CategoryLink>,
    popular: Vec<Card>,
    newest: Vec<Card>,
    /// The catalogue is away.
    away: bool,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let locale = visit.locale();
    let (categories, popular, newest) = futures::join!(
        catalogue::categories(&app),
        list(&app, ProductSort::Popularity, POPULAR),
        list(&app, ProductSort::Newest, NEWEST),
    );
    let away = categories.is_none() || popular.is_none();
    let popular = popular.unwrap_or_default();
    // What stands in the first row need not stand in the second one, too.
    let mut newest = newest.unwrap_or_default();
    newest.retain(|product| popular.iter().all(|other| other.id != product.id));
    let shown = popular.len();
    let mut cards = catalogue::cards(&app, locale, &[popular, newest].concat()).await;
    let newest = cards.split_off(shown.min(cards.len()));
    let t = visit.texts();
    html(&View {
        t,
        page: Page::new(&visit, t.home_title()).describe(&t.home_lead()),
        categories: catalogue::tree(locale, &categories.unwrap_or_default(), ""),
        popular: cards,
        newest,
        away,
    })
}

async fn list(app: &App, sort: ProductSort, limit: u32) -> Option<Vec<Product>> {
    let request = ListProductsRequest {
        page: Some(PageRequest { limit, ..Default::default() }),
        filter: Some(ProductFilter { in_stock: Some(true), ..Default::default() }),
        sort: sort.into(),
    };
    let answer = app.mesh.product().list_products(request).await;
    optional("products of the home page", answer).map(|answer| answer.products)
}
