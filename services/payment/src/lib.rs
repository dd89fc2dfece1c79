//! Payments with every provider, and what providers tell us.
//!
//! Read in this order: README, [`domain`](self), `store`, `providers`, `service`, `grpc`, adapters.

use std::sync::Arc;

use host::Host;
use mesh::{Mesh, Role};
use outbox::Relay;
use proto::{
    event::event_service_server::EventServiceServer,
    payment::{
        payment_service_server::PaymentServiceServer,
        reconciliation_service_server::ReconciliationServiceServer,
    },
};
use secrecy::ExposeSecret as _;

pub mod check;
pub mod config;
pub mod domain;
mod error;
mod grpc;
mod providers;
mod service;
pub mod store;

pub use config::Config;
pub use error::Error;

/// Who is told of payments.
const SUBSCRIBERS: &[Role] = &[Role::Order];

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

/// Leaves out so many of the numbers that Click is given: after a restore, those that may have been given since the backup.
pub async fn skip_numbers(config: &Config, count: i64) -> anyhow::Result<()> {
    store::skip_numbers(&config.store, count).await
}

/// The events that wait here for their subscribers, for whoever repairs what they could not do.
pub async fn outbox(config: &Config) -> anyhow::Result<Arc<dyn outbox::OutboxStore>> {
    Ok(store::open(&config.store, grpc::events::encode).await?.outbox())
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    let store = store::open(&config.store, grpc::events::encode).await?;
    let metrics = host.metrics(Role::Payment);
    let clock = host.clock();
    let relay = Relay::new(store.outbox(), mesh.clone(), clock.clone(), SUBSCRIBERS, &metrics);
    let woken = relay.clone();
    store.when_told(Box::new(move || woken.wake()));
    let providers = providers::Providers::new(&config);
    let names: Vec<&str> = providers.names().iter().map(|provider| provider.as_str()).collect();
    tracing::info!(providers = names.join(","), "payment providers");
    let stripe = !config.stripe.secret_key.expose_secret().is_empty();
    if stripe && !providers.offers(domain::Provider::Stripe) {
        tracing::warn!(
            "Stripe is off: payment.stripe needs webhook_secret, and a rate unless its currency is uzs"
        );
    }
    let http = service::refunds::client()?;
    let (payments, journal) = service::Payments::new(
        Arc::clone(&store),
        providers,
        relay.clone(),
        clock,
        (&metrics, http),
    );

    let receipts = service::receipts::Receipts::new(payments.clone(), &config.fiscal, &metrics);
    let hour = config.reconciliation.hour;
    let reconciler = service::reconciling::Reconciler::new(payments.clone(), hour, &metrics);
    let reconciliation =
        grpc::reconciliation::ReconciliationApi::new(reconciler.clone(), payments.clone());
    host.grpc(Role::Payment, ReconciliationServiceServer::new(reconciliation));
    host.task(Role::Payment, "payment.receipts", move |stop| receipts.clone().run(stop));
    host.task(Role::Payment, "payment.reconciliation", move |stop| reconciler.clone().run(stop));

    let api = grpc::Api::new(payments.clone());
    host.grpc(Role::Payment, PaymentServiceServer::new(api.clone()));
    host.grpc(Role::Payment, EventServiceServer::new(api));

    host.task(Role::Payment, "payment.outbox", move |stop| relay.clone().run(stop));
    let poller = payments.clone();
    host.task(Role::Payment, "payment.poll", move |stop| poller.clone().poll(stop));
    host.task(Role::Payment, "payment.sweep", move |stop| payments.clone().sweep(stop));
    host.task(Role::Payment, "payment.journal", move |stop| journal.clone().run(stop));
    let checked = Arc::clone(&store);
    host.ready(Role::Payment, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::Payment, async move { store.close_store().await });
    Ok(())
}
