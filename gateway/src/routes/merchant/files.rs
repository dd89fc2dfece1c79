//! Uploads.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, Multipart, State, multipart::MultipartRejection},
};
use fault::{Code, Fault, Field};
use proto::file as pb;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    problem::{Problem, refuse},
    reply::{Made, created, within},
    routes::store::products::{Picture, Thumbnails},
};

/// The largest picture.
pub(super) const LIMIT: usize = 10 * 1024 * 1024;
/// What the frame of a multipart form may add.
pub(super) const FRAME: usize = 64 * 1024;
/// For the work after an upload, however long that took.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(upload)).layer(DefaultBodyLimit::max(LIMIT + FRAME))
}

/// A stored picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StoredPicture {
    /// Name it in `media` of a product.
    id: String,
    url: String,
    width: u32,
    height: u32,
    content_type: String,
    size: u64,
    thumbnails: Thumbnails,
}

/// The first file of a multipart form: its name and content.
pub(super) async fn first_file(
    form: Result<Multipart, MultipartRejection>,
    limit: usize,
) -> Result<(String, Bytes), Problem> {
    let mut form = form.map_err(|_| {
        let message = "send the file as multipart/form-data";
        refuse(Code::Invalid, "UNSUPPORTED_MEDIA_TYPE", message)
    })?;
    let too_large = || {
        let message = format!("a file may have at most {limit} bytes");
        Problem(Fault::new(Code::Invalid, "FILE_TOO_LARGE", message))
    };
    let broken = |error: axum::extract::multipart::MultipartError| {
        if error.status() == http::StatusCode::PAYLOAD_TOO_LARGE {
            return too_large();
        }
        let field = Field::new("file", "INVALID", "the form cannot be read");
        Problem(Fault::invalid(vec![field]))
    };
    while let Some(part) = form.next_field().await.map_err(broken)? {
        let Some(name) = part.file_name().map(str::to_owned) else { continue };
        let content = part.bytes().await.map_err(broken)?;
        if content.len() > limit {
            return Err(too_large());
        }
        return Ok((name, content));
    }
    let field = Field::new("file", "REQUIRED", "the form has no file");
    Err(Fault::invalid(vec![field]).into())
}

/// Stores a picture; it is re-encoded and kept in three more sizes.
#[utoipa::path(post, path = "/v1/merchant/files", tag = "merchant catalogue",
    request_body(content_type = "multipart/form-data", content = String), responses((status = 201, body = StoredPicture)))]
async fn upload(
    State(app): State<App>,
    form: Result<Multipart, MultipartRejection>,
) -> Made<StoredPicture> {
    let (file_name, content) = first_file(form, LIMIT).await?;
    let request = pb::UploadRequest {
        file_name,
        content,
        bucket: "products".to_owned(),
        merchant_id: String::new(),
    };
    let answer = within(PATIENCE, app.mesh.file().upload(request)).await?.into_inner();
    let file = answer.file.unwrap_or_default();
    let picture = file.picture.unwrap_or_default();
    let (width, height) = (picture.width, picture.height);
    let (url, thumbnails) = Picture::from(picture).into_urls();
    Ok(created(StoredPicture {
        id: file.id,
        url,
        width,
        height,
        content_type: file.content_type,
        size: file.size,
        thumbnails,
    }))
}
