//! How much a client has asked for, of this gateway and of the others.
//!
//! What must be exact (passwords, changes by strangers) is asked of the store that all gateways share. Reads are decided from memory at
//! once, and what was let through is told to the others ten times a second: a catalogue answer that is ready must not wait for a trip.
//! Without the shared store, or when it does not answer at once, this gateway counts alone; when it is back, it is told what it missed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fault::Fault;
use telemetry::{IntCounterVec, IntGaugeVec, Metrics};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::store::{CountStore, Counted, Counter, Quota, counts::Memory};

/// How often the others are told, and the shared store is looked for when it is away.
const TELL: Duration = Duration::from_millis(100);
/// How long telling and looking may take: nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The counters of a gateway.
pub(crate) struct Counting {
    memory: Memory,
    shared: Option<Shared>,
}

/// What all gateways count in.
struct Shared {
    store: Arc<dyn CountStore>,
    /// How long a request may wait for it.
    wait: Duration,
    /// Whether it answered last time.
    there: AtomicBool,
    alone: IntCounterVec,
    in_touch: IntGaugeVec,
}

impl Counting {
    /// Counts in this process alone.
    pub(crate) fn alone() -> Self {
        Self { memory: Memory::default(), shared: None }
    }

    /// Counts together with others; a request waits so long for them, and no longer.
    pub(crate) async fn together(
        store: Arc<dyn CountStore>,
        wait: Duration,
        metrics: &Metrics,
    ) -> Self {
        let alone = metrics.counter(
            "rate_limit_alone_total",
            "Requests counted by this gateway alone because the shared store did not answer at once.",
            &["class"],
        );
        let in_touch = metrics.gauge(
            "rate_limit_shared",
            "1 while limits are counted with the other gateways.",
            &[],
        );
        let shared = Shared { store, wait, there: AtomicBool::new(false), alone, in_touch };
        let found = timeout(PATIENCE, shared.store.ping()).await;
        shared.set(matches!(found, Ok(Ok(()))));
        Self { memory: Memory::default(), shared: Some(shared) }
    }

    /// Counts a request at once; the others are told soon.
    pub(crate) fn count(&self, counter: Counter, quota: Quota) -> Counted {
        self.memory.count(counter, quota, self.shared.is_some())
    }

    /// Counts a request together with the others.
    pub(crate) async fn count_together(&self, counter: Counter, quota: Quota) -> Counted {
        let Some(shared) = &self.shared else { return self.count(counter, quota) };
        if let Some(counted) = shared.take(counter, quota).await {
            // For the case that it is away next time.
            self.memory.learn(counter, quota, counted.fill);
            return counted;
        }
        shared.alone.with_label_values(&[counter.class().as_str()]).inc();
        self.count(counter, quota)
    }

    /// Forgets clients that have their whole allowance back.
    pub(crate) fn sweep(&self) {
        self.memory.sweep();
    }

    /// Tells the others and learns from them, until it is told to stop.
    pub(crate) async fn keep_in_step(&self, stop: &CancellationToken) {
        let Some(shared) = &self.shared else { return stop.cancelled().await };
        while !stop.is_cancelled() {
            if let Err(fault) = self.tell(shared).await
                && shared.set(false)
            {
                let why = fault.causes();
                tracing::warn!(why, "limits are counted by this gateway alone");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(TELL) => {}
            }
        }
    }

    async fn tell(&self, shared: &Shared) -> Result<(), Fault> {
        let late = |_| Fault::unavailable("no answer in time");
        if !shared.there.load(Ordering::Relaxed) {
            timeout(PATIENCE, shared.store.ping()).await.map_err(late)??;
            shared.set(true);
        }
        let reports = self.memory.untold();
        if reports.is_empty() {
            return Ok(());
        }
        let told = timeout(PATIENCE, shared.store.report(&reports)).await;
        match told.map_err(late).flatten() {
            Ok(fills) => {
                for (report, fill) in reports.iter().zip(fills) {
                    self.memory.learn(report.counter, report.quota, fill);
                }
                Ok(())
            }
            Err(fault) => {
                self.memory.still_untold(&reports);
                Err(fault)
            }
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(shared) = &self.shared {
            shared.store.close().await;
        }
    }
}

impl Shared {
    /// None when it does not answer at once. Nobody waits for it after that, until it has been found again.
    async fn take(&self, counter: Counter, quota: Quota) -> Option<Counted> {
        if !self.there.load(Ordering::Relaxed) {
            return None;
        }
        if let Ok(Ok(counted)) = timeout(self.wait, self.store.take(counter, quota)).await {
            return Some(counted);
        }
        if self.set(false) {
            tracing::warn!("limits are counted by this gateway alone: no answer in time");
        }
        None
    }

