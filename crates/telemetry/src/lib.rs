//! The way we see the platform: logs, traces, metrics.
//!
//! [`init`] is called once, in `main`; its guard flushes spans when it goes. Metrics have one explicit [`Metrics`] registry per
//! role, because eight services may share a process.

use serde::Deserialize;
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

mod metrics;
pub mod trace;

pub use metrics::{LATENCY_BUCKETS, Metrics};
pub use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

/// The `[telemetry]` table of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Filter such as `info` or `info,order=debug`.
    pub level: String,
    /// One line of text or of JSON for each event.
    pub format: Format,
    /// Where an OpenTelemetry collector takes spans by gRPC; empty sends none.
    pub otlp_endpoint: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

/// Flushes what has not been sent when it is dropped.
#[derive(Debug)]
pub struct Guard(Option<opentelemetry_sdk::trace::SdkTracerProvider>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = self.0.take() {
            // Nobody is left to tell when the collector is away.
            drop(provider.shutdown());
        }
    }
}

/// Starts logging to standard error and, when an endpoint is configured, the export of spans.
pub fn init(config: &Config) -> anyhow::Result<Guard> {
    let filter = EnvFilter::try_new(&config.level)
        .map_err(|error| anyhow::anyhow!("telemetry.level: {error}"))?
        // It watches folders that we remove on purpose, and says so.
        .add_directive("tantivy=error".parse()?);
    let lines = match config.format {
        Format::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(std::io::stderr)
            .boxed(),
        Format::Text => {
            tracing_subscriber::fmt::layer().compact().with_writer(std::io::stderr).boxed()
        }
    };
    let provider = trace::provider(&config.otlp_endpoint)?;
    let spans = provider.as_ref().map(|provider| {
        use opentelemetry::trace::TracerProvider as _;
        tracing_opentelemetry::layer().with_tracer(provider.tracer("ultramarket"))
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans.with_filter(tracing_subscriber::filter::LevelFilter::INFO))
        .try_init()?;
    Ok(Guard(provider))
}
