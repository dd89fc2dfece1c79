//! Asks providers how payments stand whose end nobody has told, and sends money back that no order waits for. What a provider does
//! not say is pending: it is asked again, later each time.

use std::time::Duration;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use super::Payments;
use crate::{
    domain::{
        Payment, Provider, Status,
        hosted::{Act, Hosted, Outcome, State, Word},
    },
    error::Error,
    providers::outbound::GaveBack,
    store::hosted::Which,
};

/// Between two looks for payments that are due.
const EVERY: Duration = Duration::from_secs(1);
/// Payments asked for at once.
const BATCH: u32 = 16;
/// A payment that was taken is left to whoever took it so long.
const TAKEN: Duration = Duration::from_secs(30);
/// Events of providers are remembered so long: longer than any of them repeats one.
const EVENTS: Duration = Duration::from_hours(30 * 24);

impl Payments {
    /// Asks until it is told to stop.
    pub(crate) async fn poll(self, stop: CancellationToken) -> anyhow::Result<()> {
        if self.providers.uzcard.is_none() && self.providers.stripe.is_none() {
            stop.cancelled().await;
            return Ok(());
        }
        loop {
            self.poll_once().await?;
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn poll_once(&self) -> Result<(), Error> {
        loop {
            let now = self.clock.now();
            let due = self.store.hosted_due(now, now.plus(TAKEN), BATCH).await?;
            let full = due.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
            let looks = due.into_iter().map(|(hosted, payment)| self.look(hosted, payment));
            for looked in join_all(looks).await {
                if let Err(error) = looked {
                    tracing::warn!(%error, "a payment has to wait to be looked for");
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// What people have to look at, for the metrics; and forgets old events.
    pub(super) async fn tidy_pages(&self) -> Result<(), fault::Fault> {
        self.trouble.with_label_values::<&str>(&[]).set(self.store.hosted_trouble().await?);
        self.store.forget_events(self.clock.now().minus(EVENTS)).await
    }

    async fn look(&self, hosted: Hosted, payment: Payment) -> Result<(), Error> {
        match hosted.state {
            State::Stray | State::Returning => return self.give_stray_back(hosted).await,
            State::Open => {}
            _ => return Ok(()),
        }
        let over = !matches!(payment.status, Status::Pending | Status::Processing);
        let word = match (hosted.provider, &self.providers.uzcard, &self.providers.stripe) {
            (Provider::Uzcard, Some(atmos), _) => self.atmos_look(atmos, &hosted).await,
            (Provider::Stripe, _, Some(stripe)) => self.stripe_look(stripe, &hosted, over).await,
            _ => Word::Silence,
        };
        self.count_call(hosted.provider, "look", word.label());
        self.heard(Which::Payment(hosted.payment), word, None, None).await?;
        Ok(())
    }

    async fn give_stray_back(&self, hosted: Hosted) -> Result<(), Error> {
        let returning = hosted.state == State::Returning;
        let known = hosted.lost(self.clock.now()).filter(|_| returning);
        if returning && known.is_none() {
            return Ok(());
        }
        let which = || Which::Payment(hosted.payment);
        let acted = self.act(which(), Act::Ask { known }).await?;
        let Outcome::Yours(asked_at) = acted.outcome else { return Ok(()) };
        let came = match (hosted.provider, &self.providers.uzcard, &self.providers.stripe) {
            (Provider::Uzcard, Some(atmos), _) => {
                self.atmos_reverse(atmos, &hosted, "no order waits for it", returning).await
            }
            (Provider::Stripe, _, Some(stripe)) => self.stripe_return(stripe, &hosted).await,
            _ => GaveBack::Unasked,
        };
        let act = match came {
            GaveBack::Done | GaveBack::Pending(_) => Act::Returned,
            GaveBack::Refused(why) => {
                tracing::error!(payment.id = %hosted.payment, why, "stray money does not go back: send it in the cabinet");
                Act::Stuck(why)
            }
            GaveBack::Unasked => Act::Unask { asked_at, spoilt: false },
            GaveBack::Silence => return Ok(()),
        };
        self.act(which(), act).await?;
        Ok(())
    }
}
