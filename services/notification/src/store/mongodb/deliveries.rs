//! Texts on their way.

use clock::Timestamp;
use ids::{EventId, NotificationId};
use mongo::{Error, moment, timestamp};
use mongodb::bson::{DateTime, doc};
use serde::{Deserialize, Serialize};

use super::{DELIVERIES, MongoNotifications, Outcome};
use crate::domain::{Channel, Delivery};

/// A delivery as a document.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Queued {
    #[serde(rename = "_id")]
    id: NotificationId,
    event: String,
    channel: String,
    recipient: String,
    template: String,
    subject: String,
    text: String,
    secret: bool,
    state: String,
    attempts: i64,
    next_at: DateTime,
    created_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settled_at: Option<DateTime>,
    /// Whose the newest attempt is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Name {
    #[serde(rename = "_id")]
    id: NotificationId,
}

impl Queued {
    pub(super) fn of(event: &str, delivery: &Delivery, now: Timestamp) -> Self {
        // The entry in the list is the delivery: it has arrived with this transaction.
        let arrived = delivery.channel == Channel::InApp;
        Self {
            id: delivery.id,
            event: event.to_owned(),
            channel: delivery.channel.as_str().to_owned(),
            recipient: delivery.address.clone(),
            template: delivery.template.clone(),
            subject: delivery.subject.clone(),
            text: if arrived { String::new() } else { delivery.text.clone() },
            secret: delivery.secret,
            state: if arrived { "sent" } else { "queued" }.to_owned(),
            attempts: 0,
            next_at: moment(now),
            created_at: moment(now),
            settled_at: arrived.then_some(moment(now)),
            lease: None,
        }
    }

    fn delivery(self) -> Result<Delivery, Error> {
        let channel = Channel::parse(&self.channel);
        Ok(Delivery {
            id: self.id,
            channel: channel.ok_or_else(|| Error::value("an unknown channel"))?,
            address: self.recipient,
            template: self.template,
            subject: self.subject,
            text: self.text,
            secret: self.secret,
            attempts: u32::try_from(self.attempts).map_err(Error::value)?,
            created_at: timestamp(self.created_at),
        })
    }
}

impl MongoNotifications {
    pub(super) async fn claim_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        let deliveries = self.database.collection::<Queued>(DELIVERIES).await?;
        let names = deliveries.clone_with_type::<Name>();
        let due = doc! { "state": "queued", "next_at": { "$lte": moment(now) } };
        let mut claimed = Vec::new();
        // Others may take what was found: then there may be more behind it.
        loop {
            let found = i64::try_from(claimed.len()).unwrap_or(i64::MAX);
            let more = i64::from(limit) - found;
            if more <= 0 {
                break;
            }
            let next = names.find(due.clone()).projection(doc! { "_id": 1 });
            let next = next.sort(doc! { "next_at": 1 }).limit(more);
            let next = self.database.all(next).await?;
            if next.is_empty() {
                break;
            }
            let all = i64::try_from(next.len()).is_ok_and(|found| found < more);
            let ids: Vec<String> = next.iter().map(|name| name.id.to_string()).collect();
            let lease = EventId::new().to_string();
            let mut of = due.clone();
            of.insert("_id", doc! { "$in": &ids });
            let take = doc! {
                "$inc": { "attempts": 1_i64 },
                "$set": { "lease": &lease, "next_at": moment(until) },
            };
            self.database.bounded(deliveries.update_many(of, take)).await?;
            let ours = deliveries.find(doc! { "_id": { "$in": ids }, "lease": lease });
            claimed.extend(self.database.all(ours).await?);
            if all {
                break;
            }
        }
        claimed.into_iter().map(Queued::delivery).collect()
    }

    /// Only the newest attempt settles: one whose lease ran out in the meantime does not.
    pub(super) async fn settle_attempt(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut set = match outcome {
            Outcome::Sent => doc! { "state": "sent" },
            Outcome::Failed(error) => doc! { "state": "failed", "error": error },
            Outcome::Again(next, error) => doc! { "next_at": moment(next), "error": error },
        };
        if set.contains_key("state") {
            set.insert("settled_at", moment(now));
            if delivery.secret {
                set.insert("text", "");
            }
        }
        let attempt = doc! {
            "_id": delivery.id.to_string(), "state": "queued",
            "attempts": i64::from(delivery.attempts),
        };
        let deliveries = self.database.collection::<Queued>(DELIVERIES).await?;
        let update = doc! { "$set": set, "$unset": { "lease": "" } };
        let settled = self.database.bounded(deliveries.update_one(attempt, update)).await?;
        Ok(settled.matched_count == 1)
    }
}
