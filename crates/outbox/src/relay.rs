//! Carries events from the outbox to their subscribers.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use clock::Clock;
use futures::{StreamExt as _, stream::FuturesUnordered};
use mesh::{Mesh, Role};
use telemetry::{IntCounterVec, IntGaugeVec, Metrics};
use tokio::{
    sync::{Notify, broadcast},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{OutboxStore, Parcel, bounded::Bounded};

mod delivery;
mod watch;

use delivery::{Then, Visit};
pub use watch::Watch;

/// Events claimed for a subscriber at once, and sent in one call at most.
const BATCH: u32 = 128;
/// Between two looks at least. A first event leaves at once; under load, those of a few milliseconds travel together, which costs
/// the store and the subscribers a fraction.
const GATHER: Duration = Duration::from_millis(5);
/// How often to look without being woken: for rows that wait for another try.
const IDLE: Duration = Duration::from_millis(500);
/// How long delivered rows stay: what is removed together costs one commit.
const SWEEP: Duration = Duration::from_millis(100);

/// Delivers the events of one service. Cheap to clone.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    store: Arc<dyn OutboxStore>,
    mesh: Mesh,
    clock: Clock,
    subscribers: Vec<Role>,
    written: Notify,
    settled: broadcast::Sender<watch::Seen>,
    delivered: IntCounterVec,
    waiting: IntGaugeVec,
    /// Rows that were delivered and are still in the store.
    done: Mutex<Vec<i64>>,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}

impl Relay {
    /// A relay from a store to these subscribers.
    pub fn new(
        store: Arc<dyn OutboxStore>,
        mesh: Mesh,
        clock: Clock,
        subscribers: &[Role],
        metrics: &Metrics,
    ) -> Self {
        let delivered = metrics.counter(
            "events_delivered_total",
            "Events applied by a subscriber, refused by it, left for later because it was away, or parked.",
            &["subscriber", "outcome"],
        );
        let waiting = metrics.gauge(
            "outbox",
            "Events that wait (pending), that were set aside (parked), and the age of the oldest in milliseconds (lag_ms).",
            &["what"],
        );
        let (settled, _) = broadcast::channel(1024);
        Self(Arc::new(Inner {
            store: Arc::new(Bounded(store)),
            mesh,
            clock,
            subscribers: subscribers.to_vec(),
            written: Notify::new(),
            settled,
            delivered,
            waiting,
            done: Mutex::default(),
        }))
    }

    /// Tells that something was written.
    pub fn wake(&self) {
        self.0.written.notify_one();
    }

    /// Begins to watch for deliveries; call it before the write whose events are waited for.
    pub fn watch(&self) -> Watch {
        Watch(self.0.settled.subscribe())
    }

    /// Works until it is told to stop.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        futures::future::join3(self.work(&stop), self.measure(&stop), self.sweep(&stop)).await;
        self.remove_delivered().await;
        Ok(())
    }

    /// One visit to each subscriber at a time: a slow one holds up nobody else, and each hears of things in their order.
    async fn work(&self, stop: &CancellationToken) {
        let mut idle = self.0.subscribers.clone();
        let mut busy = FuturesUnordered::new();
        // Subscribers that are left in peace until then.
        let mut resting: Vec<(Role, Instant)> = Vec::new();
        // Subscribers that were busy when something was written.
        let mut missed: HashSet<Role> = HashSet::new();
        let mut paces = HashMap::new();
        let mut look = true;
        let mut soonest = Instant::now();
        while !stop.is_cancelled() {
            let now = Instant::now();
            for (subscriber, _) in resting.extract_if(.., |(_, until)| *until <= now) {
                idle.push(subscriber);
                look = true;
            }
            if look && soonest <= now {
                soonest = now + GATHER;
                look = false;
                for (subscriber, parcels) in self.claim(&idle).await {
                    idle.retain(|role| *role != subscriber);
                    let pace = paces.remove(&subscriber).unwrap_or_default();
                    let visit = Visit { relay: &self.0, subscriber, stop, pace };
                    busy.push(visit.deliver(parcels));
                }
            }
            let next = if look { soonest } else { Instant::now() + IDLE };
            let next = resting.iter().map(|(_, until)| *until).fold(next, Instant::min);
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.0.written.notified() => {
                    missed.extend(self.0.subscribers.iter().filter(|role| !idle.contains(role)));
                    look = true;
                }
                Some((subscriber, pace, then)) = busy.next() => {
                    paces.insert(subscriber, pace);
                    if let Then::Rest(pause) = then {
                        resting.push((subscriber, Instant::now() + pause));
                    } else {
                        idle.push(subscriber);
                        look |= missed.remove(&subscriber) || then == Then::More;
                    }
                }
                () = tokio::time::sleep_until(next) => look = true,
            }
        }
        while busy.next().await.is_some() {}
    }

    async fn claim(&self, subscribers: &[Role]) -> Vec<(Role, Vec<Parcel>)> {
        if subscribers.is_empty() {
            return Vec::new();
        }
        let claimed = self.0.store.claim_each(subscribers, self.0.clock.now(), BATCH).await;
        claimed.unwrap_or_else(|fault| {
            tracing::warn!(%fault, "events could not be read");
            Vec::new()
        })
    }

    /// Removes what was delivered, many rows with one commit: nobody waits for it. Rows that a crash leaves behind are delivered
    /// again, which changes nothing.
    async fn sweep(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP) => self.remove_delivered().await,
            }
        }
    }

    async fn remove_delivered(&self) {
        let rows = std::mem::take(&mut *self.0.done());
        if rows.is_empty() {
            return;
        }
        if let Err(fault) = self.0.store.settle(rows.clone()).await {
            tracing::warn!(%fault, "delivered events could not be removed; it is tried again");
            self.0.done().extend(rows);
        }
    }

    async fn measure(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            if let Ok(backlog) = self.0.store.backlog().await {
                let lag = backlog.oldest.map_or(0, |oldest| {
                    i64::try_from(self.0.clock.now().since(oldest).as_millis()).unwrap_or(i64::MAX)
                });
                self.0.waiting.with_label_values(&["pending"]).set(backlog.pending);
                self.0.waiting.with_label_values(&["parked"]).set(backlog.parked);
                self.0.waiting.with_label_values(&["lag_ms"]).set(lag);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(5)) => {}
            }
        }
    }
}

impl Inner {
    fn done(&self) -> std::sync::MutexGuard<'_, Vec<i64>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
