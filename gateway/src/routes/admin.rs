//! For the platform owner: `/v1/admin`.

use axum::{
    Json,
    extract::{Path, State},
};
use fault::{Fault, Field};
use ids::kind;
use proto::{auth, order, payment, product};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    accounts::User,
    merchant::profile::Merchant,
    store::orders::{Order, Payment, view},
};
use crate::{
    app::App,
    body::Body,
    params::{Params, named},
    problem::Problem,
    reply::{Answer, List, Localised, Made, created, locale, some},
};

pub(crate) mod finance;
mod promotions;
mod reconciliation;
mod refunds;
mod search;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_merchants))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(suspend))
        .routes(routes!(list_users))
        .routes(routes!(list_orders))
        .routes(routes!(read_order))
        .routes(routes!(list_payments))
        .routes(routes!(list_categories, put_category))
        .merge(refunds::routes())
        .merge(search::routes())
        .merge(promotions::routes())
        .merge(finance::routes())
        .merge(reconciliation::routes())
}

fn status(params: &Params) -> Result<auth::MerchantStatus, Problem> {
    let Some(wanted) = params.get("status") else { return Ok(auth::MerchantStatus::Unspecified) };
    let wire = format!("MERCHANT_STATUS_{}", wanted.to_ascii_uppercase());
    auth::MerchantStatus::from_str_name(&wire).ok_or_else(|| {
        let message = "expected pending, active, rejected or suspended";
        Problem(Fault::invalid(vec![Field::new("status", "INVALID", message)]))
    })
}

/// Merchants and those who want to be one.
#[utoipa::path(get, path = "/v1/admin/merchants", tag = "admin",
    params(("status" = Option<String>, Query), ("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Merchant>)))]
async fn list_merchants(State(app): State<App>, params: Params) -> Answer<List<Merchant>> {
    let status = status(&params)?.into();
    let request = auth::ListMerchantsRequest { status, page: Some(params.page()?) };
    let answer = app.mesh.auth().list_merchants(request).await?.into_inner();
    Ok(List::new(answer.merchants, answer.page, Merchant::from))
}

/// A plan.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    Basic,
    Professional,
    Enterprise,
}

/// On which terms.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approve {
    plan: Plan,
}

/// Why not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    reason: String,
}

async fn decide(app: &App, request: auth::DecideMerchantRequest) -> Answer<Merchant> {
    let id = named::<kind::Merchant>(request.id.clone(), "MERCHANT")?;
    let request = auth::DecideMerchantRequest { id, ..request };
    let answer = app.mesh.auth().decide_merchant(request).await?.into_inner();
    Ok(Json(answer.merchant.unwrap_or_default().into()))
}

/// Lets a merchant sell.
#[utoipa::path(post, path = "/v1/admin/merchants/{id}/approve", tag = "admin", request_body = Approve, responses((status = 200, body = Merchant)))]
async fn approve(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<Approve>,
) -> Answer<Merchant> {
    let plan = match body.plan {
        Plan::Basic => "basic",
        Plan::Professional => "professional",
        Plan::Enterprise => "enterprise",
    };
    let status = auth::MerchantStatus::Active.into();
    let (plan, reason) = (plan.to_owned(), String::new());
    decide(&app, auth::DecideMerchantRequest { id, status, plan, reason }).await
}

/// Refuses an application.
#[utoipa::path(post, path = "/v1/admin/merchants/{id}/reject", tag = "admin", request_body = Reason, responses((status = 200, body = Merchant)))]
async fn reject(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<Reason>,
) -> Answer<Merchant> {
    let status = auth::MerchantStatus::Rejected.into();
    let request =
        auth::DecideMerchantRequest { id, status, plan: String::new(), reason: body.reason };
    decide(&app, request).await
}

/// Stops a merchant from selling.
#[utoipa::path(post, path = "/v1/admin/merchants/{id}/suspend", tag = "admin", request_body = Reason, responses((status = 200, body = Merchant)))]
async fn suspend(
    State(app): State<App>,
    Path(id): Path<String>,
    request: axum::extract::Request,
) -> Answer<Merchant> {
    let reason = super::store::orders::Cancel::from(request).await?.reason;
    let status = auth::MerchantStatus::Suspended.into();
    decide(&app, auth::DecideMerchantRequest { id, status, plan: String::new(), reason }).await
}

