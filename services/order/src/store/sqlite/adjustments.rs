//! Corrections of what merchants are owed.

use async_trait::async_trait;
use clock::Timestamp;
use ids::{EntryId, MerchantId};
use money::Money;
use sqlite::{Connection, Error as Failure, FromRow, Row, params};

use super::{Key, SqliteOrders, rows};
use crate::{
    domain::adjusting::{Adjustment, Wish},
    error::Error,
    store::{
        adjustments::{AdjustmentStore, Encode},
        ledger::entry,
    },
};

impl FromRow for Adjustment {
    fn from_row(row: &Row<'_>) -> Result<Self, Failure> {
        let currency = row.get::<_, String>("currency")?;
        Ok(Self {
            id: rows::parsed(&row.get::<_, String>("id")?)?,
            at: Timestamp::from_millis(row.get("at")?),
            wish: Wish {
                merchant: rows::parsed(&row.get::<_, String>("merchant_id")?)?,
                amount: Money::new(row.get("amount")?, currency.parse().map_err(Failure::value)?),
                gives: row.get("gives")?,
                reason: row.get("reason")?,
            },
        })
    }
}

fn adjust(
    connection: &Connection,
    wish: Wish,
    (key, actor): &(Key, String),
    encode: Encode,
    now: Timestamp,
) -> Result<(Vec<u8>, bool), Error> {
    let before: Option<(Vec<u8>, Vec<u8>)> = connection.first(
        "select request_hash, response from adjustments where scope = ? and key = ?",
        [&key.scope, &key.key],
    )?;
    if let Some((hash, response)) = before {
        return if hash == key.hash { Ok((response, true)) } else { Err(Error::KeyReused) };
    }
    let merchant = wish.merchant.to_string();
    if !connection
        .one::<bool>("select exists (select 1 from merchants where id = ?)", [&merchant])?
    {
        return Err(Error::MerchantNotFound);
    }
    let (posting, reason) = (wish.posting(), wish.reason.clone());
    let adjustment = Adjustment { id: entry(), at: now, wish };
    let (id, response) = (adjustment.id.to_string(), encode(&adjustment));
    connection.execute(
        "insert into adjustments (entry_id, merchant_id, reason, actor, scope, key, request_hash, response, at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![id, merchant, reason, actor, key.scope, key.key, key.hash, response, now.millis()],
    )?;
    connection.execute(
        "insert into ledger (id, at, kind, merchant_id, debit, credit, currency, amount) values (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id,
            now.millis(),
            rows::name(&posting.kind)?,
            merchant,
            rows::name(&posting.debit)?,
            rows::name(&posting.credit)?,
            posting.amount.currency.code(),
            posting.amount.amount,
        ],
    )?;
    Ok((response, false))
}

#[async_trait]
impl AdjustmentStore for SqliteOrders {
    async fn adjust(
        &self,
        wish: Wish,
        by: (Key, String),
        encode: Encode,
        now: Timestamp,
    ) -> Result<(Vec<u8>, bool), Error> {
        self.database.write(move |connection| adjust(connection, wish, &by, encode, now)).await
    }

    async fn adjustments(
        &self,
        merchant: MerchantId,
        after: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Adjustment>, Error> {
        // Names of postings grow with time.
        let read = move |connection: &Connection| {
            connection.all(
                "select l.id, l.at, l.merchant_id, l.currency, l.amount, l.credit = 'merchant' as gives, a.reason
                 from adjustments a join ledger l on l.id = a.entry_id
                 where a.merchant_id = ?1 and (?2 is null or a.entry_id < ?2) order by a.entry_id desc limit ?3",
                params![merchant.to_string(), after.map(|after| after.to_string()), limit],
            )
        };
        Ok(self.database.read(read).await?)
    }
}
