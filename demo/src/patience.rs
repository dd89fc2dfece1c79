//! Calls to a platform that is busy starting.

use std::time::Duration;

use tonic::{Code, Response, Status};

/// How long a store may keep the loading waiting: as long as a server needs to come back.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(500);

/// Asks until there is an answer. What was asked may have been done although the answer was lost: callers take "it is there
/// already" for success.
pub(crate) async fn patiently<T>(
    ask: impl AsyncFn() -> Result<Response<T>, Status>,
) -> Result<T, Status> {
    within(PATIENCE, PAUSE, ask).await
}

async fn within<T>(
    patience: Duration,
    pause: Duration,
    ask: impl AsyncFn() -> Result<Response<T>, Status>,
) -> Result<T, Status> {
    let asked = async {
        loop {
            match ask().await {
                Err(status) if is_passing(&status) => {
                    tracing::debug!(%status, "asked again in a moment");
                    tokio::time::sleep(pause).await;
                }
                answer => return answer.map(Response::into_inner),
            }
        }
    };
    match tokio::time::timeout(patience, asked).await {
        Ok(answer) => answer,
        // The last word is the service's own.
        Err(_) => ask().await.map(Response::into_inner),
    }
}

fn is_passing(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Aborted)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn what_passes_is_waited_for() {
        let asked = AtomicU32::new(0);
        let ask = async || match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Status::unavailable("the store is away")),
            1 => Err(Status::deadline_exceeded("too slow")),
            _ => Ok(Response::new("here")),
        };
        assert_eq!(within(PATIENCE, Duration::ZERO, ask).await.unwrap(), "here");
        assert_eq!(asked.into_inner(), 3);
    }

    #[tokio::test]
    async fn a_refusal_is_final_and_patience_ends() {
        let asked = AtomicU32::new(0);
        let refuse = async || -> Result<Response<()>, Status> {
            asked.fetch_add(1, Ordering::Relaxed);
            Err(Status::already_exists("taken"))
        };
        let refused = within(PATIENCE, Duration::ZERO, refuse).await;
        assert_eq!(refused.unwrap_err().code(), Code::AlreadyExists);
        assert_eq!(asked.into_inner(), 1);
        let away = async || -> Result<Response<()>, Status> { Err(Status::unavailable("away")) };
        let away = within(SHORT, Duration::ZERO, away).await;
        assert_eq!(away.unwrap_err().code(), Code::Unavailable);
    }
}
