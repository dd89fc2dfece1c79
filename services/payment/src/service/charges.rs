//! Money that goes back to a card: of payments on pages of providers, all of a charge or some of it.

use clock::Timestamp;

use super::Payments;
use crate::{
    domain::{
        Provider,
        refund::{Refund, RefundState},
    },
    error::Error,
};

impl Payments {
    /// Goes on with a refund that was begun; `known` is since when the answer to whoever asked before is lost.
    pub(super) async fn refund_charge(
        &self,
        refund: Refund,
        known: Option<Timestamp>,
    ) -> Result<Refund, Error> {
        let back = self.store.hosted_back(refund.id).await?;
        let uzcard = self.providers.uzcard.as_ref();
        let stripe = self.providers.stripe.as_ref();
        let hopeless = match (&back, refund.provider) {
            (None, _) => Some("the charge is not known here: send it in the provider's cabinet"),
            (Some(back), _) if back.amount == 0 => {
                Some("less than the smallest coin of the charge")
            }
            (_, Some(Provider::Uzcard)) if uzcard.is_none() => Some("UzCard is not configured"),
            (_, Some(Provider::Stripe)) if stripe.is_none() => Some("Stripe is not configured"),
            _ => None,
        };
        let (state, note) = match (hopeless, &back, uzcard, stripe) {
            (Some(why), ..) => (RefundState::NeedsManual, why.to_owned()),
            (None, Some(back), atmos, stripe) => {
                if !self.store.refund_asked(refund.id, known, self.clock.now()).await? {
                    return Ok(Refund { state: RefundState::Asked, ..refund });
                }
                match (refund.provider, atmos, stripe) {
                    (Some(Provider::Uzcard), Some(atmos), _) => {
                        self.atmos_refund(atmos, &refund, back, known.is_some()).await
                    }
                    (_, _, Some(stripe)) => self.stripe_refund(stripe, &refund, back, known).await,
                    _ => (RefundState::Asked, String::new()),
                }
            }
            (None, None, ..) => (RefundState::Pending, String::new()),
        };
        match state {
            RefundState::Asked => {}
            RefundState::Pending => self.store.refund_unasked(refund.id).await?,
            state => self.store.refund_settled(refund.id, state, &note, self.clock.now()).await?,
        }
        let provider = refund.provider.map_or("", Provider::as_str);
        tracing::info!(refund.id = %refund.id, provider, state = state.as_str(), note, "a refund was asked for");
        Ok(Refund { state, note, ..refund })
    }
}
