//! What buyers think of products.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use clock::Timestamp;
use fault::Fault;
use ids::kind;
use mesh::Context;
use proto::{auth::GetMeRequest, product as pb, value::PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Made, at, created},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(update, remove))
}

/// What somebody thinks of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Review {
    id: String,
    product_id: String,
    author: String,
    /// 1 to 5.
    rating: u32,
    text: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<pb::Review> for Review {
    fn from(review: pb::Review) -> Self {
        Self {
            id: review.id,
            product_id: review.product_id,
            author: review.author,
            rating: review.rating,
            text: review.text,
            created_at: at(review.created_at_ms),
        }
    }
}

/// Reviews of a product; without one, the own reviews.
#[utoipa::path(get, path = "/v1/store/reviews", tag = "profile",
    params(("product_id" = Option<String>, Query), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Review>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<Review>> {
    let mut request = pb::ListReviewsRequest { page: Some(params.page()?), ..Default::default() };
    match params.get("product_id") {
        Some(product) => {
            request.product_id = named::<kind::Product>(product.to_owned(), "PRODUCT")?;
        }
        None => request.user_id = Context::caller().require_user()?.to_string(),
    }
    let answer = app.mesh.product().list_reviews(request).await?.into_inner();
    Ok(List::new(answer.reviews, answer.page, Review::from))
}

/// What somebody thinks of a product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReview {
    product_id: String,
    rating: u32,
    #[serde(default)]
    text: String,
}

async fn put(app: &App, product_id: String, rating: u32, text: String) -> Result<Review, Problem> {
    let me = app.mesh.auth().get_me(GetMeRequest {}).await?.into_inner().user.unwrap_or_default();
    let user_id = String::new();
    let request = pb::PutReviewRequest { product_id, rating, text, author: me.name, user_id };
    let answer = app.mesh.product().put_review(request).await?.into_inner();
    Ok(answer.review.unwrap_or_default().into())
}

/// Reviews a product; a second review of it replaces the first.
#[utoipa::path(post, path = "/v1/store/reviews", tag = "profile", request_body = NewReview, responses((status = 201, body = Review)))]
async fn create(State(app): State<App>, Body(body): Body<NewReview>) -> Made<Review> {
    Ok(created(put(&app, body.product_id, body.rating, body.text).await?))
}

/// What to change of a review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeReview {
    rating: Option<u32>,
    text: Option<String>,
}

/// Changes an own review.
#[utoipa::path(patch, path = "/v1/store/reviews/{id}", tag = "profile", request_body = ChangeReview, responses((status = 200, body = Review)))]
async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<ChangeReview>,
) -> Answer<Review> {
    let known = own(&app, named::<kind::Review>(id, "REVIEW")?).await?;
    let rating = body.rating.unwrap_or(known.rating);
    let text = body.text.unwrap_or(known.text);
    Ok(Json(put(&app, known.product_id, rating, text).await?))
}

/// One of the caller's own reviews.
async fn own(app: &App, id: String) -> Result<pb::Review, Problem> {
    let user_id = Context::caller().require_user()?.to_string();
    let mut page = PageRequest { limit: 100, ..Default::default() };
    loop {
        let request = pb::ListReviewsRequest {
            user_id: user_id.clone(),
            page: Some(page.clone()),
            ..Default::default()
        };
        let answer = app.mesh.product().list_reviews(request).await?.into_inner();
        if let Some(review) = answer.reviews.into_iter().find(|review| review.id == id) {
            return Ok(review);
        }
        page.after = answer.page.map(|page| page.next).unwrap_or_default();
        if page.after.is_empty() {
            return Err(Fault::not_found("REVIEW").into());
        }
    }
}

/// Takes back an own review.
#[utoipa::path(delete, path = "/v1/store/reviews/{id}", tag = "profile", responses((status = 204)))]
async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = named::<kind::Review>(id, "REVIEW")?;
    app.mesh.product().delete_review(pb::DeleteReviewRequest { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
