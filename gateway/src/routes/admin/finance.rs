//! Payouts, and what the platform earns.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue};
use ids::kind;
use proto::order as pb;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::Reason;
use crate::{
    app::App,
    body::{self, NoBody},
    idempotency::{self, REPLAYED},
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Money},
    routes::merchant::finance::Payout,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(approve))
        .routes(routes!(paid))
        .routes(routes!(failed))
        .routes(routes!(dashboard))
}

/// Payouts of all merchants, newest first.
#[utoipa::path(get, path = "/v1/admin/payouts", tag = "admin",
    params(("status" = Option<String>, Query), ("merchant" = Option<String>, Query), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Payout>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<Payout>> {
    let text = |name: &str| params.get(name).unwrap_or_default().to_owned();
    let request = pb::ListAllPayoutsRequest {
        page: Some(params.page()?),
        status: text("status"),
        merchant_id: text("merchant"),
    };
    let answer = app.mesh.finance().list_all_payouts(request).await?.into_inner();
    Ok(List::new(answer.payouts, answer.page, Payout::from))
}

/// A body, and what makes it the same body.
pub(crate) async fn hashed<T: DeserializeOwned>(request: Request) -> Result<(T, Bytes), Problem> {
    let (parts, stream) = request.into_parts();
    let raw = body::read(stream, body::JSON_LIMIT).await?;
    Ok((body::parse(&parts.headers, &raw)?, Bytes::copy_from_slice(&Sha256::digest(&raw))))
}

async fn advance(app: &App, request: pb::MovePayoutRequest) -> Result<Response, Problem> {
    let id = named::<kind::Payout>(request.id.clone(), "PAYOUT")?;
    let request = pb::MovePayoutRequest { id, ..request };
    let answer = app.mesh.finance().move_payout(request).await?.into_inner();
    let mut response = Json(Payout::from(answer.payout.unwrap_or_default())).into_response();
    if answer.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Agrees to a payout.
#[utoipa::path(post, path = "/v1/admin/payouts/{id}/approve", tag = "admin",
    params(("Idempotency-Key" = String, Header)), responses((status = 200, body = Payout)))]
async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    _: NoBody,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency::required(&headers)?;
    let request = pb::MovePayoutRequest {
        id,
        r#move: pb::PayoutMove::Approve.into(),
        idempotency_key,
        ..Default::default()
    };
    advance(&app, request).await
}

/// What the bank calls it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paid {
    reference: String,
}

/// The money is with the merchant's bank.
#[utoipa::path(post, path = "/v1/admin/payouts/{id}/paid", tag = "admin", request_body = Paid,
    params(("Idempotency-Key" = String, Header)), responses((status = 200, body = Payout)))]
async fn paid(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency::required(request.headers())?;
    let (Paid { reference }, request_hash) = hashed(request).await?;
    let request = pb::MovePayoutRequest {
        id,
        r#move: pb::PayoutMove::Paid.into(),
        reference,
        idempotency_key,
        request_hash,
        ..Default::default()
    };
    advance(&app, request).await
}

/// It is not, and the sum is the merchant's balance again.
#[utoipa::path(post, path = "/v1/admin/payouts/{id}/failed", tag = "admin", request_body = Reason,
    params(("Idempotency-Key" = String, Header)), responses((status = 200, body = Payout)))]
async fn failed(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency::required(request.headers())?;
    let (Reason { reason }, request_hash) = hashed(request).await?;
    let request = pb::MovePayoutRequest {
        id,
        r#move: pb::PayoutMove::Fail.into(),
        reason,
        idempotency_key,
        request_hash,
        ..Default::default()
    };
    advance(&app, request).await
}

/// What was sold in a time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Takings {
    /// Merchants' sales.
    orders: i64,
    /// What shoppers paid for goods.
    turnover: Money,
    /// The platform's, without VAT; refunds taken off.
    commission: Money,
}

impl From<Option<pb::Turnover>> for Takings {
    fn from(figures: Option<pb::Turnover>) -> Self {
        let figures = figures.unwrap_or_default();
        Self {
            orders: figures.orders,
            turnover: Money::of(figures.turnover),
            commission: Money::of(figures.commission),
        }
    }
}

/// What the platform sold and earned.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dashboard {
    today: Takings,
    last_7_days: Takings,
    last_30_days: Takings,
}

/// What the platform sold and earned today, and in the last seven and thirty days in Tashkent.
#[utoipa::path(get, path = "/v1/admin/dashboard", tag = "admin", responses((status = 200, body = Dashboard)))]
async fn dashboard(State(app): State<App>) -> Answer<Dashboard> {
    let answer = app.mesh.finance().get_dashboard(pb::GetDashboardRequest {}).await?.into_inner();
    Ok(Json(Dashboard {
        today: answer.today.into(),
        last_7_days: answer.week.into(),
        last_30_days: answer.month.into(),
    }))
}
