//! The provider's page as a form, and fiscal receipts of an order.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use http::HeaderMap;
use ids::kind;
use mesh::Context;
use proto::{order as orders, payment as pb};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::orders::token;
use crate::{
    app::App,
    params::named,
    reply::{Answer, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(payment_form))
}

/// A form that leads to the provider's page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentForm {
    /// `POST` or `GET`.
    method: String,
    action: String,
    /// Hidden fields, by name.
    fields: BTreeMap<String, String>,
}

/// The page of the payment that waits, as a form: for a shop that sends its shoppers there by POST, with the lines of the receipt.
#[utoipa::path(get, path = "/v1/store/orders/{id}/payment-form", tag = "orders", responses((status = 200, body = PaymentForm)))]
async fn payment_form(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<PaymentForm> {
    let id = named::<kind::Order>(id, "ORDER")?;
    // Whoever may not see the order is told here that there is none.
    let request = orders::GetOrderRequest { id, order_token: token(&headers) };
    let order = app.mesh.order().get_order(request).await?.into_inner().order.unwrap_or_default();
    let request = pb::GetCheckoutFormRequest { order_id: order.id };
    let mut client = app.mesh.reconciliation();
    let asked = client.get_checkout_form(request);
    let form = Context::current().as_service("gateway").scope(asked).await?.into_inner();
    let fields = form.fields.into_iter().map(|field| (field.name, field.value)).collect();
    Ok(Json(PaymentForm { method: form.method, action: form.action, fields }))
}

/// What the tax office calls a sale or its return.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FiscalReceipt {
    /// `sale` or `refund`.
    kind: String,
    /// Where it can be looked at: what its QR code says.
    qr_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fiscal_sign: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    terminal_id: Option<String>,
    /// As its issuer writes it: `YYYYMMDDHHMMSS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_at: Option<String>,
}

impl From<pb::FiscalReceipt> for FiscalReceipt {
    fn from(it: pb::FiscalReceipt) -> Self {
        Self {
            kind: it.kind,
            qr_url: it.qr_url,
            receipt_id: some(it.receipt_id),
            fiscal_sign: some(it.fiscal_sign),
            terminal_id: some(it.terminal_id),
            issued_at: some(it.issued_at),
        }
    }
}
