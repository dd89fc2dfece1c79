//! The public door: REST, pages, real time. No business rules.
//!
//! Read in this order: README, `door` (what happens to every request), `router`, `authz` (who may call what), then `routes/<resource>`.

use std::{sync::Arc, time::Duration};

use axum::Router;
use host::Host;
use mesh::{Mesh, Role};

mod app;
mod authn;
mod authz;
mod body;
mod cache;
mod config;
mod door;
mod idempotency;
mod info;
mod locale;
mod metrics;
mod openapi;
mod params;
mod problem;
mod reply;
mod router;
mod routes;
pub mod store;

pub use config::{Config, Network, RateLimit};

/// Prepares the store: what a new release needs before it starts.
pub async fn migrate(config: &Config) -> anyhow::Result<()> {
    store::migrate(&config.store).await
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    let store = store::open(&config.store).await?;
    let authentication = Arc::new(authn::Authentication::new(mesh.auth(), host.clock()));
    let app = app::App::new(mesh.clone(), Arc::clone(&authentication));
    let replays = idempotency::Replays { store: Arc::clone(&store), clock: host.clock() };
    let limits = Arc::new(door::Limits::new(&config.rate_limit));

    // Whatever no route of the API answers.
    let pages = web::router(pages(&config, host.clock()), mesh.clone());
    let door = door::Door::new(door::Inner {
        routes: router::build(app.clone(), replays.clone(), pages),
        authentication,
        answers: Arc::new(cache::Answers::new(Duration::from_millis(config.cache_ms))),
        limits: Arc::clone(&limits),
        cors: door::Cors::new(&config.cors_origins)?,
        figures: metrics::Figures::new(&host.metrics(Role::Gateway)),
        trusted_proxies: config.trusted_proxies,
    });
    host.http(Role::Gateway, Router::new().fallback_service(door));

    let closing = app.closing;
    host.task(Role::Gateway, "gateway.sweep", move |stop| {
        let (replays, limits, closing) = (replays.clone(), Arc::clone(&limits), closing.clone());
        async move {
            let swept = sweep(&replays, &limits, &stop).await;
            if stop.is_cancelled() {
                closing.cancel();
            }
            swept
        }
    });
    let checked = Arc::clone(&store);
    host.ready(Role::Gateway, "store", move || {
        let store = Arc::clone(&checked);
        async move { store.ping().await }
    });
    host.on_close(Role::Gateway, async move { store.close().await });
    Ok(())
}

fn pages(config: &Config, clock: clock::Clock) -> web::Config {
    web::Config {
        secure_cookies: config.secure_cookies,
        public_url: config.public_url.clone(),
        payment_origins: config.payment_origins.clone(),
        clock,
    }
}

/// Forgets answers that are old and addresses that are quiet.
async fn sweep(
    replays: &idempotency::Replays,
    limits: &door::Limits,
    stop: &tokio_util::sync::CancellationToken,
) -> anyhow::Result<()> {
    const BATCH: u32 = 500;
    loop {
        limits.sweep();
        let before = replays.clock.now().minus(store::KEPT);
        while replays.store.forget(before, BATCH).await? == u64::from(BATCH) {}
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_mins(1)) => {}
        }
    }
}
