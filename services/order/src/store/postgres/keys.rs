//! Requests that must not act twice.

use clock::Timestamp;
use ids::OrderId;
use postgres::{moment, uuid};
use sqlx::{
    FromRow, PgConnection, Row as _, postgres::PgRow, query, query_as, query_scalar, types::Json,
};

use super::{Key, Remembered, rows};
use crate::{domain::Payment, error::Error};

impl FromRow<'_, PgRow> for Remembered {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            hash: row.try_get("request_hash")?,
            order: rows::id(row, "order_id")?,
            order_token: row.try_get("order_token")?,
            response: row.try_get("response")?,
        })
    }
}

pub(super) async fn recall(
    connection: &mut PgConnection,
    scope: &str,
    key: &str,
) -> Result<Option<Remembered>, sqlx::Error> {
    let recall = query_as(
        "select request_hash, order_id, order_token, response from idempotency where scope = $1 and key = $2",
    );
    recall.bind(scope).bind(key).fetch_optional(connection).await
}

/// Whoever comes second waits here for the first, and is given what that one left.
pub(super) async fn remember(
    connection: &mut PgConnection,
    key: Key,
    order: OrderId,
    now: Timestamp,
) -> Result<Remembered, Error> {
    let inserted = query(
        "insert into idempotency (scope, key, request_hash, order_id, order_token, at)
         values ($1, $2, $3, $4, '', $5) on conflict do nothing",
    )
    .bind(&key.scope)
    .bind(&key.key)
    .bind(&key.hash)
    .bind(uuid(order))
    .bind(moment(now))
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Remembered {
            hash: key.hash,
            order,
            order_token: String::new(),
            response: None,
        });
    }
    // None: it was forgotten between the two statements.
    recall(connection, &key.scope, &key.key).await?.ok_or(Error::Contended)
}

/// The answer noted first stays; the payment is noted as by [`super::orders::note_payment`], in the same statement.
pub(super) async fn answer(
    connection: &mut PgConnection,
    (scope, key): (&str, &str),
    order: OrderId,
    payment: Option<&Payment>,
    response: Vec<u8>,
) -> Result<Vec<u8>, sqlx::Error> {
    let noted = query_scalar(
        "with noted as (
             update orders set payment = $5 where id = $4 and $5 is not null
             and (payment is null or (status = 'awaiting_payment'
                  and (payment ->> 'id' <> $5 ->> 'id' or (payment -> 'version')::bigint < ($5 -> 'version')::bigint)))
         )
         update idempotency set response = coalesce(response, $3) where scope = $1 and key = $2 returning response",
    )
    .bind(scope)
    .bind(key)
    .bind(&response)
    .bind(uuid(order))
    .bind(payment.map(Json))
    .fetch_optional(connection)
    .await?;
    Ok(noted.unwrap_or(response))
}

/// Old rows that somebody reads or writes just now are there the next time. They are picked by `array(..)`, which is evaluated
/// once.
pub(super) async fn forget(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: u32,
) -> Result<u64, sqlx::Error> {
    let delete = query(
        "delete from idempotency where ctid = any(array(
         select ctid from idempotency where at < $1 order by at limit $2 for update skip locked))",
    );
    let deleted = delete.bind(moment(before)).bind(i64::from(limit)).execute(connection).await?;
    Ok(deleted.rows_affected())
}
