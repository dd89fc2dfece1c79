//! Checkout and payments. The order service keeps the keys, in the transaction of the effect; here the raw body is hashed and the
//! answer is made of nothing but its message, so that a repeat is the same byte for byte.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode};
use ids::kind;
use proto::order as pb;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body,
    idempotency::{self, REPLAYED},
    locale::Locale,
    params::named,
    problem::Problem,
    reply::{MoneyInput, some},
    routes::{
        phone,
        store::{
            carts,
            orders::{self, Order, Payment},
        },
    },
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(complete)).routes(routes!(pay))
}

/// Who takes the money.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Provider {
    Payme,
    Click,
    Uzcard,
    Stripe,
    /// Cash on delivery.
    Cash,
}

impl Provider {
    fn as_str(self) -> &'static str {
        match self {
            Self::Payme => "payme",
            Self::Click => "click",
            Self::Uzcard => "uzcard",
            Self::Stripe => "stripe",
            Self::Cash => "cash",
        }
    }
}

/// How to pay, and who buys.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Complete {
    payment_provider: Provider,
    customer: Option<CustomerInput>,
    /// What the shopper was shown; another total is refused with `PRICE_CHANGED`.
    expected_total: Option<MoneyInput>,
}

/// Who buys.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CustomerInput {
    name: String,
    phone: String,
}

/// A new order and how to pay for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Completed {
    order: Order,
    payment: Option<Payment>,
    /// The guest's key to the order; send it as `X-Order-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_token: Option<String>,
}

/// A body, parsed and hashed as it came.
pub(crate) async fn hashed<T: serde::de::DeserializeOwned>(
    request: Request,
) -> Result<(T, HeaderMap, Bytes), Problem> {
    let (parts, stream) = request.into_parts();
    let raw = body::read(stream, body::JSON_LIMIT).await?;
    let value = body::parse(&parts.headers, &raw)?;
    Ok((value, parts.headers, Bytes::copy_from_slice(&Sha256::digest(&raw))))
}

/// 201 with what was made, now or before.
pub(crate) fn answered(value: impl Serialize, replayed: bool) -> Response {
    let mut response = (StatusCode::CREATED, Json(value)).into_response();
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Turns a cart into an order and opens its payment.
#[utoipa::path(post, path = "/v1/store/carts/{id}/complete", tag = "checkout", request_body = Complete,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, body = Completed)))]
async fn complete(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency::required(request.headers())?;
    let (body, headers, request_hash) = hashed::<Complete>(request).await?;
    let customer = |customer: CustomerInput| -> Result<pb::Customer, Problem> {
        let phone = phone::normal(&customer.phone, "customer.phone")?;
        Ok(pb::Customer { name: customer.name.trim().to_owned(), phone })
    };
    let request = pb::PlaceOrderRequest {
        cart_id: carts::cart_id(id)?,
        cart_token: carts::token(&headers),
        payment_provider: body.payment_provider.as_str().to_owned(),
        customer: body.customer.map(customer).transpose()?,
        expected_total: body.expected_total.map(Into::into),
        idempotency_key,
        request_hash,
    };
    let answer = app.mesh.order().place_order(request).await?.into_inner();
    let order = answer.order.unwrap_or_default();
    // Not the language of this request: a repeat may speak another one.
    let locale = Locale::named(&order.locale);
    let completed = Completed {
        order: orders::view(order, locale),
        payment: answer.payment.map(Payment::from),
        order_token: some(answer.order_token),
    };
    Ok(answered(completed, answer.replayed))
}

/// How to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pay {
    provider: Provider,
}

/// Another try to pay, or another provider.
#[utoipa::path(post, path = "/v1/store/orders/{id}/payments", tag = "checkout", request_body = Pay,
    params(("Idempotency-Key" = String, Header)), responses((status = 201, body = Payment)))]
async fn pay(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency::required(request.headers())?;
    let (body, headers, request_hash) = hashed::<Pay>(request).await?;
    let request = pb::StartPaymentRequest {
        order_id: named::<kind::Order>(id, "ORDER")?,
        order_token: orders::token(&headers),
        provider: body.provider.as_str().to_owned(),
        idempotency_key,
        request_hash,
    };
    let answer = app.mesh.order().start_payment(request).await?.into_inner();
    Ok(answered(Payment::from(answer.payment.unwrap_or_default()), answer.replayed))
}
