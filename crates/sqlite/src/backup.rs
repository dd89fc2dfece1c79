//! Copies a database while it is written to, and puts a copy in its place.
//!
//! A [`Source`] has two connections. One takes the right to write from everybody ([`Source::hold`]), so that the other can open its view of
//! the data at a moment that is the same for several databases ([`Source::snapshot`]). Writers go on after [`Source::release`], and the
//! view is copied at leisure.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use archive::Part;
use rusqlite::{Connection, ErrorCode, OpenFlags, backup::Backup};

use crate::Error;

/// How often to try for the right to write. A writer that is busy lets go of it for less than a millisecond between two commits.
const KNOCK: Duration = Duration::from_micros(500);
/// Pages copied at a time.
const PAGES: i32 = 4096;

/// A database that is to be copied.
#[derive(Debug)]
pub struct Source {
    gate: Connection,
    view: Connection,
}

impl Source {
    /// Opens the file behind a `sqlite:<path>` address. It has to be there.
    pub fn open(address: &str) -> Result<Self, Error> {
        let path = path(address);
        if !path.is_file() {
            return Err(Error::Missing(path));
        }
        let open = || {
            let connection = Connection::open_with_flags(
                &path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            connection.busy_timeout(Duration::ZERO)?;
            Ok::<_, Error>(connection)
        };
        let (gate, view) = (open()?, open()?);
        view.pragma_update(None, "query_only", true)?;
        Ok(Self { gate, view })
    }

    /// Keeps everybody from writing until [`Source::release`]. They wait as they wait for each other.
    pub fn hold(&self, patience: Duration) -> Result<(), Error> {
        let until = Instant::now() + patience;
        loop {
            match self.gate.execute_batch("begin immediate") {
                Err(error) if is_busy(&error) && Instant::now() < until => {
                    std::thread::sleep(KNOCK);
                }
                Err(error) if is_busy(&error) => return Err(Error::Busy),
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Opens the view: what is written from now on is not in the copy.
    pub fn snapshot(&self) -> Result<(), Error> {
        self.view.execute_batch("begin")?;
        // A transaction begins with its first look.
        let _: i64 =
            self.view.query_row("select count(*) from sqlite_schema", (), |row| row.get(0))?;
        Ok(())
    }

    /// Lets others write again.
    pub fn release(&self) -> Result<(), Error> {
        end(&self.gate)
    }

    /// Closes the view, to try again.
    pub fn forget(&self) -> Result<(), Error> {
        end(&self.view)
    }

    /// Copies the view to the file `name` of a part, and checks the copy. The version of its schema.
    pub fn copy(self, part: &mut Part, name: &str) -> Result<i64, Error> {
        let place = part.place(name)?;
        let mut copy = Connection::open(&place)?;
        {
            let backup = Backup::new(&self.view, &mut copy)?;
            backup.run_to_completion(PAGES, Duration::ZERO, None)?;
        }
        self.forget()?;
        // One file, without a log beside it.
        let _: String = copy.query_row("pragma journal_mode = delete", (), |row| row.get(0))?;
        let sound: String = copy.query_row("pragma integrity_check(1)", (), |row| row.get(0))?;
        if sound != "ok" {
            return Err(Error::Damaged(sound));
        }
        for table in tables(&copy)? {
            let counted = format!("select count(*) from \"{}\"", table.replace('"', "\"\""));
            let count: i64 = copy.query_row(&counted, (), |row| row.get(0))?;
            part.count(table, count.unsigned_abs());
        }
        let version = copy.query_row("pragma user_version", (), |row| row.get(0))?;
        copy.close().map_err(|(_, error)| error)?;
        part.adopt(name)?;
        Ok(version)
    }
}

fn tables(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite\\_%' escape '\\'
         order by name",
    )?;
    let tables = statement.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(tables)
}

fn end(connection: &Connection) -> Result<(), Error> {
    if connection.is_autocommit() { Ok(()) } else { Ok(connection.execute_batch("rollback")?) }
}

/// Whether there is a database behind an address.
pub fn is_there(address: &str) -> bool {
    path(address).exists()
}

/// Whether a process has the database open.
pub fn is_in_use(address: &str) -> Result<bool, Error> {
    let path = path(address);
    if !path.is_file() {
        return Ok(false);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags)?;
    connection.busy_timeout(Duration::from_millis(200))?;
    // Every open connection has a share of a database with a log: nobody can take the log away from under it.
    let turned =
        connection.query_row("pragma journal_mode = delete", (), |row| row.get::<_, String>(0));
    match turned {
        Err(error) if is_busy(&error) => return Ok(true),
        // Something that is no database is in nobody's use.
        Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::NotADatabase => {
            return Ok(false);
        }
        outcome => drop(outcome?),
    }
    match connection.execute_batch("begin exclusive; rollback") {
        Err(error) if is_busy(&error) => Ok(true),
        outcome => outcome.map(|()| false).map_err(Error::from),
    }
}

/// Puts a copy in the place of the database behind an address. Nobody may have that open.
pub fn restore(address: &str, copy: &Path) -> Result<(), Error> {
    let path = path(address);
    // Before the new file has its name: a log that does not belong to it would be applied to it.
    for log in ["-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(log);
        archive::remove_if_there(Path::new(&name))?;
    }
    Ok(archive::copy_into_place(copy, &path)?)
}

fn path(address: &str) -> PathBuf {
    PathBuf::from(address.strip_prefix("sqlite:").unwrap_or(address))
}

fn is_busy(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, _) = error else { return false };
    matches!(failure.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
}
