//! One visit to a subscriber: what was claimed for it, in as many calls as that takes.
//!
//! Who is to blame when a call fails decides what becomes of its events.
//!
//! | the subscriber | its events |
//! |---|---|
//! | answers, and refuses some | a refusal is counted for each; the last one parks it |
//! | is away, or says that what it needs is | stay as they are; it is left in peace for a while |
//! | does not answer in time, or breaks off | come again in smaller parts; one that takes too long alone stands back for the others |
//! | fails with all of them | come again one by one: if others get through, a refusal is counted for those that do not |

use std::{collections::HashSet, error::Error as _, time::Duration};

use fault::{Code, Fault};
use mesh::{Context, Role};
use prost::Message as _;
use proto::event as pb;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{BATCH, Inner};
use crate::{ATTEMPTS, Parcel, pause};

/// How long a subscriber may take for a call.
const DEADLINE: Duration = Duration::from_secs(5);
/// When the last call of a visit begins, so that it ends before the lease.
const VISIT: Duration = Duration::from_secs(20);
/// Bytes sent in one call, unless one event alone is larger: subscribers take 4 MiB.
const BYTES: usize = 1024 * 1024;
/// The longest a subscriber that is away is left in peace.
const PEACE: Duration = Duration::from_secs(2);
/// How long events that a subscriber cannot cope with stand back for the others.
const ASIDE: Duration = Duration::from_secs(10);
/// What is kept of a reason.
const REASON: usize = 500;

/// What is known of a subscriber from the visits before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Events that it can take in one call.
    batch: usize,
    /// Visits in a row that came to nothing.
    failed: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { batch: usize::try_from(BATCH).unwrap_or(usize::MAX), failed: 0 }
    }
}

/// What to do after a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Come when there is something.
    Wait,
    /// There may be more: come again at once.
    More,
    /// Come again after a while.
    Rest(Duration),
}

/// A visit to a subscriber.
pub(super) struct Visit<'r> {
    pub(super) relay: &'r Inner,
    pub(super) subscriber: Role,
    pub(super) stop: &'r CancellationToken,
    pub(super) pace: Pace,
}

struct Letter {
    parcel: Parcel,
    /// Decoded; none once it was sent.
    event: Option<pb::Event>,
}

impl Letter {
    fn take(&mut self) -> pb::Event {
        let again = || pb::Event::decode(self.parcel.payload.as_slice()).unwrap_or_default();
        self.event.take().unwrap_or_else(again)
    }
}

/// What a call that failed says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// Nobody is there, or not for us.
    Away,
    /// It did not answer in time, or ended before it did.
    Silent,
    /// It answered that it cannot.
    Failing,
}

impl Trouble {
    fn of(status: &tonic::Status) -> Self {
        match Code::from_grpc(status.code()) {
            Code::Unavailable | Code::Unauthenticated | Code::Forbidden | Code::Exhausted => {
                Self::Away
            }
            Code::Timeout => Self::Silent,
            _ if status.code() == tonic::Code::Unimplemented => Self::Away,
            // Made on this side: the connection broke.
            _ if status.source().is_some() => Self::Silent,
            _ => Self::Failing,
        }
    }
}

/// What a call came to.
enum Call {
    /// These were neither applied nor refused.
    Answered { applied: usize, left: Vec<Letter> },
    /// It said nothing of any of them.
    Failed(Vec<Letter>, Trouble, Fault),
}

