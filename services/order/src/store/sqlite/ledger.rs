//! What is owed to merchants: postings of orders' moves, and how they are read.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{EntryId, MerchantId, OfferId, OrderId, PayoutId};
use money::{Currency, Money};
use serde::de::DeserializeOwned;
use sqlite::{Connection, Error, FromRow, Row, params};
use time::Date;

use super::rows::{self, select_orders};
use crate::{
    domain::{
        Order,
        ledger::{self, Account, Posting},
        payout::TASHKENT,
        report::{self, Figures},
    },
    store::ledger::{Audited, Balance, Movement, Place, Statement, Turnover, Written, entry},
};

/// Posts what a move adds, and notes what it makes of the sales.
pub(super) fn book(
    connection: &Connection,
    before: Option<&Order>,
    after: &Order,
    now: Timestamp,
) -> Result<(), Error> {
    for posting in ledger::postings(before, after) {
        let order = Some((after.id, after.version));
        post(connection, &posting, order, None, now)?;
    }
    for change in ledger::sales(before, after, now) {
        let (merchant, order) = (change.merchant.to_string(), after.id.to_string());
        let available_at = change.available_at.map_or(i64::MAX, Timestamp::millis);
        match change.sold {
            Some(sold) => connection.execute(
                "insert into sales (merchant_id, order_id, sold_at, pieces, gross, discount, currency, available_at)
                 values (?, ?, ?, ?, ?, ?, ?, ?)",
                params![
                    merchant,
                    order,
                    now.millis(),
                    sold.pieces,
                    sold.gross,
                    sold.discount,
                    sold.currency.code(),
                    available_at
                ],
            )?,
            None => connection.execute(
                "update sales set available_at = ?3 where merchant_id = ?1 and order_id = ?2",
                params![merchant, order, available_at],
            )?,
        };
    }
    Ok(())
}

pub(super) fn post(
    connection: &Connection,
    posting: &Posting,
    order: Option<(OrderId, i64)>,
    payout: Option<PayoutId>,
    now: Timestamp,
) -> Result<(), Error> {
    connection.execute(
        "insert into ledger
         (id, at, kind, merchant_id, order_id, order_version, payout_id, debit, credit, currency, amount)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            entry().to_string(),
            now.millis(),
            rows::name(&posting.kind)?,
            posting.merchant.map(|id| id.to_string()),
            order.map(|(id, _)| id.to_string()),
            order.map(|(_, version)| version),
            payout.map(|id| id.to_string()),
            rows::name(&posting.debit)?,
            rows::name(&posting.credit)?,
            posting.amount.currency.code(),
            posting.amount.amount,
        ],
    )?;
    Ok(())
}

/// What a merchant's account holds, and what of that belongs to sales that may still come back at a moment.
pub(super) fn balance(
    connection: &Connection,
    merchant: MerchantId,
    until: Timestamp,
) -> Result<Balance, Error> {
    let currency = Currency::default();
    let (total, pending): (i64, i64) = connection.one(
        "select (select coalesce(sum(case when credit = 'merchant' then amount when debit = 'merchant' then -amount else 0 end), 0)
                 from ledger where merchant_id = ?1 and currency = ?2),
                (select coalesce(sum(case when l.credit = 'merchant' then l.amount when l.debit = 'merchant' then -l.amount else 0 end), 0)
                 from sales s join ledger l on l.order_id = s.order_id and l.merchant_id = s.merchant_id
                 where s.merchant_id = ?1 and s.currency = ?2 and s.available_at > ?3)",
        params![merchant.to_string(), currency.code(), until.millis()],
    )?;
    Ok(Balance {
        available: Money::new(total - pending, currency),
        pending: Money::new(pending, currency),
    })
}

pub(super) fn money(row: &Row<'_>) -> Result<Money, Error> {
    let currency: String = row.get("currency")?;
    let currency = currency.parse::<Currency>().map_err(Error::value)?;
    Ok(Money::new(row.get("amount")?, currency))
}

pub(super) fn named<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T, Error> {
    let name: String = row.get(column)?;
    rows::unjson(&format!("\"{name}\""))
}

fn parsed<K: ids::Kind>(row: &Row<'_>, column: &str) -> Result<Option<ids::Id<K>>, Error> {
    let id: Option<String> = row.get(column)?;
    id.map(|id| rows::parsed(&id)).transpose()
}

impl FromRow for Written {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let id: String = row.get("id")?;
        Ok(Self {
            id: rows::parsed(&id)?,
            at: Timestamp::from_millis(row.get("at")?),
            kind: named(row, "kind")?,
            order: parsed(row, "order_id")?,
            payout: parsed(row, "payout_id")?,
            debit: named(row, "debit")?,
            credit: named(row, "credit")?,
            amount: money(row)?,
        })
    }
}

