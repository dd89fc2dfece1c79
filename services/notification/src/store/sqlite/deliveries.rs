//! Texts on their way.

use clock::Timestamp;
use ids::NotificationId;
use sqlite::{Error, SqliteConnection};
use sqlx::SqlitePool;

use super::{Outcome, rows};
use crate::domain::{Channel, Delivery};

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    event: &str,
    delivery: Delivery,
    now: Timestamp,
) -> Result<(), Error> {
    // The entry in the list is the delivery: it has arrived with this transaction.
    let arrived = delivery.channel == Channel::InApp;
    sqlx::query(
        "insert into deliveries
         (id, event, channel, recipient, template, subject, text, secret, state, next_at, created_at, settled_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11)
         on conflict (event, channel, recipient) do nothing",
    )
    .bind(delivery.id.to_string())
    .bind(event)
    .bind(delivery.channel.as_str())
    .bind(delivery.address)
    .bind(delivery.template)
    .bind(delivery.subject)
    .bind(if arrived { String::new() } else { delivery.text })
    .bind(delivery.secret)
    .bind(if arrived { "sent" } else { "queued" })
    .bind(now.millis())
    .bind(arrived.then_some(now.millis()))
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn any_due(readers: &SqlitePool, now: Timestamp) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (select 1 from deliveries where state = 'queued' and next_at <= ?)",
    )
    .bind(now.millis())
    .fetch_one(readers)
    .await?)
}

pub(super) async fn claim(
    connection: &mut SqliteConnection,
    now: Timestamp,
    lease: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, Error> {
    let claimed = sqlx::query(
        "update deliveries set attempts = attempts + 1, next_at = ?
         where id in (select id from deliveries where state = 'queued' and next_at <= ? order by next_at limit ?)
         returning id, channel, recipient, template, subject, text, secret, attempts, created_at",
    )
    .bind(lease.millis())
    .bind(now.millis())
    .bind(limit)
    .fetch_all(connection)
    .await?;
    Ok(claimed.iter().map(rows::delivery).collect::<Result<_, _>>()?)
}

/// Only the newest attempt settles: one whose lease ran out in the meantime does not.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    (id, attempts): (NotificationId, u32),
    outcome: Outcome,
    now: Timestamp,
) -> Result<bool, Error> {
    let (state, next, error) = match outcome {
        Outcome::Sent => ("sent", None, None),
        Outcome::Again(next, error) => ("queued", Some(next), Some(error)),
        Outcome::Failed(error) => ("failed", None, Some(error)),
    };
    let settled = sqlx::query(
        "update deliveries set state = ?1, next_at = coalesce(?2, next_at), error = ?3,
         settled_at = case when ?1 = 'queued' then null else ?4 end,
         text = case when secret and ?1 <> 'queued' then '' else text end
         where id = ?5 and state = 'queued' and attempts = ?6",
    )
    .bind(state)
    .bind(next.map(Timestamp::millis))
    .bind(error)
    .bind(now.millis())
    .bind(id.to_string())
    .bind(attempts)
    .execute(connection)
    .await?;
    Ok(settled.rows_affected() == 1)
}
