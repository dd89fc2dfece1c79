//! Refunds that people have to send.

use axum::{
    Json,
    extract::{Path, Request, State},
};
use ids::kind;
use proto::order as pb;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body,
    params::{Params, named},
    reply::{Answer, List},
    routes::store::returns::Refund,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_refunds)).routes(routes!(refund_done))
}

/// Every refund, newest first; `status=needs_manual` are those that wait for people.
#[utoipa::path(get, path = "/v1/admin/refunds", tag = "admin",
    params(("status" = Option<String>, Query), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Refund>)))]
async fn list_refunds(State(app): State<App>, params: Params) -> Answer<List<Refund>> {
    let status = params.get("status").unwrap_or_default().to_owned();
    let request = pb::ListRefundsRequest { page: Some(params.page()?), status };
    let answer = app.mesh.returns().list_refunds(request).await?.into_inner();
    Ok(List::new(answer.refunds, answer.page, Refund::from))
}

/// How it was sent.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Done {
    /// For the order's timeline, such as the number of the transfer.
    #[serde(default)]
    note: String,
}

/// The money of a refund has been sent by hand.
#[utoipa::path(post, path = "/v1/admin/refunds/{id}/done", tag = "admin", request_body = Done, responses((status = 200, body = Refund)))]
async fn refund_done(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Answer<Refund> {
    let id = named::<kind::Refund>(id, "REFUND")?;
    let (parts, stream) = request.into_parts();
    let bytes = body::read(stream, body::JSON_LIMIT).await?;
    let done: Done =
        if bytes.is_empty() { Done::default() } else { body::parse(&parts.headers, &bytes)? };
    let request = pb::CompleteRefundRequest { id, note: done.note };
    let answer = app.mesh.returns().complete_refund(request).await?.into_inner();
    Ok(Json(answer.refund.unwrap_or_default().into()))
}
