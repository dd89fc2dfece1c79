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
mod counting;
mod door;
mod idempotency;
mod info;
mod locale;
mod metrics;
mod neighbours;
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

/// The version of the schema that this program works with; 0 where there is none.
pub fn schema(config: &Config) -> i64 {
    store::schema(&config.store)
}

/// Registers the role on the host.
pub async fn mount(host: &mut Host, config: Config, mesh: &Mesh) -> anyhow::Result<()> {
    let metrics = host.metrics(Role::Gateway);
    let store = store::open(&config.store).await?;
    let authentication = Arc::new(authn::Authentication::new(mesh.auth(), host.clock()));
    let app = app::App::new(mesh.clone(), Arc::clone(&authentication), &metrics);
    let replays = idempotency::Replays::new(Arc::clone(&store), host.clock(), &metrics);
    let limits = Arc::new(limits(&config, &metrics).await?);
    let answers = Arc::new(cache::Answers::new(Duration::from_millis(config.cache_ms)));
    let link = store::neighbours(&config.store)?;
    let neighbours = neighbours::Neighbours::new(Arc::clone(&answers), link, &metrics);

    // Whatever no route of the API answers.
    let pages = web::router(pages(&config, host.clock()), mesh.clone());
    let door = door::Door::new(door::Inner {
        routes: router::build(app.clone(), replays.clone(), pages),
        authentication,
        answers,
        neighbours: neighbours.clone(),
        limits: Arc::clone(&limits),
        cors: door::Cors::new(&config.cors_origins)?,
        figures: metrics::Figures::new(&metrics),
        trusted_proxies: config.trusted_proxies,
        tasks: host.tasks(),
    });
    host.http(Role::Gateway, Router::new().fallback_service(door));

    let (closing, counting) = (app.closing, Arc::clone(&limits));
    host.task(Role::Gateway, "gateway.sweep", move |stop| {
        let (replays, limits, closing) = (replays.clone(), Arc::clone(&limits), closing.clone());
        async move {
            sweep(&replays, &limits, &stop).await;
            closing.cancel();
            Ok(())
        }
    });
    let counts = Arc::clone(&counting);
    host.task(Role::Gateway, "gateway.counts", move |stop| {
        let counts = Arc::clone(&counts);
        async move {
            counts.counting().keep_in_step(&stop).await;
            Ok(())
        }
    });
    let listener = neighbours.clone();
    host.task(Role::Gateway, "gateway.neighbours", move |stop| {
        let listener = listener.clone();
        async move {
            tokio::select! {
                () = stop.cancelled() => {}
                never = listener.listen() => match never {},
            }
            Ok(())
        }
    });
    // Nearly everything goes on without the store that gateways share: if they were all not ready without it, nothing would.
    if !store::is_shared(&config.store) {
        let checked = Arc::clone(&store);
        host.ready(Role::Gateway, "store", move || {
            let store = Arc::clone(&checked);
            async move { store.ping().await }
        });
    }
    host.on_close(Role::Gateway, async move {
        store.close().await;
        counting.counting().close().await;
        neighbours.close().await;
    });
    Ok(())
}

/// The bounds for a client, counted together with the other gateways when there can be others.
async fn limits(config: &Config, metrics: &telemetry::Metrics) -> anyhow::Result<door::Limits> {
    let counting = if config.rate_limit.enabled && store::is_shared(&config.store) {
        let wait = Duration::from_millis(config.rate_limit.shared_wait_ms);
        counting::Counting::together(store::counts(&config.store)?, wait, metrics).await
    } else {
        counting::Counting::alone()
    };
    Ok(door::Limits::new(&config.rate_limit, counting))
}

fn pages(config: &Config, clock: clock::Clock) -> web::Config {
    web::Config {
        secure_cookies: config.secure_cookies,
        public_url: config.public_url.clone(),
        payment_origins: config.payment_origins.clone(),
        clock,
    }
}

/// Forgets answers that are old and addresses that are quiet, until it is told to stop.
async fn sweep(
    replays: &idempotency::Replays,
    limits: &door::Limits,
    stop: &tokio_util::sync::CancellationToken,
) {
    const BATCH: u32 = 500;
    while !stop.is_cancelled() {
        limits.counting().sweep();
        let before = replays.clock.now().minus(store::KEPT);
        loop {
            match replays.store.forget(before, BATCH).await {
                Ok(forgotten) if forgotten == u64::from(BATCH) => {}
                Ok(_) => break,
                Err(fault) => {
                    tracing::warn!(why = fault.causes(), "old answers could not be forgotten");
                    break;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_mins(1)) => {}
        }
    }
}
