//! The server over HTTP: time limits, a pool of connections, a second try where that is safe, and the breaker.

use std::time::{Duration, Instant};

use fault::Fault;
use mesh::Context;
use reqwest::{Client as Http, Method, StatusCode, Url, header, redirect::Policy};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::breaker::Breaker;

/// What reading may take.
pub(super) const READ: Duration = Duration::from_secs(3);
/// What writing documents may take.
pub(super) const WRITE: Duration = Duration::from_secs(10);
/// What making, swapping and deleting indexes may take: the server gives up on its own before.
pub(super) const MANAGE: Duration = Duration::from_secs(15);

/// What a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);
/// Connections that are kept for the next call.
const IDLE: usize = 64;
/// How long they are kept; servers and what stands before them drop them later than that.
const KEPT: Duration = Duration::from_secs(20);
/// The pause before a second try.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// What the caller needs to tell its own caller.
const MARGIN: Duration = Duration::from_millis(50);
/// Whoever has waited less has no say in whether the server is away.
const PATIENCE: Duration = Duration::from_millis(300);

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// It could not be reached, or took too long.
    #[error("the search server did not answer: {0}")]
    Away(String),
    /// It was not asked: it has not answered a moment ago.
    #[error("the search server has not answered a moment ago")]
    Shut,
    /// Others were quicker every time.
    #[error("others write the same products all the time")]
    Overtaken,
    /// It refused.
    #[error("the search server answered {status}: {kind}: {reason}")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// Name of its exception.
        kind: String,
        /// For operators.
        reason: String,
    },
    /// It answered something else than was asked for.
    #[error("the search server's answer was not understood")]
    Garbled(#[source] serde_json::Error),
    /// A product cannot be put into a row.
    #[error("a product could not be written down")]
    Unwritable(#[source] serde_json::Error),
    /// The index was made by another version of the program.
    #[error("the index has version {0} of the mapping")]
    Foreign(u32),
    /// Somebody else rebuilds the index.
    #[error("the index is being rebuilt")]
    Rebuilding,
}

impl Failure {
    /// The index, the alias or the document is not there.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// The index takes no writes now.
    pub(super) fn is_blocked(&self) -> bool {
        matches!(self, Self::Refused { kind, .. } if kind == "cluster_block_exception")
    }

    /// It does not accept who we are, or does not let us do this.
    fn is_denied(&self) -> bool {
        matches!(self, Self::Refused { status: 401 | 403, .. }) && !self.is_blocked()
    }

    /// The server is not to be used now, whatever it is asked.
    fn is_outage(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Refused { status: 502..=504, .. }) || self.is_denied()
    }

    /// Another try may succeed.
    fn passes(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Refused { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            _ => false,
        }
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        tracing::debug!(%failure, "a call to the search server failed");
        match failure {
            Failure::Rebuilding => crate::error::Error::Rebuilding.into(),
            Failure::Foreign(_) => Self::unavailable("the index is being built anew"),
            Failure::Overtaken => Self::unavailable("others write the same products"),
            // The breaker logs why, once.
            Failure::Shut => Self::unavailable("the search server is away"),
            _ if failure.passes() || failure.is_denied() => {
                Self::unavailable("the search server is away")
            }
            _ if failure.is_missing() || failure.is_blocked() => {
                Self::unavailable("the index is being replaced")
            }
            failure => Self::internal(failure),
        }
    }
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    path: String,
    body: Option<(&'static str, Vec<u8>)>,
    limit: Duration,
    again: bool,
}

impl Call {
    /// A call that changes nothing, or does so once however often it is made: it may be tried again.
    pub(super) fn again(method: Method, path: impl Into<String>, limit: Duration) -> Self {
        Self { again: true, ..Self::once(method, path, limit) }
    }

    /// A call that is made once.
    pub(super) fn once(method: Method, path: impl Into<String>, limit: Duration) -> Self {
        Self { method, path: path.into(), body: None, limit, again: false }
    }

    /// The same with a body.
    pub(super) fn json(self, body: &Value) -> Self {
        Self { body: Some(("application/json", body.to_string().into_bytes())), ..self }
    }

    /// The same with a body of many lines.
    pub(super) fn lines(self, body: Vec<u8>) -> Self {
        Self { body: Some(("application/x-ndjson", body)), ..self }
    }
}

/// What the server says when it refuses.
#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: Value,
}

