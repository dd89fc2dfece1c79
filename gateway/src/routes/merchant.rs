//! For merchants: `/v1/merchant`.

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

mod api_keys;
mod catalogue;
mod csv;
mod files;
pub(crate) mod finance;
mod imports;
mod offers;
mod orders;
pub(crate) mod profile;
mod promotions;
mod returns;
mod staff;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(profile::routes())
        .merge(staff::routes())
        .merge(api_keys::routes())
        .merge(catalogue::routes())
        .merge(imports::routes())
        .merge(offers::routes())
        .merge(files::routes())
        .merge(orders::routes())
        .merge(returns::routes())
        .merge(promotions::routes())
        .merge(finance::routes())
}
