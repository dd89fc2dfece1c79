//! Finds products in two scripts and three languages.
//!
//! Read in this order: README, [`text`], [`domain`], [`terms`], [`store`], [`service`], `grpc`, adapters.

use std::sync::Arc;

use host::Host;
use mesh::{Mesh, Role};
use proto::{
    event::event_service_server::EventServiceServer,
    search::search_service_server::SearchServiceServer,
};

mod config;
pub mod domain;
mod error;
mod grpc;
pub mod service;
pub mod store;
pub mod terms;
pub mod text;

pub use config::Config;
pub use error::Error;

/// Prepares the store: what a new release needs before it starts.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    store::migrate(&config.store).await
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    let index = store::open(&config.store).await?;
    let metrics = host.metrics(Role::Search);
    let finder = service::Finder::new(Arc::clone(&index), &config.synonyms, host.clock(), &metrics);
    let catalogue: Arc<dyn service::Catalogue> = Arc::new(grpc::Products::new(mesh.product()));

    let api = grpc::Api::new(finder.clone(), Arc::clone(&catalogue));
    host.grpc(Role::Search, SearchServiceServer::new(api.clone()));
    host.grpc(Role::Search, EventServiceServer::new(api));

    host.task(Role::Search, "search.fill", move |stop| {
        finder.clone().fill(Arc::clone(&catalogue), stop)
    });
    let checked = Arc::clone(&index);
    host.ready(Role::Search, "index", move || {
        let index = Arc::clone(&checked);
        async move { index.ping().await }
    });
    host.on_close(Role::Search, async move { index.close().await });
    Ok(())
}
