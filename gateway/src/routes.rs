//! The routes, one file for each resource, with its request and response types.

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(crate) mod accounts;
mod adjustments;
pub(crate) mod admin;
mod delivery_tariffs;
pub(crate) mod files;
pub(crate) mod hooks;
pub(crate) mod merchant;
pub(crate) mod phone;
pub(crate) mod problems;
pub(crate) mod promotions;
pub(crate) mod realtime;
pub(crate) mod store;

/// All of them.
pub(crate) fn all() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(store::routes())
        .merge(merchant::routes())
        .merge(admin::routes())
        .merge(delivery_tariffs::routes())
        .merge(adjustments::routes())
        .merge(hooks::routes())
        .merge(files::routes())
        .routes(routes!(problems::explain))
        .routes(routes!(realtime::issue_ticket))
        .routes(routes!(realtime::open))
}
