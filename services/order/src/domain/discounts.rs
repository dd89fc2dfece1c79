//! How promotions lower the price of a cart.
//!
//! The higher priority is served first; of equal ones that which takes more off these goods by itself, then the older one. Each
//! works on what those before it have left. A line takes one discount, or several that all may be combined. Free delivery is no
//! discount of goods: it goes together with every other. Each merchant's share of the platform's price of the delivery is the same.
//!
//! What a promotion takes off is shared out over its lines by the largest remainder, so that the parts add up to the tiyin. Of the
//! goods one soʻm always stays to be paid: nobody can take a payment of nothing.

use clock::Timestamp;
use ids::{MerchantId, PromotionId};
use money::{Money, MoneyError, allocate};
use serde::{Deserialize, Serialize};

use super::{
    Adjustment, Text,
    pricing::Priced,
    promotion::{CURRENCY, Candidate, CodeRefusal, Kind, Promotion, RefusedCode},
};

/// What is left of the goods at least, tiyin.
const FLOOR: i64 = 100;

/// The promotions that may apply, and the codes that the shopper typed.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// Automatic ones, and those of the codes.
    pub candidates: Vec<Candidate>,
    /// Upper case.
    pub codes: Vec<String>,
    /// When.
    pub now: Timestamp,
}

/// A promotion that applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Which.
    pub promotion: PromotionId,
    /// As it was read.
    pub version: i64,
    /// Its name.
    pub name: Text,
    /// The code behind it; empty for automatic ones.
    pub code: String,
    /// What it takes off goods and delivery; zero for free delivery before a delivery is chosen that costs anything.
    pub amount: Money,
    /// Its uses are counted before more are given.
    pub limited: bool,
    /// In how many orders of one shopper it may be.
    pub per_customer: Option<u32>,
}

/// What a promotion takes off one merchant's share of the delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryDiscount {
    /// Whose share; where the merchant funds it, this one.
    pub merchant: MerchantId,
    /// What and why.
    #[serde(flatten)]
    pub adjustment: Adjustment,
}

/// What came of the promotions, beside what stands in the lines.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Those that apply, in the order in which they were served.
    pub applied: Vec<Applied>,
    /// Codes without effect, in the order of the codes.
    pub refused: Vec<RefusedCode>,
    /// What is taken off the delivery.
    pub delivery: Vec<DeliveryDiscount>,
}

/// Lowers the lines; `shares` is what each merchant's goods add to the price of the delivery: nothing while none is chosen.
pub(super) fn apply(
    lines: &mut [Priced],
    shares: Vec<(MerchantId, i64)>,
    offered: &Offered,
) -> Result<Outcome, MoneyError> {
    let mut refused = Vec::new();
    let mut queue: Vec<(&Promotion, i64)> = Vec::with_capacity(offered.candidates.len());
    let mut table = Table::new(lines, shares);
    for candidate in &offered.candidates {
        let promotion = &candidate.promotion;
        match candidate.usable(offered.now) {
            Ok(()) => {
                let alone = table.takes(promotion)?.map_or(0, |parts| total(&parts));
                queue.push((promotion, alone));
            }
            Err(why) => refused.push((promotion.draft.code.clone(), why)),
        }
    }
    queue.sort_by_key(|(promotion, alone)| (-promotion.draft.priority, -alone, promotion.id));
    let mut applied = Vec::new();
    for (promotion, _) in queue {
        match table.serve(promotion)? {
            Ok(amount) => applied.push(Applied {
                promotion: promotion.id,
                version: promotion.version,
                name: promotion.draft.terms.name.clone(),
                code: promotion.draft.code.clone().unwrap_or_default(),
                amount: Money::new(amount, CURRENCY),
                limited: promotion.is_limited(),
                per_customer: promotion.draft.per_customer_limit,
            }),
            Err(why) => refused.push((promotion.draft.code.clone(), why)),
        }
    }
    let delivery = table.finish()?;
    let why = |code: &String| {
        if applied.iter().any(|applied| applied.code == *code) {
            return None;
        }
        let found = refused.iter().find(|(refused, _)| refused.as_ref() == Some(code));
        Some(RefusedCode {
            code: code.clone(),
            why: found.map_or(CodeRefusal::Unknown, |(_, why)| *why),
        })
    };
    let refused = offered.codes.iter().filter_map(why).collect();
    Ok(Outcome { applied, refused, delivery })
}

