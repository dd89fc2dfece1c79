//! What the gateway counts.

use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::{Histogram, IntCounter};
use telemetry::{HistogramVec, IntCounterVec, Metrics};

use crate::cache;

/// The instruments of the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    requests: IntCounterVec,
    seconds: HistogramVec,
    hits: Vec<Hit>,
}

/// Series that are looked up once because every hit needs them.
#[derive(Debug, Clone)]
struct Hit {
    fresh: IntCounter,
    unchanged: IntCounter,
    seconds: Histogram,
    hits: IntCounter,
}

impl Figures {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let requests = metrics.counter(
            "http_requests_total",
            "Requests answered.",
            &["method", "route", "status"],
        );
        let seconds = metrics.histogram(
            "http_request_duration_seconds",
            "Time to answer a request.",
            &["method", "route", "status"],
        );
        let hits_total = metrics.counter(
            "http_cache_hits_total",
            "Catalogue answers that were ready.",
            &["route"],
        );
        let hit = |route: &&str| Hit {
            fresh: requests.with_label_values(&["GET", *route, "2xx"]),
            unchanged: requests.with_label_values(&["GET", *route, "3xx"]),
            seconds: seconds.with_label_values(&["GET", *route, "2xx"]),
            hits: hits_total.with_label_values(&[*route]),
        };
        let hits = cache::ROUTES.iter().map(hit).collect();
        Self { requests, seconds, hits }
    }

    /// A request that was worked on.
    pub(crate) fn observe(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let method = match method.as_str() {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
            _ => "other",
        };
        let labels = [method, route, class(status)];
        self.requests.with_label_values(&labels).inc();
        self.seconds.with_label_values(&labels).observe(took.as_secs_f64());
    }

    /// A request whose answer was ready.
    pub(crate) fn cached(&self, route: usize, status: StatusCode, took: Duration) {
        let Some(hit) = self.hits.get(route) else { return };
        if status == StatusCode::NOT_MODIFIED { &hit.unchanged } else { &hit.fresh }.inc();
        hit.seconds.observe(took.as_secs_f64());
        hit.hits.inc();
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
