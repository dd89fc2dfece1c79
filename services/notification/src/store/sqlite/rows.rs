//! Rows as values.

use clock::Timestamp;
use sqlite::{Error, FromRow, Row};

use crate::domain::{Channel, Delivery, Message, Notification, Recipient};

/// A message and its place in the log.
pub(super) struct Placed {
    pub(super) place: i64,
    pub(super) message: Message,
}

/// Whom the message at a place is for.
pub(super) struct Whose {
    pub(super) place: i64,
    pub(super) recipient: Recipient,
}

impl FromRow for Whose {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self { place: row.get("seq")?, recipient: parsed(row, "recipient")? })
    }
}

impl FromRow for Notification {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(Self {
            id: parsed(row, "id")?,
            recipient: parsed(row, "recipient")?,
            kind: row.get("kind")?,
            title: row.get("title")?,
            body: row.get("body")?,
            at: Timestamp::from_millis(row.get("at")?),
            read: row.get::<_, Option<i64>>("read_at")?.is_some(),
            data: row.get("data")?,
        })
    }
}

impl FromRow for Delivery {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let channel = Channel::parse(text(row, "channel")?);
        Ok(Self {
            id: parsed(row, "id")?,
            channel: channel.ok_or_else(|| Error::value("channel"))?,
            address: row.get("recipient")?,
            template: row.get("template")?,
            subject: row.get("subject")?,
            text: row.get("text")?,
            secret: row.get("secret")?,
            attempts: row.get("attempts")?,
            created_at: Timestamp::from_millis(row.get("created_at")?),
        })
    }
}

impl FromRow for Placed {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        let message = Message {
            id: parsed(row, "id")?,
            recipient: parsed(row, "recipient")?,
            kind: row.get("kind")?,
            at: Timestamp::from_millis(row.get("at")?),
            data: row.get("data")?,
        };
        Ok(Self { place: row.get("seq")?, message })
    }
}

fn parsed<T>(row: &Row<'_>, column: &'static str) -> Result<T, Error>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    text(row, column)?.parse().map_err(|error: T::Err| Error::value(error))
}

fn text<'row>(row: &'row Row<'_>, column: &'static str) -> Result<&'row str, Error> {
    row.get_ref(column)?.as_str().map_err(Error::value)
}
