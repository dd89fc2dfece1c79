//! The log of real-time messages.

use ids::EventId;
use sqlite::{Error, SqliteConnection};
use sqlx::SqlitePool;

use super::rows;
use crate::domain::{Message, Recipient};

pub(super) async fn insert(
    connection: &mut SqliteConnection,
    message: Message,
) -> Result<(), Error> {
    sqlx::query("insert into realtime (id, recipient, kind, data, at) values (?, ?, ?, ?, ?)")
        .bind(message.id.to_string())
        .bind(message.recipient.to_string())
        .bind(message.kind)
        .bind(message.data)
        .bind(message.at.millis())
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn resume(
    readers: &SqlitePool,
    audience: &[Recipient],
    last: Option<EventId>,
    bound: u32,
) -> Result<i64, Error> {
    let Some(last) = last else {
        let end = sqlx::query_scalar("select coalesce(max(seq), 0) from realtime");
        return Ok(end.fetch_one(readers).await?);
    };
    // A message that is forgotten lies before everything that is kept.
    let known: i64 =
        sqlx::query_scalar("select coalesce((select seq from realtime where id = ?), 0)")
            .bind(last.to_string())
            .fetch_one(readers)
            .await?;
    let mut newest: Vec<i64> = Vec::new();
    for recipient in audience {
        let places: Vec<i64> = sqlx::query_scalar(
            "select seq from realtime where recipient = ? and seq > ? order by seq desc limit ?",
        )
        .bind(recipient.to_string())
        .bind(known)
        .bind(bound + 1)
        .fetch_all(readers)
        .await?;
        newest.extend(places);
    }
    newest.sort_unstable_by(|one, other| other.cmp(one));
    // The newest one that is left out.
    let cut = newest.get(usize::try_from(bound).unwrap_or(usize::MAX));
    Ok(cut.copied().unwrap_or(known))
}

pub(super) async fn messages(
    readers: &SqlitePool,
    audience: &[Recipient],
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, Message)>, Error> {
    // One statement, so one view of the log: what another connection writes meanwhile comes whole with the next read.
    let rows = sqlx::query(
        "select seq, realtime.id, recipient, kind, data, at from json_each(?) asked
         join realtime on recipient = asked.value where seq > ? order by seq limit ?",
    )
    .bind(rows::list(audience))
    .bind(after)
    .bind(limit)
    .fetch_all(readers)
    .await?;
    Ok(rows.iter().map(rows::message).collect::<Result<_, _>>()?)
}
