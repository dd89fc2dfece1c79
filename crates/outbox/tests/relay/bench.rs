//! A sender with a relay, and a subscriber that does as it is told.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::EventId;
use mesh::Role;
use outbox::{Backlog, Draft, OutboxStore, Parcel, Parked, Relay};
use proto::event::{
    self as pb,
    event_service_server::{EventService, EventServiceServer},
};
use testkit::{Lab, RunningLab, Wiring};
use tonic::{Request, Response, Status};

use crate::place::Place;

/// What the subscriber does with an event is its subject.
pub(crate) const GOOD: &str = "good";
pub(crate) const REFUSED: &str = "refused";
pub(crate) const DEADLY: &str = "deadly";
pub(crate) const ENDLESS: &str = "endless";
pub(crate) const EARLY: &str = "early";

/// An event for the order role.
pub(crate) fn event(subject: &str) -> Draft {
    let data = pb::event::Data::Payment(pb::PaymentChanged::default());
    Draft::new("payment.paid", subject, 1, testkit::START, data).to(&[Role::Order])
}

pub(crate) fn goods(count: usize) -> Vec<Draft> {
    (0..count).map(|_| event(GOOD)).collect()
}

pub(crate) fn ids(drafts: &[Draft]) -> Vec<String> {
    drafts.iter().map(|draft| draft.id.to_string()).collect()
}

/// A subscriber with an inbox.
#[derive(Clone, Default)]
pub(crate) struct Subscriber(Arc<Inside>);

#[derive(Default)]
struct Inside {
    away: AtomicBool,
    /// Everything is good from now on.
    mended: AtomicBool,
    /// Milliseconds that an answer takes.
    slow: AtomicU64,
    /// Calls as they came.
    calls: Mutex<Vec<Vec<String>>>,
    inbox: Mutex<HashSet<String>>,
    /// Events in the order of their effects.
    effects: Mutex<Vec<String>>,
}

impl Subscriber {
    pub(crate) fn be_away(&self, away: bool) {
        self.0.away.store(away, Ordering::SeqCst);
    }

    pub(crate) fn be_mended(&self) {
        self.0.mended.store(true, Ordering::SeqCst);
    }

    pub(crate) fn be_slow(&self, millis: u64) {
        self.0.slow.store(millis, Ordering::SeqCst);
    }

    /// Events of each call that came so far.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        self.0.calls.lock().unwrap().clone()
    }

    pub(crate) fn effects(&self) -> Vec<String> {
        self.0.effects.lock().unwrap().clone()
    }

    async fn apply(&self, event: &pb::Event) -> Result<(), Fault> {
        if !self.0.mended.load(Ordering::SeqCst) {
            match event.subject.as_str() {
                REFUSED => return Err(Fault::conflict("NOT_LIKED", "not this one")),
                EARLY => return Err(Fault::unavailable("what it needs is away")),
                ENDLESS => tokio::time::sleep(Duration::from_mins(10)).await,
                DEADLY => panic!("on purpose"),
                _ => {}
            }
        }
        if self.0.inbox.lock().unwrap().insert(event.id.clone()) {
            self.0.effects.lock().unwrap().push(event.id.clone());
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl EventService for Subscriber {
    async fn deliver(
        &self,
        request: Request<pb::DeliverRequest>,
    ) -> Result<Response<pb::DeliverResponse>, Status> {
        let request = request.into_inner();
        let events = request.events.iter().map(|event| event.id.clone()).collect();
        self.0.calls.lock().unwrap().push(events);
        if self.0.away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        tokio::time::sleep(Duration::from_millis(self.0.slow.load(Ordering::SeqCst))).await;
        let apply = |event: pb::Event| async move { self.apply(&event).await };
        Ok(Response::new(outbox::apply_each(request, apply).await))
    }
}

/// One worker's side of a place. When it is cut off, it can take and give nothing back any more, as one that died.
pub(crate) struct Side {
    place: Arc<dyn Place>,
    other: bool,
    cut: AtomicBool,
}

impl Side {
    pub(crate) fn new(place: &Arc<dyn Place>, other: bool) -> Arc<Self> {
        Arc::new(Self { place: Arc::clone(place), other, cut: AtomicBool::new(false) })
    }

    pub(crate) fn cut_off(&self) {
        self.cut.store(true, Ordering::SeqCst);
    }

    fn store(&self) -> Result<&dyn OutboxStore, Fault> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(Fault::unavailable("cut off"));
        }
        Ok(if self.other { self.place.other() } else { self.place.outbox() })
    }
}

