//! Requests that must not act twice.

use clock::Timestamp;
use ids::OrderId;
use sqlite::SqliteConnection;

use super::{Key, Remembered, rows::parsed};
use crate::error::Error;

type Row = (Vec<u8>, String, String, Option<Vec<u8>>);

pub(super) async fn recall(
    connection: &mut SqliteConnection,
    scope: &str,
    key: &str,
) -> Result<Option<Remembered>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select request_hash, order_id, order_token, response from idempotency where scope = ? and key = ?",
    )
    .bind(scope)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    row.map(|(hash, order, order_token, response)| {
        Ok(Remembered { hash, order: parsed(&order)?, order_token, response })
    })
    .transpose()
}

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    key: &Key,
    order: OrderId,
    order_token: &str,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query("insert into idempotency values (?, ?, ?, ?, ?, null, ?)")
        .bind(&key.scope)
        .bind(&key.key)
        .bind(&key.hash)
        .bind(order.to_string())
        .bind(order_token)
        .bind(now.millis())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn remember(
    connection: &mut SqliteConnection,
    key: Key,
    order: OrderId,
    now: Timestamp,
) -> Result<Remembered, Error> {
    if let Some(before) = recall(connection, &key.scope, &key.key).await? {
        return Ok(before);
    }
    insert(connection, &key, order, "", now).await?;
    Ok(Remembered { hash: key.hash, order, order_token: String::new(), response: None })
}

/// The answer noted first stays.
pub(super) async fn answer(
    connection: &mut SqliteConnection,
    scope: &str,
    key: &str,
    response: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let noted: Option<Vec<u8>> = sqlx::query_scalar(
        "update idempotency set response = coalesce(response, ?) where scope = ? and key = ? returning response",
    )
    .bind(&response)
    .bind(scope)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    Ok(noted.unwrap_or(response))
}

pub(super) async fn forget(
    connection: &mut SqliteConnection,
    before: Timestamp,
    limit: u32,
) -> Result<u64, Error> {
    let deleted = sqlx::query(
        "delete from idempotency where (scope, key) in
         (select scope, key from idempotency where at < ? order by at limit ?)",
    )
    .bind(before.millis())
    .bind(limit)
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}
