//! Search: the index says which products and in which order, the catalogue shows them.

use axum::{Json, extract::State};
use proto::{product::BatchGetProductsRequest, search as pb};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    locale::Locale,
    params::Params,
    reply::{Answer, List, Meta, locale, some},
    routes::store::products::{self, Product},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search)).routes(routes!(suggest))
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    data: Vec<Product>,
    meta: Meta,
    facets: Vec<Facet>,
    /// What was searched for instead, when the query as typed found nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected_query: Option<String>,
}

/// A way to narrow the result.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Facet {
    /// `category`, `brand`, `price` or `attr.<name>`.
    name: String,
    values: Vec<FacetValue>,
}

/// One value of a facet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FacetValue {
    value: String,
    count: u64,
}

impl From<pb::Facet> for Facet {
    fn from(facet: pb::Facet) -> Self {
        let value = |value: pb::FacetValue| FacetValue { value: value.value, count: value.count };
        Self { name: facet.name, values: facet.values.into_iter().map(value).collect() }
    }
}

/// Finds products by words in Uzbek (both scripts), Russian and English.
#[utoipa::path(get, path = "/v1/store/search", tag = "catalogue",
    params(
        ("q" = Option<String>, Query),
        ("category" = Option<String>, Query),
        ("brand" = Option<String>, Query),
        ("merchant" = Option<String>, Query),
        ("price_gte" = Option<i64>, Query),
        ("price_lte" = Option<i64>, Query),
        ("in_stock" = Option<bool>, Query),
        ("attr.<name>" = Option<String>, Query),
        ("sort" = Option<String>, Query, description = "By relevance unless given"),
        ("limit" = Option<u32>, Query),
        ("after" = Option<String>, Query),
    ),
    responses((status = 200, body = Found)))]
async fn search(State(app): State<App>, params: Params) -> Answer<Found> {
    let mut page = params.page()?;
    page.count = true;
    let request = pb::SearchRequest {
        query: query(&params),
        filter: Some(params.filter()?),
        sort: params.sort()?.into(),
        page: Some(page),
        facets: true,
    };
    let found = app.mesh.search().search(request).await?.into_inner();
    let data = if found.product_ids.is_empty() {
        Vec::new()
    } else {
        let request = BatchGetProductsRequest { ids: found.product_ids };
        let products = app.mesh.product().batch_get_products(request).await?.into_inner();
        products::with_offers(&app, products.products).await?
    };
    Ok(Json(Found {
        data,
        meta: found.page.into(),
        facets: found.facets.into_iter().map(Facet::from).collect(),
        corrected_query: some(found.corrected_query),
    }))
}

/// Nobody types more; what is longer is cut.
fn query(params: &Params) -> String {
    params.get("q").unwrap_or_default().chars().take(200).collect()
}

/// A completion of what was typed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Suggestion {
    text: String,
    /// `product`, `category` or `brand`.
    #[serde(rename = "type")]
    kind: String,
}

/// Completions of what was typed so far.
#[utoipa::path(get, path = "/v1/store/search/suggest", tag = "catalogue",
    params(("q" = String, Query)), responses((status = 200, body = List<Suggestion>)))]
async fn suggest(State(app): State<App>, params: Params) -> Answer<List<Suggestion>> {
    let language = match locale() {
        Locale::Uz | Locale::UzCyrl => "uz",
        Locale::Ru => "ru",
        Locale::En => "en",
    };
    let request =
        pb::SuggestRequest { query: query(&params), limit: 10, locale: language.to_owned() };
    let answer = app.mesh.search().suggest(request).await?.into_inner();
    Ok(List::all(answer.suggestions, |one| Suggestion { text: one.text, kind: one.r#type }))
}
