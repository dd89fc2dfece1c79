//! All that events bring about, in one transaction.

use std::collections::HashSet;

use async_trait::async_trait;
use clock::Timestamp;
use mongo::{Aborted, Error, Work, all_within, moment};
use mongodb::{
    ClientSession, Database,
    bson::{DateTime, doc},
};
use serde::{Deserialize, Serialize};

use super::{
    DELIVERIES, INBOX, NOTIFICATIONS, REALTIME, deliveries::Queued, lists::Entry, realtime,
};
use crate::domain::Effects;

/// An event that has taken effect.
#[derive(Debug, Serialize, Deserialize)]
struct Received {
    #[serde(rename = "_id")]
    event: String,
    at: DateTime,
}

pub(super) struct Batch<'a> {
    pub(super) events: &'a [(String, Effects)],
    pub(super) now: Timestamp,
}

#[async_trait]
impl Work for Batch<'_> {
    type Output = Vec<bool>;
    type Refusal = Error;

    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<Vec<bool>, Aborted<Error>> {
        let names: Vec<&str> = self.events.iter().map(|(event, _)| event.as_str()).collect();
        let inbox = database.collection::<Received>(INBOX);
        let known = inbox.find(doc! { "_id": { "$in": names } }).session(&mut *session).await?;
        let known = all_within(session, known).await?;
        let mut known: HashSet<String> = known.into_iter().map(|it| it.event).collect();
        let is_new: Vec<bool> =
            self.events.iter().map(|(event, _)| known.insert(event.clone())).collect();
        let new: Vec<&(String, Effects)> =
            self.events.iter().zip(&is_new).filter(|(_, new)| **new).map(|(it, _)| it).collect();
        if new.is_empty() {
            return Ok(is_new);
        }

        let at = moment(self.now);
        let received = new.iter().map(|(event, _)| Received { event: event.clone(), at });
        match inbox.insert_many(received).session(&mut *session).await.map_err(Error::from) {
            // Another process was told the same in this moment: look again.
            Err(error) if error.violates("_id_") => return Err(Aborted::Again),
            outcome => drop(outcome?),
        }
        let effects = || new.iter().map(|(_, effects)| effects);
        let entries: Vec<Entry> =
            effects().flat_map(|it| &it.notifications).map(Entry::of).collect();
        if !entries.is_empty() {
            let lists = database.collection::<Entry>(NOTIFICATIONS);
            lists.insert_many(entries).session(&mut *session).await?;
        }
        let queued = self.queued(&new);
        if !queued.is_empty() {
            let deliveries = database.collection::<Queued>(DELIVERIES);
            deliveries.insert_many(queued).session(&mut *session).await?;
        }
        let messages: Vec<_> = effects().flat_map(|it| &it.messages).collect();
        if !messages.is_empty() {
            let first = realtime::reserve(database, session, messages.len()).await?;
            let said = messages.into_iter().zip(first..);
            let said = said.map(|(message, place)| realtime::Said::of(message, place));
            let log = database.collection::<realtime::Said>(REALTIME);
            log.insert_many(said).session(&mut *session).await?;
        }
        Ok(is_new)
    }
}

impl Batch<'_> {
    /// One text of an event to one address through one channel.
    fn queued(&self, new: &[&(String, Effects)]) -> Vec<Queued> {
        let mut once = HashSet::new();
        let all = new.iter().flat_map(|(event, effects)| {
            effects.deliveries.iter().map(move |delivery| (event, delivery))
        });
        all.filter(|(event, delivery)| once.insert((*event, delivery.channel, &delivery.address)))
            .map(|(event, delivery)| Queued::of(event, delivery, self.now))
            .collect()
    }
}
