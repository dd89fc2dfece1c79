//! One registry of instruments per role.

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// Seconds, from a cached answer to a deadline.
pub const LATENCY_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The instruments of one role; every series is named `ultramarket_...` and carries the label `role`.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// An empty registry for a role.
    pub fn new(role: &str) -> Self {
        let labels = [("role".to_owned(), role.to_owned())].into();
        let registry =
            Registry::new_custom(Some("ultramarket".to_owned()), Some(labels)).unwrap_or_default();
        Self { registry }
    }

    /// A count that grows. Asking twice for one name gives two instruments of which the first is shown: ask once.
    pub fn counter(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let counter = IntCounterVec::new(Opts::new(name, help), labels);
        self.register(name, counter)
    }

    /// A number that goes up and down.
    pub fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let gauge = IntGaugeVec::new(Opts::new(name, help), labels);
        self.register(name, gauge)
    }

    /// Durations in seconds.
    pub fn histogram(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::new(name, help).buckets(LATENCY_BUCKETS.to_vec());
        self.register(name, HistogramVec::new(options, labels))
    }

    /// The exposition text that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(%error, "metrics could not be written");
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Adds the figures of the process (memory, CPU, descriptors).
    pub fn with_process(self) -> Self {
        #[cfg(target_os = "linux")]
        {
            let process = prometheus::process_collector::ProcessCollector::for_self();
            if let Err(error) = self.registry.register(Box::new(process)) {
                tracing::warn!(%error, "no process metrics");
            }
        }
        self
    }

    #[expect(
        clippy::panic,
        reason = "names and labels are constants: a wrong one must not pass its first test"
    )]
    fn register<C>(&self, name: &str, instrument: prometheus::Result<C>) -> C
    where
        C: prometheus::core::Collector + Clone + 'static,
    {
        let instrument = match instrument {
            Ok(instrument) => instrument,
            Err(error) => panic!("metric {name}: {error}"),
        };
        if let Err(error) = self.registry.register(Box::new(instrument.clone())) {
            panic!("metric {name}: {error}");
        }
        instrument
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn series_carry_prefix_and_role() {
        let metrics = Metrics::new("order");
        metrics
            .counter("orders_placed_total", "Orders placed.", &["provider"])
            .with_label_values(&["payme"])
            .inc();
        let text = metrics.text();
        assert!(
            text.contains(r#"ultramarket_orders_placed_total{provider="payme",role="order"} 1"#),
            "{text}"
        );
    }
}
