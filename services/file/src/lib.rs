//! Uploads, pictures and their smaller forms.
//!
//! Read in this order: README, [`domain`], [`store`], [`forms`], `service`, `grpc`, adapters.

use std::sync::Arc;

use host::Host;
use mesh::{MAX_MESSAGE, Mesh, Role};
use proto::file::file_service_server::FileServiceServer;

mod config;
pub mod domain;
mod error;
pub mod forms;
mod grpc;
mod service;
pub mod store;

pub use config::Config;
pub use error::Error;

/// Prepares the store: makes the buckets of S3 and says who may read them. Again, or several times at once, changes nothing more.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    store::migrate(&config.store, &config.keys()).await
}

/// The version of the schema that this program works with; 0 where there is none.
pub fn schema(config: &Config) -> i64 {
    store::schema(&config.store)
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, _: &Mesh) -> anyhow::Result<()> {
    let store = store::open(&config.store, &config.keys()).await?;
    let workshop = service::Workshop::new(&host.metrics(Role::File));
    let files = service::Files::new(Arc::clone(&store), host.clock(), workshop);
    let api = FileServiceServer::new(grpc::Api::new(files, &config.public_url))
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE);
    host.grpc(Role::File, api);

    let checked = Arc::clone(&store);
    host.ready(Role::File, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::File, async move { store.close().await });
    Ok(())
}
