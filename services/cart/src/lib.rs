//! Carts and wishlists: lines only, never prices.
//!
//! Read in this order: README, [`domain`](self), `store`, `service`, `grpc`, adapters.

use std::{sync::Arc, time::Duration};

use host::Host;
use mesh::{Mesh, Role};
use proto::{
    cart::cart_service_server::CartServiceServer, event::event_service_server::EventServiceServer,
};

mod config;
pub mod domain;
mod error;
mod grpc;
mod peers;
mod service;
pub mod store;

pub use config::Config;
pub use error::Error;

/// Prepares the store: nothing to do, but a Redis that would lose carts is an error.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    store::migrate(&config.store).await
}

/// The version of the schema that this program works with; 0 where there is none.
pub fn schema(config: &Config) -> i64 {
    store::schema(&config.store)
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    // The sweep pauses for an hour, so that is what an embedded store keeps at least.
    let keep = Duration::from_hours((24 * u64::from(config.guest_cart_days)).max(1));
    let store = store::open(&config.store, keep).await?;
    let offers = Arc::new(grpc::peers::Orders::new(mesh.order()));
    let carts = service::Carts::new(Arc::clone(&store), offers, host.clock());

    let api = grpc::Api::new(carts.clone(), mesh.order());
    host.grpc(Role::Cart, CartServiceServer::new(api.clone()));
    host.grpc(Role::Cart, EventServiceServer::new(api));

    let keep = config.guest_cart_days;
    host.task(Role::Cart, "cart.sweep", move |stop| carts.clone().sweep(keep, stop));
    let checked = Arc::clone(&store);
    host.ready(Role::Cart, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::Cart, async move { store.close().await });
    Ok(())
}
