//! Copies a database while it is written to, and puts a copy back: each collection as a stream of BSON, the form that MongoDB's own tools read.
//!
//! Writers are not held here. A server with snapshot reads is asked for a moment ([`Source::snapshot`]) and everything is read as of that; one
//! without them is read while it changes.

use std::{
    fs::File,
    io::{BufReader, Read as _},
    path::Path,
    time::Duration,
};

use archive::Part;
use futures::TryStreamExt as _;
use mongodb::{
    Database,
    bson::{Document, RawDocumentBuf, Timestamp, doc},
};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    Address, Error, connect, late,
    schema::{SCHEMA, version},
};

/// Documents asked for at a time.
const BATCH: i32 = 1000;
/// Documents written with one command, and their bytes; a command may have 48 MiB.
const DOCUMENTS: usize = 1000;
const BYTES: usize = 8 * 1024 * 1024;
/// The largest document there can be, with room.
const LARGEST: u32 = 32 * 1024 * 1024;
/// Read after all others. Where there is no snapshot, what they say has been done may be missing in the copy, but nothing is there that they do
/// not know of: a number would be given twice, or an event done again that cannot be done twice.
const LAST: [&str; 2] = ["counters", "inbox"];
/// What the names of files end with.
const ENDING: &str = "bson";

/// A database that is to be copied.
#[derive(Debug)]
pub struct Source {
    database: Database,
    collections: Vec<String>,
    version: i32,
    answer: Duration,
    /// The moment of which everything is read.
    moment: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Looked {
    cursor: Cursor,
}

#[derive(Debug, Deserialize)]
struct Cursor {
    #[serde(rename = "atClusterTime")]
    moment: Option<Timestamp>,
}

impl Source {
    /// Connects to the database of a `mongodb://` address. It has to be there, with its schema.
    pub async fn open(address: &str) -> Result<Self, Error> {
        let address = Address::parse(address)?;
        let database = connect(&address).await?;
        let version = bounded(address.answer, version(&database)).await?;
        if version == 0 {
            return Err(Error::Outdated);
        }
        let collections = collections(&database).await?;
        Ok(Self { database, collections, version, answer: address.answer, moment: None })
    }

    /// Fixes the moment; false when the server has no snapshots, and the copy will be read while the data change.
    pub async fn snapshot(&mut self) -> Result<bool, Error> {
        let look = doc! { "find": SCHEMA, "limit": 1, "readConcern": { "level": "snapshot" } };
        let looked = bounded(self.answer, self.database.run_command(look)).await;
        self.moment = match looked {
            Ok(answer) => {
                let looked: Looked =
                    mongodb::bson::deserialize_from_document(answer).map_err(Error::value)?;
                looked.cursor.moment
            }
            // It knows no snapshots, or is no member of a replica set.
            Err(Error::Refused { text, .. }) => {
                tracing::debug!(text, "no snapshot reads");
                None
            }
            Err(error) => return Err(error),
        };
        Ok(self.moment.is_some())
    }

    /// Copies all collections to a part. The version of the schema.
    pub async fn copy(self, part: &mut Part) -> Result<i64, Error> {
        for name in &self.collections {
            let mut find = doc! { "find": name, "batchSize": BATCH };
            if let Some(moment) = self.moment {
                find.insert("readConcern", doc! { "level": "snapshot", "atClusterTime": moment });
            }
            let mut sheet = part.sheet(&format!("{name}.{ENDING}"))?;
            let mut count = 0;
            let mut cursor = bounded(self.answer, self.database.run_cursor_command(find)).await?;
            while bounded(self.answer, cursor.advance()).await? {
                sheet.put(cursor.current().as_bytes())?;
                count += 1;
            }
            part.keep(sheet)?;
            part.count(name.as_str(), count);
        }
        self.database.client().clone().shutdown().immediate(true).await;
        Ok(i64::from(self.version))
    }
}

/// Whether a collection of the database has a document.
pub async fn is_filled(address: &str) -> Result<bool, Error> {
    let address = Address::parse(address)?;
    let database = connect(&address).await?;
    let mut filled = false;
    for name in bounded(address.answer, async { Ok(collections(&database).await) }).await?? {
        let collection = database.collection::<Document>(&name);
        filled |= bounded(address.answer, collection.find_one(doc! {})).await?.is_some();
    }
    database.client().clone().shutdown().immediate(true).await;
    Ok(filled)
}

/// Removes every collection, with what is in them.
pub async fn clear(address: &str) -> Result<(), Error> {
    let database = connect(&Address::parse(address)?).await?;
    let mut names = collections(&database).await?;
    names.push(SCHEMA.to_owned());
    for name in names {
        database.collection::<Document>(&name).drop().await?;
    }
    database.client().clone().shutdown().immediate(true).await;
    Ok(())
}

/// Fills the collections from the copy in a folder. They are there and empty, with their indexes: see [`crate::migrate`].
pub async fn load(address: &str, folder: &Path) -> Result<(), Error> {
    let database = connect(&Address::parse(address)?).await?;
    let files = std::fs::read_dir(folder).map_err(Error::value)?;
    for file in files {
        let path = file.map_err(Error::value)?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let Some(name) = name.filter(|_| path.extension().is_some_and(|end| end == ENDING)) else {
            continue;
        };
        load_collection(&database, name, &path).await?;
    }
    database.client().clone().shutdown().immediate(true).await;
    Ok(())
}

async fn load_collection(database: &Database, name: &str, path: &Path) -> Result<(), Error> {
    let collection = database.collection::<RawDocumentBuf>(name);
    let mut reader = BufReader::new(File::open(path).map_err(Error::value)?);
    let mut ended = false;
    while !ended {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < DOCUMENTS && bytes < BYTES {
            let Some(document) = read(&mut reader)? else {
                ended = true;
                break;
            };
            bytes += document.as_bytes().len();
            batch.push(document);
        }
        if !batch.is_empty() {
            // What an older program wrote was good by its rules.
            let insert = collection.insert_many(&batch).ordered(false);
            insert.bypass_document_validation(true).await?;
        }
    }
    Ok(())
}

/// The next document of a stream: each begins with its length.
fn read(reader: &mut BufReader<File>) -> Result<Option<RawDocumentBuf>, Error> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        outcome => outcome.map_err(Error::value)?,
    }
    let size = u32::from_le_bytes(length);
    if !(5..=LARGEST).contains(&size) {
        return Err(Error::value("a document has an impossible length"));
    }
    let mut document = length.to_vec();
    let rest = u64::from(size) - 4;
    let read = reader.take(rest).read_to_end(&mut document).map_err(Error::value)?;
    if u64::try_from(read).ok() != Some(rest) {
        return Err(Error::value("a document is cut off"));
    }
    RawDocumentBuf::from_bytes(document).map(Some).map_err(|_| Error::value("no document"))
}

/// Collections with data of the service.
async fn collections(database: &Database) -> Result<Vec<String>, Error> {
    let all: Vec<_> = database.list_collections().await?.try_collect().await?;
    let mut names: Vec<String> = all.into_iter().map(|collection| collection.name).collect();
    names.retain(|name| name != SCHEMA && !name.starts_with("system."));
    names.sort_by_key(|name| (LAST.contains(&name.as_str()), name.clone()));
    Ok(names)
}

async fn bounded<T>(
    within: Duration,
    operation: impl IntoFuture<Output = mongodb::error::Result<T>>,
) -> Result<T, Error> {
    let outcome = timeout(within, operation.into_future()).await;
    outcome.map_err(|_| late())?.map_err(Error::from)
}
