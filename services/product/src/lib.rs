//! The content of the catalogue: products, categories, reviews; no price authority, no stock.
//!
//! Read in this order: README, [`domain`], [`store`], `service`, `grpc`, adapters.

use std::sync::Arc;

use host::Host;
use mesh::{Mesh, Role};
use proto::{
    event::event_service_server::EventServiceServer,
    product::product_service_server::ProductServiceServer,
};

mod config;
pub mod domain;
mod error;
mod grpc;
mod service;
pub mod store;

pub use config::Config;
pub use error::Error;
pub use grpc::encode;

/// Who is told of what happens here.
const SUBSCRIBERS: &[Role] = &[Role::Order, Role::Search];

/// Brings the store up to date: what a new release needs before it starts.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    store::migrate(&config.store).await
}

/// The version of the schema that this program works with; 0 where there is none.
pub fn schema(config: &Config) -> i64 {
    store::schema(&config.store)
}

/// The events that wait here for their subscribers, for whoever repairs what they could not do.
pub async fn outbox(config: &Config) -> anyhow::Result<Arc<dyn outbox::OutboxStore>> {
    Ok(store::open(&config.store, encode).await?.outbox())
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    let store = store::open(&config.store, encode).await?;
    let metrics = host.metrics(Role::Product);
    let relay =
        outbox::Relay::new(store.outbox(), mesh.clone(), host.clock(), SUBSCRIBERS, &metrics);
    let catalogue = service::Catalogue::new(Arc::clone(&store), host.clock(), relay.clone());

    let api = grpc::Api::new(catalogue.clone(), mesh.order());
    let products = ProductServiceServer::new(api.clone())
        .max_decoding_message_size(mesh::MAX_MESSAGE)
        .max_encoding_message_size(mesh::MAX_MESSAGE);
    host.grpc(Role::Product, products);
    host.grpc(Role::Product, EventServiceServer::new(api));

    host.task(Role::Product, "product.outbox", move |stop| relay.clone().run(stop));
    host.task(Role::Product, "product.import", move |stop| catalogue.clone().run_imports(stop));
    let checked = Arc::clone(&store);
    host.ready(Role::Product, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::Product, async move { store.close().await });
    Ok(())
}
