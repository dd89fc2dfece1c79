//! One connection, and how statements are run on it.

use std::{path::Path, time::Duration};

use rusqlite::{OpenFlags, OptionalExtension as _, Params, Row, config::DbConfig, types::FromSql};
use rusqlite_migration::{M, Migrations};

use crate::{Durability, Error};

/// Prepared statements kept for each connection: more than any service has.
const STATEMENTS: usize = 256;

/// A connection inside a job. Every statement is prepared once and kept.
#[derive(Debug)]
pub struct Connection(rusqlite::Connection);

impl Connection {
    /// Runs one statement; how many rows it changed.
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<u64, Error> {
        let changed = self.0.prepare_cached(sql)?.execute(params)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Every row that a query finds. Bound the query.
    pub fn all<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(T::from_row(row)?);
        }
        Ok(found)
    }

    /// The first row that a query finds, if it finds any. A statement that writes is run to its end.
    pub fn first<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<Option<T>, Error> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let found = rows.next()?.map(T::from_row).transpose()?;
        while rows.next()?.is_some() {}
        Ok(found)
    }

    /// The first row of a query that always finds one.
    pub fn one<T: FromRow>(&self, sql: &str, params: impl Params) -> Result<T, Error> {
        self.first(sql, params)?.ok_or(Error::Sql(rusqlite::Error::QueryReturnedNoRows))
    }

    /// The one connection that writes; brings the schema up to date.
    pub(crate) fn writer(
        path: &Path,
        durability: Durability,
        migrations: &[&str],
    ) -> Result<Self, Error> {
        let mut inner = rusqlite::Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE
                | OpenFlags::SQLITE_OPEN_CREATE
                | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        prepare(&inner)?;
        let _: Option<String> =
            inner.query_row("pragma journal_mode = wal", (), |row| row.get(0)).optional()?;
        inner.pragma_update(
            None,
            "synchronous",
            match durability {
                Durability::Full => "full",
                Durability::Process => "normal",
            },
        )?;
        // Pages that change with every write are copied back once for many commits: 32 MiB of log at most.
        inner.pragma_update(None, "wal_autocheckpoint", 8000)?;
        let steps = migrations.iter().copied().map(M::up).collect();
        Migrations::new(steps).to_latest(&mut inner)?;
        inner.pragma_update(None, "foreign_keys", true)?;
        Ok(Self(inner))
    }

    /// A connection that cannot write.
    pub(crate) fn reader(path: &Path) -> Result<Self, Error> {
        let inner = rusqlite::Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        prepare(&inner)?;
        Ok(Self(inner))
    }

    pub(crate) fn close(self) -> Result<(), Error> {
        self.0.close().map_err(|(_, error)| error.into())
    }
}

fn prepare(inner: &rusqlite::Connection) -> Result<(), rusqlite::Error> {
    inner.busy_timeout(Duration::from_secs(5))?;
    inner.set_prepared_statement_cache_capacity(STATEMENTS);
    // A statement is planned once, not again for every value of its `limit ?`.
    inner.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    inner.pragma_update(None, "temp_store", "memory")?;
    inner.pragma_update(None, "cache_size", -2048)?;
    // Answers with the new size.
    let _: Option<i64> =
        inner.query_row("pragma mmap_size = 16777216", (), |row| row.get(0)).optional()?;
    Ok(())
}

/// What a row becomes.
pub trait FromRow: Sized {
    /// Reads the row's columns, by number or by name.
    fn from_row(row: &Row<'_>) -> Result<Self, Error>;
}

macro_rules! single_columns {
    ($($type:ty),+ $(,)?) => {
        $(impl FromRow for $type {
            fn from_row(row: &Row<'_>) -> Result<Self, Error> {
                Ok(row.get(0)?)
            }
        })+
    };
}

single_columns!(bool, i64, u32, String, Vec<u8>);

impl<T: FromSql> FromRow for Option<T> {
    fn from_row(row: &Row<'_>) -> Result<Self, Error> {
        Ok(row.get(0)?)
    }
}

macro_rules! tuples {
    ($(($($name:ident $number:tt),+))+) => {
        $(impl<$($name: FromSql),+> FromRow for ($($name,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, Error> {
                Ok(($(row.get::<_, $name>($number)?,)+))
            }
        })+
    };
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
