//! What every role wears on its server side, called over the network or from within the process.

use std::{
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Instant,
};

use futures::FutureExt as _;
use http::{HeaderMap, Request, Response};
use subtle::ConstantTimeEq as _;
use telemetry::Metrics;
use tonic::{Code, Status, body::Body, service::Routes};
use tower::Service;
use tracing::Instrument as _;

use crate::{Context, Role, Token, context::TIMEOUT, link::CREDENTIAL};

/// Credential, context, deadline, span, metrics and panics around a role's gRPC services.
#[derive(Clone)]
pub struct Stack(Arc<Inner>);

struct Inner {
    role: Role,
    routes: Routes,
    token: Token,
    seconds: telemetry::HistogramVec,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("role", &self.0.role).finish_non_exhaustive()
    }
}

impl Stack {
    /// Dresses the services of a role.
    pub fn new(role: Role, routes: Routes, token: Token, metrics: &Metrics) -> Self {
        let seconds = metrics.histogram(
            "rpc_server_duration_seconds",
            "Time to answer an internal call.",
            &["method", "code"],
        );
        Self(Arc::new(Inner { role, routes: routes.prepare(), token, seconds }))
    }

    fn authentic(&self, request: &Request<Body>) -> bool {
        let path = request.uri().path();
        // Probes and grpcurl: neither changes nor shows anything that is owned by somebody.
        if path.starts_with("/grpc.health.v1.") || path.starts_with("/grpc.reflection.") {
            return true;
        }
        let sent = request.headers().get(CREDENTIAL).map(http::HeaderValue::as_bytes);
        let known = self.0.token.as_str().as_bytes();
        !known.is_empty() && sent.is_some_and(|sent| sent.ct_eq(known).into())
    }
}

impl Service<Request<Body>> for Stack {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let started = Instant::now();
        let stack = self.clone();
        Box::pin(async move {
            let method = request.uri().path().to_owned();
            let response = if stack.authentic(&request) {
                stack.answer(&method, request).await
            } else {
                tracing::warn!(role = %stack.0.role, method, "internal call without the mesh credential");
                Status::unauthenticated("internal calls carry the mesh credential").into_http()
            };
            let code = format!("{:?}", code_of(response.headers()));
            let seconds = started.elapsed().as_secs_f64();
            stack.0.seconds.with_label_values(&[method.as_str(), code.as_str()]).observe(seconds);
            Ok(response)
        })
    }
}

impl Stack {
    async fn answer(&self, method: &str, request: Request<Body>) -> Response<Body> {
        let context = Context::read(request.headers());
        let span = tracing::info_span!(
            "rpc",
            rpc.role = self.0.role.as_str(),
            rpc.method = method,
            request.id = %context.request_id,
        );
        telemetry::trace::adopt(&span, &context.traceparent);
        let limited = request.headers().contains_key(TIMEOUT);
        let remaining = context.remaining();
        let mut routes = self.0.routes.clone();
        let work = async move {
            let answer = context.scope(async move { routes.call(request).await });
            match AssertUnwindSafe(answer).catch_unwind().await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(panic) => {
                    tracing::error!(panic = panic_text(panic.as_ref()), "a handler panicked");
                    Status::internal("something went wrong on our side").into_http()
                }
            }
        }
        .instrument(span);
        if !limited {
            return work.await;
        }
        match tokio::time::timeout(remaining, work).await {
            Ok(response) => response,
            Err(_) => Status::deadline_exceeded("it took too long").into_http(),
        }
    }
}

/// Errors of unary calls stand in the headers; success stands in the trailers.
fn code_of(headers: &HeaderMap) -> Code {
    headers.get("grpc-status").map_or(Code::Ok, |value| Code::from_bytes(value.as_bytes()))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("unknown")
}
