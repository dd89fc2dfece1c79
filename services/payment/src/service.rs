//! What can be done with payments.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use clock::Clock;
use fault::Fault;
use ids::OrderId;
use money::Currency;
use outbox::Relay;
use telemetry::{IntCounterVec, IntGaugeVec, Metrics};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{Payment, Provider, Snapshot},
    error::Error,
    providers::{Providers, RawAnswer, RawRequest},
    store::{Close, Closing, Entry, Open, PaymentStore},
};

mod asking;
mod callback;
mod cash;
mod charges;
mod click;
mod forms;
mod hosted;
mod journal;
mod outbound;
mod payme;
mod poll;
pub(crate) mod receipts;
pub(crate) mod reconciling;
pub(crate) mod refunds;
mod stripe;
mod uzcard;

pub(crate) use journal::JournalReader;

/// Payments shown of one order.
const SHOWN: u32 = 100;
/// Holds ended in one go.
const SWEEP: u32 = 200;
/// Between two looks for holds whose time is over.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Journal entries are kept so long...
const JOURNAL_DAYS: Duration = Duration::from_hours(30 * 24);
/// ... and so many of them.
const JOURNAL_ENTRIES: u32 = 200_000;

/// Payments of every provider. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Payments {
    store: Arc<dyn PaymentStore>,
    providers: Arc<Providers>,
    relay: Relay,
    clock: Clock,
    journal: mpsc::Sender<Entry>,
    journal_lost: Arc<AtomicUsize>,
    callbacks: IntCounterVec,
    outbound: IntCounterVec,
    trouble: IntGaugeVec,
    http: reqwest::Client,
}

impl Payments {
    pub(crate) fn new(
        store: Arc<dyn PaymentStore>,
        providers: Providers,
        relay: Relay,
        clock: Clock,
        (metrics, http): (&Metrics, reqwest::Client),
    ) -> (Self, JournalReader) {
        let callbacks = metrics.counter(
            "callbacks_total",
            "Calls of payment providers by what they were answered: the provider's own code, 0 for success.",
            &["provider", "method", "code"],
        );
        let outbound = metrics.counter(
            "provider_calls_total",
            "Calls to payment providers by what came of them.",
            &["provider", "call", "outcome"],
        );
        let trouble = metrics.gauge(
            "payments_in_trouble",
            "Payments on pages of providers that people have to look at.",
            &[],
        );
        let (journal, reader) = journal::channel(Arc::clone(&store));
        let payments = Self {
            store,
            providers: Arc::new(providers),
            relay,
            clock,
            journal,
            journal_lost: Arc::default(),
            callbacks,
            outbound,
            trouble,
            http,
        };
        (payments, reader)
    }

    /// What a checkout page may offer.
    pub(crate) fn offered(&self) -> Vec<Provider> {
        self.providers.names()
    }

    /// Opens a payment; the same key gives the same one.
    pub(crate) async fn open(
        &self,
        payable: Snapshot,
        provider: Provider,
        key: String,
        return_url: &str,
    ) -> Result<Payment, Error> {
        let page = self.providers.page(provider, &payable, return_url);
        let redirect_url = page.ok_or(Error::ProviderDisabled)?;
        if provider.capabilities().makes_pages {
            return self.open_with_page(payable, provider, key, return_url).await;
        }
        let local = provider.capabilities().som_only;
        if local && payable.amount.currency != Currency::Uzs {
            return Err(Error::Currency);
        }
        if local && !payable.is_fiscal() {
            tracing::debug!(
                order.number = payable.reference,
                "no fiscal receipt can be made of these lines"
            );
        }
        let returns = !return_url.is_empty();
        let request = Open { payable, provider, key, redirect_url, returns };
        self.store.open(request, self.clock.now()).await?.map_err(Error::NotOpened)
    }

    /// Whether a payment was opened with this key.
    pub(crate) async fn is_opened(&self, key: &str) -> Result<bool, Error> {
        Ok(self.store.is_opened(key).await?)
    }

    /// Closes an order for payment, unless it is paid.
    pub(crate) async fn close(
        &self,
        order: OrderId,
        reason: &str,
        spare_live: bool,
    ) -> Result<Closing, Error> {
        let request = Close { order, reason: reason.to_owned(), spare_live };
        Ok(self.store.close(request, self.clock.now()).await?)
    }

    /// Notes that the goods of an order are with the shopper.
    pub(crate) async fn delivered(&self, order: OrderId) -> Result<(), Error> {
        Ok(self.store.delivered(order, self.clock.now()).await?)
    }

    /// Payments of an order, latest first.
    pub(crate) async fn list(&self, order: OrderId) -> Result<Vec<Payment>, Error> {
        Ok(self.store.payments(order, SHOWN).await?)
    }

    /// A provider calls; what it is answered.
    pub(crate) async fn callback(&self, provider: Provider, request: RawRequest) -> RawAnswer {
        match provider {
            Provider::Payme => self.payme_callback(request).await,
            Provider::Click => self.click_callback(request).await,
            Provider::Uzcard => self.uzcard_callback(request).await,
            Provider::Stripe => self.stripe_callback(request).await,
            Provider::Cash => RawAnswer::disabled(),
        }
    }

    /// Ends holds whose time is over, and forgets old journal entries.
    pub(crate) async fn sweep(self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            self.sweep_once().await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
        }
    }

    async fn sweep_once(&self) -> Result<(), Fault> {
        let now = self.clock.now();
        while self.store.expire(now, SWEEP).await? == SWEEP {}
        self.tidy_pages().await?;
        self.store.trim_journal(now.minus(JOURNAL_DAYS), JOURNAL_ENTRIES).await
    }
}
