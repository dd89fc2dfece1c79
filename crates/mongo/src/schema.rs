//! Collections with their rules and indexes, whether they are those that this program needs, and how they become so.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::TryStreamExt as _;
use mongodb::{
    Database, IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};
use serde::{Deserialize, Serialize};

use crate::{Address, Error, connect};

/// A collection of this name exists.
const EXISTS: i32 = 48;
/// Where the version of the schema stands.
pub(crate) const SCHEMA: &str = "schema";

/// A collection as the service needs it.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// What every document must be; empty for anything.
    pub rule: Document,
    /// Its indexes. One that was released is never changed: another name is another index.
    pub indexes: Vec<IndexModel>,
}

/// An index.
pub fn index(name: &str, keys: Document) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).build();
    IndexModel::builder().keys(keys).options(options).build()
}

/// The same, with each key once.
pub fn unique(mut index: IndexModel) -> IndexModel {
    if let Some(options) = &mut index.options {
        options.unique = Some(true);
    }
    index
}

/// The same, of these documents only.
pub fn partial(mut index: IndexModel, of: Document) -> IndexModel {
    if let Some(options) = &mut index.options {
        options.partial_filter_expression = Some(of);
    }
    index
}

#[derive(Debug, Serialize, Deserialize)]
struct Version {
    #[serde(rename = "_id")]
    id: String,
    version: i32,
}

/// Remembers that the schema was found good: nothing is taken away under a program that runs.
#[derive(Debug)]
pub(crate) struct Checked {
    wanted: i32,
    good: AtomicBool,
}

impl Checked {
    pub(crate) fn new(wanted: i32) -> Self {
        Self { wanted, good: AtomicBool::new(false) }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.good.load(Ordering::Acquire)
    }

    pub(crate) fn check(&self, found: i32) -> Result<(), Error> {
        if found < self.wanted {
            return Err(Error::Outdated);
        }
        self.good.store(true, Ordering::Release);
        Ok(())
    }
}

/// The version of the schema; 0 when there is none.
pub(crate) async fn version(database: &Database) -> mongodb::error::Result<i32> {
    let found = database.collection::<Version>(SCHEMA).find_one(doc! { "_id": SCHEMA }).await?;
    Ok(found.map_or(0, |found| found.version))
}

/// Brings the database of an address to this version. Safe to run again, and by several at once. A newer schema is left as it is.
pub async fn migrate(address: &str, to: i32, shapes: Vec<Shape>) -> Result<(), Error> {
    // Without a bound: an index takes as long as it takes. Reads and writes go on meanwhile.
    let database = connect(&Address::parse(address)?).await?;
    if version(&database).await? > to {
        return Ok(());
    }
    for Shape { name, rule, indexes } in shapes {
        match database.create_collection(name).await.map_err(Error::from) {
            Err(error) if error.code() == Some(EXISTS) => {}
            outcome => outcome?,
        }
        database
            .run_command(doc! { "collMod": name, "validator": rule, "validationLevel": "strict" })
            .await?;
        if !indexes.is_empty() {
            database.collection::<Document>(name).create_indexes(indexes).await?;
        }
    }
    for _ in 0..2 {
        let raise = doc! { "$max": { "version": to } };
        let schema = database.collection::<Version>(SCHEMA);
        let raised = schema.update_one(doc! { "_id": SCHEMA }, raise).upsert(true).await;
        match raised.map_err(Error::from) {
            // Somebody else has just written it for the first time.
            Err(error) if error.violates("_id_") => {}
            outcome => {
                outcome?;
                break;
            }
        }
    }
    database.client().clone().shutdown().immediate(true).await;
    Ok(())
}

/// The collections, rules and indexes of a database as text, one fact a line: to compare two schemas.
pub async fn describe(database: &Database) -> Result<String, Error> {
    let mut lines = Vec::new();
    let collections: Vec<_> = database.list_collections().await?.try_collect().await?;
    for collection in collections {
        let name = collection.name;
        if let Some(rule) = collection.options.validator {
            lines.push(format!("{name} rule {rule}"));
        }
        let indexes = database.collection::<Document>(&name).list_indexes().await?;
        let indexes: Vec<IndexModel> = indexes.try_collect().await?;
        for IndexModel { keys, options, .. } in indexes {
            let options = options.unwrap_or_default();
            let mut line = format!("{name} index {} {keys}", options.name.unwrap_or_default());
            if options.unique == Some(true) {
                line.push_str(" unique");
            }
            if let Some(of) = options.partial_filter_expression {
                line = format!("{line} of {of}");
            }
            if let Some(after) = options.expire_after {
                line = format!("{line} expires after {} s", after.as_secs());
            }
            lines.push(line);
        }
    }
    lines.sort();
    lines.push(String::new());
    Ok(lines.join("\n"))
}
