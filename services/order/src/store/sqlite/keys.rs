//! Requests that must not act twice.

use clock::Timestamp;
use ids::OrderId;
use sqlite::{Connection, Error, FromRow, Row, params};

use super::{Key, Remembered, rows::parsed};

impl FromRow for Remembered {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            hash: row.get("request_hash")?,
            order: parsed(&row.get::<_, String>("order_id")?)?,
            order_token: row.get("order_token")?,
            response: row.get("response")?,
        })
    }
}

pub(super) fn recall(
    connection: &Connection,
    scope: &str,
    key: &str,
) -> Result<Option<Remembered>, Error> {
    connection.first(
        "select request_hash, order_id, order_token, response from idempotency where scope = ? and key = ?",
        [scope, key],
    )
}

pub(super) fn insert(
    connection: &Connection,
    key: &Key,
    order: OrderId,
    order_token: &str,
    now: Timestamp,
) -> Result<(), Error> {
    connection.execute(
        "insert into idempotency values (?, ?, ?, ?, ?, null, ?)",
        params![key.scope, key.key, key.hash, order.to_string(), order_token, now.millis()],
    )?;
    Ok(())
}

pub(super) fn remember(
    connection: &Connection,
    key: Key,
    order: OrderId,
    now: Timestamp,
) -> Result<Remembered, Error> {
    if let Some(before) = recall(connection, &key.scope, &key.key)? {
        return Ok(before);
    }
    insert(connection, &key, order, "", now)?;
    Ok(Remembered { hash: key.hash, order, order_token: String::new(), response: None })
}

/// The answer noted first stays.
pub(super) fn answer(
    connection: &Connection,
    scope: &str,
    key: &str,
    response: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let noted = connection.first(
        "update idempotency set response = coalesce(response, ?) where scope = ? and key = ? returning response",
        params![response, scope, key],
    )?;
    Ok(noted.unwrap_or(response))
}

pub(super) fn forget(connection: &Connection, before: Timestamp, limit: u32) -> Result<u64, Error> {
    connection.execute(
        "delete from idempotency where (scope, key) in
         (select scope, key from idempotency where at < ? order by at limit ?)",
        params![before.millis(), limit],
    )
}
