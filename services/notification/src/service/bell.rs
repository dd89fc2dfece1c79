//! Processes that share a store wake each other's subscribers through Redis.
//!
//! The bell only says who has got something; the message itself stands in the log. A ring that is lost, or Redis away, makes it later, not
//! lost: the store tells too.

use std::sync::Arc;

use anyhow::Context as _;
use ids::EventId;
use redis_link::{Heard, Link};
use telemetry::{IntCounterVec, Metrics};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::subscribe::{By, Hub};
use crate::domain::Recipient;

/// What stands before the bell's name unless the address says `prefix=`.
const PREFIX: &str = "um:notification:";
/// Rings that wait for Redis. What does not fit is left to the store.
const WAITING: usize = 1000;

/// The way to the other processes, when it is configured. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bell(Option<Arc<Rope>>);

struct Rope {
    link: Link,
    name: String,
    /// Who rings: one's own rings come back.
    own: String,
    queue: mpsc::Sender<Vec<Recipient>>,
    waiting: Mutex<mpsc::Receiver<Vec<Recipient>>>,
    rings: IntCounterVec,
}

impl Bell {
    /// `redis://` address; none when it is empty. Nothing is connected yet.
    pub(crate) fn new(address: &str, metrics: &Metrics) -> anyhow::Result<Self> {
        if address.is_empty() {
            return Ok(Self(None));
        }
        let link = Link::new(address, PREFIX).context("notification.bell")?;
        let (queue, waiting) = mpsc::channel(WAITING);
        let name = format!("{}bell", link.prefix());
        let help = "Rings for the subscribers of other processes, by what became of them.";
        Ok(Self(Some(Arc::new(Rope {
            link,
            name,
            own: EventId::new().to_string(),
            queue,
            waiting: Mutex::new(waiting),
            rings: metrics.counter("realtime_rings_total", help, &["outcome"]),
        }))))
    }

    /// Lets the other processes know who has got something, in a moment.
    pub(crate) fn ring(&self, told: &[Recipient]) {
        if let Some(rope) = &self.0
            && rope.queue.try_send(told.to_vec()).is_err()
        {
            rope.rings.with_label_values(&["dropped"]).inc();
        }
    }

    /// Rings until it is told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Some(rope) = &self.0 else {
            stop.cancelled().await;
            return Ok(());
        };
        let mut waiting = rope.waiting.lock().await;
        loop {
            let told = tokio::select! {
                () = stop.cancelled() => break,
                told = waiting.recv() => told,
            };
            let Some(told) = told else { break };
            let words = encode(&rope.own, &told);
            let rung = rope.link.say(&rope.name, words.as_bytes()).await;
            let outcome = if rung.is_ok() { "rung" } else { "away" };
            rope.rings.with_label_values(&[outcome]).inc();
        }
        rope.link.close().await;
        Ok(())
    }

    /// Wakes the subscribers of this process when others ring.
    pub(crate) async fn listen(self, hub: Hub, stop: CancellationToken) -> anyhow::Result<()> {
        let Some(rope) = &self.0 else {
            stop.cancelled().await;
            return Ok(());
        };
        let heard = |heard: Heard<'_>| match heard {
            Heard::Said(words) => {
                if let Some(told) = decode(&rope.own, words) {
                    hub.tell(told, By::Bell);
                }
            }
            // What was missed in between, the store tells.
            Heard::Began | Heard::Ended => {}
        };
        tokio::select! {
            () = stop.cancelled() => {}
            never = rope.link.listen(&rope.name, heard) => match never {},
        }
        Ok(())
    }
}

/// Who rings, then a recipient in each line.
fn encode(own: &str, told: &[Recipient]) -> String {
    let lines = told.iter().map(Recipient::to_string);
    std::iter::once(own.to_owned()).chain(lines).collect::<Vec<_>>().join("\n")
}

/// Those that somebody else rang for. A recipient of a kind that a newer process knows is passed over.
fn decode(own: &str, words: &[u8]) -> Option<Vec<Recipient>> {
    let mut lines = std::str::from_utf8(words).ok()?.lines();
    let told = lines.next().filter(|who| *who != own).map(|_| lines);
    let told: Vec<Recipient> = told?.filter_map(|line| line.parse().ok()).collect();
    (!told.is_empty()).then_some(told)
}

#[cfg(test)]
mod tests {
    use ids::{MerchantId, UserId};

    use super::*;

    #[test]
    fn a_ring_names_its_recipients_to_everybody_else() {
        let told = vec![
            Recipient::User(UserId::new()),
            Recipient::Merchant(MerchantId::new()),
            Recipient::Platform,
        ];
        let words = encode("evt_1", &told);
        assert_eq!(decode("evt_2", words.as_bytes()), Some(told.clone()));
        assert_eq!(decode("evt_1", words.as_bytes()), None);
        let newer = format!("{words}\nrobot:1");
        assert_eq!(decode("evt_2", newer.as_bytes()), Some(told));
        for nonsense in [&b""[..], b"evt_1", b"\xff", b"evt_1\n"] {
            assert_eq!(decode("evt_2", nonsense), None);
        }
    }
}
