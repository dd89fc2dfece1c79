//! The port to the store for money owed to merchants: what moves of orders post is written by their own transactions; this is how it
//! is read and paid out.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clock::Timestamp;
use ids::{EntryId, MerchantId, OfferId, OrderId, PayoutId};
use money::Money;
use time::Date;

use super::Key;
use crate::{
    domain::{
        Order,
        ledger::{Account, Kind},
        payout::{Payout, PayoutMove, PayoutState},
        report::Figures,
    },
    error::Error,
};

/// A name for a posting: an even one, so that each of its sides has one of its own.
pub(super) fn entry() -> EntryId {
    EntryId::from_u128(EntryId::new().as_u128() & !1)
}

/// A merchant's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// May be paid out. Below zero when more went back than was left.
    pub available: Money,
    /// Of sales whose goods may still come back.
    pub pending: Money,
}

/// A posting as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in domain::ledger::Posting")]
pub struct Written {
    pub id: EntryId,
    pub at: Timestamp,
    pub kind: Kind,
    pub order: Option<OrderId>,
    pub payout: Option<PayoutId>,
    pub debit: Account,
    pub credit: Account,
    pub amount: Money,
}

/// Which postings of a merchant to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub merchant: MerchantId,
    /// From then on.
    pub from: Timestamp,
    /// Before then.
    pub to: Timestamp,
    /// Only what this account gives or takes.
    pub account: Option<Account>,
}

/// Where a page begins: the place of the last one of the page before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<I> {
    /// When.
    pub at: Timestamp,
    /// Which.
    pub id: I,
}

/// What came of making payouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drafted {
    /// Some merchants were looked at; these payouts were made.
    Some(Vec<Payout>),
    /// Another process is at it.
    Busy,
    /// Every merchant has been looked at.
    Finished,
}

/// A movement of stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Grows.
    pub entry: i64,
    /// When.
    pub at: Timestamp,
    /// Pieces that became available, or were taken.
    pub available: i64,
    /// Pieces that became reserved, or were let go of.
    pub reserved: i64,
    /// "counted", "held", "sold", "released" or "returned".
    pub cause: String,
    /// The order behind it.
    pub order: Option<OrderId>,
}

/// What the platform sold in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turnover {
    /// Merchants' sales.
    pub orders: i64,
    /// What shoppers paid for goods.
    pub turnover: i64,
    /// The platform's commission, without VAT, refunds taken off.
    pub commission: i64,
}

/// What the ledger holds of an order, beside the order.
#[derive(Debug, Clone)]
pub struct Audited {
    /// As it is.
    pub order: Order,
    /// How much more each account of each merchant has been given than taken for the order.
    pub held: BTreeMap<(Option<MerchantId>, Account), i64>,
}

/// Encodes what is answered to whoever moves a payout.
pub type Encode = fn(&Payout) -> Vec<u8>;

/// Reads the ledger, and pays.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// What a merchant has now, in so'm.
    async fn balance(&self, merchant: MerchantId, now: Timestamp) -> Result<Balance, Error>;
    /// A page of a merchant's postings, newest first, beginning with the one at `from`.
    async fn statement(
        &self,
        statement: Statement,
        from: Option<Place<EntryId>>,
        limit: u32,
    ) -> Result<Vec<Written>, Error>;
    /// What a merchant sold and gave back on each day in Tashkent of a time; days without either are left out.
    async fn figures(
        &self,
        merchant: MerchantId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<Date, Figures>, Error>;
    /// What was sold since.
    async fn turnover(&self, since: Timestamp) -> Result<Turnover, Error>;

    /// Makes payouts of what became available until the end of a period, for some merchants that have at least `minimum`, and
    /// posts what is set aside. Asked until it has finished, it has looked at each merchant once, whoever asks.
    async fn draft_payouts(
        &self,
        period_end: Timestamp,
        minimum: i64,
        now: Timestamp,
    ) -> Result<Drafted, Error>;
    /// A page of payouts, newest first: a merchant's, or all.
    async fn payouts(
        &self,
        merchant: Option<MerchantId>,
        state: Option<PayoutState>,
        after: Option<Place<PayoutId>>,
        limit: u32,
    ) -> Result<Vec<Payout>, Error>;
    /// Moves a payout with what the ledger holds of it, once for each key; the answer, and whether it was given before.
    async fn move_payout(
        &self,
        id: PayoutId,
        step: PayoutMove,
        by: (Key, String),
        encode: Encode,
        now: Timestamp,
    ) -> Result<(Vec<u8>, bool), Error>;

    /// Orders after this one by id, with what the ledger holds of each.
    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<Audited>, Error>;
    /// A page of the movements of a merchant's offer, newest first. None: the merchant has no such offer.
    async fn movements(
        &self,
        merchant: MerchantId,
        offer: OfferId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Option<Vec<Movement>>, Error>;
}
