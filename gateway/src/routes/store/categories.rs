//! The tree of categories.

use std::collections::HashMap;

use axum::{Json, extract::State};
use proto::product as pb;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    locale::Locale,
    reply::{Answer, List, Meta, locale, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(tree))
}

/// A category with those below it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Category {
    id: String,
    slug: String,
    title: String,
    parent: Option<String>,
    icon: Option<String>,
    /// Active products in it and below it.
    product_count: u64,
    #[schema(no_recursion)]
    children: Vec<Self>,
}

fn below(
    parent: &str,
    categories: &mut HashMap<String, Vec<pb::Category>>,
    locale: Locale,
) -> Vec<Category> {
    let mut level = categories.remove(parent).unwrap_or_default();
    level.sort_by(|a, b| (a.position, &a.slug).cmp(&(b.position, &b.slug)));
    let node = |category: pb::Category| Category {
        children: below(&category.slug, categories, locale),
        id: category.id,
        slug: category.slug,
        title: locale.pick(category.title),
        parent: some(category.parent),
        icon: some(category.icon),
        product_count: category.product_count,
    };
    level.into_iter().map(node).collect()
}

/// The whole tree.
#[utoipa::path(get, path = "/v1/store/categories", tag = "catalogue", responses((status = 200, body = List<Category>)))]
async fn tree(State(app): State<App>) -> Answer<List<Category>> {
    let request = pb::ListCategoriesRequest {};
    let answer = app.mesh.product().list_categories(request).await?.into_inner();
    let mut by_parent: HashMap<String, Vec<pb::Category>> = HashMap::new();
    for category in answer.categories {
        by_parent.entry(category.parent.clone()).or_default().push(category);
    }
    Ok(Json(List { data: below("", &mut by_parent, locale()), meta: Meta::default() }))
}
