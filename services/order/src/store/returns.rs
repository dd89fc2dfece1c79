//! The port to the store for what happens after a payment: returns, refunds, and the end of orders. The documents live in the order
//! and change with its moves; the tables beside it are there to find them, to hold the sums, and to say what waits.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{MerchantId, OrderId, RefundId, ReturnId};

use super::{Applied, Key, Remembered, Step};
use crate::{
    domain::{Order, RefundState, ReturnState, Status},
    error::Error,
};

/// Encodes the answer of a move that has a key.
pub type Answering = Box<dyn Fn(&Order) -> Vec<u8> + Send>;

/// What came of a move with a key.
#[derive(Debug, Clone)]
pub enum Keyed {
    /// It was made now; the answer is kept with it.
    Done(Box<Applied>, Vec<u8>),
    /// The key was seen before.
    Before(Remembered),
}

/// Where a page of returns or refunds begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<I> {
    /// When the last one of the page before was asked for.
    pub at: Timestamp,
    /// Which it was.
    pub id: I,
}

/// What the tables beside an order say after a move: whatever of it is `None` has not changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Following {
    /// What was paid and what goes back of it.
    pub(super) money: Option<(i64, i64)>,
    /// Lines of which pieces are gone: bought, and cancelled or asked back.
    pub(super) pieces: Vec<(ids::ItemId, u32, u32)>,
    /// When a delivered order is completed.
    pub(super) completes: Completion,
}

/// What becomes of the moment at which an order is completed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Completion {
    #[default]
    Same,
    At(Timestamp),
    /// Not by the clock.
    Never,
}

impl Following {
    /// What a move changes.
    pub(super) fn of(before: &Order, after: &Order) -> Self {
        let refunds = before.body.refunds != after.body.refunds;
        let gone = |order: &Order, item| order.claimed(item) + item.cancelled;
        let pieces = after.body.items.iter().filter_map(|item| {
            let old = before.body.items.iter().find(|old| old.id == item.id)?;
            let gone_now = gone(after, item);
            (gone(before, old) != gone_now).then_some((item.id, item.quantity, gone_now))
        });
        let delivered = |order: &Order| (order.status == Status::Delivered).then_some(());
        let moved = delivered(before) != delivered(after);
        Self {
            money: refunds.then(|| (after.paid_sum(), after.refunds_sum(None))),
            pieces: pieces.collect(),
            completes: match after.completes_at() {
                _ if !moved => Completion::Same,
                Some(due) => Completion::At(due),
                None => Completion::Never,
            },
        }
    }
}

/// Returns, refunds and the end of orders.
#[async_trait]
pub trait ReturnStore: Send + Sync + 'static {
    /// Moves an order as by `apply`, once for each key. The answer is kept in the same transaction.
    async fn apply_keyed(
        &self,
        id: OrderId,
        key: Key,
        step: Step,
        answer: Answering,
        now: Timestamp,
    ) -> Result<Keyed, Error>;
    /// A merchant's returns with their orders, newest first; in any state or in one.
    async fn returns(
        &self,
        merchant: MerchantId,
        state: Option<ReturnState>,
        after: Option<Mark<ReturnId>>,
        limit: u32,
    ) -> Result<Vec<(ReturnId, Order)>, Error>;
    /// The order of a merchant's return.
    async fn order_of_return(
        &self,
        merchant: MerchantId,
        id: ReturnId,
    ) -> Result<Option<Order>, Error>;
    /// All refunds with their orders, newest first; in any state or in one.
    async fn refunds(
        &self,
        state: Option<RefundState>,
        after: Option<Mark<RefundId>>,
        limit: u32,
    ) -> Result<Vec<(RefundId, Order)>, Error>;
    /// The order of a refund.
    async fn order_of_refund(&self, id: RefundId) -> Result<Option<OrderId>, Error>;
    /// Refunds that wait for the payment service and are due, the oldest first. One that is given out is left alone until `again`.
    async fn refunds_due(
        &self,
        now: Timestamp,
        again: Timestamp,
        limit: u32,
    ) -> Result<Vec<(RefundId, OrderId, u32)>, Error>;
    /// Leaves a refund alone until then.
    async fn refund_later(&self, id: RefundId, at: Timestamp) -> Result<(), Error>;
    /// Delivered orders whose time to bring things back is over.
    async fn completions_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OrderId>, Error>;
    /// Looks at a delivered order again then.
    async fn complete_later(&self, id: OrderId, at: Timestamp) -> Result<(), Error>;
}
