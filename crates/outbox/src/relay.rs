//! Carries events from the outbox to their subscribers.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use clock::Clock;
use futures::{StreamExt as _, stream::FuturesUnordered};
use mesh::{Context, Mesh, Role};
use prost::Message as _;
use proto::event as pb;
use telemetry::{IntCounterVec, IntGaugeVec, Metrics};
use tokio::{
    sync::{Notify, broadcast},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{ATTEMPTS, OutboxStore, Parcel, pause};

/// Events sent in one call.
const BATCH: u32 = 128;
/// Between two looks at least. A first event leaves at once; under load, those of a few milliseconds travel together, which costs
/// the store and the subscribers a fraction.
const GATHER: Duration = Duration::from_millis(5);
/// How often to look without being woken: for rows that wait for another try.
const IDLE: Duration = Duration::from_millis(500);
/// How long delivered rows stay: what is removed together costs one commit.
const SWEEP: Duration = Duration::from_millis(100);
/// How long a subscriber may take for a batch.
const DEADLINE: Duration = Duration::from_secs(5);

/// Delivers the events of one service. Cheap to clone.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    store: Arc<dyn OutboxStore>,
    mesh: Mesh,
    clock: Clock,
    subscribers: Vec<Role>,
    written: Notify,
    settled: broadcast::Sender<(String, String)>,
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
            "Events taken over by a subscriber, refused by it, or parked.",
            &["subscriber", "outcome"],
        );
        let waiting = metrics.gauge(
            "outbox",
            "Events that wait (pending), that were set aside (parked), and the age of the oldest in milliseconds (lag_ms).",
            &["what"],
        );
        let (settled, _) = broadcast::channel(1024);
        Self(Arc::new(Inner {
            store,
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

    /// One batch for each subscriber at a time: a slow one holds up nobody else, and each hears of things in their order.
    async fn work(&self, stop: &CancellationToken) {
        let mut idle = self.0.subscribers.clone();
        let mut busy = FuturesUnordered::new();
        // Subscribers that were busy when something was written.
        let mut missed: HashSet<Role> = HashSet::new();
        let mut look = true;
        let mut soonest = Instant::now();
        while !stop.is_cancelled() {
            if look && soonest <= Instant::now() {
                soonest = Instant::now() + GATHER;
                look = false;
                for (subscriber, parcels) in self.claim(&idle).await {
                    idle.retain(|role| *role != subscriber);
                    busy.push(self.deliver(subscriber, parcels));
                }
            }
            let next = if look { soonest } else { Instant::now() + IDLE };
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.0.written.notified() => {
                    missed.extend(self.0.subscribers.iter().filter(|role| !idle.contains(role)));
                    look = true;
                }
                Some((subscriber, more)) = busy.next() => {
                    idle.push(subscriber);
                    look |= missed.remove(&subscriber) || more;
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

    /// Delivers one batch; whether there may be more at once.
    async fn deliver(&self, subscriber: Role, parcels: Vec<Parcel>) -> (Role, bool) {
        let full = parcels.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let (good, broken): (Vec<_>, Vec<_>) =
            parcels.into_iter().map(decode).partition(|(_, event)| event.is_some());
        for (parcel, _) in broken {
            self.put_back(subscriber, &parcel, "cannot be decoded", true).await;
        }
        let (parcels, events): (Vec<Parcel>, Vec<Option<pb::Event>>) = good.into_iter().unzip();
        let request = pb::DeliverRequest { events: events.into_iter().flatten().collect() };
        let mut client = self.0.mesh.events(subscriber);
        let context = Context::service("relay").within(DEADLINE);
        match context.scope(client.deliver(request)).await {
            Ok(answer) => self.settle(subscriber, parcels, answer.into_inner()).await,
            Err(status) => {
                // The subscriber is away: none of them is to blame, and none is parked for it.
                tracing::debug!(%subscriber, %status, "the subscriber is away");
                for parcel in &parcels {
                    self.put_back(subscriber, parcel, "away", false).await;
                }
                return (subscriber, false);
            }
        }
        (subscriber, full)
    }

    async fn settle(&self, subscriber: Role, parcels: Vec<Parcel>, answer: pb::DeliverResponse) {
        let applied: HashSet<String> = answer.applied.into_iter().collect();
        let (done, refused): (Vec<Parcel>, Vec<Parcel>) =
            parcels.into_iter().partition(|parcel| applied.contains(&parcel.event));
        if !done.is_empty() {
            self.done().extend(done.iter().map(|parcel| parcel.row));
            let count = u64::try_from(done.len()).unwrap_or(0);
            self.0.delivered.with_label_values(&[subscriber.as_str(), "applied"]).inc_by(count);
            for parcel in done {
                // Nobody may be watching.
                drop(self.0.settled.send((parcel.kind, parcel.subject)));
            }
        }
        for parcel in refused {
            let why = answer.rejected.iter().find(|rejection| rejection.event_id == parcel.event);
            let why = why.map_or("not applied", |rejection| rejection.reason.as_str());
            self.put_back(subscriber, &parcel, why, true).await;
        }
    }

    fn done(&self) -> std::sync::MutexGuard<'_, Vec<i64>> {
        self.0.done.lock().unwrap_or_else(PoisonError::into_inner)
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
        let rows = std::mem::take(&mut *self.done());
        if rows.is_empty() {
            return;
        }
        if let Err(fault) = self.0.store.settle(rows.clone()).await {
            tracing::warn!(%fault, "delivered events could not be removed; it is tried again");
            self.done().extend(rows);
        }
    }

    async fn put_back(&self, subscriber: Role, parcel: &Parcel, why: &str, blame: bool) {
        let park = blame && parcel.attempts + 1 >= ATTEMPTS;
        let next = (!park).then(|| self.0.clock.now().plus(pause(parcel.attempts)));
        if park {
            tracing::error!(%subscriber, event = parcel.event, kind = parcel.kind, why, "an event was parked");
        }
        let outcome = match (park, blame) {
            (true, _) => "parked",
            (false, true) => "refused",
            (false, false) => "away",
        };
        self.0.delivered.with_label_values(&[subscriber.as_str(), outcome]).inc();
        if let Err(fault) = self.0.store.fail(parcel.row, why.to_owned(), next).await {
            tracing::warn!(%subscriber, %fault, "a failed event could not be put back");
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

fn decode(parcel: Parcel) -> (Parcel, Option<pb::Event>) {
    let event = pb::Event::decode(parcel.payload.as_slice()).ok();
    (parcel, event)
}

/// Sees deliveries from the moment it was made.
#[derive(Debug)]
pub struct Watch(broadcast::Receiver<(String, String)>);

impl Watch {
    /// Waits until an event of this kind about this subject was taken over by a subscriber; false when `limit` passes first.
    pub async fn delivered(mut self, kind: &str, subject: &str, limit: Duration) -> bool {
        let seen = async {
            loop {
                match self.0.recv().await {
                    Ok((seen_kind, seen_subject))
                        if seen_kind == kind && seen_subject == subject =>
                    {
                        return true;
                    }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return false,
                }
            }
        };
        tokio::time::timeout(limit, seen).await.unwrap_or(false)
    }
}
