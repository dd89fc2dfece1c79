//! Messages as they happen.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use clock::Clock;
use futures::{Stream, stream};
use ids::EventId;
use mesh::Caller;
use prometheus::Histogram;
use telemetry::{IntCounterVec, Metrics};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

use super::{Notifications, audience};
use crate::{
    domain::{Message, REPLAY, Recipient},
    error::Error,
    store::NotificationStore,
};

/// Wake-ups kept for a subscriber that is slow. One that misses some reads the log all the same.
const BACKLOG: usize = 256;
/// Messages read at once.
const READ: u32 = 100;
/// How long to gather what other processes write before looking again.
const GATHER: Duration = Duration::from_millis(10);

/// By what subscribers are woken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    /// This process wrote the message.
    Own,
    /// Another one rang.
    Bell,
    /// The store said that something was written.
    Store,
    /// It was time to look.
    Time,
}

impl By {
    fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Bell => "bell",
            Self::Store => "store",
            Self::Time => "time",
        }
    }
}

/// Wakes subscribers. Messages themselves come from the log, so none is lost and none comes twice. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    bell: broadcast::Sender<Arc<[Recipient]>>,
    closed: CancellationToken,
    wakes: IntCounterVec,
    lag: Histogram,
}

impl Hub {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let help = "Times that subscribers were woken: by this process, by another one's bell, by the store, or because it was time.";
        let wakes = metrics.counter("realtime_wakes_total", help, &["by"]);
        let help = "From what happened to the message about it for a subscriber who listens.";
        let lag = metrics.histogram("realtime_lag_seconds", help, &[]);
        Self {
            bell: broadcast::channel(BACKLOG).0,
            closed: CancellationToken::new(),
            wakes,
            lag: lag.with_label_values::<&str>(&[]),
        }
    }

    /// Says who has got something.
    pub(crate) fn tell(&self, recipients: Vec<Recipient>, by: By) {
        self.wakes.with_label_values(&[by.as_str()]).inc();
        // Nobody may be listening.
        drop(self.bell.send(recipients.into()));
    }

    /// Wakes subscribers of what other processes write, until it is told to stop.
    pub(crate) async fn look_with(
        self,
        store: Arc<dyn NotificationStore>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let Some(mut watch) = store.watch() else {
            stop.cancelled().await;
            return Ok(());
        };
        let (mut place, mut by) = (None, By::Time);
        while !stop.is_cancelled() {
            match store.glance(place).await {
                Ok((end, told)) => {
                    place = Some(end);
                    if !told.is_empty() {
                        self.tell(told, by);
                        tokio::time::sleep(GATHER).await;
                        continue;
                    }
                }
                // Readiness says that the store is away.
                Err(fault) => {
                    tracing::debug!(why = fault.causes(), "the log cannot be looked into");
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                told = watch.woken() => by = if told { By::Store } else { By::Time },
            }
        }
        Ok(())
    }

    /// Ends every subscription when the process drains: an open stream would hold it up.
    pub(crate) async fn close_with(self, stop: CancellationToken) -> anyhow::Result<()> {
        stop.cancelled().await;
        self.closed.cancel();
        Ok(())
    }
}

/// One subscriber.
struct Subscription {
    store: Arc<dyn NotificationStore>,
    audience: Vec<Recipient>,
    bell: broadcast::Receiver<Arc<[Recipient]>>,
    closed: CancellationToken,
    clock: Clock,
    lag: Histogram,
    /// Whether everything that was there at the beginning has been read.
    live: bool,
    /// The place in the log that has been read to.
    place: i64,
    ready: VecDeque<Message>,
}

impl Notifications {
    /// The caller's messages: those after `last` first, then as they happen, until the caller or the process ends.
    pub(crate) async fn subscribe(
        &self,
        caller: &Caller,
        last: Option<EventId>,
    ) -> Result<impl Stream<Item = Result<Message, Error>> + Send + use<>, Error> {
        let audience = audience(caller)?;
        // Before the log is looked at: what is written from now on rings.
        let bell = self.hub.bell.subscribe();
        let place = self.store.resume(&audience, last, REPLAY).await?;
        let subscription = Subscription {
            store: Arc::clone(&self.store),
            audience,
            bell,
            closed: self.hub.closed.clone(),
            clock: self.clock.clone(),
            lag: self.hub.lag.clone(),
            live: last.is_none(),
            place,
            ready: VecDeque::new(),
        };
        Ok(stream::try_unfold(subscription, |mut subscription| async move {
            let next = subscription.next().await?;
            Ok(next.map(|message| (message, subscription)))
        }))
    }
}

impl Subscription {
    async fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(Some(message));
            }
            if self.closed.is_cancelled() {
                return Ok(None);
            }
            let found = self.store.messages(&self.audience, self.place, READ).await?;
            if let Some((place, _)) = found.last() {
                self.place = *place;
                if self.live {
                    let now = self.clock.now();
                    for (_, message) in &found {
                        self.lag.observe(now.since(message.at).as_secs_f64());
                    }
                }
                self.ready.extend(found.into_iter().map(|(_, message)| message));
                continue;
            }
            self.live = true;
            if !self.woken().await {
                return Ok(None);
            }
        }
    }

    /// Waits for something of one's own; false when it is over.
    async fn woken(&mut self) -> bool {
        loop {
            let rung = tokio::select! {
                () = self.closed.cancelled() => return false,
                rung = self.bell.recv() => rung,
            };
            match rung {
                Ok(told) if told.iter().any(|one| self.audience.contains(one)) => return true,
                Ok(_) => {}
                // Whatever was missed stands in the log.
                Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    }
}
