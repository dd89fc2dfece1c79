//! What travels with a call beside its message.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue};
use prost::Message as _;

use crate::{Caller, DEFAULT_DEADLINE};

const PRINCIPAL: HeaderName = HeaderName::from_static("um-principal-bin");
const LOCALE: HeaderName = HeaderName::from_static("um-locale");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

tokio::task_local! {
    static CURRENT: Context;
}

/// Who asks, until when, for which request, in which language. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// The request at the gateway that all of this is for.
    pub request_id: Arc<str>,
    /// W3C traceparent.
    pub traceparent: Arc<str>,
    /// "uz", "uz-Cyrl", "ru" or "en".
    pub locale: Arc<str>,
    /// When nobody waits any more.
    pub deadline: Option<Instant>,
}

impl Context {
    /// A context for work that nobody outside asked for.
    pub fn service(name: &str) -> Self {
        Self::new(Caller::service(name))
    }

    /// A context for a caller, without a deadline, in Uzbek.
    pub fn new(caller: Caller) -> Self {
        Self {
            caller: Arc::new(caller),
            request_id: "".into(),
            traceparent: "".into(),
            locale: "uz".into(),
            deadline: None,
        }
    }

    /// The context of the call that is being answered; a guest's when there is none.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self::new(Caller::guest()))
    }

    /// Who asks in the call that is being answered.
    pub fn caller() -> Arc<Caller> {
        CURRENT
            .try_with(|context| Arc::clone(&context.caller))
            .unwrap_or_else(|_| Arc::new(Caller::guest()))
    }

    /// The same with a deadline from now, unless an earlier one is set.
    #[must_use]
    pub fn within(self, limit: Duration) -> Self {
        let limit = Instant::now() + limit;
        let deadline = Some(self.deadline.map_or(limit, |earlier| earlier.min(limit)));
        Self { deadline, ..self }
    }

    /// The same request, asked by the platform itself: for a service that acts on its own authority.
    #[must_use]
    pub fn as_service(&self, name: &str) -> Self {
        Self { caller: Arc::new(Caller::service(name)), ..self.clone() }
    }

    /// Runs a future in this context: calls that it makes carry it.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs a function in this context: for work that was handed to a thread.
    pub fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }

    /// How long a call made now may take.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline
            .map_or(DEFAULT_DEADLINE, |deadline| deadline.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap, remaining: Duration) {
        let principal = proto::mesh::Principal::from(self.caller.as_ref()).encode_to_vec();
        if let Ok(value) = HeaderValue::try_from(STANDARD_NO_PAD.encode(principal)) {
            headers.insert(PRINCIPAL, value);
        }
        // At least a millisecond: zero would be read as "none" by some peers.
        let millis = remaining.as_millis().clamp(1, 99_999_999);
        let mut put = |name: HeaderName, value: &str| {
            if !value.is_empty()
                && let Ok(value) = HeaderValue::from_str(value)
            {
                headers.insert(name, value);
            }
        };
        put(TIMEOUT, &format!("{millis}m"));
        put(LOCALE, &self.locale);
        put(REQUEST_ID, &self.request_id);
        match telemetry::trace::current() {
            Some(traceparent) => put(TRACEPARENT, &traceparent),
            None => put(TRACEPARENT, &self.traceparent),
        }
    }

    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let caller = headers
            .get(&PRINCIPAL)
            .and_then(|value| {
                // gRPC allows padding in binary metadata and does not ask for it.
                let text = value.as_bytes().trim_ascii_end();
                let text = text.strip_suffix(b"=").unwrap_or(text);
                let bytes = STANDARD_NO_PAD.decode(text.strip_suffix(b"=").unwrap_or(text)).ok()?;
                proto::mesh::Principal::decode(bytes.as_slice()).ok()
            })
            .map_or_else(Caller::guest, Caller::from);
        let deadline =
            parse_timeout(text(&TIMEOUT)).and_then(|limit| Instant::now().checked_add(limit));
        Self {
            caller: Arc::new(caller),
            request_id: text(&REQUEST_ID).into(),
            traceparent: text(&TRACEPARENT).into(),
            locale: text(&LOCALE).into(),
            deadline,
        }
    }
}

/// Lets the rest of a request run to its end even when the client hangs up: a half-done checkout helps nobody.
#[expect(clippy::disallowed_methods, reason = "this is the seam for the rest of a request")]
pub async fn detach<F>(future: F) -> Result<F::Output, fault::Fault>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let context = Context::current();
    let span = tracing::Span::current();
    let task = tokio::spawn(tracing::Instrument::instrument(context.scope(future), span));
    task.await.map_err(fault::Fault::internal)
}

/// The gRPC form: up to eight digits and a unit.
fn parse_timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let value: u64 = text.strip_suffix(unit)?.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(value.checked_mul(3600)?)),
        'M' => Some(Duration::from_secs(value.checked_mul(60)?)),
        'S' => Some(Duration::from_secs(value)),
        'm' => Some(Duration::from_millis(value)),
        'u' => Some(Duration::from_micros(value)),
        'n' => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_survives_the_wire() {
        let context = Context {
            request_id: "req_1".into(),
            locale: "uz-Cyrl".into(),
            ..Context::new(Caller::user(ids::UserId::new()))
        };
        let mut headers = HeaderMap::new();
        context.write(&mut headers, Duration::from_millis(1500));
        let back = Context::read(&headers);
        assert_eq!(back.caller, context.caller);
        assert_eq!(back.request_id, context.request_id);
        assert_eq!(back.locale, context.locale);
        assert!(back.remaining() <= Duration::from_millis(1500));
        assert!(back.remaining() > Duration::from_secs(1));
    }

    #[test]
    fn timeouts_in_every_unit() {
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("2S"), Some(Duration::from_secs(2)));
        assert_eq!(parse_timeout("1H"), Some(Duration::from_hours(1)));
        for wrong in ["", "m", "5", "5x", "-1S", "ü"] {
            assert_eq!(parse_timeout(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn detached_work_outlives_its_client() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let client = tokio::time::timeout(
            Duration::from_millis(20),
            Context::service("order").scope(detach(async move {
                tokio::time::sleep(Duration::from_millis(60)).await;
                let _ = sender.send(Context::caller().service.clone());
            })),
        );
        assert!(client.await.is_err(), "the client hung up");
        assert_eq!(receiver.await.unwrap(), "order", "the work went on, in its context");
    }
}
