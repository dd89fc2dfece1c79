//! What providers asked and were told.

use clock::Timestamp;
use sqlite::{Connection, Error, params};

use crate::store::{Entry, beginning};

pub(super) fn append(connection: &Connection, entry: &Entry) -> Result<(), Error> {
    connection.execute(
        "insert into callback_inbox (at, provider, method, remote_ip, request, status, answer)
         values (?, ?, ?, ?, ?, ?, ?)",
        params![
            entry.at.millis(),
            entry.provider.as_str(),
            entry.method,
            entry.remote_ip,
            beginning(&entry.request),
            entry.status,
            beginning(&entry.answer),
        ],
    )?;
    Ok(())
}

pub(super) fn trim(connection: &Connection, before: Timestamp, keep: u32) -> Result<(), Error> {
    connection.execute(
        "delete from callback_inbox where at < ?1
         or row <= (select max(row) from callback_inbox) - ?2",
        params![before.millis(), keep],
    )?;
    Ok(())
}
