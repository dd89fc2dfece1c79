//! Goods that come back: the shopper's side, and the public form of returns and refunds.

use axum::extract::{Path, State};
use clock::Timestamp;
use ids::kind;
use proto::order as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::orders::token;
use crate::{
    app::App,
    body,
    params::named,
    reply::{Made, Money, at, created, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(request_return))
}

/// Pieces of a line of an order.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemQuantity {
    item_id: String,
    quantity: u32,
}

/// Pieces as messages have them.
pub(crate) fn quantities(items: Vec<ItemQuantity>) -> Vec<pb::ItemQuantity> {
    let one = |ItemQuantity { item_id, quantity }| pb::ItemQuantity { item_id, quantity };
    items.into_iter().map(one).collect()
}

fn shown(items: Vec<pb::ItemQuantity>) -> Vec<ItemQuantity> {
    let one = |pb::ItemQuantity { item_id, quantity }| ItemQuantity { item_id, quantity };
    items.into_iter().map(one).collect()
}

/// Money that goes back to a shopper.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Refund {
    id: String,
    order_id: String,
    order_number: String,
    /// `pending`, `succeeded`, `failed` or `needs_manual`; what is not known is pending.
    status: String,
    amount: Money,
    /// The pieces that it is for; empty when it is a sum.
    items: Vec<RefundedItem>,
    /// `cancelled`, `returned` or `goodwill`.
    cause: String,
    reason: Option<String>,
    /// Absent for the delivery, and for money that came too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_id: Option<String>,
    /// Who has taken the money.
    provider: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Pieces and what was paid for them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundedItem {
    item_id: String,
    quantity: u32,
    amount: Money,
}

impl From<pb::Refund> for Refund {
    fn from(refund: pb::Refund) -> Self {
        let item = |part: pb::RefundPart| RefundedItem {
            item_id: part.item_id,
            quantity: part.quantity,
            amount: Money::of(part.amount),
        };
        Self {
            id: refund.id,
            order_id: refund.order_id,
            order_number: refund.order_number,
            status: refund.status,
            amount: Money::of(refund.amount),
            items: refund.parts.into_iter().map(item).collect(),
            cause: refund.cause,
            reason: some(refund.reason),
            merchant_id: some(refund.merchant_id),
            return_id: some(refund.return_id),
            provider: refund.provider,
            created_at: at(refund.at_ms),
        }
    }
}

/// Goods that come back to one merchant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Return {
    id: String,
    order_id: String,
    order_number: String,
    merchant_id: String,
    /// `requested`, `approved`, `refused`, `received` or `refunded`.
    status: String,
    items: Vec<ItemQuantity>,
    reason: String,
    comment: Option<String>,
    photos: Vec<String>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// Whether received pieces went back on sale; absent before they are received.
    #[serde(skip_serializing_if = "Option::is_none")]
    restocked: Option<bool>,
    /// The money for it, as soon as the goods are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<Refund>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<pb::Return> for Return {
    fn from(it: pb::Return) -> Self {
        Self {
            id: it.id,
            order_id: it.order_id,
            order_number: it.order_number,
            merchant_id: it.merchant_id,
            status: it.status,
            items: shown(it.items),
            reason: it.reason,
            comment: some(it.comment),
            photos: it.photos,
            answer: some(it.answer),
            restocked: it.restocked,
            refund: it.refund.map(Refund::from),
            created_at: at(it.at_ms),
            updated_at: at(it.changed_at_ms),
        }
    }
}

/// What comes back, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestReturn {
    /// Delivered pieces of one merchant.
    items: Vec<ItemQuantity>,
    reason: String,
    #[serde(default)]
    comment: String,
    /// Addresses of pictures, at most 10.
    #[serde(default)]
    photos: Vec<String>,
}

/// Asks to bring delivered pieces back, within ten days after their delivery.
#[utoipa::path(post, path = "/v1/store/orders/{id}/returns", tag = "orders", request_body = RequestReturn, responses((status = 201, body = Return)))]
async fn request_return(
    State(app): State<App>,
    Path(id): Path<String>,
    request: axum::extract::Request,
) -> Made<Return> {
    let order_id = named::<kind::Order>(id, "ORDER")?;
    let order_token = token(request.headers());
    let (parts, stream) = request.into_parts();
    let bytes = body::read(stream, body::JSON_LIMIT).await?;
    let body: RequestReturn = body::parse(&parts.headers, &bytes)?;
    let request = pb::RequestReturnRequest {
        order_id,
        order_token,
        items: quantities(body.items),
        reason: body.reason,
        comment: body.comment,
        photos: body.photos,
    };
    let answer = app.mesh.returns().request_return(request).await?.into_inner();
    Ok(created(answer.r#return.unwrap_or_default().into()))
}
