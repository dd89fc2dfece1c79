//! Becoming a merchant, and being one.

use axum::{Json, extract::State};
use clock::Timestamp;
use mesh::{Context, StaffRole};
use proto::{auth as pb, product, value::PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    reply::{Answer, Made, at, created, name, some},
    routes::phone,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(apply)).routes(routes!(me))
}

/// A seller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Merchant {
    id: String,
    name: String,
    legal_name: String,
    tin: Option<String>,
    pinfl: Option<String>,
    phone: String,
    email: String,
    /// `pending`, `active`, `rejected` or `suspended`.
    status: String,
    /// `basic`, `professional` or `enterprise`; null before approval.
    plan: Option<String>,
    owner_user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reject_reason: Option<String>,
    bank: Option<Bank>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// Where payouts go.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bank {
    account: String,
    /// Code of the bank, five digits.
    mfo: String,
    #[serde(default)]
    name: String,
}

impl From<pb::Merchant> for Merchant {
    fn from(merchant: pb::Merchant) -> Self {
        let status = name(merchant.status().as_str_name(), "MERCHANT_STATUS_");
        let bank = |bank: pb::Bank| Bank { account: bank.account, mfo: bank.mfo, name: bank.name };
        Self {
            id: merchant.id,
            name: merchant.name,
            legal_name: merchant.legal_name,
            tin: some(merchant.tin),
            pinfl: some(merchant.pinfl),
            phone: merchant.phone,
            email: merchant.email,
            status,
            plan: some(merchant.plan),
            owner_user_id: merchant.owner_user_id,
            reject_reason: some(merchant.reject_reason),
            bank: merchant.bank.map(bank),
            created_at: at(merchant.created_at_ms),
        }
    }
}

/// What the platform wants to know of a seller. One of `tin` and `pinfl` is required.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Application {
    name: String,
    legal_name: String,
    /// Nine digits of a company.
    tin: Option<String>,
    /// Fourteen digits of a person.
    pinfl: Option<String>,
    phone: String,
    email: String,
    bank: Option<Bank>,
}

/// Asks to become a merchant.
#[utoipa::path(post, path = "/v1/merchant/applications", tag = "merchant", request_body = Application, responses((status = 201, body = Merchant)))]
async fn apply(State(app): State<App>, Body(body): Body<Application>) -> Made<Merchant> {
    let bank = |bank: Bank| pb::Bank { account: bank.account, mfo: bank.mfo, name: bank.name };
    let request = pb::ApplyMerchantRequest {
        name: body.name,
        legal_name: body.legal_name,
        tin: body.tin.unwrap_or_default(),
        pinfl: body.pinfl.unwrap_or_default(),
        phone: phone::normal(&body.phone, "phone")?,
        email: body.email,
        bank: body.bank.map(bank),
    };
    let answer = app.mesh.auth().apply_merchant(request).await?.into_inner();
    Ok(created(answer.merchant.unwrap_or_default().into()))
}

/// The merchant of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Profile {
    merchant: Merchant,
    plan: Option<String>,
    usage: Usage,
}

/// What the merchant has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    products: u64,
    staff: usize,
}

/// The merchant whose staff the caller is.
#[utoipa::path(get, path = "/v1/merchant/me", tag = "merchant", responses((status = 200, body = Profile)))]
async fn me(State(app): State<App>) -> Answer<Profile> {
    let id = Context::caller().require_merchant(StaffRole::Viewer)?.to_string();
    let products = product::ListProductsRequest {
        page: Some(PageRequest { limit: 1, count: true, ..Default::default() }),
        filter: Some(product::ProductFilter { own: true, ..Default::default() }),
        ..Default::default()
    };
    let (mut auth, mut staff, mut catalogue) =
        (app.mesh.auth(), app.mesh.auth(), app.mesh.product());
    let (merchant, staff, products) = tokio::try_join!(
        auth.get_merchant(pb::GetMerchantRequest { id }),
        staff.list_staff(pb::ListStaffRequest {}),
        catalogue.list_products(products),
    )?;
    let merchant = merchant.into_inner().merchant.unwrap_or_default();
    let products = products.into_inner().page.and_then(|page| page.count).unwrap_or_default();
    let usage = Usage { products, staff: staff.into_inner().staff.len() };
    Ok(Json(Profile { plan: some(merchant.plan.clone()), merchant: merchant.into(), usage }))
}
