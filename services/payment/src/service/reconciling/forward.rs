//! Bringing an open transaction to where its provider has it.

use clock::Timestamp;
use fault::Fault;

use super::Reconciler;
use crate::{
    domain::{
        Provider, click,
        reconciliation::{Ours, Theirs},
    },
    store::Entry,
};

/// What bringing forward came to.
pub(super) enum Forward {
    Done,
    /// It was there before.
    Before,
    Refused,
}

impl Reconciler {
    /// Brings an open transaction to where its provider has it, by the same move that the provider's own call would have made.
    pub(super) async fn forward(
        &self,
        provider: Provider,
        ours: &Ours,
        theirs: &Theirs,
        now: Timestamp,
    ) -> Result<Forward, Fault> {
        let line = Entry {
            at: now,
            provider,
            method: "reconciliation".to_owned(),
            remote_ip: String::new(),
            request: theirs.id.clone(),
            status: 0,
            answer: String::new(),
        };
        match provider {
            Provider::Payme => {
                let note = Box::new(move |_: &_| line.clone());
                let (moved, _) =
                    self.payments.store.payme_perform(ours.id.clone(), now, note).await?;
                Ok(match moved {
                    Ok(moved) if moved.first => Forward::Done,
                    Ok(_) => Forward::Before,
                    Err(_) => Forward::Refused,
                })
            }
            Provider::Click => {
                let call = click::Call {
                    trans_id: ours.attempt,
                    paydoc_id: theirs.id.parse().unwrap_or_default(),
                    reference: ours.reference.clone(),
                    amount: ours.amount,
                    amount_text: money::format_decimal(ours.amount),
                    error: 0,
                };
                let note = Box::new(move |_: &_| line.clone());
                let (done, _) =
                    self.payments.store.click_complete(ours.row, call, now, note).await?;
                Ok(match done {
                    Ok(_) => Forward::Done,
                    Err(click::Refusal::Paid) => Forward::Before,
                    Err(_) => Forward::Refused,
                })
            }
            Provider::Uzcard | Provider::Stripe | Provider::Cash => Ok(Forward::Refused),
        }
    }
}
