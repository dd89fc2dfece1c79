//! Carts: lines of the cart service with today's prices.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Path, State},
};
use http::HeaderMap;
use ids::kind;
use proto::{cart as pb, order};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::delivery::{self, Delivery};
use crate::{
    app::App,
    body::{Body, NoBody},
    locale::Locale,
    params::named,
    problem::{Problem, words},
    reply::{Answer, Made, Money, Seller, created, locale, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(read))
        .routes(routes!(add_item))
        .routes(routes!(set_item, remove_item))
        .routes(routes!(add_code))
        .routes(routes!(remove_code))
        .routes(routes!(merge))
}

/// What somebody means to buy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cart {
    id: String,
    /// The guest's key to the cart, shown once; send it as `X-Cart-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    items: Vec<CartItem>,
    totals: Totals,
    delivery: Option<Delivery>,
    discount_codes: Vec<String>,
    /// Promotions that apply, the first served first.
    promotions: Vec<AppliedPromotion>,
    /// Codes that have no effect on these lines.
    refused_codes: Vec<String>,
    /// The same, and why.
    refusals: Vec<RefusedCode>,
    /// The order that the cart became.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
}

/// A line of a cart with today's price.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CartItem {
    id: String,
    offer_id: String,
    product_id: Option<String>,
    title: String,
    options: BTreeMap<String, String>,
    picture_url: Option<String>,
    merchant: Option<Seller>,
    quantity: u32,
    unit_price: Money,
    /// What promotions take off.
    discount: Money,
    /// What is left to be paid.
    total: Money,
    promotions: Vec<AppliedPromotion>,
    /// It is on sale, and enough of it can be ordered.
    available: bool,
    /// Pieces that are not there yet: they are sent as soon as they are.
    backordered: u32,
}

/// A promotion and what it takes off.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppliedPromotion {
    id: String,
    name: String,
    /// What the shopper typed; absent where it applies by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    amount: Money,
}

impl AppliedPromotion {
    fn new(promotion: order::AppliedPromotion, locale: Locale) -> Self {
        Self {
            id: promotion.id,
            name: locale.pick(promotion.name),
            code: some(promotion.code),
            amount: Money::of(promotion.amount),
        }
    }

    /// A part of a line's discount.
    pub(crate) fn of(adjustment: order::Adjustment, locale: Locale) -> Self {
        Self {
            id: adjustment.promotion_id,
            name: locale.pick(adjustment.name),
            code: some(adjustment.code),
            amount: Money::of(adjustment.amount),
        }
    }
}

/// A code without effect.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedCode {
    code: String,
    /// For example `DISCOUNT_CODE_EXPIRED`.
    reason: String,
    /// The same in the language of the client.
    message: String,
}

impl RefusedCode {
    fn new(refused: order::RefusedCode, locale: Locale) -> Self {
        let message = words(locale).known(&refused.reason).unwrap_or_default().to_owned();
        Self { code: refused.code, reason: refused.reason, message }
    }
}

/// Sums of a cart or an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Totals {
    items: Money,
    discount: Money,
    delivery: Money,
    /// VAT contained in `total`.
    tax_included: Money,
    total: Money,
}

impl From<Option<order::Totals>> for Totals {
    fn from(totals: Option<order::Totals>) -> Self {
        let totals = totals.unwrap_or_default();
        Self {
            items: Money::of(totals.items),
            discount: Money::of(totals.discount),
            delivery: Money::of(totals.delivery),
            tax_included: Money::of(totals.tax_included),
            total: Money::of(totals.total),
        }
    }
}

fn view(cart: Option<pb::PricedCart>, token: String, locale: Locale) -> Cart {
    let priced = cart.unwrap_or_default();
    let cart = priced.cart.unwrap_or_default();
    let mut quotes: std::collections::HashMap<String, order::QuotedLine> =
        priced.lines.into_iter().map(|line| (line.offer_id.clone(), line)).collect();
    let item = |item: pb::CartItem| {
        let quote = quotes.remove(&item.offer_id).unwrap_or_default();
        let merchant = some(quote.merchant_id);
        CartItem {
            id: item.id,
            offer_id: item.offer_id,
            product_id: some(quote.product_id),
            title: locale.pick(quote.title),
            options: quote.options,
            picture_url: some(quote.picture_url),
            merchant: merchant.map(|id| Seller { id, name: quote.merchant_name }),
            quantity: item.quantity,
            unit_price: Money::of(quote.unit_price),
            discount: Money::of(quote.discount),
            total: Money::of(quote.total),
            promotions: quote
                .adjustments
                .into_iter()
                .map(|adjustment| AppliedPromotion::of(adjustment, locale))
                .collect(),
            available: quote.available,
            backordered: quote.backordered,
        }
    };
    Cart {
        id: cart.id,
        token: some(token),
        items: cart.items.into_iter().map(item).collect(),
        totals: priced.totals.into(),
        delivery: cart.delivery.map(delivery::view),
        discount_codes: cart.discount_codes,
        promotions: priced
            .promotions
            .into_iter()
            .map(|promotion| AppliedPromotion::new(promotion, locale))
            .collect(),
        refused_codes: priced.refused_codes,
        refusals: priced
            .refused
            .into_iter()
            .map(|refused| RefusedCode::new(refused, locale))
            .collect(),
        order_id: some(cart.order_id),
    }
}

