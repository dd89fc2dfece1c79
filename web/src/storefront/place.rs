//! `POST /checkout`: the delivery into the cart, then the order, at the total that the shopper saw.

use axum::{
    extract::State,
    response::{IntoResponse as _, Redirect, Response},
};
use fault::{Code, Fault};
use proto::{
    cart::SetDeliveryRequest,
    order::{Customer, DeliveryChoice, PlaceOrderRequest},
    payment::Payment,
    value::Money,
};
use sha2::{Digest as _, Sha256};

use super::{
    cart,
    checkout::{self, Fields},
    go, wording,
};
use crate::{
    App,
    cookies::{CartRef, Cookie},
    failure::Answer,
    form::Posted,
    link::Link,
    visit::Visit,
};

/// A key of ours is not longer.
const MAX_KEY: usize = 100;

pub(crate) async fn submit(State(app): State<App>, visit: Visit, form: Posted) -> Answer {
    mesh::detach(async move { take(&app, &visit, &form).await }).await?
}

async fn take(app: &App, visit: &Visit, form: &Posted) -> Answer {
    let fields = Fields::read(form);
    let Some(reference) = visit.cart().cloned() else {
        return Ok(go("/cart"));
    };
    let wrong = fields.check(visit.texts());
    if !wrong.is_empty() {
        return match cart::load(app, visit).await? {
            Some((cart, _)) if !cart.lines.is_empty() => {
                checkout::render(app, visit, &cart, fields, wrong).await
            }
            _ => Ok(go("/cart")),
        };
    }
    let expected: Option<i64> = form.field("expected_total").parse().ok();
    let choice = DeliveryChoice {
        method: wording::parse_method(&fields.method).unwrap_or_default().into(),
        address: Some(fields.address()),
    };
    let request = SetDeliveryRequest {
        cart_id: reference.id.clone(),
        token: reference.token.clone(),
        delivery: Some(choice),
    };
    let total = match app.mesh.cart().set_delivery(request).await.map_err(Fault::from) {
        Ok(answer) => {
            let cart = answer.into_inner().cart.unwrap_or_default();
            cart.totals.and_then(|totals| totals.total).map(|total| total.amount)
        }
        // Sent twice: the key of the form leads to the order that the first one placed.
        Err(fault) if fault.code == Code::Conflict => expected,
        Err(fault) if fault.code == Code::NotFound => return Ok(go("/cart")),
        Err(fault) => return Err(fault.into()),
    };
    match (total, expected) {
        (Some(total), Some(expected)) if total == expected => {
            place(app, visit, &reference, &fields, form, total).await
        }
        _ => Ok(again("check", &fields)),
    }
}

async fn place(
    app: &App,
    visit: &Visit,
    reference: &CartRef,
    fields: &Fields,
    form: &Posted,
    total: i64,
) -> Answer {
    let request = PlaceOrderRequest {
        cart_id: reference.id.clone(),
        cart_token: reference.token.clone(),
        payment_provider: fields.provider.clone(),
        customer: Some(Customer {
            name: fields.name.clone(),
            phone: checkout::phone(&fields.phone).unwrap_or_default(),
        }),
        expected_total: Some(Money { amount: total, currency: "UZS".to_owned() }),
        idempotency_key: form.field("key").chars().take(MAX_KEY).collect(),
        request_hash: hash(fields, total).into(),
    };
    let answer = match app.mesh.order().place_order(request).await.map_err(Fault::from) {
        Ok(answer) => answer.into_inner(),
        Err(fault) => {
            return match fault.reason.as_ref() {
                code if code.starts_with("DISCOUNT_CODE_") => {
                    Ok(go(&format!("/cart?said={}", wording::said_of_code(code))))
                }
                "OUT_OF_STOCK" => Ok(go("/cart?said=stock")),
                "PRICE_CHANGED" => Ok(again("price", fields)),
                "PROVIDER_DISABLED" => Ok(again("provider", fields)),
                "DELIVERY_MISSING" => Ok(again("check", fields)),
                "CART_EMPTY" | "CART_COMPLETED" | "CART_NOT_FOUND" => Ok(go("/cart")),
                _ => Err(fault.into()),
            };
        }
    };
    let order = answer.order.unwrap_or_default();
    visit.keep_order(&order.id, &answer.order_token);
    visit.set(Cookie::Cart, "");
    Ok(to_payment(app, &order.id, answer.payment.as_ref(), "placed"))
}

/// Once more, with what was chosen.
fn again(said: &str, fields: &Fields) -> Response {
    go(&Link::to("/checkout").set("provider", &fields.provider).set("said", said).to_string())
}

/// To the provider's page where a form may lead there, else to the order, which has the link.
pub(crate) fn to_payment(
    app: &App,
    order_id: &str,
    payment: Option<&Payment>,
    said: &str,
) -> Response {
    match payment.map(|payment| payment.redirect_url.as_str()) {
        Some(url) if app.config.may_lead_to(url) => Redirect::to(url).into_response(),
        _ => go(&Link::to(format!("/orders/{order_id}")).set("said", said).to_string()),
    }
}

/// The same wishes give the same hash: what an idempotency key must not be reused for is another order.
fn hash(fields: &Fields, total: i64) -> Vec<u8> {
    let total = total.to_string();
    let values = [
        &fields.name,
        &fields.phone,
        &fields.district,
        &fields.street,
        &fields.house,
        &fields.landmark,
        &fields.method,
        &fields.provider,
        &total,
    ];
    let mut hash = Sha256::new();
    for value in values {
        hash.update(value.len().to_be_bytes());
        hash.update(value.as_bytes());
    }
    hash.finalize().to_vec()
}
