//! What somebody would like to have.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use ids::kind;
use proto::{cart as pb, product::BatchGetProductsRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::products::{self, Product};
use crate::{
    app::App,
    body::Body,
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Made, created},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

/// The products of the own wishlist, newest first.
#[utoipa::path(get, path = "/v1/store/wishlist", tag = "profile",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Product>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<Product>> {
    let request = pb::ListWishlistRequest { page: Some(params.page()?) };
    let wishes = app.mesh.cart().list_wishlist(request).await?.into_inner();
    let meta = wishes.page.into();
    let data = if wishes.product_ids.is_empty() {
        Vec::new()
    } else {
        let request = BatchGetProductsRequest { ids: wishes.product_ids };
        let answer = app.mesh.product().batch_get_products(request).await?.into_inner();
        products::with_offers(&app, answer.products).await?
    };
    Ok(Json(List { data, meta }))
}

/// A product for the wishlist.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    product_id: String,
}

/// Adds a product to the own wishlist.
#[utoipa::path(post, path = "/v1/store/wishlist", tag = "profile", request_body = Wish, responses((status = 201, body = Wish)))]
async fn add(State(app): State<App>, Body(wish): Body<Wish>) -> Made<Wish> {
    let request = pb::AddToWishlistRequest { product_id: wish.product_id.clone() };
    app.mesh.cart().add_to_wishlist(request).await?;
    Ok(created(wish))
}

/// Takes a product from the own wishlist.
#[utoipa::path(delete, path = "/v1/store/wishlist/{product_id}", tag = "profile", responses((status = 204)))]
async fn remove(
    State(app): State<App>,
    Path(product_id): Path<String>,
) -> Result<StatusCode, Problem> {
    let product_id = named::<kind::Product>(product_id, "PRODUCT")?;
    app.mesh.cart().remove_from_wishlist(pb::RemoveFromWishlistRequest { product_id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
