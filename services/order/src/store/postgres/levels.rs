//! What merchants hear of their stock.

use clock::Timestamp;
use outbox::Draft;
use sqlx::{FromRow, PgConnection, Row as _, postgres::PgRow, query_as};

use super::{Encode, rows};
use crate::{
    domain::{
        Event,
        level::{Level, Signal},
    },
    store::levels::{self, Filled},
};

impl FromRow<'_, PgRow> for Level {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            offer: rows::id(row, "id")?,
            merchant: rows::id(row, "merchant_id")?,
            product: rows::id(row, "product_id")?,
            sku: row.try_get("sku")?,
            title: rows::document(row, "title")?,
            available: row.try_get("available")?,
            low_at: row.try_get("low_stock_at")?,
            version: row.try_get("version")?,
        })
    }
}

/// What is to be told of lines that these movements have crossed. The stock is as they have left it, and their rows are still held.
pub(super) async fn told(
    connection: &mut PgConnection,
    filled: &[Filled],
    now: Timestamp,
    encode: Encode,
) -> Result<Vec<Draft>, sqlx::Error> {
    let changes = levels::by_offer(filled);
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let watched: Vec<Level> = query_as(
        "select id, merchant_id, product_id, sku, title, available, low_stock_at, version from offers
         where id = any($1) and low_stock_at is not null order by id",
    )
    .bind(rows::uuids(changes.keys().copied()))
    .fetch_all(connection)
    .await?;
    Ok(drafts(levels::moved(watched, &changes), now, encode))
}

/// Signals as events.
pub(super) fn drafts(signals: Vec<Signal>, now: Timestamp, encode: Encode) -> Vec<Draft> {
    signals.into_iter().map(|signal| encode(Event::Stock(signal, now))).collect()
}
