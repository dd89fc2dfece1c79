//! Accepting connections: HTTP/1 and HTTP/2 on one port, with bounds, until the drain.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo, response::IntoResponse as _};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use mesh::Stack;
use tokio::{net::TcpListener, sync::Semaphore};
use tower::Service as _;

use crate::Tasks;

/// Connections open at once on one port.
const CONNECTIONS: usize = 10_000;
/// Headers must be complete by then: slow senders do not hold connections.
const HEADERS: Duration = Duration::from_secs(10);

pub(crate) fn spawn(tasks: &Tasks, name: &'static str, listener: TcpListener, router: Router) {
    let stop = tasks.stop_signal();
    let tracked = tasks.clone();
    tasks.spawn(async move {
        let graceful = GracefulShutdown::new();
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let builder = Arc::new(builder());
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, most likely: let some go before the next try.
                    tracing::warn!(%error, port = name, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
                tracing::warn!(port = name, "too many connections");
                continue;
            };
            // Small answers must not wait for more.
            drop(stream.set_nodelay(true));
            let router = router.clone();
            let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                router.clone().call(request.map(|body: hyper::body::Incoming| Body::new(body)))
            });
            let builder = Arc::clone(&builder);
            let watcher = graceful.watcher();
            tracked.spawn(async move {
                let connection =
                    builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
                if let Err(error) = watcher.watch(connection.into_owned()).await {
                    tracing::trace!(%error, "connection ended");
                }
                drop(permit);
            });
        }
        drop(listener);
        graceful.shutdown().await;
    });
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS).max_headers(100);
    builder
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .max_concurrent_streams(1000)
        .max_header_list_size(32 * 1024)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// Lets gRPC requests through to the stack; anything else is not found.
#[derive(Clone)]
pub(crate) struct GrpcOnly(pub(crate) Stack);

impl tower::Service<axum::extract::Request> for GrpcOnly {
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::extract::Request) -> Self::Future {
        let kind = request.headers().get(http::header::CONTENT_TYPE);
        let grpc = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        if !grpc {
            return Box::pin(async { Ok(http::StatusCode::NOT_FOUND.into_response()) });
        }
        let answer = self.0.call(request.map(tonic::body::Body::new));
        Box::pin(async move {
            let response = match answer.await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            Ok(response.map(Body::new))
        })
    }
}
