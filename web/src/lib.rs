//! Pages: templates, texts and styles of the storefront and the panels, rendered on the server.
//!
//! Read in this order: README, [`router`], `visit` (what is known of a request), `storefront` (the screens), `texts`. A screen is
//! two files side by side in `storefront/`: its handler with its view type, and its template.

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use mesh::Mesh;

mod assets;
mod config;
mod cookies;
pub mod cyrillic;
mod failure;
mod form;
pub mod invoice;
mod labels;
mod link;
mod locale;
mod regions;
mod session;
mod storefront;
mod texts;
mod visit;

pub use config::Config;
pub use locale::Locale;
pub use texts::{Argument, Texts};

/// No form of ours is longer.
const MAX_FORM: usize = 64 * 1024;

/// What every handler holds.
#[derive(Clone)]
pub(crate) struct App {
    config: Arc<Config>,
    mesh: Mesh,
    sessions: session::Sessions,
}

/// The storefront with its assets. It answers every path: what it does not know is a styled 404, so it is merged as the
/// fallback of the API's routes.
pub fn router(config: Config, mesh: Mesh) -> Router {
    let sessions = session::Sessions::new(mesh.clone(), config.clock.clone());
    let app = App { config: Arc::new(config), mesh, sessions };
    storefront::router()
        .layer(middleware::from_fn_with_state(app.clone(), visit::middleware))
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .merge(assets::router())
        .with_state(app)
}