#[async_trait]
impl OutboxStore for Side {
    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault> {
        self.store()?.claim_each(subscribers, now, limit).await
    }

    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault> {
        self.store()?.settle(rows).await
    }

    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault> {
        self.store()?.fail(row, error, next).await
    }

    async fn release(&self, rows: Vec<i64>, next: Timestamp) -> Result<(), Fault> {
        self.store()?.release(rows, next).await
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        self.store()?.backlog().await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, Fault> {
        self.store()?.parked(limit).await
    }

    async fn replay(&self, event: Option<EventId>, now: Timestamp) -> Result<u64, Fault> {
        self.store()?.replay(event, now).await
    }
}

/// The payment role with a relay, the order role that it tells.
pub(crate) struct Bench {
    pub(crate) lab: RunningLab,
    pub(crate) relay: Relay,
    pub(crate) subscriber: Subscriber,
    pub(crate) place: Arc<dyn Place>,
    metrics: telemetry::Metrics,
}

impl Bench {
    pub(crate) async fn start(lab: Lab, place: &Arc<dyn Place>) -> Self {
        Self::with(lab, place, Side::new(place, false), Subscriber::default()).await
    }

    pub(crate) async fn with(
        lab: Lab,
        place: &Arc<dyn Place>,
        side: Arc<Side>,
        subscriber: Subscriber,
    ) -> Self {
        let (mounted, made) = (subscriber.clone(), Arc::new(OnceLock::new()));
        let made_here = Arc::clone(&made);
        let lab = lab
            .role(Role::Order, |host, _, _| {
                Box::pin(async move {
                    host.grpc(Role::Order, EventServiceServer::new(mounted));
                    Ok(())
                })
            })
            .role(Role::Payment, |host, mesh, _| {
                Box::pin(async move {
                    let metrics = host.metrics(Role::Payment);
                    let told = &[Role::Order, Role::Search];
                    let relay = Relay::new(side, mesh.clone(), host.clock(), told, &metrics);
                    drop(made_here.set((relay.clone(), metrics)));
                    host.task(Role::Payment, "payment.outbox", move |stop| relay.clone().run(stop));
                    Ok(())
                })
            });
        let lab = lab.start().await;
        let (relay, metrics) = made.get().unwrap().clone();
        Self { lab, relay, subscriber, place: Arc::clone(place), metrics }
    }

    /// Writes events, and wakes the relay.
    pub(crate) async fn write(&self, drafts: &[Draft]) {
        self.place.append(drafts, self.lab.clock.now()).await;
        self.relay.wake();
    }

    /// How many events came to this.
    pub(crate) fn counted(&self, outcome: &str) -> u64 {
        let text = self.metrics.text();
        let name = "ultramarket_events_delivered_total{";
        let line = text.lines().find(|line| {
            line.starts_with(name)
                && line.contains(&format!("outcome=\"{outcome}\""))
                && line.contains("subscriber=\"order\"")
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// Whether every one of them has had its effect.
    pub(crate) fn applied(&self, drafts: &[Draft]) -> bool {
        let effects = self.subscriber.effects();
        ids(drafts).iter().all(|id| effects.contains(id))
    }

    pub(crate) async fn pending(&self) -> i64 {
        self.place.outbox().backlog().await.unwrap().pending
    }
}

/// A laboratory on the machine's clock.
pub(crate) fn lab(wiring: Wiring) -> Lab {
    Lab::new(wiring).real_time()
}
