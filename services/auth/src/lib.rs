//! Accounts, sessions, merchants and their staff.
//!
//! Read in this order: README, [`domain`], [`store`], `service`, `grpc`, adapters.

use std::sync::Arc;

use host::Host;
use mesh::{Mesh, Role};
use outbox::Relay;
use proto::auth::auth_service_server::AuthServiceServer;

mod config;
pub mod domain;
mod error;
mod grpc;
mod service;
pub mod store;

pub use config::Config;
pub use error::Error;

/// Who is told of merchants and of texts to send.
const SUBSCRIBERS: &[Role] = &[Role::Order, Role::Notification];

/// Brings the tables of the store up to date: what a new release needs before it starts.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    store::migrate(&config.store).await
}

/// The version of the schema that this program works with; 0 where there is none.
pub fn schema(config: &Config) -> i64 {
    store::schema(&config.store)
}

/// Brings the tables of the store to this version, which may be an older one: what a backup of an older program is put back into.
pub async fn migrate_to(config: &Config, version: i64) -> anyhow::Result<()> {
    store::migrate_to(&config.store, version).await
}

/// The events that wait here for their subscribers, for whoever repairs what they could not do.
pub async fn outbox(config: &Config) -> anyhow::Result<Arc<dyn outbox::OutboxStore>> {
    Ok(store::open(&config.store, grpc::events::encode).await?.outbox())
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    let store = store::open(&config.store, grpc::events::encode).await?;
    let metrics = host.metrics(Role::Auth);
    let relay = Relay::new(store.outbox(), mesh.clone(), host.clock(), SUBSCRIBERS, &metrics);
    let auth = service::Auth::new(Arc::clone(&store), relay.clone(), host.clock(), &config).await?;

    host.grpc(Role::Auth, AuthServiceServer::new(grpc::Api::new(auth.clone())));

    host.task(Role::Auth, "auth.outbox", move |stop| relay.clone().run(stop));
    host.task(Role::Auth, "auth.sweep", move |stop| auth.clone().sweep(stop));
    let checked = Arc::clone(&store);
    host.ready(Role::Auth, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::Auth, async move { store.close().await });
    Ok(())
}
