//! The search index: building it anew while it serves.

use axum::{Json, extract::State, http::StatusCode};
use clock::Timestamp;
use proto::search as pb;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    reply::{Answer, Made, at_if, some},
};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(read_rebuild, begin_rebuild))
}

/// Where a rebuild stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RebuildState {
    /// Nothing is known of any.
    None,
    Running,
    Done,
    /// The index is the old one.
    Failed,
}

/// A rebuild of the search index.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rebuild {
    state: RebuildState,
    /// Products taken over so far; at the end those that can be found.
    indexed: u64,
    /// Products in the catalogue when it began.
    total: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<Option<pb::Rebuild>> for Rebuild {
    fn from(rebuild: Option<pb::Rebuild>) -> Self {
        let rebuild = rebuild.unwrap_or_default();
        let state = match rebuild.state() {
            pb::RebuildState::Unspecified => RebuildState::None,
            pb::RebuildState::Running => RebuildState::Running,
            pb::RebuildState::Done => RebuildState::Done,
            pb::RebuildState::Failed => RebuildState::Failed,
        };
        Self {
            state,
            indexed: rebuild.indexed,
            total: rebuild.total,
            started_at: at_if(rebuild.started_at_ms),
            finished_at: at_if(rebuild.finished_at_ms),
            error: some(rebuild.error),
        }
    }
}

/// Begins to build the index anew from the catalogue. It goes on by itself; searches see the old index until the new one is complete.
/// 409 `REBUILD_RUNNING` while one runs.
#[utoipa::path(post, path = "/v1/admin/search/rebuild", tag = "admin", responses((status = 202, body = Rebuild)))]
async fn begin_rebuild(State(app): State<App>) -> Made<Rebuild> {
    let answer = app.mesh.search().rebuild(pb::RebuildRequest {}).await?.into_inner();
    Ok((StatusCode::ACCEPTED, Json(answer.rebuild.into())))
}

/// How far the rebuild that runs has come, or how the last one ended.
#[utoipa::path(get, path = "/v1/admin/search/rebuild", tag = "admin", responses((status = 200, body = Rebuild)))]
async fn read_rebuild(State(app): State<App>) -> Answer<Rebuild> {
    let answer = app.mesh.search().get_rebuild(pb::GetRebuildRequest {}).await?.into_inner();
    Ok(Json(answer.rebuild.into()))
}
