//! The process a service runs in: sockets, server stack, supervised tasks, drain.
//!
//! A role's `mount` registers what it offers on the [`Host`]: gRPC services, HTTP routes, readiness checks, tasks, and what is to be
//! closed at the end. [`Host::run`] then serves every role on its own port (gRPC, `/health`, `/health/ready` and `/metrics` side
//! by side) until the shutdown signal, drains, and closes the stores.

use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use clock::Clock;
use fault::Fault;
use mesh::{Context, Mesh, Role, Stack};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, server::NamedService, service::RoutesBuilder};
use tower::Service;

mod ops;
mod serve;
mod sockets;
mod tasks;

pub use sockets::{BindError, Bound, Sockets};
pub use tasks::Tasks;

/// How long requests may go on after the signal to stop.
pub const DRAIN: Duration = Duration::from_secs(20);

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Check = Arc<dyn Fn() -> BoxFuture<Result<(), Fault>> + Send + Sync>;

/// Everything that runs in this process.
pub struct Host {
    sockets: Sockets,
    mesh: Mesh,
    clock: Clock,
    parts: BTreeMap<Role, Part>,
    tasks: Tasks,
    closers: Vec<(Role, BoxFuture<()>)>,
}

/// What one role has registered.
struct Part {
    metrics: Metrics,
    routes: RoutesBuilder,
    services: Vec<&'static str>,
    http: Option<Router>,
    checks: Vec<(&'static str, Check)>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("roles", &self.parts.keys()).finish_non_exhaustive()
    }
}

impl Host {
    /// A host for the roles whose sockets are bound.
    pub fn new(sockets: Sockets, mesh: Mesh, clock: Clock) -> Self {
        let part = |role: Role| Part {
            metrics: Metrics::new(role.as_str()).with_process(),
            routes: RoutesBuilder::default(),
            services: Vec::new(),
            http: None,
            checks: Vec::new(),
        };
        let parts = sockets.roles().map(|role| (role, part(role))).collect();
        Self { sockets, mesh, clock, parts, tasks: Tasks::new(), closers: Vec::new() }
    }

    /// The clock that everything here reads.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The tasks of this process.
    pub fn tasks(&self) -> Tasks {
        self.tasks.clone()
    }

    /// The instruments of a role.
    pub fn metrics(&self, role: Role) -> Metrics {
        self.parts
            .get(&role)
            .map_or_else(|| Metrics::new(role.as_str()), |part| part.metrics.clone())
    }

    /// Offers a gRPC service.
    pub fn grpc<S>(&mut self, role: Role, service: S)
    where
        S: Service<http::Request<Body>, Error = std::convert::Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        if let Some(part) = self.parts.get_mut(&role) {
            part.routes.add_service(service);
            part.services.push(S::NAME);
        }
    }

    /// Offers HTTP routes on the role's port.
    pub fn http(&mut self, role: Role, router: Router) {
        if let Some(part) = self.parts.get_mut(&role) {
            part.http = Some(part.http.take().unwrap_or_default().merge(router));
        }
    }

    /// Something that must answer before the role counts as ready.
    pub fn ready<F, R>(&mut self, role: Role, name: &'static str, check: F)
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), Fault>> + Send + 'static,
    {
        if let Some(part) = self.parts.get_mut(&role) {
            part.checks.push((name, Arc::new(move || Box::pin(check()))));
        }
    }

    /// Work beside requests. It is started again when it fails, and told to stop when the process drains.
    pub fn task<F, R>(&self, role: Role, name: &'static str, work: F)
    where
        F: Fn(CancellationToken) -> R + Send + Sync + 'static,
        R: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let context = Context::service(role.as_str());
        self.tasks.supervise(name, move |stop| context.clone().scope(work(stop)));
    }

    /// What to do after the last request of the role: close its store.
    pub fn on_close(&mut self, role: Role, work: impl Future<Output = ()> + Send + 'static) {
        self.closers.push((role, Box::pin(work)));
    }

    /// Serves until `shutdown`, then drains. Returns whether everything ended in time.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> bool {
        self.start().until(shutdown).await
    }

    /// Begins to serve: from here on local links are callable and sockets answer.
    pub fn start(mut self) -> Running {
        let stop = self.tasks.stop_signal();
        for (role, part) in std::mem::take(&mut self.parts) {
            let readiness = ops::Readiness::new(role, part.checks, stop.clone());
            let routes = ops::with_probes(
                part.routes,
                &part.services,
                &readiness,
                &part.metrics,
                &self.tasks,
            );
            let stack = Stack::new(role, routes, self.mesh.token().clone(), &part.metrics);
            self.mesh.seal(role, stack.clone());
            let ops = ops::router(&readiness, &part.metrics);
            let router = if role == Role::Gateway {
                // The public port shows health, never metrics.
                if let Some(listener) = self.sockets.take_ops() {
                    serve::spawn(&self.tasks, "gateway.ops", listener, ops);
                }
                part.http.unwrap_or_default().merge(ops::health_router(&readiness))
            } else {
                let router = part.http.unwrap_or_default().merge(ops);
                router.fallback_service(serve::GrpcOnly(stack))
            };
            if let Some(listener) = self.sockets.take(role) {
                serve::spawn(&self.tasks, role.as_str(), listener, router);
            }
        }
        Running { tasks: self.tasks, closers: self.closers }
    }
}

/// A host that serves.
pub struct Running {
    tasks: Tasks,
    closers: Vec<(Role, BoxFuture<()>)>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("tasks", &self.tasks).finish_non_exhaustive()
    }
}

impl Running {
    /// Waits for the signal, then stops accepting, lets requests and tasks end, and closes stores.
    pub async fn until(self, shutdown: impl Future<Output = ()> + Send) -> bool {
        shutdown.await;
        tracing::info!("draining");
        let in_time = self.tasks.drain(DRAIN).await;
        if !in_time {
            tracing::warn!("not everything ended in time");
        }
        for (role, close) in self.closers {
            if tokio::time::timeout(Duration::from_secs(5), close).await.is_err() {
                tracing::warn!(%role, "the store did not close in time");
            }
        }
        in_time
    }
}
