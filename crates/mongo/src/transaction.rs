//! What changes several documents in one step.

use std::time::Duration;

use async_trait::async_trait;
use ids::EventId;
use mongodb::{
    ClientSession, Database,
    bson::{Document, deserialize_from_document, doc, serialize_to_vec},
    options::ReadConcern,
};
use serde::Deserialize;

use crate::{Error, durable};

/// Tries of a transaction that others are in the way of.
const TRIES: u32 = 24;
/// Tries to commit when the server did not say what came of it.
const COMMITS: u32 = 3;

/// The steps of a transaction. They may be done several times: nothing outside of the session may be changed.
#[async_trait]
pub trait Work: Sync {
    /// What comes of it.
    type Output: Send;
    /// Why it may not be done.
    type Refusal: Send;

    /// Does it once.
    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<Self::Output, Aborted<Self::Refusal>>;
}

/// Why a transaction did not take effect.
#[derive(Debug)]
pub enum Aborted<E> {
    /// The store could not do it.
    Store(Error),
    /// The work itself says no.
    Refused(E),
    /// Others were in the way, again and again; or the work found that it has to begin anew.
    Again,
}

impl<E> From<Error> for Aborted<E> {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl<E> From<mongodb::error::Error> for Aborted<E> {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

/// For work that refuses nothing.
impl From<Aborted<std::convert::Infallible>> for Error {
    fn from(aborted: Aborted<std::convert::Infallible>) -> Self {
        match aborted {
            Aborted::Store(error) => error,
            Aborted::Refused(never) => match never {},
            Aborted::Again => contended(),
        }
    }
}

/// Others were in the way too often.
pub fn contended() -> Error {
    let text = "others change the same documents".to_owned();
    Error::Refused { code: 112, index: None, contended: true, text }
}

impl<E> Aborted<E> {
    /// As a service tells it.
    pub fn told<T: From<Error> + From<E>>(self) -> T {
        match self {
            Self::Store(error) => error.into(),
            Self::Refused(refusal) => refusal.into(),
            Self::Again => contended().into(),
        }
    }
}

/// Bytes of updates sent with one command; a command may have 16 MiB.
const COMMAND: usize = 8 * 1024 * 1024;

#[derive(Debug, Deserialize)]
struct Updated {
    n: i64,
    #[serde(default, rename = "writeErrors")]
    errors: Vec<WriteError>,
}

#[derive(Debug, Deserialize)]
struct WriteError {
    code: i32,
    #[serde(default, rename = "errmsg")]
    message: String,
}

/// Changes one document for each filter, all with one command; how many there were to change.
pub async fn update_each(
    database: &Database,
    session: &mut ClientSession,
    collection: &str,
    updates: impl IntoIterator<Item = (Document, Document)> + Send,
) -> Result<u64, Error> {
    let (mut batches, mut room) = (Vec::new(), 0);
    for (filter, update) in updates {
        let update = doc! { "q": filter, "u": update };
        let size = serialize_to_vec(&update)?.len();
        match batches.last_mut() {
            Some(batch) if size <= room => Vec::push(batch, update),
            _ => {
                room = COMMAND;
                batches.push(vec![update]);
            }
        }
        room = room.saturating_sub(size);
    }
    let mut matched = 0;
    for updates in batches {
        let command = doc! { "update": collection, "ordered": true, "updates": updates };
        let answer = database.run_command(command).session(&mut *session).await?;
        let Updated { n, errors } = deserialize_from_document(answer)?;
        if let Some(error) = errors.first() {
            return Err(Error::refused(error.code, "write error", &error.message, false));
        }
        matched += u64::try_from(n).unwrap_or(0);
    }
    Ok(matched)
}

pub(crate) async fn run<W: Work>(
    database: &Database,
    within: Duration,
    work: &W,
) -> Result<W::Output, Aborted<W::Refusal>> {
    let mut session = database.client().start_session().await?;
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(pause(attempt)).await;
        }
        session
            .start_transaction()
            .read_concern(ReadConcern::snapshot())
            .write_concern(durable(within))
            .await?;
        let outcome = match work.run(database, &mut session).await {
            Ok(output) => match commit(&mut session).await {
                Ok(()) => return Ok(output),
                Err(error) => Aborted::Store(error),
            },
            Err(aborted) => {
                // The server has often done it already, and does it by itself when it hears no more of it.
                session.abort_transaction().await.ok();
                aborted
            }
        };
        match outcome {
            Aborted::Again => {}
            Aborted::Store(error) if error.is_contention() => {}
            other => return Err(other),
        }
    }
    Err(contended().into())
}

async fn commit(session: &mut ClientSession) -> Result<(), Error> {
    let mut outcome = session.commit_transaction().await.map_err(Error::from);
    for _ in 1..COMMITS {
        if !matches!(outcome, Err(Error::UnknownCommit)) {
            break;
        }
        outcome = session.commit_transaction().await.map_err(Error::from);
    }
    outcome
}

/// Doubles from two milliseconds to a quarter of a second; no two wait equally long.
fn pause(attempt: u32) -> Duration {
    let most = 1_000_u64.saturating_mul(2 << attempt.min(7));
    let some = u64::try_from(EventId::new().as_u128() & 0xffff).unwrap_or(0);
    Duration::from_micros(most / 2 + most * some / 0x1_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_at_a_quarter_of_a_second() {
        for attempt in 1..100 {
            let pause = pause(attempt);
            assert!(pause >= Duration::from_millis(1) && pause <= Duration::from_millis(256));
        }
    }
}
