//! Words that processes say to each other through Redis (publish and subscribe). Nobody keeps them: who does not listen has missed them.

use std::{convert::Infallible, time::Duration};

use futures::StreamExt as _;
use redis::{Value, aio::PubSub, cmd};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::{Error, Link, link::PATIENCE};

/// How often the server is asked whether it is still there.
const PULSE: Duration = Duration::from_secs(2);
/// How long until listening is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// What a listener is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Listening has begun, for the first time or again: what was said before is missed.
    Began,
    /// Somebody said this; it may have been this process.
    Said(&'a [u8]),
    /// The server was lost.
    Ended,
}

impl Link {
    /// Says something to everybody who listens to this name now; how many did.
    pub async fn say(&self, name: &str, words: &[u8]) -> Result<u64, Error> {
        self.command(cmd("PUBLISH").arg(name).arg(words)).await
    }

    /// Listens to a name on a connection of its own, for as long as it is polled. A server that is away, or falls silent, is tried
    /// again until it is there.
    pub async fn listen(&self, name: &str, mut heard: impl FnMut(Heard<'_>) + Send) -> Infallible {
        loop {
            let begun = async {
                let mut ear = self.listener.get_async_pubsub().await?;
                ear.subscribe(name).await?;
                Ok::<_, Error>(ear)
            };
            match timeout(PATIENCE, begun).await.unwrap_or(Err(Error::Silent)) {
                Ok(ear) => {
                    heard(Heard::Began);
                    attend(ear, &mut heard).await;
                    heard(Heard::Ended);
                }
                Err(error) => tracing::debug!(%error, "nothing is heard from Redis"),
            }
            sleep(PAUSE).await;
        }
    }
}

/// Passes on what is said until the connection ends, or its server answers no more.
async fn attend(ear: PubSub, heard: &mut (impl FnMut(Heard<'_>) + Send)) {
    let (mut sink, mut words) = ear.split();
    let mut pulse = interval(PULSE);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            said = words.next() => match said {
                Some(said) => heard(Heard::Said(said.get_payload_bytes())),
                None => return,
            },
            _ = pulse.tick() => {
                let answer = timeout(PATIENCE, sink.ping::<Value>()).await;
                if !matches!(answer, Ok(Ok(_))) {
                    return;
                }
            }
        }
    }
}
