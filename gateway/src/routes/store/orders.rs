//! Orders of shoppers, and the public form of every order.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use clock::Timestamp;
use http::HeaderMap;
use ids::kind;
use proto::{order as pb, payment};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    carts::{AppliedPromotion, Totals},
    delivery::{self, Delivery},
    payment_form::FiscalReceipt,
    returns::{Refund, Return},
};
use crate::{
    app::App,
    body,
    locale::Locale,
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Money, Seller, at, at_if, locale, name, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(read)).routes(routes!(cancel))
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Order {
    id: String,
    /// What people and payment providers call it.
    number: String,
    /// `awaiting_payment`, `paid`, `processing`, `shipped`, `delivered`, `completed`, `cancelled` or `refunded`.
    status: String,
    payment_status: String,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    items: Vec<OrderItem>,
    shipments: Vec<Shipment>,
    totals: Totals,
    /// Promotions that lowered the delivery; `totals.delivery` is what was left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    delivery_promotions: Vec<AppliedPromotion>,
    delivery: Option<Delivery>,
    customer: Option<Customer>,
    payment_provider: String,
    payment: Option<Payment>,
    /// Until when the goods are held for an unpaid order.
    #[schema(value_type = Option<String>, format = DateTime)]
    reserved_until: Option<Timestamp>,
    timeline: Vec<Moment>,
    /// Goods that come back, oldest first.
    returns: Vec<Return>,
    /// Money that goes back, oldest first.
    refunds: Vec<Refund>,
    /// The shopper may still call it off.
    cancellable: bool,
    /// Fiscal receipts of the sale and of its return, as far as they are issued.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fiscal_receipts: Vec<FiscalReceipt>,
}

/// A line as it was sold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderItem {
    id: String,
    offer_id: String,
    product_id: String,
    variant_id: String,
    sku: String,
    title: String,
    options: BTreeMap<String, String>,
    picture_url: Option<String>,
    merchant: Seller,
    quantity: u32,
    unit_price: Money,
    discount: Money,
    /// Where the discount comes from.
    promotions: Vec<AppliedPromotion>,
    total: Money,
    /// Pieces that were not there yet when it was sold.
    backordered: u32,
    /// Pieces that will not be sent.
    cancelled: u32,
    /// Pieces that came back.
    returned: u32,
    /// Delivered pieces that may be asked back until the shipment's `returnable_until`.
    returnable: u32,
}

/// What one merchant sends of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Shipment {
    id: String,
    merchant: Seller,
    /// `pending`, `new`, `accepted`, `shipped`, `delivered` or `cancelled`.
    status: String,
    items: Vec<ShippedItem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    /// Until when its goods may be brought back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    returnable_until: Option<Timestamp>,
}

/// A line of a shipment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShippedItem {
    /// Id of the order's line.
    id: String,
    title: String,
    quantity: u32,
}

/// Who buys.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Customer {
    name: String,
    phone: String,
}

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moment {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    event: String,
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// One try to pay an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Payment {
    id: String,
    order_id: String,
    provider: String,
    /// `pending`, `processing`, `paid`, `failed`, `cancelled`, `refunded` or `partially_refunded`.
    status: String,
    amount: Money,
    /// The order's number, which providers know it by.
    reference: String,
    /// Where to send the shopper; absent for cash.
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    paid_at: Option<Timestamp>,
}

fn payment_status(status: payment::PaymentStatus) -> String {
    match status {
        payment::PaymentStatus::Unspecified => "pending".to_owned(),
        known => name(known.as_str_name(), "PAYMENT_STATUS_"),
    }
}

impl From<payment::Payment> for Payment {
    fn from(payment: payment::Payment) -> Self {
        Self {
            status: payment_status(payment.status()),
            id: payment.id,
            order_id: payment.order_id,
            provider: payment.provider,
            amount: Money::of(payment.amount),
            reference: payment.reference,
            redirect_url: some(payment.redirect_url),
            expires_at: at_if(payment.expires_at_ms),
            created_at: at(payment.created_at_ms),
            paid_at: at_if(payment.paid_at_ms),
        }
    }
}

fn item(item: pb::OrderItem, locale: Locale) -> OrderItem {
    OrderItem {
        id: item.id,
        offer_id: item.offer_id,
        product_id: item.product_id,
        variant_id: item.variant_id,
        sku: item.sku,
        title: locale.pick(item.title),
        options: item.options,
        picture_url: some(item.picture_url),
        merchant: Seller { id: item.merchant_id, name: item.merchant_name },
        quantity: item.quantity,
        unit_price: Money::of(item.unit_price),
        discount: Money::of(item.discount),
        promotions: item
            .adjustments
            .into_iter()
            .map(|adjustment| AppliedPromotion::of(adjustment, locale))
            .collect(),
        total: Money::of(item.total),
        backordered: item.backordered,
        cancelled: item.cancelled,
        returned: item.returned,
        returnable: item.returnable,
    }
}

