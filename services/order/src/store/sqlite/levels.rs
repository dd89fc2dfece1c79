//! What merchants hear of their stock.

use clock::Timestamp;
use sqlite::{Connection, Error, FromRow, Row};

use super::{Encode, rows};
use crate::{
    domain::{
        Event,
        level::{Level, Signal},
    },
    store::levels::{self, Filled},
};

impl FromRow for Level {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            offer: rows::parsed(&row.get::<_, String>("id")?)?,
            merchant: rows::parsed(&row.get::<_, String>("merchant_id")?)?,
            product: rows::parsed(&row.get::<_, String>("product_id")?)?,
            sku: row.get("sku")?,
            title: rows::unjson(&row.get::<_, String>("title")?)?,
            available: row.get("available")?,
            low_at: row.get("low_stock_at")?,
            version: row.get("version")?,
        })
    }
}

/// Tells of lines that these movements have crossed. The stock is as they have left it.
pub(super) fn tell(
    connection: &Connection,
    filled: &[Filled],
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    let changes = levels::by_offer(filled);
    if changes.is_empty() {
        return Ok(());
    }
    let watched = connection.all::<Level>(
        "select id, merchant_id, product_id, sku, title, available, low_stock_at, version from offers
         where id in (select value from json_each(?)) and low_stock_at is not null order by id",
        [rows::ids(&changes.keys().copied().collect::<Vec<_>>())?],
    )?;
    told(connection, levels::moved(watched, &changes), now, encode)
}

/// Writes down what merchants are to hear.
pub(super) fn told(
    connection: &Connection,
    signals: Vec<Signal>,
    now: Timestamp,
    encode: Encode,
) -> Result<(), Error> {
    if signals.is_empty() {
        return Ok(());
    }
    let drafts = signals.into_iter().map(|signal| encode(Event::Stock(signal, now)));
    outbox::sqlite::append(connection, &drafts.collect::<Vec<_>>(), now)
}