/// Everybody with an account.
#[utoipa::path(get, path = "/v1/admin/users", tag = "admin",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<User>)))]
async fn list_users(State(app): State<App>, params: Params) -> Answer<List<User>> {
    let request = auth::ListUsersRequest { page: Some(params.page()?) };
    let answer = app.mesh.auth().list_users(request).await?.into_inner();
    Ok(List::new(answer.users, answer.page, User::from))
}

/// Every order, newest first.
#[utoipa::path(get, path = "/v1/admin/orders", tag = "admin",
    params(("limit" = Option<u32>, Query), ("after" = Option<String>, Query)),
    responses((status = 200, body = List<Order>)))]
async fn list_orders(State(app): State<App>, params: Params) -> Answer<List<Order>> {
    let request = order::ListAllOrdersRequest { page: Some(params.page()?) };
    let answer = app.mesh.order().list_all_orders(request).await?.into_inner();
    let locale = locale();
    Ok(List::new(answer.orders, answer.page, |order| view(order, locale)))
}

/// Any order.
#[utoipa::path(get, path = "/v1/admin/orders/{id}", tag = "admin", responses((status = 200, body = Order)))]
async fn read_order(State(app): State<App>, Path(id): Path<String>) -> Answer<Order> {
    let id = named::<kind::Order>(id, "ORDER")?;
    let request = order::GetOrderRequest { id, order_token: String::new() };
    let answer = app.mesh.order().get_order(request).await?.into_inner();
    Ok(Json(view(answer.order.unwrap_or_default(), locale())))
}

/// The payments of an order, latest first.
#[utoipa::path(get, path = "/v1/admin/orders/{id}/payments", tag = "admin", responses((status = 200, body = List<Payment>)))]
async fn list_payments(State(app): State<App>, Path(id): Path<String>) -> Answer<List<Payment>> {
    let order_id = named::<kind::Order>(id, "ORDER")?;
    let request = payment::ListPaymentsRequest { order_id };
    let answer = app.mesh.payment().list_payments(request).await?.into_inner();
    Ok(List::all(answer.payments, Payment::from))
}

/// A category in all languages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnCategory {
    id: String,
    slug: String,
    title: Localised,
    parent: Option<String>,
    icon: Option<String>,
    position: u32,
    product_count: u64,
}

impl From<product::Category> for OwnCategory {
    fn from(category: product::Category) -> Self {
        Self {
            id: category.id,
            slug: category.slug,
            title: category.title.into(),
            parent: some(category.parent),
            icon: some(category.icon),
            position: category.position,
            product_count: category.product_count,
        }
    }
}

/// Every category, as a flat list.
#[utoipa::path(get, path = "/v1/admin/categories", tag = "admin", responses((status = 200, body = List<OwnCategory>)))]
async fn list_categories(State(app): State<App>) -> Answer<List<OwnCategory>> {
    let request = product::ListCategoriesRequest {};
    let answer = app.mesh.product().list_categories(request).await?.into_inner();
    Ok(List::all(answer.categories, OwnCategory::from))
}

/// A category to make, or to replace by its slug.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutCategory {
    slug: String,
    title: Localised,
    /// Slug of the category above it.
    parent: Option<String>,
    icon: Option<String>,
    #[serde(default)]
    position: u32,
}

/// Makes a category, or replaces the one with the same slug.
#[utoipa::path(post, path = "/v1/admin/categories", tag = "admin", request_body = PutCategory, responses((status = 201, body = OwnCategory)))]
async fn put_category(State(app): State<App>, Body(body): Body<PutCategory>) -> Made<OwnCategory> {
    let category = product::Category {
        slug: body.slug,
        title: Some(body.title.into()),
        parent: body.parent.unwrap_or_default(),
        icon: body.icon.unwrap_or_default(),
        position: body.position,
        ..Default::default()
    };
    let request = product::PutCategoryRequest { category: Some(category) };
    let answer = app.mesh.product().put_category(request).await?.into_inner();
    Ok(created(answer.category.unwrap_or_default().into()))
}
