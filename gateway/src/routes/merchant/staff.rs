//! Who works for the merchant.

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
    reply::{Answer, List, Made, at, created},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(remove))
}

/// A member of the staff.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    id: String,
    user_id: String,
    login: String,
    name: String,
    role: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<pb::StaffMember> for Member {
    fn from(member: pb::StaffMember) -> Self {
        Self {
            id: member.id,
            user_id: member.user_id,
            login: member.login,
            name: member.name,
            role: member.role,
            created_at: at(member.created_at_ms),
        }
    }
}

/// The staff.
#[utoipa::path(get, path = "/v1/merchant/staff", tag = "merchant", responses((status = 200, body = List<Member>)))]
async fn list(State(app): State<App>) -> Answer<List<Member>> {
    let answer = app.mesh.auth().list_staff(pb::ListStaffRequest {}).await?.into_inner();
    Ok(List::all(answer.staff, Member::from))
}

/// What a member may do.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StaffRole {
    Admin,
    Operator,
    Viewer,
}

/// Whom to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddMember {
    /// Phone or e-mail address of an existing account.
    login: String,
    role: StaffRole,
}

/// Adds somebody to the staff.
#[utoipa::path(post, path = "/v1/merchant/staff", tag = "merchant", request_body = AddMember, responses((status = 201, body = Member)))]
async fn add(State(app): State<App>, Body(body): Body<AddMember>) -> Made<Member> {
    let role = match body.role {
        StaffRole::Admin => "admin",
        StaffRole::Operator => "operator",
        StaffRole::Viewer => "viewer",
    };
    let request = pb::AddStaffRequest { login: body.login, role: role.to_owned() };
    let answer = app.mesh.auth().add_staff(request).await?.into_inner();
    Ok(created(answer.member.unwrap_or_default().into()))
}

/// Removes somebody from the staff.
#[utoipa::path(delete, path = "/v1/merchant/staff/{id}", tag = "merchant", responses((status = 204)))]
async fn remove(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = named::<kind::Staff>(id, "STAFF")?;
    app.mesh.auth().remove_staff(pb::RemoveStaffRequest { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
