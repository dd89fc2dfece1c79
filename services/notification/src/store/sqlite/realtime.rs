//! The log of real-time messages.

use ids::EventId;
use sqlite::{Connection, Error, params};

use super::rows::{Placed, Whose};
use crate::domain::{Message, Recipient};

pub(super) fn insert(connection: &Connection, message: &Message) -> Result<(), Error> {
    connection.execute(
        "insert into realtime (id, recipient, kind, data, at) values (?, ?, ?, ?, ?)",
        params![
            message.id.to_string(),
            message.recipient.to_string(),
            message.kind,
            message.data,
            message.at.millis(),
        ],
    )?;
    Ok(())
}

pub(super) fn resume(
    connection: &Connection,
    audience: &[Recipient],
    last: Option<EventId>,
    bound: u32,
) -> Result<i64, Error> {
    let Some(last) = last else {
        return connection.one("select coalesce(max(seq), 0) from realtime", ());
    };
    // A message that is forgotten lies before everything that is kept.
    let known: i64 = connection
        .one("select coalesce((select seq from realtime where id = ?), 0)", [last.to_string()])?;
    let mut newest: Vec<i64> = Vec::new();
    for recipient in audience {
        newest.extend(connection.all::<i64>(
            "select seq from realtime where recipient = ? and seq > ? order by seq desc limit ?",
            params![recipient.to_string(), known, bound + 1],
        )?);
    }
    newest.sort_unstable_by(|one, other| other.cmp(one));
    // The newest one that is left out.
    let cut = newest.get(usize::try_from(bound).unwrap_or(usize::MAX));
    Ok(cut.copied().unwrap_or(known))
}

pub(super) fn messages(
    connection: &Connection,
    audience: &[Recipient],
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, Message)>, Error> {
    let mut found: Vec<Placed> = Vec::new();
    // All in one snapshot of the log: what is written meanwhile comes whole with the next read.
    for recipient in audience {
        found.extend(connection.all::<Placed>(
            "select seq, id, recipient, kind, data, at from realtime
             where recipient = ? and seq > ? order by seq limit ?",
            params![recipient.to_string(), after, limit],
        )?);
    }
    found.sort_unstable_by_key(|one| one.place);
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found.into_iter().map(|one| (one.place, one.message)).collect())
}

pub(super) fn glance(
    connection: &Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<(i64, Vec<Recipient>), Error> {
    let Some(after) = after else {
        let end = connection.one("select coalesce(max(seq), 0) from realtime", ())?;
        return Ok((end, Vec::new()));
    };
    let found: Vec<Whose> = connection.all(
        "select seq, recipient from realtime where seq > ? order by seq limit ?",
        params![after, limit],
    )?;
    let place = found.last().map_or(after, |last| last.place);
    let mut whose: Vec<Recipient> = found.into_iter().map(|one| one.recipient).collect();
    whose.sort_unstable();
    whose.dedup();
    Ok((place, whose))
}
