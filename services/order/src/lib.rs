//! Money and stock: offers, prices, checkout, orders.
//!
//! Read in this order: README, `domain`, `store`, `service`, `grpc`, adapters.

use std::sync::Arc;

use host::Host;
use mesh::{Mesh, Role};
use outbox::Relay;
use proto::{
    event::event_service_server::EventServiceServer,
    order::{
        finance_service_server::FinanceServiceServer, order_service_server::OrderServiceServer,
        promotion_service_server::PromotionServiceServer,
        return_service_server::ReturnServiceServer,
    },
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
pub use grpc::encode_event;

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

/// Leaves out so many numbers of orders: after a restore, those that may have been given since the backup.
pub async fn skip_numbers(config: &Config, count: i64) -> anyhow::Result<()> {
    store::skip_numbers(&config.store, count).await
}

/// The events that wait here for their subscribers, for whoever repairs what they could not do.
pub async fn outbox(config: &Config) -> anyhow::Result<Arc<dyn outbox::OutboxStore>> {
    Ok(store::open(&config.store, encode_event).await?.outbox())
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    let store = store::open(&config.store, encode_event).await?;
    let metrics = host.metrics(Role::Order);
    let subscribers = grpc::SUBSCRIBERS;
    let relay = Relay::new(store.outbox(), mesh.clone(), host.clock(), subscribers, &metrics);
    let orders = service::Orders::new(service::Inner {
        store: Arc::clone(&store),
        carts: Arc::new(grpc::peers::Carts(mesh.cart())),
        payments: Arc::new(grpc::peers::Payments::new(mesh.payment(), config.return_url.clone())),
        merchants: Arc::new(grpc::peers::Merchants(mesh.auth())),
        catalogue: Arc::new(grpc::peers::Catalogue(mesh.product())),
        relay: relay.clone(),
        clock: host.clock(),
        tariff: config.delivery,
        commissions: Arc::new(config.commissions()),
        periods: config.payouts,
        imbalance: metrics.gauge(
            "ledger_imbalance_tiyin",
            "By how much the ledger differs from the orders it is kept of: must be 0.",
            &[],
        ),
        drafted: metrics.counter("payouts_drafted_total", "Payouts made by the clock.", &[]),
        reservation: config.reservation(),
        encode_answer: grpc::encode_answer,
        placed: metrics.counter("orders_placed_total", "Orders placed.", &["provider"]),
        redeemed: metrics.counter(
            "promotions_redeemed_total",
            "Uses of promotions by orders, by who funds them.",
            &["funded_by"],
        ),
        lost: metrics.counter(
            "discount_codes_lost_total",
            "Checkouts that ended because a code could no longer be used.",
            &["reason"],
        ),
        refunds: tokio::sync::Notify::new(),
        refunded: metrics.counter("refunds_total", "Refunds by how they came out.", &["state"]),
    });

    let api = grpc::Api::new(orders.clone());
    host.grpc(Role::Order, OrderServiceServer::new(api.clone()));
    host.grpc(Role::Order, ReturnServiceServer::new(api.clone()));
    host.grpc(Role::Order, FinanceServiceServer::new(api.clone()));
    host.grpc(Role::Order, PromotionServiceServer::new(api.clone()));
    host.grpc(Role::Order, EventServiceServer::new(api));

    host.task(Role::Order, "order.outbox", move |stop| relay.clone().run(stop));
    let paying = orders.clone();
    host.task(Role::Order, "order.payouts", move |stop| paying.clone().pay_merchants(stop));
    let refunding = orders.clone();
    host.task(Role::Order, "order.refunds", move |stop| refunding.clone().refund_due(stop));
    let categorising = orders.clone();
    host.task(Role::Order, "order.categories", move |stop| categorising.clone().categorise(stop));
    host.task(Role::Order, "order.sweep", move |stop| orders.clone().sweep(stop));
    let checked = Arc::clone(&store);
    host.ready(Role::Order, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::Order, async move { store.close().await });
    Ok(())
}
