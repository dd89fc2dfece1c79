//! What is left of a body when its request is answered. A client that sends all before it reads would find the connection broken instead of
//! the answer, so the rest is read and thrown away: so much, and for so long, as a client may be expected to send.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    extract::Request,
};
use futures::{Stream, StreamExt as _};
use host::Tasks;
use http::{Version, header};

/// Bytes that are read for nothing at most.
const MOST: usize = 64 * 1024 * 1024;
/// And how long that may take. Less than the drain of the process.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sees to what a request leaves of its body, whoever drops it.
pub(super) fn watched(request: Request, tasks: &Tasks) -> Request {
    // In HTTP/2 a request is refused without its connection.
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return request;
    }
    let waits = request.headers().contains_key(header::EXPECT);
    let tasks = tasks.clone();
    let watch =
        |body: Body| Body::from_stream(Rest { body: Some(body.into_data_stream()), waits, tasks });
    request.map(watch)
}

struct Rest {
    /// None once it has come to its end, or broke off.
    body: Option<BodyDataStream>,
    /// The client sends nothing before it is asked to, and it is asked by whoever reads first.
    waits: bool,
    tasks: Tasks,
}

impl Stream for Rest {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let next = ready!(body.poll_next_unpin(context));
        self.waits = false;
        if !matches!(next, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(next)
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|_| !self.waits) else { return };
        // Where nothing runs any more, nobody waits for an answer either.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.tasks.spawn(async move {
                // What does not come in time, or comes without an end, is cut off.
                drop(tokio::time::timeout(PATIENCE, discard(body)).await);
            });
        }
    }
}

async fn discard(mut body: BodyDataStream) {
    let mut seen = 0;
    while let Some(Ok(bytes)) = body.next().await {
        seen += bytes.len();
        if seen > MOST {
            return;
        }
    }
}
