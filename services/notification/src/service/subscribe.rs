//! Messages as they happen.

use std::{collections::VecDeque, sync::Arc};

use futures::{Stream, stream};
use ids::EventId;
use mesh::Caller;
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

/// Wakes subscribers. Messages themselves come from the log, so none is lost and none comes twice. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hub {
    bell: broadcast::Sender<Arc<[Recipient]>>,
    closed: CancellationToken,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self { bell: broadcast::channel(BACKLOG).0, closed: CancellationToken::new() }
    }

    /// Says who has got something.
    pub(crate) fn tell(&self, recipients: Vec<Recipient>) {
        // Nobody may be listening.
        drop(self.bell.send(recipients.into()));
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
                self.ready.extend(found.into_iter().map(|(_, message)| message));
                continue;
            }
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
