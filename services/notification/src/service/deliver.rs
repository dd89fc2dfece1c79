//! The worker that sends what is queued.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use clock::Clock;
use futures::future::join_all;
use secrecy::ExposeSecret as _;
use telemetry::{IntCounterVec, Metrics};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    channels::{self, Form, HttpChannel, LogChannel, Refused, SENDGRID},
    config::Config,
    domain::{ATTEMPTS, Channel, Delivery, LEASE, SECRET_LIFE, masked, pause},
    store::{NotificationStore, Outcome},
};

/// Texts sent at the same time.
const BATCH: u32 = 16;
/// How often to look without being woken: for texts that wait for another try.
const IDLE: Duration = Duration::from_millis(500);
/// How long the log of messages, settled deliveries and the inbox are kept. Events are delivered again for minutes, not for weeks.
const KEEP: Duration = Duration::from_hours(30 * 24);
/// Rows forgotten in one go.
const SWEEP: u32 = 1000;

type Sender = Arc<dyn channels::Channel>;

/// The channels that are configured, and the bell of their worker. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Senders {
    sms: Option<Sender>,
    email: Option<Sender>,
    bell: Arc<Notify>,
    outcomes: IntCounterVec,
}

/// Where letters go, and in which form.
fn letters(config: &Config) -> anyhow::Result<(&str, Form)> {
    let key = &config.sendgrid_key;
    if key.expose_secret().is_empty() {
        return Ok((&config.mail_url, Form::Letter));
    }
    let from = config.mail_from.clone();
    anyhow::ensure!(
        from.contains('@'),
        "notification.mail_from: letters by SendGrid need the address that they come from"
    );
    let url = if config.mail_url.is_empty() { SENDGRID } else { &config.mail_url };
    Ok((url, Form::SendGrid { key: key.clone(), from }))
}

impl Senders {
    pub(crate) fn new(config: &Config, metrics: &Metrics) -> anyhow::Result<Self> {
        let open = |key: &str, address: &str, form: Form| -> anyhow::Result<Option<Sender>> {
            if address.is_empty() {
                return Ok(None);
            }
            let wrong =
                || format!("notification.{key}: expected an address such as https://host/send");
            let url = address.parse().with_context(wrong)?;
            Ok(Some(Arc::new(HttpChannel::new(url, form).with_context(wrong)?)))
        };
        let (mail_url, letter) = letters(config)?;
        let help = "Tries to send a text, by what became of them.";
        Ok(Self {
            sms: open("sms_url", &config.sms_url, Form::Sms)?,
            email: open("mail_url", mail_url, letter)?,
            bell: Arc::default(),
            outcomes: metrics.counter("deliveries_total", help, &["channel", "outcome"]),
        })
    }

    /// The channel itself, or the log when it is not configured.
    pub(crate) fn configured(&self, channel: Channel) -> Channel {
        match channel {
            Channel::Sms if self.sms.is_some() => Channel::Sms,
            Channel::Email if self.email.is_some() => Channel::Email,
            Channel::InApp => Channel::InApp,
            _ => Channel::Log,
        }
    }

    /// Tells the worker that something was queued.
    pub(crate) fn wake(&self) {
        self.bell.notify_one();
    }

    async fn send(&self, delivery: &Delivery) -> Result<(), Refused> {
        let sender = match delivery.channel {
            Channel::Sms => self.sms.as_ref(),
            Channel::Email => self.email.as_ref(),
            Channel::Log | Channel::InApp => None,
        };
        match sender {
            Some(sender) => sender.send(delivery).await,
            // Also what was queued for a channel that has been taken out of the configuration since.
            None => channels::Channel::send(&LogChannel, delivery).await,
        }
    }
}

/// Sends, tries again, gives up, and forgets.
#[derive(Clone)]
pub(crate) struct Courier {
    store: Arc<dyn NotificationStore>,
    senders: Senders,
    clock: Clock,
}

impl Courier {
    pub(crate) fn new(store: Arc<dyn NotificationStore>, senders: Senders, clock: Clock) -> Self {
        Self { store, senders, clock }
    }

    /// Works until it is told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            let now = self.clock.now();
            // A store that is away is asked again as often as one that has nothing to send: it is not for this to say that it is away.
            let claimed = self.store.claim(now, now.plus(LEASE), BATCH).await;
            let claimed = claimed.unwrap_or_else(|fault| {
                tracing::debug!(why = fault.causes(), "nothing can be claimed");
                Vec::new()
            });
            if claimed.is_empty() {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = self.senders.bell.notified() => {}
                    () = tokio::time::sleep(IDLE) => {}
                }
                continue;
            }
            join_all(claimed.iter().map(|delivery| self.deliver(delivery))).await;
        }
        Ok(())
    }

    async fn deliver(&self, delivery: &Delivery) {
        let late = delivery.secret && self.clock.now().since(delivery.created_at) > SECRET_LIFE;
        let sent = if late {
            Err(Refused::ForGood("the code is too old to be of use".to_owned()))
        } else {
            self.senders.send(delivery).await
        };
        let now = self.clock.now();
        let (label, outcome) = match sent {
            Ok(()) => ("sent", Outcome::Sent),
            Err(Refused::ForNow(why)) if delivery.attempts < ATTEMPTS => {
                ("again", Outcome::Again(now.plus(pause(delivery.attempts)), why))
            }
            Err(refused) => {
                let (template, to) = (&delivery.template, masked(&delivery.address));
                tracing::warn!(template, to, why = %refused, "a text was given up");
                ("failed", Outcome::Failed(refused.to_string()))
            }
        };
        let labels = [delivery.channel.as_str(), label];
        self.senders.outcomes.with_label_values(&labels).inc();
        if let Err(fault) = self.store.settle(delivery, outcome, now).await {
            // It is sent again when its lease has run out, with the same key.
            let (id, why) = (delivery.id, fault.causes());
            tracing::warn!(%id, why, "what became of a text could not be recorded");
        }
    }

    /// Forgets what is old.
    pub(crate) async fn sweep(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let before = self.clock.now().minus(KEEP);
            while self.store.forget(before, SWEEP).await? >= u64::from(SWEEP) {}
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_hours(1)) => {}
            }
        }
    }
}
