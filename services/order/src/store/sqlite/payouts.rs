//! Payouts, with what the ledger holds of them.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{EntryId, MerchantId, OfferId, OrderId, PayoutId};
use sqlite::{Connection, FromRow, Row, params};
use time::Date;

use super::{
    SqliteOrders,
    ledger::{self, money, named},
    rows,
};
use crate::{
    domain::{
        payout::{Payout, PayoutMove, PayoutState},
        report::Figures,
    },
    error::Error,
    store::{
        Key,
        ledger::{
            Audited, Balance, Drafted, Encode, LedgerStore, Movement, Place, Statement, Turnover,
            Written,
        },
    },
};

/// Merchants looked at in one transaction.
const BATCH: u32 = 100;

impl FromRow for Payout {
    fn from_row(row: &Row<'_>) -> Result<Self, sqlite::Error> {
        let (id, merchant): (String, String) = (row.get("id")?, row.get("merchant_id")?);
        Ok(Self {
            id: rows::parsed(&id)?,
            merchant: rows::parsed(&merchant)?,
            amount: money(row)?,
            period_end: Timestamp::from_millis(row.get("period_end")?),
            state: named(row, "state")?,
            reference: row.get("reference")?,
            reason: row.get("reason")?,
            created_at: Timestamp::from_millis(row.get("created_at")?),
            changed_at: Timestamp::from_millis(row.get("changed_at")?),
        })
    }
}

/// Payouts; followed by the rest of the query.
macro_rules! select_payouts {
    ($rest:literal) => {
        concat!(
            "select id, merchant_id, currency, amount, period_end, state, reference, reason, created_at, changed_at
             from payouts ",
            $rest
        )
    };
}

fn draft(
    connection: &Connection,
    period_end: Timestamp,
    minimum: i64,
    now: Timestamp,
) -> Result<Drafted, Error> {
    connection.execute(
        "insert into payout_runs (period_end) values (?) on conflict do nothing",
        [period_end.millis()],
    )?;
    let (last, finished): (String, bool) = connection.one(
        "select merchant, finished from payout_runs where period_end = ?",
        [period_end.millis()],
    )?;
    if finished {
        return Ok(Drafted::Finished);
    }
    let merchants: Vec<String> = connection
        .all("select id from merchants where id > ? order by id limit ?", params![last, BATCH])?;
    let mut payouts = Vec::new();
    for merchant in &merchants {
        let merchant: MerchantId = rows::parsed(merchant)?;
        let amount = ledger::balance(connection, merchant, period_end)?.available;
        if amount.amount < minimum.max(1) {
            continue;
        }
        let payout = Payout {
            id: PayoutId::new(),
            merchant,
            amount,
            period_end,
            state: PayoutState::Draft,
            reference: String::new(),
            reason: String::new(),
            created_at: now,
            changed_at: now,
        };
        connection.execute(
            "insert into payouts (id, merchant_id, currency, amount, period_end, state, created_at, changed_at)
             values (?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                payout.id.to_string(),
                merchant.to_string(),
                amount.currency.code(),
                amount.amount,
                period_end.millis(),
                payout.state.as_str(),
                now.millis(),
                now.millis()
            ],
        )?;
        ledger::post(connection, &payout.drafted(), None, Some(payout.id), now)?;
        payouts.push(payout);
    }
    connection.execute(
        "update payout_runs set merchant = coalesce(?2, merchant), finished = ?2 is null where period_end = ?1",
        params![period_end.millis(), merchants.last()],
    )?;
    Ok(Drafted::Some(payouts))
}

fn list(
    connection: &Connection,
    merchant: Option<MerchantId>,
    state: Option<PayoutState>,
    after: Option<Place<PayoutId>>,
    limit: u32,
) -> Result<Vec<Payout>, sqlite::Error> {
    let (at, id) =
        after.map_or((i64::MAX, String::new()), |place| (place.at.millis(), place.id.to_string()));
    let state = state.map(PayoutState::as_str);
    match merchant {
        Some(merchant) => connection.all(
            select_payouts!(
                "where merchant_id = ?5 and (created_at, id) < (?1, ?2) and (?3 is null or state = ?3)
                 order by created_at desc, id desc limit ?4"
            ),
            params![at, id, state, limit, merchant.to_string()],
        ),
        None => connection.all(
            select_payouts!(
                "where (created_at, id) < (?1, ?2) and (?3 is null or state = ?3)
                 order by created_at desc, id desc limit ?4"
            ),
            params![at, id, state, limit],
        ),
    }
}

