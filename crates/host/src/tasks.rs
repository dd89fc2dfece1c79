//! Tasks that somebody watches.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The tasks of a process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self { tracker: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Fires when the process drains.
    pub fn stop_signal(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs a future to its end; the drain waits for it.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // The tracker is what `tokio::spawn` lacks: the drain awaits it.
        self.tracker.spawn(future);
    }

    /// Runs work that ends only when it is told to; starts it again with growing pauses when it fails or panics.
    pub fn supervise<F, R>(&self, name: &'static str, work: F)
    where
        F: Fn(CancellationToken) -> R + Send + Sync + 'static,
        R: Future<Output = anyhow::Result<()>> + Send,
    {
        let stop = self.stop.clone();
        self.spawn(async move {
            let mut pause = Duration::from_millis(100);
            while !stop.is_cancelled() {
                let started = Instant::now();
                let outcome = AssertUnwindSafe(work(stop.clone())).catch_unwind().await;
                match outcome {
                    _ if stop.is_cancelled() => break,
                    Ok(Ok(())) => tracing::warn!(task = name, "ended early; starting it again"),
                    Ok(Err(error)) => {
                        tracing::error!(
                            task = name,
                            error = format!("{error:#}"),
                            "failed; starting it again"
                        );
                    }
                    Err(_) => tracing::error!(task = name, "panicked; starting it again"),
                }
                if started.elapsed() > Duration::from_mins(1) {
                    pause = Duration::from_millis(100);
                }
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(Duration::from_secs(10));
            }
        });
    }

    /// Tells every task to stop and waits; whether all ended in time.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.stop.cancel();
        self.tracker.close();
        tokio::time::timeout(limit, self.tracker.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use super::*;

    #[tokio::test]
    async fn work_that_fails_or_panics_is_started_again() {
        let tasks = Tasks::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&runs);
        tasks.supervise("test", move |stop| {
            let run = seen.fetch_add(1, Ordering::SeqCst);
            async move {
                match run {
                    0 => anyhow::bail!("no luck"),
                    1 => panic!("on purpose"),
                    _ => stop.cancelled().await,
                }
                Ok(())
            }
        });
        while runs.load(Ordering::SeqCst) < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(tasks.drain(Duration::from_secs(1)).await);
    }

    #[tokio::test]
    async fn the_drain_does_not_wait_for_ever() {
        let tasks = Tasks::new();
        tasks.spawn(std::future::pending());
        assert!(!tasks.drain(Duration::from_millis(20)).await);
    }
}
