//! Corrections of what merchants are owed.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{EntryId, MerchantId};
use money::{Currency, Money, ParseCurrencyError};
use postgres::{moment, timestamp, uuid};
use sqlx::{
    FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as, query_scalar, types::Uuid,
};

use super::{Key, PostgresOrders, rows};
use crate::{
    domain::adjusting::{Adjustment, Wish},
    error::Error,
    store::{
        adjustments::{AdjustmentStore, Encode},
        ledger::entry,
    },
};

impl FromRow<'_, PgRow> for Adjustment {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let currency = row.try_get::<&str, _>("currency")?.parse::<Currency>();
        let currency =
            currency.map_err(|error: ParseCurrencyError| sqlx::Error::Decode(error.into()))?;
        Ok(Self {
            id: rows::id(row, "id")?,
            at: timestamp(row.try_get("at")?),
            wish: Wish {
                merchant: rows::id(row, "merchant_id")?,
                amount: Money::new(row.try_get("amount")?, currency),
                gives: row.try_get("gives")?,
                reason: row.try_get("reason")?,
            },
        })
    }
}

/// Two with one key: the second waits for the first, and has its answer.
async fn adjust(
    connection: &mut PgConnection,
    wish: Wish,
    (key, actor): &(Key, String),
    encode: Encode,
    now: Timestamp,
) -> Result<(Vec<u8>, bool), Error> {
    let merchant = uuid(wish.merchant);
    let known = query_scalar("select exists (select from merchants where id = $1)");
    let known: bool = known.bind(merchant).fetch_one(&mut *connection).await?;
    let posting = wish.posting();
    let adjustment = Adjustment { id: entry(), at: now, wish };
    let response = encode(&adjustment);
    let written: Option<Uuid> = query_scalar(
        "insert into adjustments (entry_id, merchant_id, reason, actor, scope, key, request_hash, response, at)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9 where $10
         on conflict (scope, key) do nothing returning entry_id",
    )
    .bind(uuid(adjustment.id))
    .bind(merchant)
    .bind(&adjustment.wish.reason)
    .bind(actor)
    .bind(&key.scope)
    .bind(&key.key)
    .bind(&key.hash)
    .bind(&response)
    .bind(moment(now))
    .bind(known)
    .fetch_optional(&mut *connection)
    .await?;
    if written.is_none() {
        let before: Option<(Vec<u8>, Vec<u8>)> = query_as(
            "select request_hash, response from adjustments where scope = $1 and key = $2",
        )
        .bind(&key.scope)
        .bind(&key.key)
        .fetch_optional(connection)
        .await?;
        let (hash, response) = before.ok_or(Error::MerchantNotFound)?;
        return if hash == key.hash { Ok((response, true)) } else { Err(Error::KeyReused) };
    }
    query(
        "insert into ledger (id, at, kind, merchant_id, debit, credit, currency, amount) values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(uuid(adjustment.id))
    .bind(moment(now))
    .bind(rows::name(&posting.kind)?)
    .bind(merchant)
    .bind(rows::name(&posting.debit)?)
    .bind(rows::name(&posting.credit)?)
    .bind(posting.amount.currency.code())
    .bind(posting.amount.amount)
    .execute(connection)
    .await?;
    Ok((response, false))
}

#[async_trait]
impl AdjustmentStore for PostgresOrders {
    async fn adjust(
        &self,
        wish: Wish,
        by: (Key, String),
        encode: Encode,
        now: Timestamp,
    ) -> Result<(Vec<u8>, bool), Error> {
        let mut transaction = self.database.begin().await?;
        let adjusted = adjust(&mut transaction, wish, &by, encode, now).await?;
        transaction.commit().await?;
        Ok(adjusted)
    }

    async fn adjustments(
        &self,
        merchant: MerchantId,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, Error> {
        let mut transaction = self.database.begin_for(merchant).await?;
        // Names of postings grow with time.
        let read = query_as(
            "select l.id, l.at, l.merchant_id, l.currency, l.amount, l.credit = 'merchant' as gives, a.reason
             from adjustments a join ledger l on l.id = a.entry_id
             where a.merchant_id = $1 and ($2::uuid is null or a.entry_id < $2) order by a.entry_id desc limit $3",
        );
        let read = read.bind(uuid(merchant)).bind(after.map(uuid)).bind(i64::from(limit));
        Ok(read.fetch_all(&mut *transaction).await?)
    }
}
