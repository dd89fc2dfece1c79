//! What every callback has in common: its line in the journal and in the metrics, and a moment for the order to hear of the money.

use std::{sync::atomic::Ordering, time::Duration};

use outbox::Watch;

use super::Payments;
use crate::{
    domain::Provider,
    providers::{RawAnswer, RawRequest},
    store::Entry,
};

/// How long an answer waits for the order to be told that it is paid, so that a shopper who returns finds it so.
const TELL: Duration = Duration::from_millis(300);
/// Bytes of a request or an answer that the journal keeps.
const KEPT: usize = 4096;

/// A callback as the journal and the metrics show it.
pub(super) struct Told<'a> {
    pub(super) provider: Provider,
    pub(super) method: &'static str,
    /// The provider's own number; 0 for success.
    pub(super) code: i64,
    /// Without credentials and signatures; empty for strangers.
    pub(super) request: &'a str,
}

impl Payments {
    /// Writes down what was asked and answered. It never holds up the answer: when the journal cannot follow, lines are dropped.
    pub(super) fn note(&self, raw: &RawRequest, told: &Told<'_>, answer: &RawAnswer) {
        let labels = [told.provider.as_str(), told.method, &told.code.to_string()];
        self.callbacks.with_label_values(&labels).inc();
        let entry = Entry {
            at: self.clock.now(),
            provider: told.provider,
            method: if raw.action.is_empty() {
                told.method.to_owned()
            } else {
                format!("{} ({})", told.method, cut(&raw.action))
            },
            remote_ip: raw.remote_ip.clone(),
            request: cut(told.request),
            status: answer.status,
            answer: cut(&String::from_utf8_lossy(&answer.body)),
        };
        if self.journal.try_send(entry).is_err()
            && self.journal_lost.fetch_add(1, Ordering::Relaxed).is_multiple_of(1000)
        {
            tracing::warn!("the journal of callbacks cannot follow; lines are lost");
        }
    }

    /// Gives the relay a moment to tell the order. The answer never depends on it.
    pub(super) async fn tell_paid(&self, watch: Watch, payment: ids::PaymentId) {
        self.relay.wake();
        if !watch.delivered("payment.paid", &payment.to_string(), TELL).await {
            tracing::debug!(payment.id = %payment, "answered before the order was told");
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(KEPT).collect()
}
