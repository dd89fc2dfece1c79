//! What gateways on one Redis tell each other: that the catalogue was changed.
//!
//! A word that is not heard costs little: answers end by their age. Whoever was cut off begins a new generation when it hears again.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fault::Breaker;
use redis_link::{Heard, Link};
use telemetry::{IntCounterVec, IntGaugeVec, Metrics};
use tokio::time::timeout;

use crate::cache::Answers;

/// How long a change waits for the word to be out.
const WAIT: Duration = Duration::from_millis(50);

/// The other gateways, when there can be others. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Neighbours {
    answers: Arc<Answers>,
    renewals: IntCounterVec,
    others: Option<Arc<Others>>,
}

struct Others {
    link: Link,
    /// Under which the word is said.
    name: String,
    /// Who says it: one's own words come back.
    own: String,
    breaker: Breaker,
    listening: AtomicBool,
    in_touch: IntGaugeVec,
}

impl Neighbours {
    pub(crate) fn new(answers: Arc<Answers>, link: Option<Link>, metrics: &Metrics) -> Self {
        let renewals = metrics.counter(
            "http_cache_renewals_total",
            "New beginnings of the kept catalogue answers: after a change here or elsewhere, or after having been cut off.",
            &["because"],
        );
        let others = link.map(|link| {
            let name = format!("{}catalogue", link.prefix());
            let help = "1 while changes of the catalogue are heard from the other gateways.";
            let in_touch = metrics.gauge("http_cache_shared", help, &[]);
            in_touch.with_label_values::<&str>(&[]).set(0);
            Arc::new(Others {
                link,
                name,
                own: ids::RequestId::new().to_string(),
                breaker: Breaker::default(),
                listening: AtomicBool::new(false),
                in_touch,
            })
        });
        Self { answers, renewals, others }
    }

    /// Something of the catalogue was changed through this gateway. Returns when the others have been told, or could not be.
    pub(crate) async fn catalogue_changed(&self) {
        self.renew("here");
        let Some(others) = &self.others else { return };
        if !others.breaker.may_try() {
            return;
        }
        let said = timeout(WAIT, others.link.say(&others.name, others.own.as_bytes())).await;
        match said {
            Ok(Ok(_)) => others.breaker.answered(),
            _ => others.breaker.silent(),
        }
    }

    /// Hears of changes through other gateways, for as long as it is polled.
    pub(crate) async fn listen(&self) -> Infallible {
        let Some(others) = &self.others else { return std::future::pending().await };
        let heard = |heard: Heard<'_>| match heard {
            Heard::Began => {
                others.set(true);
                self.renew("anew");
            }
            Heard::Said(who) if who == others.own.as_bytes() => {}
            Heard::Said(_) => self.renew("elsewhere"),
            Heard::Ended => others.set(false),
        };
        others.link.listen(&others.name, heard).await
    }

    fn renew(&self, because: &str) {
        self.answers.renew();
        self.renewals.with_label_values(&[because]).inc();
    }

    pub(crate) async fn close(&self) {
        if let Some(others) = &self.others {
            others.link.close().await;
        }
    }
}

impl Others {
    fn set(&self, listening: bool) {
        self.in_touch.with_label_values::<&str>(&[]).set(listening.into());
        if self.listening.swap(listening, Ordering::Relaxed) && !listening {
            tracing::warn!("changes of the catalogue through other gateways are not heard of");
        }
    }
}
