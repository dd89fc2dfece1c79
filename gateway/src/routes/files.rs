//! Stored files. An address never changes its content, so that everybody may keep it.

use axum::{
    body::Body,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mesh::{Context, Kind};
use proto::file::ReadRequest;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    app::{App, StoredFile},
    cache,
    problem::Problem,
};

#[derive(OpenApi)]
#[openapi(paths(read))]
struct Document;

/// The document knows no parameter that spans segments, so the route stands beside it.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi()).route("/files/{*path}", get(read))
}

const FOREVER: &str = "public, max-age=31536000, immutable";
/// A file that is opened by itself runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A stored file.
#[utoipa::path(get, path = "/files/{path}", tag = "files", params(("path" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream"), (status = 304)))]
async fn read(
    State(app): State<App>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // What a guest may read, everybody may.
    let public = Context::caller().kind == Kind::Guest;
    let known = if public { app.files.get(&path).await } else { None };
    let file = match known {
        Some(file) => file,
        None => {
            let request = ReadRequest { path: path.clone() };
            let answer = app.mesh.file().read(request).await?.into_inner();
            let tag = format!("\"{}\"", answer.etag.trim_matches('"'));
            let kind = HeaderValue::try_from(answer.content_type);
            let file = StoredFile {
                content: answer.content,
                content_type: kind.unwrap_or(HeaderValue::from_static("application/octet-stream")),
                etag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")),
            };
            if public {
                app.files.insert(path, file.clone()).await;
            }
            file
        }
    };
    let control = if public { FOREVER } else { "private, max-age=3600" };
    let mut response = Response::new(Body::empty());
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(control));
    answer.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer.insert(RESOURCE, HeaderValue::from_static("cross-origin"));
    answer.insert(header::ETAG, file.etag.clone());
    if cache::matches(&headers, &file.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    response.headers_mut().insert(header::CONTENT_TYPE, file.content_type);
    *response.body_mut() = Body::from(file.content);
    Ok(response)
}
