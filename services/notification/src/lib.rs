//! Tells people what happened: in the application, as it happens, and through channels outside of it.
//!
//! Read in this order: README, [`domain`], [`texts`], [`store`], `service`, `grpc`, `channels`, adapters.

use std::sync::Arc;

use host::Host;
use mesh::{Mesh, Role};
use proto::{
    event::event_service_server::EventServiceServer,
    notification::notification_service_server::NotificationServiceServer,
};

mod channels;
mod config;
pub mod cyrillic;
pub mod domain;
mod error;
mod grpc;
mod service;
pub mod store;
pub mod texts;

pub use config::Config;
pub use error::Error;
use service::{
    Notifications,
    bell::Bell,
    deliver::{Courier, Senders},
    subscribe::Hub,
};

/// Brings the store up to date: what a new release needs before it starts.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    store::migrate(&config.store).await
}

/// The version of the schema that this program works with; 0 where there is none.
pub fn schema(config: &Config) -> i64 {
    store::schema(&config.store)
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, _: &Mesh) -> anyhow::Result<()> {
    let texts = texts::Texts::load()?;
    let senders = Senders::new(&config, &host.metrics(Role::Notification))?;
    let store = store::open(&config.store).await?;
    let metrics = host.metrics(Role::Notification);
    let (hub, clock) = (Hub::new(&metrics), host.clock());
    let bell = Bell::new(&config.bell, &metrics)?;
    let courier = Courier::new(Arc::clone(&store), senders.clone(), clock.clone());
    let notifications =
        Notifications::new(Arc::clone(&store), texts, clock, (hub.clone(), bell.clone()), senders);

    let api = grpc::Api::new(notifications);
    host.grpc(Role::Notification, NotificationServiceServer::new(api.clone()));
    host.grpc(Role::Notification, EventServiceServer::new(api));

    let sweeper = courier.clone();
    host.task(Role::Notification, "notification.deliver", move |stop| courier.clone().run(stop));
    host.task(Role::Notification, "notification.sweep", move |stop| sweeper.clone().sweep(stop));
    let (looker, log) = (hub.clone(), Arc::clone(&store));
    host.task(Role::Notification, "notification.log", move |stop| {
        looker.clone().look_with(Arc::clone(&log), stop)
    });
    let (ringer, listener, heard) = (bell.clone(), bell, hub.clone());
    host.task(Role::Notification, "notification.ring", move |stop| ringer.clone().run(stop));
    host.task(Role::Notification, "notification.listen", move |stop| {
        listener.clone().listen(heard.clone(), stop)
    });
    host.task(Role::Notification, "notification.hub", move |stop| hub.clone().close_with(stop));
    let checked = Arc::clone(&store);
    host.ready(Role::Notification, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::Notification, async move { store.close().await });
    Ok(())
}
