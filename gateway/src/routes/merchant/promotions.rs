//! The merchant's own promotions.

use axum::extract::{Path, State};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    params::Params,
    reply::{Answer, List, Made},
    routes::promotions::{self, ChangePromotion, NewPromotion, Promotion},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_promotions, create_promotion))
        .routes(routes!(read_promotion, update_promotion))
}

/// The merchant's promotions, newest first.
#[utoipa::path(get, path = "/v1/merchant/promotions", tag = "merchant promotions",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Promotion>)))]
async fn list_promotions(State(app): State<App>, params: Params) -> Answer<List<Promotion>> {
    promotions::list(&app, &params, false).await
}

/// Makes a promotion of the merchant: on its own goods, with its own money.
#[utoipa::path(post, path = "/v1/merchant/promotions", tag = "merchant promotions", request_body = NewPromotion, responses((status = 201, body = Promotion)))]
async fn create_promotion(
    State(app): State<App>,
    Body(body): Body<NewPromotion>,
) -> Made<Promotion> {
    promotions::create(&app, body, false).await
}

/// A promotion and how far it is used.
#[utoipa::path(get, path = "/v1/merchant/promotions/{id}", tag = "merchant promotions", responses((status = 200, body = Promotion)))]
async fn read_promotion(State(app): State<App>, Path(id): Path<String>) -> Answer<Promotion> {
    promotions::read(&app, id, false).await
}

/// Changes a promotion.
#[utoipa::path(patch, path = "/v1/merchant/promotions/{id}", tag = "merchant promotions", request_body = ChangePromotion, responses((status = 200, body = Promotion)))]
async fn update_promotion(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<ChangePromotion>,
) -> Answer<Promotion> {
    promotions::update(&app, id, body, false).await
}
