//! Orders with something to send for the merchant.

use axum::{
    Json,
    extract::{Path, Request, State},
};
use fault::{Fault, Field};
use ids::kind;
use proto::order as pb;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::{self, Body, NoBody},
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, locale},
    routes::store::{
        orders::{Order, view},
        returns::{ItemQuantity, quantities},
    },
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(accept))
        .routes(routes!(ship))
        .routes(routes!(deliver))
        .routes(routes!(cancel))
}

fn status(params: &Params) -> Result<pb::ShipmentStatus, Problem> {
    let Some(wanted) = params.get("status") else { return Ok(pb::ShipmentStatus::Unspecified) };
    let wire = format!("SHIPMENT_STATUS_{}", wanted.to_ascii_uppercase());
    pb::ShipmentStatus::from_str_name(&wire).ok_or_else(|| {
        let message = "expected pending, new, accepted, shipped, delivered or cancelled";
        Problem(Fault::invalid(vec![Field::new("status", "INVALID", message)]))
    })
}

/// Orders with a shipment of the merchant; only its own lines are shown.
#[utoipa::path(get, path = "/v1/merchant/orders", tag = "merchant orders",
    params(("status" = Option<String>, Query, description = "Of the shipment"), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Order>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<Order>> {
    let status = status(&params)?.into();
    let request = pb::ListMerchantOrdersRequest { page: Some(params.page()?), status };
    let answer = app.mesh.order().list_merchant_orders(request).await?.into_inner();
    let locale = locale();
    Ok(List::new(answer.orders, answer.page, |order| view(order, locale)))
}

/// The merchant's part of an order.
#[utoipa::path(get, path = "/v1/merchant/orders/{id}", tag = "merchant orders", responses((status = 200, body = Order)))]
async fn read(State(app): State<App>, Path(id): Path<String>) -> Answer<Order> {
    let id = named::<kind::Order>(id, "ORDER")?;
    let request = pb::GetOrderRequest { id, order_token: String::new() };
    let answer = app.mesh.order().get_order(request).await?.into_inner();
    Ok(Json(view(answer.order.unwrap_or_default(), locale())))
}

async fn advance(app: &App, request: pb::MoveShipmentRequest) -> Answer<Order> {
    let answer = app.mesh.order().move_shipment(request).await?.into_inner();
    Ok(Json(view(answer.order.unwrap_or_default(), locale())))
}

fn step(id: String, step: pb::ShipmentMove) -> Result<pb::MoveShipmentRequest, Problem> {
    let order_id = named::<kind::Order>(id, "ORDER")?;
    Ok(pb::MoveShipmentRequest { order_id, r#move: step.into(), ..Default::default() })
}

/// Begins to prepare the shipment.
#[utoipa::path(post, path = "/v1/merchant/orders/{id}/accept", tag = "merchant orders", responses((status = 200, body = Order)))]
async fn accept(State(app): State<App>, Path(id): Path<String>, _: NoBody) -> Answer<Order> {
    advance(&app, step(id, pb::ShipmentMove::Accept)?).await
}

/// How the shipment travels.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ship {
    carrier: String,
    #[serde(default)]
    tracking: String,
}

/// Hands the shipment over to a carrier.
#[utoipa::path(post, path = "/v1/merchant/orders/{id}/ship", tag = "merchant orders", request_body = Ship, responses((status = 200, body = Order)))]
async fn ship(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<Ship>,
) -> Answer<Order> {
    let step = step(id, pb::ShipmentMove::Ship)?;
    let request =
        pb::MoveShipmentRequest { carrier: body.carrier, tracking: body.tracking, ..step };
    advance(&app, request).await
}

/// The shipment has arrived.
#[utoipa::path(post, path = "/v1/merchant/orders/{id}/deliver", tag = "merchant orders", responses((status = 200, body = Order)))]
async fn deliver(State(app): State<App>, Path(id): Path<String>, _: NoBody) -> Answer<Order> {
    advance(&app, step(id, pb::ShipmentMove::Deliver)?).await
}

/// Why it is not sent, and what of it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelShipment {
    #[serde(default)]
    reason: String,
    /// Pieces that are not sent; absent: none of them.
    items: Option<Vec<ItemQuantity>>,
}

/// The merchant cannot send it, or some of it; what was paid for it goes back.
#[utoipa::path(post, path = "/v1/merchant/orders/{id}/cancel", tag = "merchant orders", request_body = CancelShipment, responses((status = 200, body = Order)))]
async fn cancel(State(app): State<App>, Path(id): Path<String>, request: Request) -> Answer<Order> {
    let step = step(id, pb::ShipmentMove::Cancel)?;
    let (parts, stream) = request.into_parts();
    let bytes = body::read(stream, body::JSON_LIMIT).await?;
    let CancelShipment { reason, items } = if bytes.is_empty() {
        CancelShipment::default()
    } else {
        body::parse(&parts.headers, &bytes)?
    };
    if items.as_ref().is_some_and(Vec::is_empty) {
        let field = Field::new("items", "REQUIRED", "name the pieces, or leave items out");
        return Err(Problem(Fault::invalid(vec![field])));
    }
    let items = items.map(quantities).unwrap_or_default();
    advance(&app, pb::MoveShipmentRequest { reason, items, ..step }).await
}