fn total(parts: &[i64]) -> i64 {
    parts.iter().sum()
}

/// A line that can be bought, while promotions work on it.
struct Row<'l> {
    line: &'l mut Priced,
    /// What is still to be paid, tiyin.
    left: i64,
    /// It has a discount.
    lowered: bool,
    /// Nothing else may be taken off.
    closed: bool,
}

/// One merchant's share of the delivery.
struct Share {
    merchant: MerchantId,
    left: i64,
    discounts: Vec<DeliveryDiscount>,
}

struct Table<'l> {
    rows: Vec<Row<'l>>,
    shares: Vec<Share>,
}

impl<'l> Table<'l> {
    fn new(lines: &'l mut [Priced], shares: Vec<(MerchantId, i64)>) -> Self {
        let rows = lines.iter_mut().filter(|line| line.total.amount > 0);
        let rows: Vec<Row<'l>> = rows
            .map(|line| Row { left: line.total.amount, line, lowered: false, closed: false })
            .collect();
        let share = |(merchant, left)| Share { merchant, left, discounts: Vec::new() };
        Self { rows, shares: shares.into_iter().map(share).collect() }
    }

    /// What the promotion takes off each row, or why it takes nothing.
    fn takes(&self, promotion: &Promotion) -> Result<Result<Vec<i64>, CodeRefusal>, MoneyError> {
        let terms = &promotion.draft.terms;
        if terms.kind == Kind::FreeDelivery {
            return Ok(Ok(Vec::new()));
        }
        let open = |row: &Row<'_>| {
            row.covered_by(promotion) && !row.closed && (terms.combinable || !row.lowered)
        };
        let open: Vec<bool> = self.rows.iter().map(open).collect();
        if let Err(why) = self.reached(promotion) {
            return Ok(Err(why));
        }
        if !open.contains(&true) {
            return Ok(Err(CodeRefusal::NotCombinable));
        }
        let value = terms.value.unwrap_or(100);
        let left: Vec<i64> = self
            .rows
            .iter()
            .zip(&open)
            .map(|(row, open)| if *open { row.left } else { 0 })
            .collect();
        let parts = match terms.kind {
            Kind::Percent => share_out(percent(total(&left), value)?, &left),
            Kind::Fixed => share_out(value.min(total(&left)), &left),
            Kind::BuyXGetY => self.cheapest(&open, (terms.buy, terms.get), value)?,
            Kind::FreeDelivery => Vec::new(),
        };
        // One soʻm stays.
        let most = self.rows.iter().map(|row| row.left).sum::<i64>().saturating_sub(FLOOR).max(0);
        let parts = if total(&parts) > most { share_out(most, &parts) } else { parts };
        Ok(if total(&parts) == 0 { Err(CodeRefusal::NotApplicable) } else { Ok(parts) })
    }

    /// Whether there are goods for it, and enough of them.
    fn reached(&self, promotion: &Promotion) -> Result<(), CodeRefusal> {
        let covered = self.rows.iter().filter(|row| row.covered_by(promotion));
        let mut gross = covered.map(|row| row.line.total.amount).peekable();
        if gross.peek().is_none() {
            return Err(CodeRefusal::NotApplicable);
        }
        let least = promotion.draft.terms.min_total.map_or(0, |least| least.amount);
        if gross.sum::<i64>() < least { Err(CodeRefusal::MinTotal) } else { Ok(()) }
    }

    /// Of every `buy + get` pieces `get` are cheaper by `value` percent: the cheapest of all.
    fn cheapest(
        &self,
        open: &[bool],
        (buy, get): (u32, u32),
        value: i64,
    ) -> Result<Vec<i64>, MoneyError> {
        let mut pieces: Vec<(usize, i64, i64)> = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            if let (price, Some(true)) = (row.line.unit_price, open.get(index)) {
                pieces.push((index, price.amount, i64::from(row.line.line.quantity)));
            }
        }
        let count: i64 = pieces.iter().map(|(.., quantity)| quantity).sum();
        let group = i64::from(buy) + i64::from(get);
        let mut given = if group == 0 { 0 } else { count / group * i64::from(get) };
        pieces.sort_by_key(|(index, price, _)| (*price, *index));
        let mut parts = vec![0; self.rows.len()];
        for (index, price, quantity) in pieces {
            let here = quantity.min(given);
            given -= here;
            let part = percent(price.checked_mul(here).ok_or(MoneyError::Overflow)?, value)?;
            if let (Some(slot), Some(row)) = (parts.get_mut(index), self.rows.get(index)) {
                *slot = part.min(row.left);
            }
        }
        Ok(parts)
    }

    /// Gives what the promotion takes off; the sum, or why there is none.
    fn serve(&mut self, promotion: &Promotion) -> Result<Result<i64, CodeRefusal>, MoneyError> {
        if promotion.draft.terms.kind == Kind::FreeDelivery {
            return Ok(self.deliver(promotion));
        }
        let parts = match self.takes(promotion)? {
            Ok(parts) => parts,
            Err(why) => return Ok(Err(why)),
        };
        let amount = total(&parts);
        if !promotion.affords(amount) {
            return Ok(Err(CodeRefusal::Exhausted));
        }
        for (row, part) in self.rows.iter_mut().zip(parts).filter(|(_, part)| *part > 0) {
            row.left -= part;
            row.lowered = true;
            row.closed = !promotion.draft.terms.combinable;
            row.line.adjustments.push(adjustment(promotion, part));
        }
        Ok(Ok(amount))
    }

    fn deliver(&mut self, promotion: &Promotion) -> Result<i64, CodeRefusal> {
        self.reached(promotion)?;
        let covered = |share: &&mut Share| {
            let own = |row: &Row<'_>| {
                row.covered_by(promotion)
                    && row.line.offer.as_ref().is_some_and(|offer| offer.merchant == share.merchant)
            };
            self.rows.iter().any(own)
        };
        let mut shares: Vec<&mut Share> = self.shares.iter_mut().filter(covered).collect();
        let amount: i64 = shares.iter().map(|share| share.left).sum();
        if amount == 0 && shares.iter().any(|share| !share.discounts.is_empty()) {
            return Err(CodeRefusal::NotCombinable);
        }
        if !promotion.affords(amount) {
            return Err(CodeRefusal::Exhausted);
        }
        for share in shares.iter_mut().filter(|share| share.left > 0) {
            let adjustment = adjustment(promotion, share.left);
            share.left = 0;
            share.discounts.push(DeliveryDiscount { merchant: share.merchant, adjustment });
        }
        Ok(amount)
    }

    /// Writes what is left into the lines.
    fn finish(self) -> Result<Vec<DeliveryDiscount>, MoneyError> {
        for row in self.rows {
            let left = Money::new(row.left, row.line.total.currency);
            row.line.discount = row.line.total.minus(left)?;
            row.line.total = left;
        }
        Ok(self.shares.into_iter().flat_map(|share| share.discounts).collect())
    }
}

impl Row<'_> {
    fn covered_by(&self, promotion: &Promotion) -> bool {
        self.line.offer.as_ref().is_some_and(|offer| promotion.covers(offer))
    }
}

fn adjustment(promotion: &Promotion, amount: i64) -> Adjustment {
    Adjustment {
        promotion: promotion.id,
        name: promotion.draft.terms.name.clone(),
        code: promotion.draft.code.clone().unwrap_or_default(),
        amount: Money::new(amount, CURRENCY),
        funded_by: promotion.draft.funded_by,
    }
}

fn percent(amount: i64, percent: i64) -> Result<i64, MoneyError> {
    let percent = u32::try_from(percent).map_err(|_| MoneyError::Overflow)?;
    Ok(Money::new(amount, CURRENCY).percent(percent)?.amount)
}

/// Shares a sum out over rows in proportion; a row without weight gets nothing.
fn share_out(sum: i64, weights: &[i64]) -> Vec<i64> {
    if sum <= 0 {
        return vec![0; weights.len()];
    }
    let weights: Vec<u64> = weights.iter().map(|weight| weight.max(&0).unsigned_abs()).collect();
    allocate(sum, &weights)
}

#[cfg(test)]
mod tests;
