//! What every callback has in common: its line in the journal and in the metrics, and a moment for the order to hear of the money.
//!
//! A call that writes has its line in the same transaction. The lines of the others, which read or are refused before the store is
//! asked, go there together, some time later.

use std::{sync::atomic::Ordering, time::Duration};

use clock::Timestamp;
use outbox::Watch;

use super::Payments;
use crate::{
    domain::Provider,
    providers::{RawAnswer, RawRequest},
    store::{Entry, beginning},
};

/// How long an answer waits for the order to be told that it is paid, so that a shopper who returns finds it so.
const TELL: Duration = Duration::from_millis(300);

/// The line of a callback before it is answered. `request` has no credential and no signature, and is empty for strangers.
pub(super) fn heard(
    raw: &RawRequest,
    at: Timestamp,
    provider: Provider,
    method: &str,
    request: &str,
) -> Entry {
    let method = if raw.action.is_empty() {
        method.to_owned()
    } else {
        format!("{method} ({})", beginning(&raw.action))
    };
    let (remote_ip, request) = (raw.remote_ip.clone(), beginning(request).to_owned());
    Entry { at, provider, method, remote_ip, request, status: 0, answer: String::new() }
}

/// The line with the answer.
pub(super) fn answered(line: Entry, answer: RawAnswer) -> Entry {
    Entry { status: answer.status, answer: answer.body, ..line }
}

impl Payments {
    /// Counts a call. `code` is the provider's own number; 0 for success.
    pub(super) fn count(&self, provider: Provider, method: &str, code: i64) {
        let labels = [provider.as_str(), method, &code.to_string()];
        self.callbacks.with_label_values(&labels).inc();
    }

    /// Hands over the line of a call that wrote nothing. It never holds up the answer: when the journal cannot follow, lines are
    /// dropped.
    pub(super) fn note(&self, line: Entry, answer: &RawAnswer) {
        let said = beginning(&answer.body).to_owned();
        let entry = Entry { status: answer.status, answer: said, ..line };
        if self.journal.try_send(entry).is_err()
            && self.journal_lost.fetch_add(1, Ordering::Relaxed).is_multiple_of(1000)
        {
            tracing::warn!("the journal of callbacks cannot follow; lines are lost");
        }
    }

    /// Gives the relay, which the store has woken, a moment to tell the order. The answer never depends on it.
    pub(super) async fn tell_paid(&self, watch: Watch, payment: ids::PaymentId) {
        if !watch.delivered("payment.paid", &payment.to_string(), TELL).await {
            tracing::debug!(payment.id = %payment, "answered before the order was told");
        }
    }
}
