//! The port to the store for payments on pages of providers. Each method is one transaction; what happens in it is decided by
//! [`decide`](crate::domain::hosted::decide).

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{PaymentId, RefundId};

use super::{Entry, Note};
use crate::domain::{
    Payment, Provider,
    hosted::{Act, Hosted, Outcome},
};

/// Which payment an act is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// This one.
    Payment(PaymentId),
    /// The one that this provider knows under this name.
    Remote(Provider, String),
}

/// Something that happens to a payment on a page.
#[derive(Debug, Clone)]
pub struct Acting {
    /// To which.
    pub which: Which,
    /// What.
    pub act: Act,
    /// The provider's name of the event that tells it: it has its effect once.
    pub event: Option<(Provider, String)>,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// For the caller.
    pub outcome: Outcome,
    /// As it is now; none when there is no such payment.
    pub hosted: Option<Hosted>,
    /// The payment as it is now.
    pub payment: Option<Payment>,
}

/// What a refund gives back of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// The charge.
    pub hosted: Hosted,
    /// How much of it, in hundredths of its currency.
    pub amount: i64,
    /// What the provider calls the refund; empty while that is not known.
    pub remote_id: String,
}

/// Payments on pages of providers.
#[async_trait]
pub trait HostedStore: Send + Sync + 'static {
    /// Does what follows from an act, with its line in the journal. An act that came too early leaves nothing behind.
    async fn hosted_act(
        &self,
        acting: Acting,
        now: Timestamp,
        note: Option<Note<Acted>>,
    ) -> Result<(Acted, Option<Entry>), Fault>;
    /// At most `limit` payments that it is time to ask for; others are not given them before `until`.
    async fn hosted_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Hosted, Payment)>, Fault>;
    /// What a refund gives back of a charge: worked out once. None when its payment was not paid on a page.
    async fn hosted_back(&self, refund: RefundId) -> Result<Option<Back>, Fault>;
    /// What the provider calls a refund; the last word counts.
    async fn hosted_back_named(&self, refund: RefundId, remote_id: &str) -> Result<(), Fault>;
    /// Payments that people have to look at.
    async fn hosted_trouble(&self) -> Result<i64, Fault>;
    /// Forgets events before a moment.
    async fn forget_events(&self, before: Timestamp) -> Result<(), Fault>;
}
