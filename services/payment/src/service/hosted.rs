//! Payments on pages that a provider makes: a page is asked for once, and what the provider says of the money is held against what
//! it was asked for.

use std::time::Duration;

use fault::Fault;
use money::Money;

use super::Payments;
use crate::{
    domain::{
        Payment, Provider, Snapshot, Status,
        hosted::{Act, Charge, Hosted, NoQuote, Outcome, Sum, Word},
    },
    error::Error,
    providers::{outbound::Made, uzcard::Atmos},
    store::{
        Entry, Note, Open,
        hosted::{Acted, Acting, Which},
    },
};

/// How often, and after which pause, to look for a page that somebody else is asking for.
const TURNS: u32 = 20;
const TURN: Duration = Duration::from_millis(100);

/// What an act came to, for the caller that has a line of the journal to write with it.
pub(super) type Noted = Result<(Acted, Option<Entry>), Fault>;

impl Payments {
    /// What a provider is asked to charge for an amount.
    fn charge(&self, provider: Provider, amount: Money, reference: &str) -> Result<Charge, Error> {
        let (quote, account) = match (provider, &self.providers.uzcard, &self.providers.stripe) {
            (Provider::Uzcard, Some(atmos), _) => (Atmos::quote(), atmos.account(reference)),
            (Provider::Stripe, _, Some(stripe)) => (stripe.quote().clone(), reference.to_owned()),
            _ => return Err(Error::ProviderDisabled),
        };
        let charged = quote.charged(amount).map_err(|why| match why {
            NoQuote::Currency => Error::Currency,
            NoQuote::Small => Error::TooSmall,
            NoQuote::Large => Error::TooLarge,
        })?;
        let sum = Sum { amount: charged, currency: quote.currency, account };
        Ok(Charge { sum, rate: quote.rate })
    }

    /// Opens a payment with a page. Until a way back to the shop is known there is no page.
    pub(super) async fn open_with_page(
        &self,
        payable: Snapshot,
        provider: Provider,
        key: String,
        return_url: &str,
    ) -> Result<Payment, Error> {
        self.charge(provider, payable.amount, &payable.reference)?;
        let locale = payable.locale.clone();
        let redirect_url = String::new();
        let request = Open { payable, provider, key, redirect_url, returns: false };
        let opened = self.store.open(request, self.clock.now()).await?;
        let payment = opened.map_err(Error::NotOpened)?;
        if payment.status != Status::Pending || !payment.redirect_url.is_empty() {
            return Ok(payment);
        }
        let charge = self.charge(provider, payment.amount, &payment.reference)?;
        self.act(Which::Payment(payment.id), Act::Begin(charge)).await?;
        if return_url.is_empty() {
            return Ok(payment);
        }
        let (payments, back) = (self.clone(), return_url.to_owned());
        // A caller that hangs up must not leave a page without its number written down.
        let asking = async move { payments.ask_for_page(&payment, &back, &locale).await };
        mesh::detach(asking).await?
    }

    async fn ask_for_page(
        &self,
        payment: &Payment,
        back: &str,
        locale: &str,
    ) -> Result<Payment, Error> {
        let mut known = None;
        for _ in 0..TURNS {
            let acted = self.act(Which::Payment(payment.id), Act::Ask { known }).await?;
            let (Some(hosted), Some(payment)) = (acted.hosted, acted.payment) else { break };
            match acted.outcome {
                Outcome::Yours(asked_at) => {
                    return self.make_page(&hosted, asked_at, (back, locale)).await;
                }
                Outcome::Waits => {
                    known = hosted.lost(self.clock.now());
                    if known.is_none() {
                        tokio::time::sleep(TURN).await;
                    }
                }
                _ => return Ok(payment),
            }
        }
        Err(Error::ProviderAway)
    }

    async fn make_page(
        &self,
        hosted: &Hosted,
        asked_at: clock::Timestamp,
        (back, locale): (&str, &str),
    ) -> Result<Payment, Error> {
        let made = match (hosted.provider, &self.providers.uzcard, &self.providers.stripe) {
            (Provider::Uzcard, Some(atmos), _) => {
                self.atmos_page(atmos, hosted, back, locale).await
            }
            (_, _, Some(stripe)) => self.stripe_page(stripe, hosted, back, locale).await,
            _ => Made::No { why: "not configured".to_owned(), spoilt: false },
        };
        let act = match made {
            Made::Page { id, url } => Act::Open { asked_at, remote_id: id, page: url },
            Made::No { why, spoilt } => {
                let provider = hosted.provider.as_str();
                tracing::warn!(payment.id = %hosted.payment, provider, why, "no page was made");
                self.act(Which::Payment(hosted.payment), Act::Unask { asked_at, spoilt }).await?;
                return Err(Error::ProviderAway);
            }
        };
        let opened = self.act(Which::Payment(hosted.payment), act).await?;
        opened.payment.ok_or(Error::ProviderAway)
    }

    pub(super) async fn act(&self, which: Which, act: Act) -> Result<Acted, Fault> {
        let acting = Acting { which, act, event: None };
        let (acted, _) = self.store.hosted_act(acting, self.clock.now(), None).await?;
        Ok(acted)
    }

    /// A provider says how a payment stands.
    pub(super) async fn heard(
        &self,
        which: Which,
        word: Word,
        event: Option<(Provider, String)>,
        note: Option<Note<Acted>>,
    ) -> Noted {
        let watch = self.relay.watch();
        let acting = Acting { which, act: Act::Heard(word), event };
        let (acted, entry) = self.store.hosted_act(acting, self.clock.now(), note).await?;
        let Some(hosted) = &acted.hosted else { return Ok((acted, entry)) };
        let (payment, provider) = (hosted.payment, hosted.provider.as_str());
        match acted.outcome {
            Outcome::Paid => self.tell_paid(watch, payment).await,
            Outcome::Stray => {
                tracing::error!(payment.id = %payment, provider, "money came that no order waits for: it goes back");
            }
            Outcome::Odd => {
                let trouble = &hosted.trouble;
                tracing::error!(payment.id = %payment, provider, trouble, "a payment needs people");
            }
            _ => {}
        }
        Ok((acted, entry))
    }
}
