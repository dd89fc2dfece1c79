//! What is owed to merchants: postings of orders' moves, and how they are read.

use std::collections::BTreeMap;

use clock::Timestamp;
use ids::{EntryId, MerchantId, OfferId, OrderId, PayoutId};
use money::{Currency, Money, ParseCurrencyError};
use postgres::{moment, timestamp, uuid};
use sqlx::{
    FromRow, PgConnection, Row as _,
    postgres::PgRow,
    query, query_as, query_scalar,
    types::{Json, Uuid, time::OffsetDateTime},
};
use time::Date;

use super::rows;
use crate::{
    domain::{
        Order,
        ledger::{self, Account, Posting},
        report::{self, Figures},
    },
    store::ledger::{Audited, Balance, Movement, Place, Statement, Turnover, Written, entry},
};

/// Later than everything: 9999-12-31.
pub(super) const LAST: Timestamp = Timestamp::from_millis(253_402_214_400_000);

/// Posts what a move adds, and notes what it makes of the sales. The order's row is locked.
pub(super) async fn book(
    connection: &mut PgConnection,
    before: Option<&Order>,
    after: &Order,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let postings = ledger::postings(before, after);
    let order = Some((after.id, after.version));
    post(connection, &postings, order, None, now).await?;
    for change in ledger::sales(before, after, now) {
        let available_at = change.available_at.map(moment);
        let statement = match change.sold {
            Some(sold) => query(
                "insert into sales (merchant_id, order_id, available_at, sold_at, pieces, gross, discount, currency)
                 values ($1, $2, coalesce($3, 'infinity'), $4, $5, $6, $7, $8)",
            )
            .bind(uuid(change.merchant))
            .bind(uuid(after.id))
            .bind(available_at)
            .bind(moment(now))
            .bind(sold.pieces)
            .bind(sold.gross)
            .bind(sold.discount)
            .bind(sold.currency.code()),
            None => query(
                "update sales set available_at = coalesce($3, 'infinity') where merchant_id = $1 and order_id = $2",
            )
            .bind(uuid(change.merchant))
            .bind(uuid(after.id))
            .bind(available_at),
        };
        statement.execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn post(
    connection: &mut PgConnection,
    postings: &[Posting],
    order: Option<(OrderId, i64)>,
    payout: Option<PayoutId>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    if postings.is_empty() {
        return Ok(());
    }
    let names = |name: fn(&Posting) -> Result<String, sqlx::Error>| {
        postings.iter().map(name).collect::<Result<Vec<_>, _>>()
    };
    let merchants: Vec<Option<Uuid>> =
        postings.iter().map(|posting| posting.merchant.map(uuid)).collect();
    let currencies: Vec<&str> =
        postings.iter().map(|posting| posting.amount.currency.code()).collect();
    query(
        "insert into ledger
         (id, at, kind, merchant_id, order_id, order_version, payout_id, debit, credit, currency, amount)
         select p.id, $2, p.kind, p.merchant, $3, $4, $5, p.debit, p.credit, p.currency, p.amount
         from unnest($1::uuid[], $6::text[], $7::uuid[], $8::text[], $9::text[], $10::text[], $11::bigint[])
              as p (id, kind, merchant, debit, credit, currency, amount)",
    )
    .bind(postings.iter().map(|_| uuid(entry())).collect::<Vec<_>>())
    .bind(moment(now))
    .bind(order.map(|(id, _)| uuid(id)))
    .bind(order.map(|(_, version)| version))
    .bind(payout.map(uuid))
    .bind(names(|posting| rows::name(&posting.kind))?)
    .bind(merchants)
    .bind(names(|posting| rows::name(&posting.debit))?)
    .bind(names(|posting| rows::name(&posting.credit))?)
    .bind(currencies)
    .bind(postings.iter().map(|posting| posting.amount.amount).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

/// What a merchant's account holds, and what of that belongs to sales that may still come back at a moment.
pub(super) async fn balance(
    connection: &mut PgConnection,
    merchant: MerchantId,
    until: Timestamp,
) -> Result<Balance, sqlx::Error> {
    let currency = Currency::default();
    let (total, pending): (i64, i64) =
        query_as("select total, pending from ledger_balance($1, $2, $3)")
            .bind(uuid(merchant))
            .bind(currency.code())
            .bind(moment(until))
            .fetch_one(connection)
            .await?;
    Ok(Balance {
        available: Money::new(total - pending, currency),
        pending: Money::new(pending, currency),
    })
}

pub(super) fn money(row: &PgRow) -> Result<Money, sqlx::Error> {
    let currency = row.try_get::<&str, _>("currency")?.parse::<Currency>();
    let currency =
        currency.map_err(|error: ParseCurrencyError| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Money::new(row.try_get("amount")?, currency))
}

impl FromRow<'_, PgRow> for Written {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: rows::id(row, "id")?,
            at: timestamp(row.try_get("at")?),
            kind: rows::named(row, "kind")?,
            order: row.try_get::<Option<Uuid>, _>("order_id")?.map(postgres::id),
            payout: row.try_get::<Option<Uuid>, _>("payout_id")?.map(postgres::id),
            debit: rows::named(row, "debit")?,
            credit: rows::named(row, "credit")?,
            amount: money(row)?,
        })
    }
}

