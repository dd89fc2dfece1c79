//! Merchants are paid.

use std::time::Duration;

use clock::Timestamp;
use ids::{MerchantId, PayoutId};
use mesh::Caller;
use tokio_util::sync::CancellationToken;

use super::{
    Orders,
    checkout::check_key,
    ledger::{Walk, financier},
};
use crate::{
    domain::payout::{Payout, PayoutMove, PayoutState},
    error::Error,
    store::{
        Key,
        ledger::{Drafted, Encode, Place},
    },
};

/// How often to look whether a period is over.
const LOOK: Duration = Duration::from_secs(1);
/// Every so many looks, some orders are compared with the ledger.
const AUDIT: u32 = 5;

impl Orders {
    /// Makes the payouts of each period that ends, and looks after the ledger, until it is told to stop. Several processes may.
    pub(crate) async fn pay_merchants(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut done: Option<Timestamp> = None;
        let mut walk = Walk::default();
        for look in (0..AUDIT).cycle() {
            let due = self.0.periods.last_end(self.now());
            if let Some(end) = due.filter(|end| done != Some(*end))
                && self.draft(end, &stop).await?
            {
                done = Some(end);
            }
            if look == 0 {
                self.audit(&mut walk).await?;
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        Ok(())
    }

    /// Makes the payouts of a period; whether every merchant has been looked at.
    async fn draft(&self, end: Timestamp, stop: &CancellationToken) -> Result<bool, Error> {
        while !stop.is_cancelled() {
            let minimum = self.0.periods.minimum;
            match self.0.store.draft_payouts(end, minimum, self.now()).await? {
                Drafted::Some(payouts) => {
                    let made = u64::try_from(payouts.len()).unwrap_or(0);
                    self.0.drafted.with_label_values::<&str>(&[]).inc_by(made);
                    for payout in payouts {
                        tracing::info!(payout.id = %payout.id, merchant.id = %payout.merchant, "payout drafted");
                    }
                }
                Drafted::Busy => return Ok(false),
                Drafted::Finished => return Ok(true),
            }
        }
        Ok(false)
    }

    /// A page of the payouts of the caller's merchant, and whether there are more.
    pub(crate) async fn payouts(
        &self,
        caller: &Caller,
        state: Option<PayoutState>,
        after: Option<Place<PayoutId>>,
        limit: u32,
    ) -> Result<(Vec<Payout>, bool), Error> {
        self.payout_page(Some(financier(caller)?), state, after, limit).await
    }

    /// A page of all payouts, or of a merchant's, and whether there are more.
    pub(crate) async fn all_payouts(
        &self,
        caller: &Caller,
        merchant: Option<MerchantId>,
        state: Option<PayoutState>,
        after: Option<Place<PayoutId>>,
        limit: u32,
    ) -> Result<(Vec<Payout>, bool), Error> {
        caller.require_admin()?;
        self.payout_page(merchant, state, after, limit).await
    }

    async fn payout_page(
        &self,
        merchant: Option<MerchantId>,
        state: Option<PayoutState>,
        after: Option<Place<PayoutId>>,
        limit: u32,
    ) -> Result<(Vec<Payout>, bool), Error> {
        let mut payouts = self.0.store.payouts(merchant, state, after, limit + 1).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = payouts.len() > limit;
        payouts.truncate(limit);
        Ok((payouts, more))
    }

    /// The platform owner moves a payout; the payout, encoded by `encode`, and whether that was answered before.
    pub(crate) async fn move_payout(
        &self,
        caller: &Caller,
        id: PayoutId,
        step: PayoutMove,
        (key, hash): (String, Vec<u8>),
        encode: Encode,
    ) -> Result<(Vec<u8>, bool), Error> {
        caller.require_admin()?;
        let actor = caller.require_user()?.to_string();
        check_key(&key)?;
        let scope = format!("payout:{id}:{}:{actor}", step.as_str());
        let by = (Key { scope, key, hash }, actor);
        self.0.store.move_payout(id, step, by, encode, self.now()).await
    }
}
