//! Where the `type` of a problem leads.

use std::sync::Arc;

use axum::{Extension, extract::Path};
use fault::Fault;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    info::Info,
    problem::{Problem, words},
    reply::Answer,
};

/// What a problem means.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Explanation {
    code: String,
    detail: &'static str,
}

/// Explains a problem in the language of the client.
#[utoipa::path(get, path = "/problems/{code}", tag = "problems", responses((status = 200, body = Explanation)))]
pub(crate) async fn explain(
    Path(code): Path<String>,
    Extension(info): Extension<Arc<Info>>,
) -> Answer<Explanation> {
    let code = code.to_uppercase().replace('-', "_");
    let detail = words(info.locale()).known(&code);
    let detail = detail.ok_or_else(|| Problem(Fault::not_found("PROBLEM")))?;
    Ok(axum::Json(Explanation { code, detail }))
}
