//! Goods that come back to the merchant, and money that it gives back.

use axum::{
    Json,
    extract::{Path, Request, State},
    response::Response,
};
use ids::kind;
use proto::order as pb;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::{Body, NoBody},
    idempotency,
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, MoneyInput},
    routes::store::{
        checkout::{answered, hashed},
        returns::{ItemQuantity, Refund, Return, quantities},
    },
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(approve))
        .routes(routes!(refuse))
        .routes(routes!(receive))
        .routes(routes!(give_refund))
}

/// Returns of the merchant's goods, newest first.
#[utoipa::path(get, path = "/v1/merchant/returns", tag = "merchant orders",
    params(("status" = Option<String>, Query), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Return>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<Return>> {
    let status = params.get("status").unwrap_or_default().to_owned();
    let request = pb::ListReturnsRequest { page: Some(params.page()?), status };
    let answer = app.mesh.returns().list_returns(request).await?.into_inner();
    Ok(List::new(answer.returns, answer.page, Return::from))
}

/// A return.
#[utoipa::path(get, path = "/v1/merchant/returns/{id}", tag = "merchant orders", responses((status = 200, body = Return)))]
async fn read(State(app): State<App>, Path(id): Path<String>) -> Answer<Return> {
    let id = named::<kind::Return>(id, "RETURN")?;
    let answer = app.mesh.returns().get_return(pb::GetReturnRequest { id }).await?.into_inner();
    Ok(Json(answer.r#return.unwrap_or_default().into()))
}

async fn advance(app: &App, id: String, request: pb::MoveReturnRequest) -> Answer<Return> {
    let id = named::<kind::Return>(id, "RETURN")?;
    let request = pb::MoveReturnRequest { id, ..request };
    let answer = app.mesh.returns().move_return(request).await?.into_inner();
    Ok(Json(answer.r#return.unwrap_or_default().into()))
}

fn step(step: pb::ReturnMove) -> pb::MoveReturnRequest {
    pb::MoveReturnRequest { r#move: step.into(), ..Default::default() }
}

/// Agrees, and waits for the goods.
#[utoipa::path(post, path = "/v1/merchant/returns/{id}/approve", tag = "merchant orders", responses((status = 200, body = Return)))]
async fn approve(State(app): State<App>, Path(id): Path<String>, _: NoBody) -> Answer<Return> {
    advance(&app, id, step(pb::ReturnMove::Approve)).await
}

/// Why not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refuse {
    reason: String,
}

/// Does not agree.
#[utoipa::path(post, path = "/v1/merchant/returns/{id}/refuse", tag = "merchant orders", request_body = Refuse, responses((status = 200, body = Return)))]
async fn refuse(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<Refuse>,
) -> Answer<Return> {
    let request = pb::MoveReturnRequest { reason: body.reason, ..step(pb::ReturnMove::Refuse) };
    advance(&app, id, request).await
}

/// What becomes of the goods.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receive {
    /// They go back on sale; else they are written off.
    restock: bool,
}

/// Has the goods again; the shopper's money is asked for.
#[utoipa::path(post, path = "/v1/merchant/returns/{id}/receive", tag = "merchant orders", request_body = Receive, responses((status = 200, body = Return)))]
async fn receive(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<Receive>,
) -> Answer<Return> {
    let request = pb::MoveReturnRequest { restock: body.restock, ..step(pb::ReturnMove::Receive) };
    advance(&app, id, request).await
}

/// What goes back: a sum, or what was paid for pieces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiveRefund {
    amount: Option<MoneyInput>,
    items: Option<Vec<ItemQuantity>>,
    reason: String,
}

/// Gives money of an order back.
#[utoipa::path(post, path = "/v1/merchant/orders/{id}/refunds", tag = "merchant orders", request_body = GiveRefund,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, body = Refund)))]
async fn give_refund(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency::required(request.headers())?;
    let (body, _, request_hash) = hashed::<GiveRefund>(request).await?;
    let request = pb::GiveRefundRequest {
        order_id: named::<kind::Order>(id, "ORDER")?,
        amount: body.amount.map(Into::into),
        items: body.items.map(quantities).unwrap_or_default(),
        reason: body.reason,
        idempotency_key,
        request_hash,
    };
    let answer = app.mesh.returns().give_refund(request).await?.into_inner();
    Ok(answered(Refund::from(answer.refund.unwrap_or_default()), answer.replayed))
}