fn shipment(shipment: pb::Shipment, items: &[OrderItem]) -> Shipment {
    let status = name(shipment.status().as_str_name(), "SHIPMENT_STATUS_");
    let shipped = |id: &String| {
        let item = items.iter().find(|item| item.id == *id)?;
        Some(ShippedItem { id: id.clone(), title: item.title.clone(), quantity: item.quantity })
    };
    Shipment {
        items: shipment.item_ids.iter().filter_map(shipped).collect(),
        id: shipment.id,
        merchant: Seller { id: shipment.merchant_id, name: shipment.merchant_name },
        status,
        carrier: some(shipment.carrier),
        tracking: some(shipment.tracking),
        delivered_at: at_if(shipment.delivered_at_ms),
        returnable_until: at_if(shipment.returnable_until_ms),
    }
}

/// An order in the public form.
pub(crate) fn view(order: pb::Order, locale: Locale) -> Order {
    let status = name(order.status().as_str_name(), "ORDER_STATUS_");
    let payment_status = payment_status(order.payment_status());
    let items: Vec<_> = order.items.into_iter().map(|line| item(line, locale)).collect();
    let moment = |entry: pb::TimelineEntry| Moment {
        at: at(entry.at_ms),
        event: entry.event,
        actor: entry.actor,
        note: some(entry.note),
    };
    Order {
        id: order.id,
        number: order.number,
        status,
        payment_status,
        placed_at: at(order.placed_at_ms),
        shipments: order.shipments.into_iter().map(|part| shipment(part, &items)).collect(),
        items,
        totals: order.totals.into(),
        delivery_promotions: order
            .delivery_discounts
            .into_iter()
            .filter_map(|discount| discount.adjustment)
            .map(|adjustment| AppliedPromotion::of(adjustment, locale))
            .collect(),
        delivery: order.delivery.map(delivery::view),
        customer: order.customer.map(|who| Customer { name: who.name, phone: who.phone }),
        payment_provider: order.payment_provider,
        payment: order.payment.map(Payment::from),
        reserved_until: at_if(order.reserved_until_ms),
        timeline: order.timeline.into_iter().map(moment).collect(),
        returns: order.returns.into_iter().map(Return::from).collect(),
        refunds: order.refunds.into_iter().map(Refund::from).collect(),
        cancellable: order.cancellable,
        fiscal_receipts: order.receipts.into_iter().map(FiscalReceipt::from).collect(),
    }
}

/// The guest's key to an order.
pub(crate) fn token(headers: &HeaderMap) -> String {
    let token = headers.get("x-order-token").and_then(|token| token.to_str().ok());
    token.unwrap_or_default().to_owned()
}

/// The own orders, newest first.
#[utoipa::path(get, path = "/v1/store/orders", tag = "orders",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Order>)))]
async fn list(State(app): State<App>, params: Params) -> Answer<List<Order>> {
    let request = pb::ListOrdersRequest { page: Some(params.page()?) };
    let answer = app.mesh.order().list_orders(request).await?.into_inner();
    let locale = locale();
    Ok(List::new(answer.orders, answer.page, |order| view(order, locale)))
}

/// An own order, or a guest's with its token.
#[utoipa::path(get, path = "/v1/store/orders/{id}", tag = "orders", responses((status = 200, body = Order)))]
async fn read(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answer<Order> {
    let id = named::<kind::Order>(id, "ORDER")?;
    let request = pb::GetOrderRequest { id, order_token: token(&headers) };
    let answer = app.mesh.order().get_order(request).await?.into_inner();
    Ok(Json(view(answer.order.unwrap_or_default(), locale())))
}

/// Why an order is not wanted any more.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    #[serde(default)]
    pub(crate) reason: String,
}

impl Cancel {
    /// The body is optional.
    pub(crate) async fn from(request: axum::extract::Request) -> Result<Self, Problem> {
        let (parts, stream) = request.into_parts();
        let bytes = body::read(stream, body::JSON_LIMIT).await?;
        if bytes.is_empty() { Ok(Self::default()) } else { body::parse(&parts.headers, &bytes) }
    }
}

/// Cancels an order before anything is shipped; what was paid goes back.
#[utoipa::path(post, path = "/v1/store/orders/{id}/cancel", tag = "orders", request_body = Cancel, responses((status = 200, body = Order)))]
async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    request: axum::extract::Request,
) -> Answer<Order> {
    let id = named::<kind::Order>(id, "ORDER")?;
    let order_token = token(request.headers());
    let reason = Cancel::from(request).await?.reason;
    let request = pb::CancelOrderRequest { id, order_token, reason };
    let answer = app.mesh.order().cancel_order(request).await?.into_inner();
    Ok(Json(view(answer.order.unwrap_or_default(), locale())))
}
