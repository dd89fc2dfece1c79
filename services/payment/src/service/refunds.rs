//! Money that goes back. Whoever asks again goes on where it was: a refund is asked of its provider by one caller at a time, after
//! that has been written down.

use std::time::Duration;

use fault::Fault;
use ids::RefundId;
use reqwest::{Client, Method, redirect::Policy};

use super::Payments;
use crate::{
    domain::{
        Provider,
        refund::{Refund, RefundState},
    },
    error::Error,
    providers::click_api::{self, ClickApi, Said},
    store::refunds::Asking,
};

/// How long a provider may take to answer; the caller waits a little longer.
const LIMIT: Duration = Duration::from_secs(8);
/// Whoever has not written an answer down by then will not.
const LOST: Duration = Duration::from_mins(1);

/// What calls providers.
pub(crate) fn client() -> anyhow::Result<Client> {
    Ok(Client::builder().timeout(LIMIT).redirect(Policy::none()).build()?)
}

/// What came of a call.
enum Heard {
    /// It never left.
    Unsent,
    Answer(u16, Vec<u8>),
    /// It may have arrived.
    Nothing,
}

impl Payments {
    /// Gives money back, or says how that stands.
    pub(crate) async fn refund(&self, asking: Asking) -> Result<Refund, Error> {
        let now = self.clock.now();
        let begun = self.store.refund_begin(asking, now).await?;
        let refund = begun.map_err(|_| Error::RefundName)?;
        let known = match refund.state {
            RefundState::Pending => None,
            RefundState::Asked => match refund.asked_at {
                Some(at) if at.plus(LOST) <= now => Some(at),
                _ => return Ok(refund),
            },
            RefundState::Succeeded | RefundState::Failed | RefundState::NeedsManual => {
                return Ok(refund);
            }
        };
        if refund.provider.is_some_and(|provider| provider.capabilities().makes_pages) {
            return self.refund_charge(refund, known).await;
        }
        let (state, note) = match (refund.provider, &self.providers.click_api) {
            (Some(Provider::Click), Some(api)) => match self.store.click_paid(refund.id).await? {
                Some(paid) => {
                    if !self.store.refund_asked(refund.id, known, now).await? {
                        return Ok(Refund { state: RefundState::Asked, ..refund });
                    }
                    self.click_refund(api, &refund, paid, known.is_some()).await
                }
                None => (RefundState::NeedsManual, "Click's payment is not known".to_owned()),
            },
            _ => (RefundState::NeedsManual, "Click's Merchant API is not configured".to_owned()),
        };
        match state {
            RefundState::Asked => {}
            RefundState::Pending => self.store.refund_unasked(refund.id).await?,
            state => self.store.refund_settled(refund.id, state, &note, self.clock.now()).await?,
        }
        tracing::info!(refund.id = %refund.id, state = state.as_str(), note, "a refund was asked of Click");
        Ok(Refund { state, note, ..refund })
    }

    /// The order service says that people have sent the money.
    pub(crate) async fn refund_sent(&self, id: RefundId) -> Result<(), Error> {
        let (now, done) = (self.clock.now(), RefundState::Succeeded);
        Ok(self.store.refund_settled(id, done, "sent by hand", now).await?)
    }

    async fn click_refund(
        &self,
        api: &ClickApi,
        refund: &Refund,
        (paydoc, paid): (i64, i64),
        again: bool,
    ) -> (RefundState, String) {
        let whole = refund.amount == paid;
        if again && !whole {
            // Nothing tells one partial reversal from another: a second one might give the money twice.
            let note = "Click's answer was lost: compare with its cabinet";
            return (RefundState::NeedsManual, note.to_owned());
        }
        if again {
            let heard = self.click_call(api, Method::GET, api.status(paydoc)).await;
            let Heard::Answer(status, body) = heard else {
                return (RefundState::Asked, String::new());
            };
            match click_api::is_reversed(status, &body) {
                Some(true) => return (RefundState::Succeeded, String::new()),
                Some(false) => {}
                None => return (RefundState::Asked, String::new()),
            }
        }
        let url =
            if whole { api.reversal(paydoc) } else { api.partial_reversal(paydoc, refund.amount) };
        match self.click_call(api, Method::DELETE, url).await {
            Heard::Unsent => (RefundState::Pending, String::new()),
            Heard::Nothing => (RefundState::Asked, String::new()),
            Heard::Answer(status, body) => match click_api::reversed(status, &body) {
                Said::Done => (RefundState::Succeeded, String::new()),
                Said::Refused(note) => (RefundState::NeedsManual, note),
                Said::Nothing => (RefundState::Asked, String::new()),
            },
        }
    }

    async fn click_call(&self, api: &ClickApi, method: Method, url: String) -> Heard {
        let request = self.http.request(method, url);
        let request = request.header("accept", "application/json");
        let request = request.header("content-type", "application/json");
        match request.header("auth", api.auth(self.clock.now())).send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                match answer.bytes().await {
                    Ok(body) => Heard::Answer(status, body.to_vec()),
                    Err(_) => Heard::Nothing,
                }
            }
            Err(error) if error.is_connect() => Heard::Unsent,
            Err(error) => {
                let error = Fault::unavailable(error.without_url().to_string());
                tracing::warn!(%error, "Click did not answer a reversal");
                Heard::Nothing
            }
        }
    }
}
