//! Styles and icons, inside the program. The name holds a hash of the content, so a copy may be kept for a year.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use sha2::{Digest as _, Sha256};

/// A file and where it is found.
pub(crate) struct Asset {
    path: String,
    media_type: &'static str,
    content: &'static str,
}

/// Every file.
pub(crate) struct Assets {
    css: Asset,
    icons: Asset,
    favicon: Asset,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    css: Asset::new("shop", "css", "text/css; charset=utf-8", include_str!("../assets/shop.css")),
    icons: Asset::new("icons", "svg", "image/svg+xml", include_str!("../assets/icons.svg")),
    favicon: Asset::new("favicon", "svg", "image/svg+xml", include_str!("../assets/favicon.svg")),
});

impl Asset {
    fn new(name: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash = Sha256::digest(content)
            .iter()
            .take(6)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self { path: format!("/assets/{name}-{hash}.{extension}"), media_type, content }
    }
}

pub(crate) fn css() -> &'static str {
    &ASSETS.css.path
}

pub(crate) fn icons() -> &'static str {
    &ASSETS.icons.path
}

pub(crate) fn favicon() -> &'static str {
    &ASSETS.favicon.path
}

pub(crate) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(serve))
}

async fn serve(Path(name): Path<String>) -> Response {
    let all = [&ASSETS.css, &ASSETS.icons, &ASSETS.favicon];
    let found = all.into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&name));
    match found {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            asset.content,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