impl Visit<'_> {
    /// Delivers what was claimed.
    pub(super) async fn deliver(mut self, parcels: Vec<Parcel>) -> (Role, Pace, Then) {
        let full = parcels.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let end = Instant::now() + VISIT;
        let mut waiting = self.open(parcels).await;
        while !waiting.is_empty() {
            if self.stop.is_cancelled() || Instant::now() >= end {
                self.release(waiting, Duration::ZERO).await;
                return (self.subscriber, self.pace, Then::More);
            }
            let part = self.part(&mut waiting);
            let rest = match self.call(part).await {
                Call::Answered { applied: 0, left } if !left.is_empty() => {
                    self.release(left, Duration::ZERO).await;
                    true
                }
                Call::Answered { left, .. } => {
                    self.release(left, pause(0)).await;
                    self.pace.failed = 0;
                    self.pace.batch = (self.pace.batch * 2).min(Pace::default().batch);
                    false
                }
                Call::Failed(part, trouble, fault) => self.cope(part, trouble, &fault, end).await,
            };
            if rest {
                self.release(waiting, Duration::ZERO).await;
                let peace = pause(self.pace.failed).min(PEACE);
                self.pace.failed = self.pace.failed.saturating_add(1);
                return (self.subscriber, self.pace, Then::Rest(peace));
            }
        }
        (self.subscriber, self.pace, if full { Then::More } else { Then::Wait })
    }

    /// What is to be done after a call that failed; whether to leave the subscriber in peace.
    async fn cope(
        &mut self,
        part: Vec<Letter>,
        trouble: Trouble,
        fault: &Fault,
        end: Instant,
    ) -> bool {
        let subscriber = self.subscriber;
        match trouble {
            Trouble::Away => {
                tracing::debug!(%subscriber, %fault, "the subscriber is away");
                self.release(part, Duration::ZERO).await;
                true
            }
            Trouble::Silent => {
                tracing::warn!(%subscriber, %fault, events = part.len(), "the subscriber does not answer");
                self.pace.batch = (part.len() / 8).max(1);
                let back = if part.len() > 1 { Duration::ZERO } else { ASIDE };
                self.release(part, back).await;
                true
            }
            Trouble::Failing if part.len() > 1 => {
                tracing::warn!(%subscriber, %fault, events = part.len(), "the subscriber fails; each by itself");
                self.each(part, end).await
            }
            Trouble::Failing => {
                self.blame(part, fault).await;
                false
            }
        }
    }

    /// Delivers one by one; whether to leave the subscriber in peace.
    async fn each(&mut self, part: Vec<Letter>, end: Instant) -> bool {
        let mut waiting = part.into_iter();
        let mut failed = Vec::new();
        let mut through = false;
        let mut last = None;
        let mut rest = false;
        for letter in waiting.by_ref() {
            match self.call(vec![letter]).await {
                Call::Answered { applied, left } => {
                    through |= applied > 0;
                    self.release(left, pause(0)).await;
                }
                Call::Failed(letter, trouble, fault) => match trouble {
                    Trouble::Failing => {
                        failed.extend(letter);
                        last = Some(fault);
                    }
                    Trouble::Away | Trouble::Silent => {
                        let aside = if trouble == Trouble::Away { Duration::ZERO } else { ASIDE };
                        self.release(letter, aside).await;
                        rest = true;
                    }
                },
            }
            if rest || self.stop.is_cancelled() || Instant::now() >= end {
                break;
            }
        }
        self.release(waiting.collect(), Duration::ZERO).await;
        match last {
            Some(fault) if through => self.blame(failed, &fault).await,
            // It fails with whatever it is given: that says nothing of the events.
            _ if !failed.is_empty() => {
                self.release(failed, ASIDE).await;
                rest = true;
            }
            _ => {}
        }
        rest
    }

    /// Decodes what was claimed. What cannot be decoded never will be.
    async fn open(&self, parcels: Vec<Parcel>) -> Vec<Letter> {
        let mut letters = Vec::with_capacity(parcels.len());
        for parcel in parcels {
            match pb::Event::decode(parcel.payload.as_slice()) {
                Ok(event) => letters.push(Letter { parcel, event: Some(event) }),
                Err(_) => self.refused(&parcel, "cannot be decoded").await,
            }
        }
        letters
    }

    /// The next events that go together.
    fn part(&self, waiting: &mut Vec<Letter>) -> Vec<Letter> {
        let mut bytes = 0;
        let fits = waiting.iter().take(self.pace.batch).take_while(|letter| {
            bytes += letter.parcel.payload.len();
            bytes <= BYTES
        });
        let count = fits.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }

    async fn call(&self, mut part: Vec<Letter>) -> Call {
        let events = part.iter_mut().map(Letter::take).collect();
        let mut client = self.relay.mesh.events(self.subscriber);
        let context = Context::service("relay").within(DEADLINE);
        match context.scope(client.deliver(pb::DeliverRequest { events })).await {
            Ok(answer) => self.settle(part, answer.into_inner()).await,
            Err(status) => Call::Failed(part, Trouble::of(&status), status.into()),
        }
    }

    async fn settle(&self, part: Vec<Letter>, answer: pb::DeliverResponse) -> Call {
        let applied: HashSet<String> = answer.applied.into_iter().collect();
        let (done, others): (Vec<_>, Vec<_>) =
            part.into_iter().partition(|letter| applied.contains(&letter.parcel.event));
        let applied = done.len();
        self.relay.done().extend(done.iter().map(|letter| letter.parcel.row));
        self.count("applied", applied);
        for Letter { parcel, .. } in done {
            // Nobody may be watching.
            drop(self.relay.settled.send((parcel.kind, parcel.subject)));
        }
        let mut left = Vec::new();
        for letter in others {
            let refusal =
                answer.rejected.iter().find(|refusal| refusal.event_id == letter.parcel.event);
            match refusal {
                Some(refusal) => self.refused(&letter.parcel, &refusal.reason).await,
                None => left.push(letter),
            }
        }
        Call::Answered { applied, left }
    }

    async fn blame(&self, letters: Vec<Letter>, fault: &Fault) {
        for letter in letters {
            self.refused(&letter.parcel, &fault.reason).await;
        }
    }

    /// Counts a refusal; the last one parks the event.
    async fn refused(&self, parcel: &Parcel, why: &str) {
        let (subscriber, event, kind) = (self.subscriber, &parcel.event, &parcel.kind);
        let park = parcel.attempts + 1 >= ATTEMPTS;
        let next = (!park).then(|| self.relay.clock.now().plus(pause(parcel.attempts)));
        let why: String = why.chars().take(REASON).collect();
        if park {
            tracing::error!(%subscriber, event, kind, why, "an event was parked");
        }
        self.count(if park { "parked" } else { "refused" }, 1);
        if let Err(fault) = self.relay.store.fail(parcel.row, why, next).await {
            tracing::warn!(%subscriber, %fault, "a refused event could not be put back");
        }
    }

    /// Puts events back that nobody has refused, to come again after a while.
    async fn release(&self, letters: Vec<Letter>, after: Duration) {
        if letters.is_empty() {
            return;
        }
        self.count("away", letters.len());
        let rows = letters.iter().map(|letter| letter.parcel.row).collect();
        let next = self.relay.clock.now().plus(after);
        if let Err(fault) = self.relay.store.release(rows, next).await {
            let subscriber = self.subscriber;
            tracing::warn!(%subscriber, %fault, "events could not be put back; their lease will end");
        }
    }

    fn count(&self, outcome: &str, events: usize) {
        let labels = [self.subscriber.as_str(), outcome];
        let events = u64::try_from(events).unwrap_or(0);
        self.relay.delivered.with_label_values(&labels).inc_by(events);
    }
}
