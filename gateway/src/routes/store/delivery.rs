//! How and where to deliver what is in a cart.

use axum::extract::{Path, State};
use http::HeaderMap;
use proto::{cart as pb, order, value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::carts::{Cart, cart_id, shown, token};
use crate::{
    app::App,
    body::Body,
    params::Params,
    problem::Problem,
    reply::{Answer, List, Money, name},
    routes::phone,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(delivery_options)).routes(routes!(set_delivery))
}

/// How and where to deliver.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivery {
    method: String,
    address: Address,
}

/// An address in Uzbekistan; region and district by their SOATO codes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    region: String,
    #[serde(default)]
    district: String,
    #[serde(default)]
    street: String,
    #[serde(default)]
    house: String,
    #[serde(default)]
    landmark: String,
    #[serde(default)]
    recipient: String,
    #[serde(default)]
    phone: String,
}

impl From<value::Address> for Address {
    fn from(address: value::Address) -> Self {
        Self {
            region: address.region,
            district: address.district,
            street: address.street,
            house: address.house,
            landmark: address.landmark,
            recipient: address.recipient,
            phone: address.phone,
        }
    }
}

impl Address {
    /// The address on the wire, its phone in the international form. A missing phone is the services' to judge.
    pub(crate) fn normal(self, field: &str) -> Result<value::Address, Problem> {
        let phone =
            if self.phone.is_empty() { self.phone } else { phone::normal(&self.phone, field)? };
        Ok(value::Address {
            region: self.region,
            district: self.district,
            street: self.street,
            house: self.house,
            landmark: self.landmark,
            recipient: self.recipient,
            phone,
        })
    }
}

/// The choice in the public form.
pub(crate) fn view(choice: order::DeliveryChoice) -> Delivery {
    Delivery {
        method: name(choice.method().as_str_name(), "DELIVERY_METHOD_"),
        address: choice.address.unwrap_or_default().into(),
    }
}

/// A way to deliver.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryOption {
    method: String,
    price: Money,
    min_days: u32,
    max_days: u32,
}

/// Ways to deliver what is in the cart, to the region given or chosen before.
#[utoipa::path(get, path = "/v1/store/carts/{id}/delivery-options", tag = "carts",
    params(("region" = Option<String>, Query, description = "SOATO code of the region")),
    responses((status = 200, body = List<DeliveryOption>)))]
async fn delivery_options(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Answer<List<DeliveryOption>> {
    let request = pb::GetCartRequest { id: cart_id(id)?, token: token(&headers) };
    let cart = app.mesh.cart().get_cart(request).await?.into_inner().cart.unwrap_or_default();
    let cart = cart.cart.unwrap_or_default();
    let chosen = cart.delivery.and_then(|choice| choice.address).map(|address| address.region);
    let region = params.get("region").map(str::to_owned).or(chosen).unwrap_or_default();
    let line = |item: pb::CartItem| order::LineRequest {
        offer_id: item.offer_id,
        quantity: item.quantity,
    };
    let lines = cart.items.into_iter().map(line).collect();
    let discount_codes = cart.discount_codes;
    let request = order::ListDeliveryOptionsRequest { lines, region, discount_codes };
    let answer = app.mesh.order().list_delivery_options(request).await?.into_inner();
    Ok(List::all(answer.options, |option| DeliveryOption {
        method: name(option.method().as_str_name(), "DELIVERY_METHOD_"),
        price: Money::of(option.price),
        min_days: option.min_days,
        max_days: option.max_days,
    }))
}

/// A way to deliver.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    Courier,
    Pickup,
    Post,
}

/// How and where to deliver.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetDelivery {
    method: Method,
    address: Address,
}

/// Chooses how and where to deliver.
#[utoipa::path(put, path = "/v1/store/carts/{id}/delivery", tag = "carts", request_body = SetDelivery, responses((status = 200, body = Cart)))]
async fn set_delivery(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<SetDelivery>,
) -> Answer<Cart> {
    let cart_id = cart_id(id)?;
    let method = match body.method {
        Method::Courier => order::DeliveryMethod::Courier,
        Method::Pickup => order::DeliveryMethod::Pickup,
        Method::Post => order::DeliveryMethod::Post,
    };
    let address = Some(body.address.normal("address.phone")?);
    let delivery = Some(order::DeliveryChoice { method: method.into(), address });
    let request = pb::SetDeliveryRequest { cart_id, token: token(&headers), delivery };
    Ok(shown(app.mesh.cart().set_delivery(request).await?.into_inner().cart))
}
