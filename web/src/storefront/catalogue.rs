//! What several screens ask of the catalogue.

use proto::{
    order::ListOffersRequest,
    product::{Category, ListCategoriesRequest, Product},
};

use crate::{App, Locale, failure::optional, storefront::card::Card};

/// Cards of the first view are loaded at once, those below when they come near.
const FIRST_VIEW: usize = 4;

/// Cards of products with the best offer of each. Without the order service they show the catalogue's display price.
pub(crate) async fn cards(app: &App, locale: Locale, products: &[Product]) -> Vec<Card> {
    let product_ids: Vec<String> = products.iter().map(|product| product.id.clone()).collect();
    let offers = if product_ids.is_empty() {
        Vec::new()
    } else {
        let request = ListOffersRequest { product_ids, ..Default::default() };
        let answer = app.mesh.order().list_offers(request).await;
        optional("offers of a list", answer).map(|answer| answer.offers).unwrap_or_default()
    };
    let card = |(index, product): (usize, &Product)| {
        let own: Vec<_> = offers.iter().filter(|offer| offer.product_id == product.id).collect();
        Card { eager: index < FIRST_VIEW, ..Card::new(locale, product, &own) }
    };
    products.iter().enumerate().map(card).collect()
}

/// Every category; `None` when the catalogue is away.
pub(crate) async fn categories(app: &App) -> Option<Vec<Category>> {
    let answer = app.mesh.product().list_categories(ListCategoriesRequest {}).await;
    optional("categories", answer).map(|answer| {
        let mut categories = answer.categories;
        categories.sort_by_key(|category| category.position);
        categories
    })
}

/// A category as a link.
#[derive(Debug, Clone)]
pub(crate) struct CategoryLink {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) icon: String,
    pub(crate) children: Vec<Self>,
}

/// The links below a parent (the roots for an empty one), two levels deep.
pub(crate) fn tree(locale: Locale, categories: &[Category], parent: &str) -> Vec<CategoryLink> {
    level(locale, categories, parent, 2)
}

fn level(locale: Locale, categories: &[Category], parent: &str, depth: u32) -> Vec<CategoryLink> {
    if depth == 0 {
        return Vec::new();
    }
    let own = categories.iter().filter(|category| category.parent == parent);
    own.map(|category| CategoryLink {
        href: format!("/c/{}", category.slug),
        title: locale.of(category.title.as_ref()),
        icon: category.icon.clone(),
        children: level(locale, categories, &category.slug, depth - 1),
    })
    .collect()
}

/// The way from the root to a category, itself included.
pub(crate) fn trail(locale: Locale, categories: &[Category], slug: &str) -> Vec<CategoryLink> {
    let mut trail = Vec::new();
    let mut next = slug;
    // A tree is never this deep: a circle in the data ends here.
    for _ in 0..8 {
        let Some(category) = categories.iter().find(|category| category.slug == next) else {
            break;
        };
        trail.push(CategoryLink {
            href: format!("/c/{}", category.slug),
            title: locale.of(category.title.as_ref()),
            icon: String::new(),
            children: Vec::new(),
        });
        next = &category.parent;
    }
    trail.reverse();
    trail
}
