//! Rows as values.

use clock::Timestamp;
use sqlx::{Row as _, sqlite::SqliteRow};

use crate::domain::{Channel, Delivery, Message, Notification};

pub(super) fn notification(row: &SqliteRow) -> Result<Notification, sqlx::Error> {
    Ok(Notification {
        id: parsed(row, "id")?,
        recipient: parsed(row, "recipient")?,
        kind: row.try_get("kind")?,
        title: row.try_get("title")?,
        body: row.try_get("body")?,
        at: Timestamp::from_millis(row.try_get("at")?),
        read: row.try_get::<Option<i64>, _>("read_at")?.is_some(),
        data: row.try_get("data")?,
    })
}

pub(super) fn delivery(row: &SqliteRow) -> Result<Delivery, sqlx::Error> {
    let channel = Channel::parse(row.try_get("channel")?);
    Ok(Delivery {
        id: parsed(row, "id")?,
        channel: channel.ok_or_else(|| sqlx::Error::Decode("channel".into()))?,
        address: row.try_get("recipient")?,
        template: row.try_get("template")?,
        subject: row.try_get("subject")?,
        text: row.try_get("text")?,
        secret: row.try_get("secret")?,
        attempts: row.try_get("attempts")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}

pub(super) fn message(row: &SqliteRow) -> Result<(i64, Message), sqlx::Error> {
    let message = Message {
        id: parsed(row, "id")?,
        recipient: parsed(row, "recipient")?,
        kind: row.try_get("kind")?,
        at: Timestamp::from_millis(row.try_get("at")?),
        data: row.try_get("data")?,
    };
    Ok((row.try_get("seq")?, message))
}

fn parsed<T>(row: &SqliteRow, column: &'static str) -> Result<T, sqlx::Error>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| sqlx::Error::Decode(error.into()))
}

/// A JSON array of texts for `json_each`. Ids and recipients hold nothing that JSON would have to escape.
pub(super) fn list<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> =
        values.iter().map(|value| format!("\"{}\"", value.to_string())).collect();
    format!("[{}]", texts.join(","))
}
