//! What handlers hold.

use std::sync::Arc;

use axum::body::Bytes;
use http::HeaderValue;
use mesh::Mesh;
use telemetry::{IntGaugeVec, Metrics};
use tokio_util::sync::CancellationToken;

use crate::authn::Authentication;

/// The state of every route. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) mesh: Mesh,
    pub(crate) authentication: Arc<Authentication>,
    pub(crate) files: moka::future::Cache<String, StoredFile>,
    /// Fires when the process drains: WebSockets end.
    pub(crate) closing: CancellationToken,
    /// WebSockets that are open.
    pub(crate) sockets: IntGaugeVec,
}

/// A public file, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct StoredFile {
    pub(crate) content: Bytes,
    pub(crate) content_type: HeaderValue,
    pub(crate) etag: HeaderValue,
}

/// Bytes of public files kept at most.
const FILES: u64 = 32 * 1024 * 1024;

impl App {
    pub(crate) fn new(mesh: Mesh, authentication: Arc<Authentication>, metrics: &Metrics) -> Self {
        let files = moka::future::Cache::builder()
            .weigher(|path: &String, file: &StoredFile| {
                u32::try_from(path.len() + file.content.len() + 256).unwrap_or(u32::MAX)
            })
            .max_capacity(FILES)
            .build();
        let sockets = metrics.gauge("realtime_sockets", "WebSockets that are open.", &[]);
        Self { mesh, authentication, files, closing: CancellationToken::new(), sockets }
    }
}