fn advance(
    connection: &Connection,
    id: PayoutId,
    step: &PayoutMove,
    (key, actor): &(Key, String),
    encode: Encode,
    now: Timestamp,
) -> Result<(Vec<u8>, bool), Error> {
    let before: Option<(Vec<u8>, Vec<u8>)> = connection.first(
        "select request_hash, response from payout_moves where scope = ? and key = ?",
        [&key.scope, &key.key],
    )?;
    if let Some((hash, response)) = before {
        return if hash == key.hash { Ok((response, true)) } else { Err(Error::KeyReused) };
    }
    let payout: Option<Payout> =
        connection.first(select_payouts!("where id = ?"), [id.to_string()])?;
    let (payout, posting) = payout.ok_or(Error::PayoutNotFound)?.moved(step, now)?;
    connection.execute(
        "update payouts set state = ?2, reference = ?3, reason = ?4, changed_at = ?5 where id = ?1",
        params![
            id.to_string(),
            payout.state.as_str(),
            payout.reference,
            payout.reason,
            now.millis()
        ],
    )?;
    if let Some(posting) = posting {
        ledger::post(connection, &posting, None, Some(id), now)?;
    }
    let response = encode(&payout);
    connection.execute(
        "insert into payout_moves (payout_id, move, scope, key, request_hash, response, actor, at)
         values (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id.to_string(),
            step.as_str(),
            key.scope,
            key.key,
            key.hash,
            response,
            actor,
            now.millis()
        ],
    )?;
    Ok((response, false))
}

#[async_trait]
impl LedgerStore for SqliteOrders {
    async fn balance(&self, merchant: MerchantId, now: Timestamp) -> Result<Balance, Error> {
        Ok(self.database.read(move |connection| ledger::balance(connection, merchant, now)).await?)
    }

    async fn statement(
        &self,
        statement: Statement,
        from: Option<Place<EntryId>>,
        limit: u32,
    ) -> Result<Vec<Written>, Error> {
        let read =
            move |connection: &Connection| ledger::statement(connection, statement, from, limit);
        Ok(self.database.read(read).await?)
    }

    async fn figures(
        &self,
        merchant: MerchantId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<std::collections::BTreeMap<Date, Figures>, Error> {
        let read = move |connection: &Connection| ledger::figures(connection, merchant, from, to);
        Ok(self.database.read(read).await?)
    }

    async fn turnover(&self, since: Timestamp) -> Result<Turnover, Error> {
        Ok(self.database.read(move |connection| ledger::turnover(connection, since)).await?)
    }

    async fn draft_payouts(
        &self,
        period_end: Timestamp,
        minimum: i64,
        now: Timestamp,
    ) -> Result<Drafted, Error> {
        let make = move |connection: &Connection| draft(connection, period_end, minimum, now);
        self.database.write(make).await
    }

    async fn payouts(
        &self,
        merchant: Option<MerchantId>,
        state: Option<PayoutState>,
        after: Option<Place<PayoutId>>,
        limit: u32,
    ) -> Result<Vec<Payout>, Error> {
        let read = move |connection: &Connection| list(connection, merchant, state, after, limit);
        Ok(self.database.read(read).await?)
    }

    async fn move_payout(
        &self,
        id: PayoutId,
        step: PayoutMove,
        by: (Key, String),
        encode: Encode,
        now: Timestamp,
    ) -> Result<(Vec<u8>, bool), Error> {
        let advance =
            move |connection: &Connection| advance(connection, id, &step, &by, encode, now);
        self.database.write(advance).await
    }

    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<Audited>, Error> {
        Ok(self.database.read(move |connection| ledger::audit(connection, after, limit)).await?)
    }

    async fn movements(
        &self,
        merchant: MerchantId,
        offer: OfferId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Option<Vec<Movement>>, Error> {
        let read = move |connection: &Connection| {
            ledger::movements(connection, merchant, offer, before, limit)
        };
        Ok(self.database.read(read).await?)
    }
}
