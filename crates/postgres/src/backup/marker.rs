//! A note in a database that a copy is being put into it, so that nobody takes half of one for the whole, on whichever machine they are.
//! It is a table of its own, which `Target::clear` leaves alone: made before the first table is touched, gone after the last.

use sqlx::{Connection as _, PgConnection, raw_sql};

use super::connect;
use crate::Error;

/// The name of the table.
pub(crate) const MARKER: &str = "restoring";

/// Notes that this backup is being put into the database of an address.
pub async fn mark(address: &str, backup: &str) -> Result<(), Error> {
    let mut connection = connect(address).await?;
    let mut transaction = connection.begin().await?;
    let fresh = "create table if not exists public.restoring (backup text not null); delete from public.restoring";
    raw_sql(fresh).execute(&mut *transaction).await?;
    let note = sqlx::query("insert into public.restoring values ($1)").bind(backup);
    note.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(connection.close().await?)
}

/// The backup that is being put into the database of an address; none when none is.
pub async fn marked(address: &str) -> Result<Option<String>, Error> {
    let mut connection = connect(address).await?;
    let marked = read(&mut connection).await?;
    connection.close().await?;
    Ok(marked)
}

/// Notes that all of it is there.
pub async fn unmark(address: &str) -> Result<(), Error> {
    let mut connection = connect(address).await?;
    raw_sql("drop table if exists public.restoring").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// What the note says.
pub(crate) async fn read(connection: &mut PgConnection) -> Result<Option<String>, Error> {
    let there: bool = sqlx::query_scalar("select to_regclass('public.restoring') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Ok(None);
    }
    let backup = sqlx::query_scalar("select backup from public.restoring limit 1");
    let backup: Option<String> = backup.fetch_optional(connection).await?;
    Ok(Some(backup.unwrap_or_default()))
}
