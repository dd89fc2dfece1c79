//! What providers asked and were told.

use clock::Timestamp;
use postgres::Error;
use sqlx::{Encode, PgConnection, QueryBuilder, Type, query};

use super::rows::{moment, plain};
use crate::store::{Entry, beginning};

/// Lines forgotten at once: more would keep others waiting.
const FORGOTTEN: u32 = 5000;

/// Pushes the `insert` of a line for each row of `held`, a relation of the statement.
pub(super) fn push(
    statement: &mut QueryBuilder<sqlx::Postgres>,
    entry: &Entry,
    held: &'static str,
) {
    statement.push(
        "insert into callback_inbox (at, provider, method, remote_ip, request, status, answer) select ",
    );
    let mut values = statement.separated(", ");
    values
        .push_bind(moment(entry.at))
        .push_bind(entry.provider.as_str())
        .push_bind(plain(&entry.method))
        .push_bind(plain(&entry.remote_ip))
        .push_bind(plain(beginning(&entry.request)))
        .push_bind(i32::from(entry.status))
        .push_bind(plain(beginning(&entry.answer)));
    statement.push(" from ").push(held);
}

/// Writes lines, all in one statement.
pub(super) async fn append(connection: &mut PgConnection, entries: &[Entry]) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let texts = |text: fn(&Entry) -> &str| -> Vec<String> {
        entries.iter().map(|entry| plain(beginning(text(entry)))).collect()
    };
    query(
        "insert into callback_inbox (at, provider, method, remote_ip, request, status, answer)
         select * from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[],
         $7::text[])",
    )
    .bind(entries.iter().map(|entry| moment(entry.at)).collect::<Vec<_>>())
    .bind(texts(|entry| entry.provider.as_str()))
    .bind(texts(|entry| &entry.method))
    .bind(texts(|entry| &entry.remote_ip))
    .bind(texts(|entry| &entry.request))
    .bind(entries.iter().map(|entry| i32::from(entry.status)).collect::<Vec<_>>())
    .bind(texts(|entry| &entry.answer))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets what is old, and what is too much.
pub(super) async fn trim(
    connection: &mut PgConnection,
    before: Timestamp,
    keep: u32,
) -> Result<(), Error> {
    let old = "delete from callback_inbox where row = any(array(select row from callback_inbox
               where at < $1 order by at limit $2 for update skip locked))";
    forget(connection, old, moment(before)).await?;
    let too_much = "delete from callback_inbox where row = any(array(select row from callback_inbox
                    where row <= (select max(row) from callback_inbox) - $1
                    order by row limit $2 for update skip locked))";
    forget(connection, too_much, i64::from(keep)).await
}

/// Runs a statement until it finds little. Lines that another process is forgetting are left to it.
async fn forget<T>(
    connection: &mut PgConnection,
    statement: &'static str,
    bound: T,
) -> Result<(), Error>
where
    T: for<'t> Encode<'t, sqlx::Postgres> + Type<sqlx::Postgres> + Copy,
{
    loop {
        let delete = query(statement).bind(bound).bind(i64::from(FORGOTTEN));
        let deleted = delete.execute(&mut *connection).await?.rows_affected();
        if deleted < u64::from(FORGOTTEN) {
            return Ok(());
        }
    }
}
