//! Saved addresses.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use fault::Fault;
use ids::kind;
use proto::{auth as pb, value};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::delivery::Address;
use crate::{
    app::App,
    body::Body,
    params::named,
    problem::Problem,
    reply::{Answer, List, Made, created},
    routes::phone,
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(update, remove))
}

/// A saved address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedAddress {
    id: String,
    #[serde(flatten)]
    address: Address,
    is_default: bool,
}

impl From<pb::SavedAddress> for SavedAddress {
    fn from(saved: pb::SavedAddress) -> Self {
        let address = saved.address.unwrap_or_default().into();
        Self { id: saved.id, address, is_default: saved.is_default }
    }
}

/// An address to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveAddress {
    region: String,
    district: String,
    street: String,
    #[serde(default)]
    house: String,
    #[serde(default)]
    landmark: String,
    recipient: String,
    phone: String,
    #[serde(default)]
    is_default: bool,
}

/// What to change of a saved address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeAddress {
    region: Option<String>,
    district: Option<String>,
    street: Option<String>,
    house: Option<String>,
    landmark: Option<String>,
    recipient: Option<String>,
    phone: Option<String>,
    is_default: Option<bool>,
}

async fn all(app: &App) -> Result<Vec<pb::SavedAddress>, Problem> {
    let request = pb::ListAddressesRequest {};
    Ok(app.mesh.auth().list_addresses(request).await?.into_inner().addresses)
}

async fn put(app: &App, request: pb::PutAddressRequest) -> Result<SavedAddress, Problem> {
    let answer = app.mesh.auth().put_address(request).await?.into_inner();
    Ok(answer.address.unwrap_or_default().into())
}

/// The own saved addresses.
#[utoipa::path(get, path = "/v1/store/addresses", tag = "profile", responses((status = 200, body = List<SavedAddress>)))]
async fn list(State(app): State<App>) -> Answer<List<SavedAddress>> {
    Ok(List::all(all(&app).await?, SavedAddress::from))
}

/// Saves an address.
#[utoipa::path(post, path = "/v1/store/addresses", tag = "profile", request_body = SaveAddress, responses((status = 201, body = SavedAddress)))]
async fn create(State(app): State<App>, Body(body): Body<SaveAddress>) -> Made<SavedAddress> {
    let address = value::Address {
        region: body.region,
        district: body.district,
        street: body.street,
        house: body.house,
        landmark: body.landmark,
        recipient: body.recipient,
        phone: phone::normal(&body.phone, "phone")?,
    };
    let (id, address) = (String::new(), Some(address));
    let request = pb::PutAddressRequest { id, address, is_default: body.is_default };
    Ok(created(put(&app, request).await?))
}

/// Changes a saved address.
#[utoipa::path(patch, path = "/v1/store/addresses/{id}", tag = "profile", request_body = ChangeAddress, responses((status = 200, body = SavedAddress)))]
async fn update(
    State(app): State<App>,
    Path(id): Path<String>,
    Body(body): Body<ChangeAddress>,
) -> Answer<SavedAddress> {
    let id = named::<kind::Address>(id, "ADDRESS")?;
    let known = all(&app).await?.into_iter().find(|saved| saved.id == id);
    let known = known.ok_or_else(|| Problem(Fault::not_found("ADDRESS")))?;
    let old = known.address.unwrap_or_default();
    let address = Some(value::Address {
        region: body.region.unwrap_or(old.region),
        district: body.district.unwrap_or(old.district),
        street: body.street.unwrap_or(old.street),
        house: body.house.unwrap_or(old.house),
        landmark: body.landmark.unwrap_or(old.landmark),
        recipient: body.recipient.unwrap_or(old.recipient),
        phone: match body.phone {
            Some(text) => phone::normal(&text, "phone")?,
            None => old.phone,
        },
    });
    let is_default = body.is_default.unwrap_or(known.is_default);
    Ok(Json(put(&app, pb::PutAddressRequest { id, address, is_default }).await?))
}

/// Forgets a saved address.
#[utoipa::path(delete, path = "/v1/store/addresses/{id}", tag = "profile", responses((status = 204)))]
async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = named::<kind::Address>(id, "ADDRESS")?;
    app.mesh.auth().delete_address(pb::DeleteAddressRequest { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
