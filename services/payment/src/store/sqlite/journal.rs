//! What providers asked and were told.

use clock::Timestamp;
use serde_json::json;
use sqlite::{Error, SqliteConnection};

use crate::store::Entry;

pub(super) async fn append(
    connection: &mut SqliteConnection,
    entries: Vec<Entry>,
) -> Result<(), Error> {
    let list: Vec<serde_json::Value> = entries
        .into_iter()
        .map(|entry| {
            json!([
                entry.at.millis(),
                entry.provider.as_str(),
                entry.method,
                entry.remote_ip,
                entry.request,
                entry.status,
                entry.answer
            ])
        })
        .collect();
    sqlx::query(
        "insert into callback_inbox (at, provider, method, remote_ip, request, status, answer)
         select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
         from json_each(?)",
    )
    .bind(serde_json::Value::Array(list).to_string())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn trim(
    connection: &mut SqliteConnection,
    before: Timestamp,
    keep: u32,
) -> Result<(), Error> {
    sqlx::query(
        "delete from callback_inbox where at < ?1
         or row <= (select max(row) from callback_inbox) - ?2",
    )
    .bind(before.millis())
    .bind(keep)
    .execute(connection)
    .await?;
    Ok(())
}