    /// Whether that is new.
    fn set(&self, there: bool) -> bool {
        self.in_touch.with_label_values::<&str>(&[]).set(there.into());
        self.there.swap(there, Ordering::Relaxed) != there
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::store::{Class, Report};

    /// A store that answers, refuses, or keeps silent.
    #[derive(Default)]
    struct Moody {
        memory: Memory,
        mood: Mutex<Mood>,
    }

    #[derive(Clone, Copy, Default, PartialEq)]
    enum Mood {
        #[default]
        Good,
        Away,
        Silent,
    }

    impl Moody {
        async fn answer(&self) -> Result<(), Fault> {
            let mood = *self.mood.lock().unwrap();
            match mood {
                Mood::Good => Ok(()),
                Mood::Away => Err(Fault::unavailable("away")),
                Mood::Silent => std::future::pending().await,
            }
        }
    }

    #[async_trait]
    impl CountStore for Moody {
        async fn take(&self, counter: Counter, quota: Quota) -> Result<Counted, Fault> {
            self.answer().await?;
            self.memory.take(counter, quota).await
        }
        async fn report(&self, reports: &[Report]) -> Result<Vec<Duration>, Fault> {
            self.answer().await?;
            self.memory.report(reports).await
        }
        async fn ping(&self) -> Result<(), Fault> {
            self.answer().await
        }
        async fn close(&self) {}
    }

    fn counter() -> (Counter, Quota) {
        let ip = std::net::IpAddr::from([10, 0, 0, 1]);
        (Counter::new(Class::Writes, ip), Quota::new(8, Duration::from_hours(1)))
    }

    async fn together(store: &Arc<Moody>) -> Counting {
        let store = Arc::clone(store) as Arc<dyn CountStore>;
        Counting::together(store, Duration::from_millis(20), &Metrics::new("gateway")).await
    }

    async fn left(counting: &Counting) -> u32 {
        let (counter, quota) = counter();
        let counted = counting.count_together(counter, quota).await;
        assert!(counted.admitted);
        quota.remaining(counted.fill)
    }

    #[tokio::test]
    async fn without_the_shared_store_a_gateway_counts_on_from_what_it_knows() {
        for mood in [Mood::Away, Mood::Silent] {
            let store = Arc::new(Moody::default());
            let (one, other) = (together(&store).await, together(&store).await);
            assert_eq!((left(&one).await, left(&other).await, left(&one).await), (7, 6, 5));
            *store.mood.lock().unwrap() = mood;
            assert_eq!(left(&one).await, 4);
            let there = one.shared.as_ref().unwrap().there.load(Ordering::Relaxed);
            assert!(!there, "after the first wait nobody waits for it");
            assert_eq!(left(&one).await, 3);
            assert_eq!(left(&other).await, 5, "which has not heard of the last ones");

            // What was counted alone is told when the store is back.
            *store.mood.lock().unwrap() = Mood::Good;
            one.tell(one.shared.as_ref().unwrap()).await.unwrap();
            other.tell(other.shared.as_ref().unwrap()).await.unwrap();
            assert_eq!((left(&other).await, left(&one).await), (1, 0));
            let (counter, quota) = counter();
            assert!(!one.count_together(counter, quota).await.admitted);
        }
    }

    #[tokio::test]
    async fn what_is_counted_at_once_reaches_the_others_soon() {
        let store = Arc::new(Moody::default());
        let (one, other) = (together(&store).await, together(&store).await);
        let (counter, quota) = counter();
        for _ in 0..3 {
            one.count(counter, quota);
        }
        other.count(counter, quota);
        for counting in [&one, &other, &one] {
            counting.tell(counting.shared.as_ref().unwrap()).await.unwrap();
        }
        assert_eq!(quota.remaining(other.count(counter, quota).fill), 8 - 4 - 1);
        // This one has not asked since.
        assert_eq!(quota.remaining(one.count(counter, quota).fill), 8 - 3 - 1);
    }
}
