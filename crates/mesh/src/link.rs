//! One client transport, local or remote.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{self, Poll},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Request, Response};
use tonic::{
    Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::Service;

use crate::{Context, Stack, Token};

pub(crate) const CREDENTIAL: HeaderName = HeaderName::from_static("um-mesh-token");

/// The transport under every generated client. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Link {
    peer: Peer,
    token: HeaderValue,
}

#[derive(Debug, Clone)]
enum Peer {
    Local(Arc<OnceLock<Stack>>),
    Remote(Channel),
}

impl Link {
    pub(crate) fn local(stack: Arc<OnceLock<Stack>>, token: &Token) -> Self {
        Self { peer: Peer::Local(stack), token: credential(token) }
    }

    pub(crate) fn remote(address: &str, token: &Token) -> Result<Self, tonic::transport::Error> {
        let channel = Endpoint::from_shared(address.to_owned())?
            .connect_timeout(Duration::from_secs(1))
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            .connect_lazy();
        Ok(Self { peer: Peer::Remote(channel), token: credential(token) })
    }

    pub(crate) fn seal(&self, stack: Stack) {
        if let Peer::Local(cell) = &self.peer
            && cell.set(stack).is_err()
        {
            tracing::error!("a role was mounted twice; the first stays");
        }
    }
}

fn credential(token: &Token) -> HeaderValue {
    let mut value = HeaderValue::from_str(token.as_str()).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl Service<Request<Body>> for Link {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), BoxError>> {
        match &mut self.peer {
            Peer::Local(_) => Poll::Ready(Ok(())),
            Peer::Remote(channel) => channel.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let context = Context::current();
        let remaining = context.remaining();
        if remaining.is_zero() {
            return Box::pin(async { Err(Status::deadline_exceeded("no time is left").into()) });
        }
        context.write(request.headers_mut(), remaining);
        request.headers_mut().insert(CREDENTIAL, self.token.clone());
        // What a remote peer would not see, a local one must not see either.
        request.extensions_mut().clear();

        match &mut self.peer {
            Peer::Local(cell) => {
                let Some(mut stack) = cell.get().cloned() else {
                    return Box::pin(async { Err(Status::unavailable("starting").into()) });
                };
                // The stack keeps the deadline.
                Box::pin(async move { Ok(stack.call(request).await?) })
            }
            Peer::Remote(channel) => {
                let answer = channel.call(request);
                Box::pin(async move {
                    // A peer that hangs cannot keep its own deadline.
                    match tokio::time::timeout(remaining, answer).await {
                        Ok(answer) => answer.map_err(|error| unavailable(&error)),
                        Err(_) => Err(Status::deadline_exceeded("the peer took too long").into()),
                    }
                })
            }
        }
    }
}

/// The peer is away, unless it was only too slow: the channel reads `grpc-timeout` too.
fn unavailable(error: &tonic::transport::Error) -> BoxError {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if cause.is::<tonic::TimeoutExpired>() {
            return Status::deadline_exceeded("the peer took too long").into();
        }
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    tracing::debug!(cause = text, "peer is away");
    Status::unavailable("the peer is away").into()
}
