//! Copies a database while it is written to.
//!
//! A [`Source`] has two connections. One locks every table against changes ([`Source::hold`]), so that the other can open its view of the
//! data at a moment that is the same for several databases ([`Source::snapshot`]). Writers go on after [`Source::release`], and the view is
//! copied at leisure: each table as `COPY` writes it, in text that every version reads. [`Target`] puts a copy back.

use std::time::Duration;

use archive::Part;
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, raw_sql};

use crate::{Error, options};

mod marker;
mod target;

pub(crate) use marker::read as restoring;
pub use marker::{mark, marked, unmark};
pub use target::{State, Target};

/// How long to wait for one table. Shorter than the time after which the server looks for deadlocks (a second): whoever waits for us while we
/// wait for them goes on, and we begin anew.
const LOCK: Duration = Duration::from_millis(300);
/// What the copies are and where they begin.
const CONTENTS: &str = "tables.json";
/// How other connections are told from ours.
const NAME: &str = "ultramarket backup";

/// What a copy says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    /// Steps of the schema that had been made.
    migrations: Vec<Step>,
    tables: Vec<Table>,
    sequences: Vec<Sequence>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    version: i64,
    /// Of its text, in hexadecimal.
    checksum: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Table {
    name: String,
    columns: Vec<String>,
    /// The file with its rows.
    file: String,
    rows: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Sequence {
    name: String,
    last: i64,
    /// Whether the last number was given to anybody.
    called: bool,
}

/// A database that is to be copied.
#[derive(Debug)]
pub struct Source {
    gate: PgConnection,
    view: PgConnection,
    tables: Vec<String>,
}

impl Source {
    /// Connects to the database behind a `postgres://` address. It has to be there, with its tables.
    pub async fn open(address: &str) -> Result<Self, Error> {
        let (mut gate, view) = (connect(address).await?, connect(address).await?);
        if let Some(backup) = restoring(&mut gate).await? {
            return Err(Error::Restoring(backup));
        }
        let migrated: bool =
            sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
                .fetch_one(&mut gate)
                .await?;
        if !migrated {
            return Err(Error::Outdated);
        }
        // Events are written last in almost every transaction: whoever has got so far does not have to wait for us, nor we for them.
        let tables = sqlx::query_scalar(
            "select relname::text from pg_class
             where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
             order by relname = 'outbox', relname",
        )
        .fetch_all(&mut gate)
        .await?;
        Ok(Self { gate, view, tables })
    }

    /// Keeps everybody from changing any table until [`Source::release`]. Contention ([`Error::is_contention`]) when somebody was in the way.
    pub async fn hold(&mut self) -> Result<(), Error> {
        let tables: Vec<String> = self.tables.iter().map(|table| quoted(table)).collect();
        let statement = format!(
            "begin; set local lock_timeout = {}; lock table {} in share row exclusive mode",
            LOCK.as_millis(),
            tables.join(", ")
        );
        raw_sql(AssertSqlSafe(statement)).execute(&mut self.gate).await?;
        Ok(())
    }

    /// Opens the view: what is committed from now on is not in the copy.
    pub async fn snapshot(&mut self) -> Result<(), Error> {
        // A transaction begins with its first look.
        let begin = "begin isolation level repeatable read read only; select version from _sqlx_migrations limit 1";
        raw_sql(begin).execute(&mut self.view).await?;
        Ok(())
    }

    /// Lets others write again.
    pub async fn release(&mut self) -> Result<(), Error> {
        raw_sql("rollback").execute(&mut self.gate).await?;
        Ok(())
    }

    /// Closes the view, to try again.
    pub async fn forget(&mut self) -> Result<(), Error> {
        raw_sql("rollback").execute(&mut self.view).await?;
        Ok(())
    }

    /// Copies the view to a part. The version of its schema.
    pub async fn copy(mut self, part: &mut Part) -> Result<i64, Error> {
        let migrations = steps(&mut self.view).await?;
        let mut tables = Vec::new();
        for name in self.tables.iter().filter(|name| *name != "_sqlx_migrations") {
            let columns = columns(&mut self.view, name).await?;
            let file = format!("{name}.copy");
            let rows = copy_out(&mut self.view, part, name, &columns, &file).await?;
            part.count(name.as_str(), rows);
            tables.push(Table { name: name.clone(), columns, file, rows });
        }
        // Sequences belong to no transaction: read after the rows, they are never behind them.
        let sequences = sequences(&mut self.view).await?;
        let version = migrations.iter().map(|step| step.version).max().unwrap_or(0);
        let contents = Contents { migrations, tables, sequences };
        let mut sheet = part.sheet(CONTENTS)?;
        sheet.put(&serde_json::to_vec_pretty(&contents).map_err(Error::value)?)?;
        part.keep(sheet)?;
        self.forget().await?;
        self.view.close().await?;
        self.gate.close().await?;
        Ok(version)
    }
}

/// Leaves out so many numbers of a sequence, beyond the last that was given.
pub async fn skip_numbers(address: &str, sequence: &str, count: i64) -> Result<(), Error> {
    let mut connection = connect(address).await?;
    sqlx::query("select setval(to_regclass($1), nextval(to_regclass($1)) + $2)")
        .bind(format!("public.{}", quoted(sequence)))
        .bind(count)
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}

/// A connection that sees the whole platform, takes as long as it takes, and writes values in one way everywhere.
async fn connect(address: &str) -> Result<PgConnection, Error> {
    let (options, _) = options(address)?;
    let options = options.application_name(NAME).options([
        ("statement_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("datestyle", "ISO"),
        ("intervalstyle", "iso_8601"),
        ("timezone", "UTC"),
        ("extra_float_digits", "3"),
    ]);
    Ok(PgConnection::connect_with(&options).await?)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn steps(connection: &mut PgConnection) -> Result<Vec<Step>, Error> {
    let rows = sqlx::query(
        "select version, encode(checksum, 'hex') as checksum from _sqlx_migrations where success order by version",
    )
    .fetch_all(connection)
    .await?;
    let step = |row: sqlx::postgres::PgRow| {
        Ok(Step { version: row.try_get("version")?, checksum: row.try_get("checksum")? })
    };
    rows.into_iter().map(step).collect()
}

/// Columns whose values are stored as they were given.
async fn columns(connection: &mut PgConnection, table: &str) -> Result<Vec<String>, Error> {
    let columns = sqlx::query_scalar(
        "select attname::text from pg_attribute
         where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''
         order by attnum",
    );
    Ok(columns.bind(format!("public.{}", quoted(table))).fetch_all(connection).await?)
}

/// `table (column, ..)` for `COPY`.
fn columns_of(table: &str, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    format!("public.{} ({})", quoted(table), columns.join(", "))
}

async fn copy_out(
    connection: &mut PgConnection,
    part: &mut Part,
    table: &str,
    columns: &[String],
    file: &str,
) -> Result<u64, Error> {
    let mut sheet = part.sheet(file)?;
    let mut rows: u64 = 0;
    let statement = format!("copy {} to stdout", columns_of(table, columns));
    let mut lines = connection.copy_out_raw(&statement).await?;
    while let Some(bytes) = lines.try_next().await? {
        // A row is a line: one within a value is written as two characters.
        rows += bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
        sheet.put(&bytes)?;
    }
    drop(lines);
    part.keep(sheet)?;
    Ok(rows)
}

async fn sequences(connection: &mut PgConnection) -> Result<Vec<Sequence>, Error> {
    let names: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind = 'S' order by relname",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Vec::new();
    for name in names {
        let look = format!("select last_value, is_called from public.{}", quoted(&name));
        let row = sqlx::query(AssertSqlSafe(look)).fetch_one(&mut *connection).await?;
        let (last, called) = (row.try_get("last_value")?, row.try_get("is_called")?);
        found.push(Sequence { name, last, called });
    }
    Ok(found)
}
