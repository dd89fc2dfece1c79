//! `/health`, `/health/live`, `/health/ready`, `/metrics`, and the same for gRPC clients.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use mesh::Role;
use serde::Serialize;
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;
use tonic::service::{Routes, RoutesBuilder};
use tonic_health::ServingStatus;

use crate::{Check, Tasks};

/// How long a readiness check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);

/// What stands between a role and being ready.
#[derive(Clone)]
pub(crate) struct Readiness {
    role: Role,
    checks: Arc<Vec<(&'static str, Check)>>,
    stopping: CancellationToken,
}

#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
    role: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checks: Vec<CheckResult>,
}

#[derive(Debug, Serialize)]
struct CheckResult {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Readiness {
    pub(crate) fn new(
        role: Role,
        checks: Vec<(&'static str, Check)>,
        stopping: CancellationToken,
    ) -> Self {
        Self { role, checks: Arc::new(checks), stopping }
    }

    async fn check(&self) -> (bool, Vec<CheckResult>) {
        let runs = self.checks.iter().map(|(name, check)| async move {
            let outcome = tokio::time::timeout(CHECK_LIMIT, check()).await;
            let reason = match outcome {
                Ok(Ok(())) => None,
                Ok(Err(fault)) => Some(fault.reason.into_owned()),
                Err(_) => Some("TIMEOUT".to_owned()),
            };
            CheckResult { name, ok: reason.is_none(), reason }
        });
        let mut results = futures::future::join_all(runs).await;
        if self.stopping.is_cancelled() {
            let reason = Some("DRAINING".to_owned());
            results.push(CheckResult { name: "process", ok: false, reason });
        }
        (results.iter().all(|result| result.ok), results)
    }

    fn health(&self, status: &'static str, checks: Vec<CheckResult>) -> Health {
        Health { status, role: self.role.as_str(), version: env!("CARGO_PKG_VERSION"), checks }
    }
}

/// Health for load balancers and containers.
pub(crate) fn health_router(readiness: &Readiness) -> Router {
    Router::new()
        .route("/health", get(live))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(readiness.clone())
}

/// Health, and metrics for Prometheus.
pub(crate) fn router(readiness: &Readiness, metrics: &Metrics) -> Router {
    let metrics = metrics.clone();
    let text = move || async move {
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics.text())
    };
    health_router(readiness).route("/metrics", get(text))
}

async fn live(State(readiness): State<Readiness>) -> impl IntoResponse {
    Json(readiness.health("ok", Vec::new()))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let (ok, checks) = readiness.check().await;
    if ok {
        (StatusCode::OK, Json(readiness.health("ready", checks)))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(readiness.health("not_ready", checks)))
    }
}

/// Adds gRPC health and reflection to a role's services.
pub(crate) fn with_probes(
    mut routes: RoutesBuilder,
    services: &[&'static str],
    readiness: &Readiness,
    metrics: &Metrics,
    tasks: &Tasks,
) -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    routes.add_service(health);
    let mut reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTOR)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    for service in services {
        reflection = reflection.with_service_name(*service);
    }
    match reflection.build_v1() {
        Ok(reflection) => {
            routes.add_service(reflection);
        }
        Err(error) => tracing::error!(%error, "no reflection"),
    }
    let (readiness, names) = (readiness.clone(), services.to_vec());
    let shown = metrics.gauge("ready", "Whether the role is ready (1) or not (0).", &[]);
    let shown = shown.with_label_values::<&str>(&[]);
    tasks.supervise("health", move |stop| {
        let (readiness, names, reporter) = (readiness.clone(), names.clone(), reporter.clone());
        let shown = shown.clone();
        async move {
            loop {
                let (ok, _) = readiness.check().await;
                shown.set(i64::from(ok));
                let status = if ok { ServingStatus::Serving } else { ServingStatus::NotServing };
                for name in names.iter().copied().chain([""]) {
                    reporter.set_service_status(name, status).await;
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(Duration::from_secs(2)) => {}
                }
            }
        }
    });
    routes.routes()
}
