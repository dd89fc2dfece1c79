//! Payouts, with what the ledger holds of them. Several processes make them: a run's row is held by the one that goes on with it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clock::Timestamp;
use ids::{EntryId, MerchantId, OfferId, OrderId, PayoutId};
use postgres::{moment, timestamp, uuid};
use sqlx::{
    FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as, query_scalar, types::Uuid,
};
use time::Date;

use super::{
    PostgresOrders,
    ledger::{self, LAST, money},
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
const BATCH: i64 = 50;

impl FromRow<'_, PgRow> for Payout {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: rows::id(row, "id")?,
            merchant: rows::id(row, "merchant_id")?,
            amount: money(row)?,
            period_end: timestamp(row.try_get("period_end")?),
            state: rows::named(row, "state")?,
            reference: row.try_get("reference")?,
            reason: row.try_get("reason")?,
            created_at: timestamp(row.try_get("created_at")?),
            changed_at: timestamp(row.try_get("changed_at")?),
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

async fn draft(
    connection: &mut PgConnection,
    period_end: Timestamp,
    minimum: i64,
    now: Timestamp,
) -> Result<Drafted, sqlx::Error> {
    query("insert into payout_runs (period_end) values ($1) on conflict do nothing")
        .bind(moment(period_end))
        .execute(&mut *connection)
        .await?;
    let run: Option<(Uuid, bool)> = query_as(
        "select merchant, finished from payout_runs where period_end = $1 for update skip locked",
    )
    .bind(moment(period_end))
    .fetch_optional(&mut *connection)
    .await?;
    let Some((last, finished)) = run else { return Ok(Drafted::Busy) };
    if finished {
        return Ok(Drafted::Finished);
    }
    let merchants: Vec<Uuid> =
        query_scalar("select id from merchants where id > $1 order by id limit $2")
            .bind(last)
            .bind(BATCH)
            .fetch_all(&mut *connection)
            .await?;
    let mut payouts = Vec::new();
    for merchant in &merchants {
        let merchant = postgres::id(*merchant);
        if let Some(payout) =
            draft_one(connection, merchant, period_end, minimum.max(1), now).await?
        {
            payouts.push(payout);
        }
    }
    query("update payout_runs set merchant = coalesce($2, merchant), finished = $2 is null where period_end = $1")
        .bind(moment(period_end))
        .bind(merchants.last())
        .execute(connection)
        .await?;
    Ok(Drafted::Some(payouts))
}

async fn draft_one(
    connection: &mut PgConnection,
    merchant: MerchantId,
    period_end: Timestamp,
    minimum: i64,
    now: Timestamp,
) -> Result<Option<Payout>, sqlx::Error> {
    let amount = ledger::balance(connection, merchant, period_end).await?.available;
    if amount.amount < minimum {
        return Ok(None);
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
    query(
        "insert into payouts (id, merchant_id, currency, amount, period_end, state, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(uuid(payout.id))
    .bind(uuid(merchant))
    .bind(amount.currency.code())
    .bind(amount.amount)
    .bind(moment(period_end))
    .bind(payout.state.as_str())
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    ledger::post(connection, &[payout.drafted()], None, Some(payout.id), now).await?;
    Ok(Some(payout))
}

async fn list(
    connection: &mut PgConnection,
    merchant: Option<MerchantId>,
    state: Option<PayoutState>,
    after: Option<Place<PayoutId>>,
    limit: u32,
) -> Result<Vec<Payout>, sqlx::Error> {
    let (at, id) = after.map_or((LAST, Uuid::max()), |place| (place.at, uuid(place.id)));
    let text = if merchant.is_some() {
        select_payouts!(
            "where (created_at, id) < ($1, $2) and ($3::text is null or state = $3) and merchant_id = $5
             order by created_at desc, id desc limit $4"
        )
    } else {
        select_payouts!(
            "where (created_at, id) < ($1, $2) and ($3::text is null or state = $3)
             order by created_at desc, id desc limit $4"
        )
    };
    let list = query_as(text)
        .bind(moment(at))
        .bind(id)
        .bind(state.map(PayoutState::as_str))
        .bind(i64::from(limit));
    let list = match merchant {
        Some(merchant) => list.bind(uuid(merchant)),
        None => list,
    };
    list.fetch_all(connection).await
}

/// The payout's row is locked first: of two who move it, the second sees what the first has done.
async fn advance(
    connection: &mut PgConnection,
    id: PayoutId,
    step: &PayoutMove,
    (key, actor): &(Key, String),
    encode: Encode,
    now: Timestamp,
) -> Result<(Vec<u8>, bool), Error> {
    let lock = query_as::<_, Payout>(select_payouts!("where id = $1 for no key update"));
    let payout = lock.bind(uuid(id)).fetch_optional(&mut *connection).await?;
    let payout = payout.ok_or(Error::PayoutNotFound)?;
    let before: Option<(Vec<u8>, Vec<u8>)> =
        query_as("select request_hash, response from payout_moves where scope = $1 and key = $2")
            .bind(&key.scope)
            .bind(&key.key)
            .fetch_optional(&mut *connection)
            .await?;
    if let Some((hash, response)) = before {
        return if hash == key.hash { Ok((response, true)) } else { Err(Error::KeyReused) };
    }
    let (payout, posting) = payout.moved(step, now)?;
    query(
        "update payouts set state = $2, reference = $3, reason = $4, changed_at = $5 where id = $1",
    )
    .bind(uuid(id))
    .bind(payout.state.as_str())
    .bind(&payout.reference)
    .bind(&payout.reason)
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    ledger::post(connection, posting.as_slice(), None, Some(id), now).await?;
    let response = encode(&payout);
    query(
        "insert into payout_moves (payout_id, move, scope, key, request_hash, response, actor, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(uuid(id))
    .bind(step.as_str())
    .bind(&key.scope)
    .bind(&key.key)
    .bind(&key.hash)
    .bind(&response)
    .bind(actor)
    .bind(moment(now))
    .execute(connection)
    .await?;
    Ok((response, false))
}

#[async_trait]
impl LedgerStore for PostgresOrders {
    async fn balance(&self, merchant: MerchantId, now: Timestamp) -> Result<Balance, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        Ok(ledger::balance(&mut transaction, merchant, now).await?)
    }

    async fn statement(
        &self,
        statement: Statement,
        from: Option<Place<EntryId>>,
        limit: u32,
    ) -> Result<Vec<Written>, Error> {
        let mut transaction = self.database.begin_for(statement.merchant).await?;
        Ok(ledger::statement(&mut transaction, statement, from, limit).await?)
    }

    async fn figures(
        &self,
        merchant: MerchantId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<Date, Figures>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        Ok(ledger::figures(&mut transaction, merchant, from, to).await?)
    }

    async fn turnover(&self, since: Timestamp) -> Result<Turnover, Error> {
        let mut connection = self.database.connection().await?;
        Ok(ledger::turnover(&mut connection, since).await?)
    }

    async fn draft_payouts(
        &self,
        period_end: Timestamp,
        minimum: i64,
        now: Timestamp,
    ) -> Result<Drafted, Error> {
        let mut transaction = self.database.begin().await?;
        let drafted = draft(&mut transaction, period_end, minimum, now).await?;
        transaction.commit().await?;
        Ok(drafted)
    }

    async fn payouts(
        &self,
        merchant: Option<MerchantId>,
        state: Option<PayoutState>,
        after: Option<Place<PayoutId>>,
        limit: u32,
    ) -> Result<Vec<Payout>, Error> {
        let mut transaction = match merchant {
            Some(merchant) => self.database.begin_for(merchant).await?,
            None => self.database.begin().await?,
        };
        Ok(list(&mut transaction, merchant, state, after, limit).await?)
    }

    async fn move_payout(
        &self,
        id: PayoutId,
        step: PayoutMove,
        by: (Key, String),
        encode: Encode,
        now: Timestamp,
    ) -> Result<(Vec<u8>, bool), Error> {
        let mut transaction = self.database.begin().await?;
        let moved = advance(&mut transaction, id, &step, &by, encode, now).await?;
        transaction.commit().await?;
        Ok(moved)
    }

    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<Audited>, Error> {
        let mut connection = self.database.connection().await?;
        Ok(ledger::audit(&mut connection, after, limit).await?)
    }

    async fn movements(
        &self,
        merchant: MerchantId,
        offer: OfferId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Option<Vec<Movement>>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        Ok(ledger::movements(&mut transaction, merchant, offer, before, limit).await?)
    }
}
