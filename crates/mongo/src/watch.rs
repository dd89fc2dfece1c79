//! Hears of what other processes insert.

use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use mongodb::{
    bson::{Document, doc},
    change_stream::{ChangeStream, event::ChangeStreamEvent},
};
use tokio::time::{Instant, sleep, timeout};

use crate::{Error, Mongo};

/// How often to look while the server does not tell.
const POLL: Duration = Duration::from_millis(500);
/// How often to look although it would tell.
const QUIET: Duration = Duration::from_secs(5);
/// How long until a server that was away is asked again to tell, and one that cannot.
const AGAIN: Duration = Duration::from_secs(1);
const MUCH_LATER: Duration = Duration::from_secs(30);

/// Why to look into the collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The server said that something was inserted.
    Told,
    /// Time has passed, or the server has only begun to tell.
    Time,
}

/// Waits for insertions into a collection: through a change stream where the server has one, else by the clock.
#[derive(Debug)]
pub struct Watch {
    mongo: Mongo,
    collection: &'static str,
    stream: Option<ChangeStream<ChangeStreamEvent<Document>>>,
    /// When to ask for a stream.
    ask: Instant,
}

impl Mongo {
    /// Begins to wait for insertions into a collection.
    pub fn watch(&self, collection: &'static str) -> Watch {
        Watch { mongo: self.clone(), collection, stream: None, ask: Instant::now() }
    }
}

impl Watch {
    /// Waits until something may have been inserted; whoever looks after each return misses nothing. Several insertions may come as one.
    /// May be dropped while it waits.
    pub async fn next(&mut self) -> Wake {
        if self.stream.is_none() && self.ask <= Instant::now() {
            match open(&self.mongo, self.collection).await {
                Ok(stream) => {
                    self.stream = Some(stream);
                    // What came before it has begun is not told.
                    return Wake::Time;
                }
                Err(error) => self.rest(&error),
            }
        }
        let Some(stream) = &mut self.stream else {
            sleep(POLL).await;
            return Wake::Time;
        };
        match timeout(QUIET, stream.next()).await {
            Ok(Some(Ok(_))) => {
                // What else came with it is seen with the same look.
                while let Some(Some(Ok(_))) = stream.next().now_or_never() {}
                Wake::Told
            }
            Ok(Some(Err(error))) => {
                self.stream = None;
                self.rest(&error.into());
                Wake::Time
            }
            Ok(None) => {
                self.stream = None;
                self.ask = Instant::now() + AGAIN;
                Wake::Time
            }
            Err(_) => Wake::Time,
        }
    }

    fn rest(&mut self, error: &Error) {
        let collection = self.collection;
        if error.is_away() {
            tracing::debug!(%error, collection, "MongoDB is away: looking by the clock");
            self.ask = Instant::now() + AGAIN;
        } else {
            tracing::warn!(%error, collection, "MongoDB does not tell of changes: looking by the clock");
            self.ask = Instant::now() + MUCH_LATER;
        }
    }
}

async fn open(
    mongo: &Mongo,
    collection: &str,
) -> Result<ChangeStream<ChangeStreamEvent<Document>>, Error> {
    let collection = mongo.collection::<Document>(collection).await?;
    let inserted = [doc! { "$match": { "operationType": "insert" } }];
    mongo.bounded(collection.watch().pipeline(inserted)).await
}
