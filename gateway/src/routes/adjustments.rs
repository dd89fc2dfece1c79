//! Corrections of what merchants are owed.

use axum::{
    Json,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use clock::Timestamp;
use http::{HeaderValue, StatusCode};
use ids::kind;
use proto::order as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::admin::finance::hashed;
use crate::{
    app::App,
    idempotency::{self, REPLAYED},
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Money, MoneyInput, at},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(own)).routes(routes!(list, adjust))
}

/// Whether a merchant is owed more, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Credit,
    Debit,
}

/// A correction of a balance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BalanceAdjustment {
    id: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    merchant_id: String,
    direction: Direction,
    amount: Money,
    reason: String,
}

impl From<pb::BalanceAdjustment> for BalanceAdjustment {
    fn from(adjustment: pb::BalanceAdjustment) -> Self {
        Self {
            id: adjustment.id,
            at: at(adjustment.at_ms),
            merchant_id: adjustment.merchant_id,
            direction: if adjustment.gives { Direction::Credit } else { Direction::Debit },
            amount: Money::of(adjustment.amount),
            reason: adjustment.reason,
        }
    }
}

/// A correction to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdjustBalance {
    direction: Direction,
    /// Above zero.
    amount: MoneyInput,
    /// For the merchant to read.
    reason: String,
}

async fn page(app: &App, merchant_id: String, params: &Params) -> Answer<List<BalanceAdjustment>> {
    let request = pb::ListAdjustmentsRequest { merchant_id, page: Some(params.page()?) };
    let answer = app.mesh.finance().list_adjustments(request).await?.into_inner();
    Ok(List::new(answer.adjustments, answer.page, BalanceAdjustment::from))
}

/// Corrections of the merchant's balance by the platform, newest first.
#[utoipa::path(get, path = "/v1/merchant/finance/adjustments", tag = "merchant finance",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<BalanceAdjustment>)))]
async fn own(State(app): State<App>, params: Params) -> Answer<List<BalanceAdjustment>> {
    page(&app, String::new(), &params).await
}

/// Corrections of a merchant's balance, newest first.
#[utoipa::path(get, path = "/v1/admin/merchants/{id}/adjustments", tag = "admin",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<BalanceAdjustment>)))]
async fn list(
    State(app): State<App>,
    Path(id): Path<String>,
    params: Params,
) -> Answer<List<BalanceAdjustment>> {
    page(&app, named::<kind::Merchant>(id, "MERCHANT")?, &params).await
}

/// Corrects a merchant's balance: a posting in the ledger, with a reason that the merchant reads.
#[utoipa::path(post, path = "/v1/admin/merchants/{id}/adjustments", tag = "admin", request_body = AdjustBalance,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, body = BalanceAdjustment)))]
async fn adjust(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let merchant_id = named::<kind::Merchant>(id, "MERCHANT")?;
    let idempotency_key = idempotency::required(request.headers())?;
    let (AdjustBalance { direction, amount, reason }, request_hash) = hashed(request).await?;
    let request = pb::AdjustBalanceRequest {
        merchant_id,
        amount: Some(amount.into()),
        gives: direction == Direction::Credit,
        reason,
        idempotency_key,
        request_hash,
    };
    let answer = app.mesh.finance().adjust_balance(request).await?.into_inner();
    let made = Json(BalanceAdjustment::from(answer.adjustment.unwrap_or_default()));
    let mut response = (StatusCode::CREATED, made).into_response();
    if answer.replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}
