//! The invoice of an order.

use axum::{
    extract::{Path, State},
    response::{Html, IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header};
use ids::kind;
use proto::order as pb;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::orders::token;
use crate::{app::App, params::named, problem::Problem, reply::locale};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(invoice))
}

/// The invoice of an own order, or of a guest's with its token: a page to be printed.
#[utoipa::path(get, path = "/v1/store/orders/{id}/invoice", tag = "orders",
    responses((status = 200, content_type = "text/html", body = String)))]
async fn invoice(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = named::<kind::Order>(id, "ORDER")?;
    let request = pb::GetOrderRequest { id, order_token: token(&headers) };
    let answer = app.mesh.order().get_order(request).await?.into_inner();
    let locale = web::Locale::parse(locale().as_str()).unwrap_or_default();
    let page = web::invoice::page(&answer.order.unwrap_or_default(), locale);
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static(web::invoice::POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    let kept = HeaderValue::from_static("private, no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}