pub(super) async fn statement(
    connection: &mut PgConnection,
    statement: Statement,
    from: Option<Place<EntryId>>,
    limit: u32,
) -> Result<Vec<Written>, sqlx::Error> {
    let Statement { merchant, from: begin, to, account } = statement;
    let (at, id) = from.map_or((LAST, Uuid::max()), |place| (place.at, uuid(place.id)));
    query_as(
        "select id, at, kind, order_id, payout_id, debit, credit, currency, amount from ledger
         where merchant_id = $1 and at >= $2 and at < $3 and (at, id) <= ($4, $5)
         and ($6::text is null or $6 in (debit, credit)) order by at desc, id desc limit $7",
    )
    .bind(uuid(merchant))
    .bind(moment(begin))
    .bind(moment(to.min(LAST)))
    .bind(moment(at))
    .bind(id)
    .bind(account.as_ref().map(rows::name).transpose()?)
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await
}

pub(super) async fn figures(
    connection: &mut PgConnection,
    merchant: MerchantId,
    from: Timestamp,
    to: Timestamp,
) -> Result<BTreeMap<Date, Figures>, sqlx::Error> {
    // Tashkent is five hours ahead, all year.
    let rows: Vec<(i64, i64, i64, i64, i64, i64)> = query_as(
        "select day, sum(orders)::bigint, sum(pieces)::bigint, sum(gross)::bigint, sum(discount)::bigint, sum(back)::bigint from (
             select (extract(epoch from sold_at)::bigint + 18000) / 86400 as day, 1 as orders, pieces, gross, discount, 0 as back
             from sales where merchant_id = $1 and sold_at >= $2 and sold_at < $3
             union all
             select (extract(epoch from at)::bigint + 18000) / 86400, 0, 0, 0, 0,
                    case when debit = 'merchant' then amount else -amount end
             from ledger where merchant_id = $1 and at >= $2 and at < $3 and kind = 'refund'
             and ((debit = 'merchant' and credit = 'shopper') or (debit = 'shopper' and credit = 'merchant'))
         ) movements group by day",
    )
    .bind(uuid(merchant))
    .bind(moment(from))
    .bind(moment(to))
    .fetch_all(connection)
    .await?;
    let day = |(day, orders, items, gross, discounts, refunds)| {
        Some((report::numbered(day)?, Figures { orders, items, gross, discounts, refunds }))
    };
    Ok(rows.into_iter().filter_map(day).collect())
}

pub(super) async fn turnover(
    connection: &mut PgConnection,
    since: Timestamp,
) -> Result<Turnover, sqlx::Error> {
    let (orders, turnover, commission) = query_as(
        "select (select count(*) from sales where sold_at >= $1),
                (select coalesce(sum(gross - discount), 0)::bigint from sales where sold_at >= $1),
                (select coalesce(sum(case when credit = 'commission' then amount else -amount end), 0)::bigint
                 from ledger where at >= $1 and kind = 'commission' and 'commission' in (debit, credit))",
    )
    .bind(moment(since))
    .fetch_one(connection)
    .await?;
    Ok(Turnover { orders, turnover, commission })
}

/// One statement, so that both are of one moment.
pub(super) async fn audit(
    connection: &mut PgConnection,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<Audited>, sqlx::Error> {
    let found = query(
        "select o.id, o.seq, o.cart_id, o.user_id, o.token_hash, o.status, o.payment_status, o.body, o.payment,
                o.reserved_until, o.version, o.placed_at, held.sums
         from orders o cross join lateral (
             select coalesce(jsonb_agg(jsonb_build_array(merchant_id::text, account, amount)), '[]') as sums from (
                 select l.merchant_id, s.account, sum(s.amount)::bigint as amount
                 from ledger l cross join lateral (values (l.debit::text, -l.amount::bigint), (l.credit::text, l.amount::bigint))
                      as s (account, amount)
                 where l.order_id = o.id group by l.merchant_id, s.account having sum(s.amount) <> 0
             ) sums
         ) held
         where o.id > $1 order by o.id limit $2",
    )
    .bind(after.map_or(Uuid::nil(), uuid))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    let audited = |row: &PgRow| {
        let sums: Json<Vec<(Option<String>, Account, i64)>> = row.try_get("sums")?;
        let mut held = BTreeMap::new();
        for (merchant, account, sum) in sums.0 {
            let merchant = merchant.map(|id| Uuid::parse_str(&id)).transpose();
            let merchant = merchant.map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            held.insert((merchant.map(postgres::id), account), sum);
        }
        Ok(Audited { order: Order::from_row(row)?, held })
    };
    found.iter().map(audited).collect()
}

impl FromRow<'_, PgRow> for Movement {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            entry: row.try_get("entry")?,
            at: timestamp(row.try_get::<OffsetDateTime, _>("at")?),
            available: row.try_get("available")?,
            reserved: row.try_get("reserved")?,
            cause: row.try_get("cause")?,
            order: row.try_get::<Option<Uuid>, _>("order_id")?.map(postgres::id),
        })
    }
}

/// In the scope of the merchant, who sees no other's offers.
pub(super) async fn movements(
    connection: &mut PgConnection,
    merchant: MerchantId,
    offer: OfferId,
    before: Option<i64>,
    limit: u32,
) -> Result<Option<Vec<Movement>>, sqlx::Error> {
    let own = query_scalar("select exists (select from offers where id = $1 and merchant_id = $2)");
    let own: bool = own.bind(uuid(offer)).bind(uuid(merchant)).fetch_one(&mut *connection).await?;
    if !own {
        return Ok(None);
    }
    let found = query_as(
        "select entry, at, available, reserved, cause, order_id from stock_ledger
         where offer_id = $1 and entry < $2 order by entry desc limit $3",
    )
    .bind(uuid(offer))
    .bind(before.unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    Ok(Some(found))
}