pub(super) fn statement(
    connection: &Connection,
    statement: Statement,
    from: Option<Place<EntryId>>,
    limit: u32,
) -> Result<Vec<Written>, Error> {
    let Statement { merchant, from: begin, to, account } = statement;
    // Nothing sorts after a tilde.
    let (at, id) =
        from.map_or((i64::MAX, "~".to_owned()), |place| (place.at.millis(), place.id.to_string()));
    connection.all(
        "select id, at, kind, order_id, payout_id, debit, credit, currency, amount from ledger
         where merchant_id = ?1 and at >= ?2 and at < ?3 and (at, id) <= (?4, ?5)
         and (?6 is null or ?6 in (debit, credit)) order by at desc, id desc limit ?7",
        params![
            merchant.to_string(),
            begin.millis(),
            to.millis(),
            at,
            id,
            account.as_ref().map(rows::name).transpose()?,
            limit
        ],
    )
}

pub(super) fn figures(
    connection: &Connection,
    merchant: MerchantId,
    from: Timestamp,
    to: Timestamp,
) -> Result<BTreeMap<Date, Figures>, Error> {
    let shift = i64::try_from(TASHKENT.as_millis()).unwrap_or(0);
    let range = || params_of(merchant, from, to, shift);
    let sold: Vec<(i64, i64, i64, i64, i64)> = connection.all(
        "select (sold_at + ?4) / 86400000, count(*), sum(pieces), sum(gross), sum(discount)
         from sales where merchant_id = ?1 and sold_at >= ?2 and sold_at < ?3 group by 1",
        range(),
    )?;
    let back: Vec<(i64, i64)> = connection.all(
        "select (at + ?4) / 86400000, sum(case when debit = 'merchant' then amount else -amount end)
         from ledger where merchant_id = ?1 and at >= ?2 and at < ?3 and kind = 'refund'
         and (debit, credit) in (values ('merchant', 'shopper'), ('shopper', 'merchant')) group by 1",
        range(),
    )?;
    let mut days: BTreeMap<Date, Figures> = BTreeMap::new();
    for (day, orders, items, gross, discounts) in sold {
        if let Some(day) = report::numbered(day) {
            days.insert(day, Figures { orders, items, gross, discounts, refunds: 0 });
        }
    }
    for (day, refunds) in back {
        if let Some(day) = report::numbered(day) {
            days.entry(day).or_default().refunds = refunds;
        }
    }
    Ok(days)
}

fn params_of(
    merchant: MerchantId,
    from: Timestamp,
    to: Timestamp,
    shift: i64,
) -> (String, i64, i64, i64) {
    (merchant.to_string(), from.millis(), to.millis(), shift)
}

pub(super) fn turnover(connection: &Connection, since: Timestamp) -> Result<Turnover, Error> {
    let (orders, turnover): (i64, i64) = connection.one(
        "select count(*), coalesce(sum(gross - discount), 0) from sales where sold_at >= ?",
        [since.millis()],
    )?;
    let commission: i64 = connection.one(
        "select coalesce(sum(case when credit = 'commission' then amount else -amount end), 0)
         from ledger where at >= ? and kind = 'commission' and 'commission' in (debit, credit)",
        [since.millis()],
    )?;
    Ok(Turnover { orders, turnover, commission })
}

pub(super) fn audit(
    connection: &Connection,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<Audited>, Error> {
    let after = after.map_or(String::new(), |id| id.to_string());
    let orders: Vec<Order> = connection
        .all(select_orders!("where o.id > ? order by o.id limit ?"), params![after, limit])?;
    let mut audited = Vec::with_capacity(orders.len());
    for order in orders {
        let sums: Vec<(Option<String>, String, i64)> = connection.all(
            "select merchant_id, account, sum(amount) from (
                 select merchant_id, debit as account, -amount as amount from ledger where order_id = ?1
                 union all select merchant_id, credit, amount from ledger where order_id = ?1
             ) group by 1, 2 having sum(amount) <> 0",
            [order.id.to_string()],
        )?;
        let mut held = BTreeMap::new();
        for (merchant, account, amount) in sums {
            let merchant = merchant.map(|id| rows::parsed(&id)).transpose()?;
            let account: Account = rows::unjson(&format!("\"{account}\""))?;
            held.insert((merchant, account), amount);
        }
        audited.push(Audited { order, held });
    }
    Ok(audited)
}

impl FromRow for Movement {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            entry: row.get("entry")?,
            at: Timestamp::from_millis(row.get("at")?),
            available: row.get("available")?,
            reserved: row.get("reserved")?,
            cause: row.get("cause")?,
            order: parsed(row, "order_id")?,
        })
    }
}

pub(super) fn movements(
    connection: &Connection,
    merchant: MerchantId,
    offer: OfferId,
    before: Option<i64>,
    limit: u32,
) -> Result<Option<Vec<Movement>>, Error> {
    let offer = offer.to_string();
    let own: bool = connection.one(
        "select exists (select 1 from offers where id = ? and merchant_id = ?)",
        [&offer, &merchant.to_string()],
    )?;
    if !own {
        return Ok(None);
    }
    let found = connection.all(
        "select entry, at, available, reserved, cause, order_id from stock_ledger
         where offer_id = ?1 and entry < ?2 order by entry desc limit ?3",
        params![offer, before.unwrap_or(i64::MAX), limit],
    )?;
    Ok(Some(found))
}
