//! The shop: `/v1/store`.

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

mod addresses;
mod carts;
mod categories;
pub(crate) mod checkout;
mod delivery;
mod invoice;
pub(crate) mod orders;
mod payment_form;
pub(crate) mod products;
mod regions;
pub(crate) mod returns;
mod reviews;
mod search;
mod wishlist;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(products::routes())
        .merge(categories::routes())
        .merge(search::routes())
        .merge(regions::routes())
        .merge(carts::routes())
        .merge(delivery::routes())
        .merge(checkout::routes())
        .merge(orders::routes())
        .merge(payment_form::routes())
        .merge(returns::routes())
        .merge(invoice::routes())
        .merge(addresses::routes())
        .merge(wishlist::routes())
        .merge(reviews::routes())
}
