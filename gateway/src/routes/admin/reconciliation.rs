//! Payments held against what their providers say.

use axum::{
    Json,
    extract::{Path, State},
};
use clock::Timestamp;
use ids::kind;
use proto::payment as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    params::{Params, named},
    reply::{Answer, List, Made, Money, at, at_if, created, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(differences))
        .routes(routes!(runs, start))
        .routes(routes!(resolve))
}

/// How a payment stands on one side.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Side {
    /// `open`, `paid` or `ended`.
    state: String,
    /// Absent when the provider does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
}

/// Something that does not fit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Difference {
    id: String,
    run_id: String,
    provider: String,
    /// `paid_there_only`, `paid_here_only`, `amount` or `state`.
    class: String,
    /// `fixed`, `frozen` or `resolved`.
    outcome: String,
    /// The order's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The provider's name of the transaction.
    provider_ref: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    /// How it stands here; absent when nobody knows it here.
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<Side>,
    /// How it stands there; absent when nobody knows it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    theirs: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    found_at: Timestamp,
    /// When a run found it last.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    settled_at: Option<Timestamp>,
}

impl From<pb::Difference> for Difference {
    fn from(it: pb::Difference) -> Self {
        let side = |side: pb::difference::Side| Side {
            state: side.state,
            amount: side.amount.map(|amount| Money::of(Some(amount))),
        };
        Self {
            id: it.id,
            run_id: it.reconciliation_id,
            provider: it.provider,
            class: it.class,
            outcome: it.outcome,
            reference: some(it.reference),
            provider_ref: it.provider_ref,
            payment_id: some(it.payment_id),
            order_id: some(it.order_id),
            ours: it.ours.map(side),
            theirs: it.theirs.map(side),
            note: some(it.note),
            found_at: at(it.found_at_ms),
            seen_at: at(it.seen_at_ms),
            settled_at: at_if(it.settled_at_ms),
        }
    }
}

/// A comparison.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reconciliation {
    id: String,
    provider: String,
    /// `nightly`, `demand` or `upload`.
    cause: String,
    /// `waiting`, `running`, `done` or `failed`.
    state: String,
    /// The first moment of the period.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// The first moment after it.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// Payments compared.
    compared: u32,
    /// Payments of which the provider said nothing that could be taken for an answer.
    unanswered: u32,
    /// Differences.
    found: u32,
    /// Differences that were brought forward.
    fixed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl From<pb::Reconciliation> for Reconciliation {
    fn from(it: pb::Reconciliation) -> Self {
        Self {
            id: it.id,
            provider: it.provider,
            cause: it.cause,
            state: it.state,
            from: at(it.from_ms),
            to: at(it.to_ms),
            compared: it.compared,
            unanswered: it.unanswered,
            found: it.found,
            fixed: it.fixed,
            note: some(it.note),
            started_at: at(it.started_at_ms),
            ended_at: at_if(it.ended_at_ms),
        }
    }
}

/// What does not fit between payments here and at their providers, newest first; `outcome=frozen` waits for people.
#[utoipa::path(get, path = "/v1/admin/payments/reconciliation", tag = "admin",
    params(("outcome" = Option<String>, Query), ("provider" = Option<String>, Query), ("class" = Option<String>, Query),
        ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Difference>)))]
async fn differences(State(app): State<App>, params: Params) -> Answer<List<Difference>> {
    let text = |name: &str| params.get(name).unwrap_or_default().to_owned();
    let request = pb::ListDifferencesRequest {
        page: Some(params.page()?),
        provider: text("provider"),
        outcome: text("outcome"),
        class: text("class"),
    };
    let answer = app.mesh.reconciliation().list_differences(request).await?.into_inner();
    Ok(List::new(answer.differences, answer.page, Difference::from))
}

/// Comparisons, newest first.
#[utoipa::path(get, path = "/v1/admin/payments/reconciliation/runs", tag = "admin",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Reconciliation>)))]
async fn runs(State(app): State<App>, params: Params) -> Answer<List<Reconciliation>> {
    let request = pb::ListReconciliationsRequest { page: Some(params.page()?) };
    let answer = app.mesh.reconciliation().list_reconciliations(request).await?.into_inner();
    Ok(List::new(answer.reconciliations, answer.page, Reconciliation::from))
}

/// What to compare.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    /// `payme` or `click`.
    provider: String,
    /// A day in Tashkent, such as `2026-11-21`; yesterday when absent.
    from: Option<String>,
    /// The last day; the first one when absent.
    to: Option<String>,
    /// A table of the provider's cabinet with all payments of these days. Click can be asked without one.
    csv: Option<String>,
}

/// Compares payments with what their provider says: in the background when the provider is asked, at once with a table.
#[utoipa::path(post, path = "/v1/admin/payments/reconciliation/runs", tag = "admin", request_body = Start, responses((status = 201, body = Reconciliation)))]
async fn start(State(app): State<App>, Body(body): Body<Start>) -> Made<Reconciliation> {
    let request = pb::StartReconciliationRequest {
        provider: body.provider,
        from: body.from.unwrap_or_default(),
        to: body.to.unwrap_or_default(),
        csv: body.csv.unwrap_or_default(),
    };
    let answer = app.mesh.reconciliation().start_reconciliation(request).await?.into_inner();
    Ok(created(answer.reconciliation.unwrap_or_default().into()))
}

/// What was done about it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    note: String,
}

/// Somebody has looked at a frozen difference and done what was to do.
#[utoipa::path(post, path = "/v1/admin/payments/reconciliation/{id}/resolve", tag = "admin", request_body = Resolve, responses((status = 200, body = Difference)))]
async fn resolve(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<Resolve>,
) -> Answer<Difference> {
    let id = named::<kind::Difference>(id, "DIFFERENCE")?;
    let request = pb::ResolveDifferenceRequest { id, note: body.note };
    let answer = app.mesh.reconciliation().resolve_difference(request).await?.into_inner();
    Ok(Json(answer.difference.unwrap_or_default().into()))
}
