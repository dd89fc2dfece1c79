//! What merchants see of their money, and the watch over the ledger.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{EntryId, MerchantId, OfferId, OrderId, PayoutId};
use mesh::{Caller, StaffRole};
use money::Money;
use time::Date;

use super::Orders;
use crate::{
    domain::{
        ledger::{self, Account, Kind},
        report::{self, Figures, Group},
    },
    error::Error,
    store::ledger::{Audited, Balance, Movement, Place, Statement, Turnover, Written},
};

/// Orders looked at in one go.
const BATCH: u32 = 100;
/// How far back orders are looked at again and again, milliseconds: longer than goods may come back.
const WATCHED: i64 = 45 * 86_400_000;

/// One side of a posting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) id: EntryId,
    pub(crate) at: Timestamp,
    pub(crate) kind: Kind,
    pub(crate) order: Option<OrderId>,
    pub(crate) payout: Option<PayoutId>,
    pub(crate) account: Account,
    pub(crate) debit: Money,
    pub(crate) credit: Money,
}

/// The two sides have names of their own: the last bit says which it is. Postings have even names.
fn legs(posting: &Written) -> [Leg; 2] {
    let zero = Money::zero(posting.amount.currency);
    let leg = |credits: bool| Leg {
        id: EntryId::from_u128(posting.id.as_u128() | u128::from(credits)),
        at: posting.at,
        kind: posting.kind,
        order: posting.order,
        payout: posting.payout,
        account: if credits { posting.credit } else { posting.debit },
        debit: if credits { zero } else { posting.amount },
        credit: if credits { posting.amount } else { zero },
    };
    [leg(false), leg(true)]
}

/// The merchant whose money the caller may look at.
pub(super) fn financier(caller: &Caller) -> Result<MerchantId, Error> {
    let merchant = caller.require_merchant(StaffRole::Viewer)?;
    caller.require_scope("finance:read")?;
    Ok(merchant)
}

impl Orders {
    /// What the platform owes the caller's merchant.
    pub(crate) async fn balance(&self, caller: &Caller) -> Result<Balance, Error> {
        self.0.store.balance(financier(caller)?, self.now()).await
    }

    /// A page of the entries of the caller's merchant, newest first, and whether there are more.
    pub(crate) async fn statement(
        &self,
        caller: &Caller,
        (from, to): (Timestamp, Timestamp),
        account: Option<Account>,
        after: Option<Place<EntryId>>,
        limit: u32,
    ) -> Result<(Vec<Leg>, bool), Error> {
        let merchant = financier(caller)?;
        let statement = Statement { merchant, from, to, account };
        let posting = |place: Place<EntryId>| {
            let id = EntryId::from_u128(place.id.as_u128() & !1);
            Place { id, ..place }
        };
        // One more than asked for tells whether there are more, and another may begin before the page.
        let found = self.0.store.statement(statement, after.map(posting), limit + 2).await?;
        // Newest first; of one posting, the debit first.
        let seen = |leg: &Leg| {
            after.is_some_and(|last| leg.at == last.at && same_or_before(leg.id, last.id))
        };
        let mut legs: Vec<Leg> = found
            .iter()
            .flat_map(legs)
            .filter(|leg| account.is_none_or(|account| leg.account == account) && !seen(leg))
            .collect();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = legs.len() > limit;
        legs.truncate(limit);
        Ok((legs, more))
    }

    /// What the caller's merchant sold in each period from one day to another.
    pub(crate) async fn sales_report(
        &self,
        caller: &Caller,
        (from, to): (Date, Date),
        group: Group,
    ) -> Result<Vec<(Date, Figures)>, Error> {
        let merchant = financier(caller)?;
        // Before anything is read.
        report::periods(&BTreeMap::new(), (from, to), group).ok_or(Error::ReportTooLong)?;
        let end = to.next_day().unwrap_or(to);
        let days = self.0.store.figures(merchant, report::begin(from), report::begin(end)).await?;
        report::periods(&days, (from, to), group).ok_or(Error::ReportTooLong)
    }

    /// What the platform sold today, and in the last seven and thirty days.
    pub(crate) async fn dashboard(&self, caller: &Caller) -> Result<[Turnover; 3], Error> {
        caller.require_admin()?;
        let today = report::day(self.now());
        let mut figures = [Turnover::default(); 3];
        for (days, turnover) in [0, 6, 29].into_iter().zip(&mut figures) {
            let since = today.checked_sub(time::Duration::days(days)).unwrap_or(today);
            *turnover = self.0.store.turnover(report::begin(since)).await?;
        }
        Ok(figures)
    }

    /// A page of the movements of an offer of the caller's merchant, and whether there are more.
    pub(crate) async fn movements(
        &self,
        caller: &Caller,
        offer: OfferId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<Movement>, bool), Error> {
        let merchant = caller.require_merchant(StaffRole::Viewer)?;
        caller.require_scope("products:read")?;
        let found = self.0.store.movements(merchant, offer, before, limit + 1).await?;
        let mut found = found.ok_or(Error::OfferNotFound)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }

    /// Today, in Tashkent.
    pub(crate) fn today(&self) -> Date {
        report::day(self.now())
    }

    /// Compares some orders with what the ledger holds of them, and goes on where the last look ended.
    pub(super) async fn audit(&self, walk: &mut Walk) -> Result<(), Error> {
        let begin = OrderId::from_u128(
            u128::try_from(self.now().millis().saturating_sub(WATCHED)).unwrap_or(0) << 80,
        );
        let page = self.0.store.audit(Some(walk.after.unwrap_or(begin)), BATCH).await?;
        for audited in &page {
            let difference = difference(audited);
            if difference != 0 {
                let order = audited.order.id;
                tracing::error!(order.id = %order, difference, "the ledger holds something else than the order says");
            }
            walk.found = walk.found.saturating_add(difference);
        }
        walk.after = page.last().map(|audited| audited.order.id);
        if walk.after.is_none() {
            walk.last = std::mem::take(&mut walk.found);
        }
        // What the last walk found is told until this one has found less.
        self.0.imbalance.with_label_values::<&str>(&[]).set(walk.found.max(walk.last));
        Ok(())
    }
}

/// How far a walk through the orders is.
#[derive(Debug, Default)]
pub(super) struct Walk {
    after: Option<OrderId>,
    found: i64,
    last: i64,
}

/// By how much ledger and order differ, tiyin.
fn difference(audited: &Audited) -> i64 {
    let mut sums = ledger::expected(&audited.order);
    for (key, held) in &audited.held {
        *sums.entry(*key).or_insert(0) -= held;
    }
    sums.values().fold(0, |sum, value| sum.saturating_add(value.saturating_abs()))
}

/// Whether an entry of the same moment stands at or before another, newest first.
fn same_or_before(leg: EntryId, last: EntryId) -> bool {
    let posting = |id: EntryId| id.as_u128() | 1;
    match posting(leg).cmp(&posting(last)) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => leg <= last,
        std::cmp::Ordering::Less => false,
    }
}