/// The server.
#[derive(Debug)]
pub(super) struct Client {
    http: Http,
    server: Server,
    breaker: Breaker,
}

/// An address that may hold a password.
struct Server(Url);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.host_str().unwrap_or_default())
    }
}

impl Client {
    pub(super) fn new(server: Url) -> anyhow::Result<Self> {
        let http = Http::builder()
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(IDLE)
            .pool_idle_timeout(KEPT)
            .tcp_keepalive(KEPT)
            .tcp_nodelay(true)
            .http1_only()
            // Compressing costs the server more than the network between them saves.
            .no_gzip()
            .no_proxy()
            .redirect(Policy::none())
            .build()?;
        Ok(Self { http, server: Server(server), breaker: Breaker::default() })
    }

    /// Makes a call and reads its answer.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Failure> {
        let bytes = self.bytes(call).await?;
        serde_json::from_slice(&bytes).map_err(Failure::Garbled)
    }

    /// Makes a call that only has to succeed.
    pub(super) async fn done(&self, call: Call) -> Result<(), Failure> {
        self.bytes(call).await.map(drop)
    }

    async fn bytes(&self, call: Call) -> Result<Vec<u8>, Failure> {
        let (limit, again) = (left(call.limit), call.again);
        let until = Instant::now() + limit;
        let request = self.request(call)?;
        let second = if again { request.try_clone() } else { None };
        let first = self.attempt(request, limit).await;
        let (Err(failure), Some(second)) = (&first, second) else { return first };
        if !failure.passes() || until.saturating_duration_since(Instant::now()) <= PAUSE {
            return first;
        }
        tokio::time::sleep(PAUSE).await;
        self.attempt(second, until.saturating_duration_since(Instant::now())).await
    }

    fn request(&self, call: Call) -> Result<reqwest::Request, Failure> {
        let unusable = |error: &dyn std::fmt::Display| Failure::Away(error.to_string());
        let url = self.server.0.join(&call.path).map_err(|error| unusable(&error))?;
        let mut request = self.http.request(call.method, url);
        if let Some((kind, body)) = call.body {
            request = request.header(header::CONTENT_TYPE, kind).body(body);
        }
        request.build().map_err(|error| unusable(&error.without_url()))
    }

    async fn attempt(
        &self,
        request: reqwest::Request,
        limit: Duration,
    ) -> Result<Vec<u8>, Failure> {
        if limit.is_zero() {
            return Err(Failure::Away("no time is left".to_owned()));
        }
        if !self.breaker.admits() {
            return Err(Failure::Shut);
        }
        let exchange = async {
            let answer = self.http.execute(request).await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        };
        let outcome = match tokio::time::timeout(limit, exchange).await {
            Ok(Ok((status, bytes))) if status.is_success() => Ok(Vec::from(bytes)),
            Ok(Ok((status, bytes))) => Err(refusal(status, &bytes)),
            Ok(Err(error)) => Err(Failure::Away(causes(&error.without_url()))),
            Err(_) if limit < PATIENCE => {
                return Err(Failure::Away("little time was left".to_owned()));
            }
            Err(_) => Err(Failure::Away(format!("nothing within {} ms", limit.as_millis()))),
        };
        match &outcome {
            Err(failure) if failure.is_outage() => self.breaker.failed(&failure.to_string()),
            _ => self.breaker.answered(),
        }
        outcome
    }
}

/// What is left for a call that may take `limit`, when the caller waits only so long.
pub(super) fn left(limit: Duration) -> Duration {
    let deadline = Context::current().deadline;
    deadline.map_or(limit, |deadline| {
        deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN).min(limit)
    })
}

fn refusal(status: StatusCode, bytes: &[u8]) -> Failure {
    let refusal: Refusal = serde_json::from_slice(bytes).unwrap_or_default();
    let text = |key: &str| refusal.error.get(key).and_then(Value::as_str).unwrap_or_default();
    let reason = refusal.error.as_str().unwrap_or_else(|| text("reason"));
    Failure::Refused {
        status: status.as_u16(),
        kind: text("type").to_owned(),
        // It may repeat a whole query.
        reason: reason.chars().take(300).collect(),
    }
}

fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
