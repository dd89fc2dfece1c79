//! Lists in the application. A reader has two or three of them: each is looked up by itself, along its index.

use clock::Timestamp;
use ids::NotificationId;
use sqlite::{Connection, Error, params};

use super::{Counts, Place};
use crate::domain::{Notification, Recipient};

pub(super) fn insert(connection: &Connection, one: &Notification) -> Result<(), Error> {
    connection.execute(
        "insert into notifications (id, recipient, kind, title, body, data, at)
         values (?, ?, ?, ?, ?, ?, ?)",
        params![
            one.id.to_string(),
            one.recipient.to_string(),
            one.kind,
            one.title,
            one.body,
            one.data,
            one.at.millis(),
        ],
    )?;
    Ok(())
}

pub(super) fn page(
    connection: &Connection,
    audience: &[Recipient],
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Notification>, Error> {
    let (at, id) =
        after.map_or((i64::MAX, String::new()), |place| (place.at.millis(), place.id.to_string()));
    let mut found: Vec<Notification> = Vec::new();
    for recipient in audience {
        found.extend(connection.all::<Notification>(
            "select id, recipient, kind, title, body, data, at, read_at from notifications
             where recipient = ? and (at, id) < (?, ?) order by at desc, id desc limit ?",
            params![recipient.to_string(), at, id, limit],
        )?);
    }
    found.sort_by_key(|one| std::cmp::Reverse((one.at, one.id)));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

pub(super) fn count(connection: &Connection, audience: &[Recipient]) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for recipient in audience {
        // Two counts, each from an index alone.
        let (all, unread): (i64, i64) = connection.one(
            "select (select count(*) from notifications where recipient = ?1),
             (select count(*) from notifications where recipient = ?1 and read_at is null)",
            [recipient.to_string()],
        )?;
        counts.all += u64::try_from(all).unwrap_or(0);
        counts.unread += u64::try_from(unread).unwrap_or(0);
    }
    Ok(counts)
}

pub(super) fn mark_read(
    connection: &Connection,
    audience: &[Recipient],
    ids: &[NotificationId],
    now: Timestamp,
) -> Result<(), Error> {
    for recipient in audience.iter().map(Recipient::to_string) {
        if ids.is_empty() {
            connection.execute(
                "update notifications set read_at = ? where recipient = ? and read_at is null",
                params![now.millis(), recipient],
            )?;
        }
        for id in ids {
            connection.execute(
                "update notifications set read_at = ?
                 where id = ? and recipient = ? and read_at is null",
                params![now.millis(), id.to_string(), recipient],
            )?;
        }
    }
    Ok(())
}