pub(super) fn shown(cart: Option<pb::PricedCart>) -> Json<Cart> {
    Json(view(cart, String::new(), locale()))
}

/// The guest's key to a cart.
pub(crate) fn token(headers: &HeaderMap) -> String {
    let token = headers.get("x-cart-token").and_then(|token| token.to_str().ok());
    token.unwrap_or_default().to_owned()
}

pub(crate) fn cart_id(id: String) -> Result<String, Problem> {
    named::<kind::Cart>(id, "CART")
}

/// A new cart for a guest; the open cart for somebody who is signed in.
#[utoipa::path(post, path = "/v1/store/carts", tag = "carts", responses((status = 201, body = Cart)))]
async fn create(State(app): State<App>, _: NoBody) -> Made<Cart> {
    let answer = app.mesh.cart().create_cart(pb::CreateCartRequest {}).await?.into_inner();
    Ok(created(view(answer.cart, answer.token, locale())))
}

/// A cart with today's prices.
#[utoipa::path(get, path = "/v1/store/carts/{id}", tag = "carts", responses((status = 200, body = Cart)))]
async fn read(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Answer<Cart> {
    let request = pb::GetCartRequest { id: cart_id(id)?, token: token(&headers) };
    Ok(shown(app.mesh.cart().get_cart(request).await?.into_inner().cart))
}

/// What to put into a cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddItem {
    offer_id: String,
    quantity: u32,
}

/// Puts pieces into a cart; a second time raises the quantity.
#[utoipa::path(post, path = "/v1/store/carts/{id}/items", tag = "carts", request_body = AddItem, responses((status = 200, body = Cart)))]
async fn add_item(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<AddItem>,
) -> Answer<Cart> {
    let request = pb::AddItemRequest {
        cart_id: cart_id(id)?,
        token: token(&headers),
        offer_id: body.offer_id,
        quantity: body.quantity,
    };
    Ok(shown(app.mesh.cart().add_item(request).await?.into_inner().cart))
}

/// How many pieces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetItem {
    quantity: u32,
}

/// Sets the quantity of a line; 0 removes it.
#[utoipa::path(patch, path = "/v1/store/carts/{id}/items/{item_id}", tag = "carts", request_body = SetItem, responses((status = 200, body = Cart)))]
async fn set_item(
    State(app): State<App>,
    Path((id, item_id)): Path<(String, String)>,
    headers: HeaderMap,
    Body(body): Body<SetItem>,
) -> Answer<Cart> {
    put_item(&app, id, item_id, &headers, body.quantity).await
}

/// Removes a line.
#[utoipa::path(delete, path = "/v1/store/carts/{id}/items/{item_id}", tag = "carts", responses((status = 200, body = Cart)))]
async fn remove_item(
    State(app): State<App>,
    Path((id, item_id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<Cart> {
    put_item(&app, id, item_id, &headers, 0).await
}

async fn put_item(
    app: &App,
    id: String,
    item_id: String,
    headers: &HeaderMap,
    quantity: u32,
) -> Answer<Cart> {
    let request = pb::SetItemRequest {
        cart_id: cart_id(id)?,
        token: token(headers),
        item_id: named::<kind::Item>(item_id, "CART_ITEM")?,
        quantity,
    };
    Ok(shown(app.mesh.cart().set_item(request).await?.into_inner().cart))
}

/// A discount code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddCode {
    code: String,
}

/// Adds a discount code that takes something off; one that does not is refused with the reason (404 `DISCOUNT_CODE_NOT_FOUND`,
/// 409 `DISCOUNT_CODE_EXPIRED`, `_NOT_STARTED`, `_EXHAUSTED`, `_USED`, `_MIN_TOTAL`, `_NOT_APPLICABLE`, `_NOT_COMBINABLE`). One that
/// loses its effect later stands in `refusals`.
#[utoipa::path(post, path = "/v1/store/carts/{id}/discount-codes", tag = "carts", request_body = AddCode, responses((status = 200, body = Cart)))]
async fn add_code(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<AddCode>,
) -> Answer<Cart> {
    let request = pb::AddDiscountCodeRequest {
        cart_id: cart_id(id)?,
        token: token(&headers),
        code: body.code,
    };
    Ok(shown(app.mesh.cart().add_discount_code(request).await?.into_inner().cart))
}

/// Removes a discount code.
#[utoipa::path(delete, path = "/v1/store/carts/{id}/discount-codes/{code}", tag = "carts", responses((status = 200, body = Cart)))]
async fn remove_code(
    State(app): State<App>,
    Path((id, code)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<Cart> {
    let request =
        pb::RemoveDiscountCodeRequest { cart_id: cart_id(id)?, token: token(&headers), code };
    Ok(shown(app.mesh.cart().remove_discount_code(request).await?.into_inner().cart))
}

/// The cart that somebody had before signing in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merge {
    guest_cart_id: String,
    guest_token: String,
}

/// Moves a guest's lines into the own cart.
#[utoipa::path(post, path = "/v1/store/carts/{id}/merge", tag = "carts", request_body = Merge, responses((status = 200, body = Cart)))]
async fn merge(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<Merge>,
) -> Answer<Cart> {
    let request = pb::MergeCartsRequest {
        cart_id: cart_id(id)?,
        guest_cart_id: body.guest_cart_id,
        guest_token: body.guest_token,
    };
    Ok(shown(app.mesh.cart().merge_carts(request).await?.into_inner().cart))
}
