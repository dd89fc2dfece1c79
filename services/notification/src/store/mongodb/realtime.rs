//! The log of real-time messages. Its places are counted in a document that each writer changes first, within its transaction: they
//! become visible in their order, so whoever has read up to the counter has missed nothing.

use async_trait::async_trait;
use ids::EventId;
use mongo::{Aborted, Error, Wake, moment, timestamp};
use mongodb::{
    ClientSession, Database,
    bson::{DateTime, doc},
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};

use super::{COUNTERS, GLANCE, MongoNotifications, REALTIME, Watch, names, recipient};
use crate::domain::{Message, Recipient};

/// A message as a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Said {
    #[serde(rename = "_id")]
    place: i64,
    id: EventId,
    recipient: String,
    kind: String,
    data: String,
    at: DateTime,
}

/// The last place that was given.
#[derive(Debug, Serialize, Deserialize)]
struct Counter {
    place: i64,
}

/// As much of a message as it takes to wake somebody.
#[derive(Debug, Deserialize)]
struct Address {
    #[serde(rename = "_id")]
    place: i64,
    recipient: String,
}

/// Waits for what other processes write to the log.
pub(super) struct LogWatch(pub(super) mongo::Watch);

#[async_trait]
impl Watch for LogWatch {
    async fn woken(&mut self) -> bool {
        self.0.next().await == Wake::Told
    }
}

impl Said {
    pub(super) fn of(message: &Message, place: i64) -> Self {
        Self {
            place,
            id: message.id,
            recipient: message.recipient.to_string(),
            kind: message.kind.clone(),
            data: message.data.clone(),
            at: moment(message.at),
        }
    }

    fn placed(self) -> Result<(i64, Message), Error> {
        let message = Message {
            id: self.id,
            recipient: recipient(&self.recipient)?,
            kind: self.kind,
            at: timestamp(self.at),
            data: self.data,
        };
        Ok((self.place, message))
    }
}

/// The first of so many places, which nobody else gets.
pub(super) async fn reserve(
    database: &Database,
    session: &mut ClientSession,
    count: usize,
) -> Result<i64, Aborted<Error>> {
    let count = i64::try_from(count).map_err(Error::value)?;
    let counter = database
        .collection::<Counter>(COUNTERS)
        .find_one_and_update(doc! { "_id": REALTIME }, doc! { "$inc": { "place": count } })
        .upsert(true)
        .return_document(ReturnDocument::After)
        .session(session)
        .await?;
    let last = counter.ok_or_else(|| Error::value("no counter"))?.place;
    Ok(last - count + 1)
}

impl MongoNotifications {
    /// The end of the log.
    async fn end(&self) -> Result<i64, Error> {
        let counters = self.database.collection::<Counter>(COUNTERS).await?;
        let counter = self.database.bounded(counters.find_one(doc! { "_id": REALTIME })).await?;
        Ok(counter.map_or(0, |counter| counter.place))
    }

    pub(super) async fn place_to_resume(
        &self,
        audience: &[Recipient],
        last: Option<EventId>,
        bound: u32,
    ) -> Result<i64, Error> {
        let Some(last) = last else { return self.end().await };
        let log = self.database.collection::<Said>(REALTIME).await?;
        // A message that is forgotten lies before everything that is kept.
        let known = self.database.bounded(log.find_one(doc! { "id": last.to_string() })).await?;
        let known = known.map_or(0, |said| said.place);
        // The newest one that is left out.
        let cut = log
            .find(doc! { "recipient": { "$in": names(audience) }, "_id": { "$gt": known } })
            .sort(doc! { "_id": -1 })
            .skip(u64::from(bound))
            .limit(1);
        Ok(self.database.all(cut).await?.pop().map_or(known, |said| said.place))
    }

    pub(super) async fn log(
        &self,
        audience: &[Recipient],
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Message)>, Error> {
        // Looked up first: what is written while the lists of several recipients are read comes with the next read, whole.
        let end = self.end().await?;
        if end <= after {
            return Ok(Vec::new());
        }
        let log = self.database.collection::<Said>(REALTIME).await?;
        let found = log
            .find(doc! {
                "recipient": { "$in": names(audience) },
                "_id": { "$gt": after, "$lte": end },
            })
            .sort(doc! { "_id": 1 })
            .limit(i64::from(limit));
        self.database.all(found).await?.into_iter().map(Said::placed).collect()
    }

    pub(super) async fn whose(&self, after: Option<i64>) -> Result<(i64, Vec<Recipient>), Error> {
        let end = self.end().await?;
        let Some(after) = after.filter(|after| *after < end) else { return Ok((end, Vec::new())) };
        let log = self.database.collection::<Address>(REALTIME).await?;
        let found = log
            .find(doc! { "_id": { "$gt": after, "$lte": end } })
            .projection(doc! { "recipient": 1 })
            .sort(doc! { "_id": 1 })
            .limit(i64::from(GLANCE));
        let found = self.database.all(found).await?;
        let more = found.len() >= usize::try_from(GLANCE).unwrap_or(usize::MAX);
        let place = found.last().filter(|_| more).map_or(end, |last| last.place);
        let mut whose =
            found.iter().map(|one| recipient(&one.recipient)).collect::<Result<Vec<_>, _>>()?;
        whose.sort_unstable();
        whose.dedup();
        Ok((place, whose))
    }
}
