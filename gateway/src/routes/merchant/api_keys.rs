//! Keys for the merchant's own servers.

use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use clock::Timestamp;
use ids::kind;
use proto::auth as pb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    body::Body,
    params::named,
    problem::Problem,
    reply::{Answer, List, Made, at, at_if, created},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(remove))
}

/// A key, without the key itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKey {
    id: String,
    name: String,
    scopes: Vec<String>,
    /// The first characters, to recognise it by.
    hint: String,
    /// The key itself; shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

fn view(key: pb::ApiKey, secret: Option<String>) -> ApiKey {
    ApiKey {
        id: key.id,
        name: key.name,
        scopes: key.scopes,
        hint: key.hint,
        key: secret,
        created_at: at(key.created_at_ms),
        last_used_at: at_if(key.last_used_at_ms),
    }
}

/// The keys.
#[utoipa::path(get, path = "/v1/merchant/api-keys", tag = "merchant", responses((status = 200, body = List<ApiKey>)))]
async fn list(State(app): State<App>) -> Answer<List<ApiKey>> {
    let answer = app.mesh.auth().list_api_keys(pb::ListApiKeysRequest {}).await?.into_inner();
    Ok(List::all(answer.api_keys, |key| view(key, None)))
}

/// What a key is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApiKey {
    name: String,
    /// `products:read`, `products:write`, `orders:read`, `orders:write`, `finance:read`.
    scopes: Vec<String>,
}

/// Makes a key. It is shown this once.
#[utoipa::path(post, path = "/v1/merchant/api-keys", tag = "merchant", request_body = NewApiKey, responses((status = 201, body = ApiKey)))]
async fn create(State(app): State<App>, Body(body): Body<NewApiKey>) -> Made<ApiKey> {
    let request = pb::CreateApiKeyRequest { name: body.name, scopes: body.scopes };
    let answer = app.mesh.auth().create_api_key(request).await?.into_inner();
    Ok(created(view(answer.api_key.unwrap_or_default(), Some(answer.key))))
}

/// Takes a key back.
#[utoipa::path(delete, path = "/v1/merchant/api-keys/{id}", tag = "merchant", responses((status = 204)))]
async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = named::<kind::ApiKey>(id, "API_KEY")?;
    app.mesh.auth().delete_api_key(pb::DeleteApiKeyRequest { id }).await?;
    app.authentication.forget_api_keys();
    Ok(StatusCode::NO_CONTENT)
}
