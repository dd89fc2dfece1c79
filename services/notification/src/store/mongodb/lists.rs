//! Lists in the application.

use clock::Timestamp;
use ids::NotificationId;
use mongo::{Error, moment, timestamp};
use mongodb::bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use super::{Counts, MongoNotifications, NOTIFICATIONS, Place, names, recipient};
use crate::domain::{Notification, Recipient};

/// A notification as a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "_id")]
    id: NotificationId,
    recipient: String,
    kind: String,
    title: String,
    body: String,
    data: String,
    at: DateTime,
    /// Absent once it is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unread: Option<bool>,
}

impl Entry {
    pub(super) fn of(one: &Notification) -> Self {
        Self {
            id: one.id,
            recipient: one.recipient.to_string(),
            kind: one.kind.clone(),
            title: one.title.clone(),
            body: one.body.clone(),
            data: one.data.clone(),
            at: moment(one.at),
            unread: (!one.read).then_some(true),
        }
    }

    fn notification(self) -> Result<Notification, Error> {
        Ok(Notification {
            id: self.id,
            recipient: recipient(&self.recipient)?,
            kind: self.kind,
            title: self.title,
            body: self.body,
            at: timestamp(self.at),
            read: self.unread.is_none(),
            data: self.data,
        })
    }
}

impl MongoNotifications {
    /// A reader has two or three lists: each is read along its index, and the server merges them.
    pub(super) async fn page(
        &self,
        audience: &[Recipient],
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Notification>, Error> {
        let mut these = doc! { "recipient": { "$in": names(audience) } };
        if let Some(Place { at, id }) = after {
            these.insert("at", doc! { "$lte": moment(at) });
            these.insert(
                "$or",
                [doc! { "at": { "$lt": moment(at) } }, doc! { "_id": { "$lt": id.to_string() } }],
            );
        }
        let lists = self.database.collection::<Entry>(NOTIFICATIONS).await?;
        let newest = lists.find(these).sort(doc! { "at": -1, "_id": -1 }).limit(i64::from(limit));
        self.database.all(newest).await?.into_iter().map(Entry::notification).collect()
    }

    pub(super) async fn counts(&self, audience: &[Recipient]) -> Result<Counts, Error> {
        let of = doc! { "recipient": { "$in": names(audience) } };
        let mut unread = of.clone();
        unread.insert("unread", true);
        let lists = self.database.collection::<Entry>(NOTIFICATIONS).await?;
        Ok(Counts {
            all: self.database.bounded(lists.count_documents(of)).await?,
            unread: self.database.bounded(lists.count_documents(unread)).await?,
        })
    }

    pub(super) async fn mark(
        &self,
        audience: &[Recipient],
        ids: &[NotificationId],
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut these = doc! { "recipient": { "$in": names(audience) }, "unread": true };
        if !ids.is_empty() {
            let ids: Vec<String> = ids.iter().map(NotificationId::to_string).collect();
            these.insert("_id", doc! { "$in": ids });
        }
        let lists = self.database.collection::<Entry>(NOTIFICATIONS).await?;
        let read = doc! { "$set": { "read_at": moment(now) }, "$unset": { "unread": "" } };
        self.database.bounded(lists.update_many(these, read)).await?;
        Ok(())
    }
}
