//! Notifications in MongoDB. Several processes share it.
//!
//! What an event brings about goes to several lists, addresses and subscribers, and events that are delivered together take effect
//! together: that is one transaction, which begins with the events' ids in the inbox. Ids are kept as text: they sort by birth, and
//! read the same in documents, logs and addresses.

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{EventId, NotificationId};
use mongo::{Aborted, Mongo};
use tokio::sync::Mutex;

use super::{Counts, GLANCE, NotificationStore, Outcome, Place, Watch};
use crate::domain::{Delivery, Effects, Message, Notification, Recipient};

mod apply;
mod deliveries;
mod forget;
mod lists;
mod realtime;
mod schema;

pub(super) use schema::migrate;

/// The newest version of the schema.
pub(super) const SCHEMA: i64 = schema::VERSION as i64;

const NOTIFICATIONS: &str = "notifications";
const DELIVERIES: &str = "deliveries";
const REALTIME: &str = "realtime";
const INBOX: &str = "inbox";
const COUNTERS: &str = "counters";

pub(super) struct MongoNotifications {
    database: Mongo,
    /// Events are applied one batch after the other: places in the log are given in the order of commits. Between processes the
    /// counter of places sees to it; within one it is cheaper to wait than to be refused.
    turn: Mutex<()>,
}

impl MongoNotifications {
    pub(super) async fn open(address: &str) -> Result<Self, mongo::Error> {
        let database = Mongo::open(address, schema::VERSION).await?;
        Ok(Self { database, turn: Mutex::default() })
    }
}

#[async_trait]
impl NotificationStore for MongoNotifications {
    async fn apply(
        &self,
        events: Vec<(String, Effects)>,
        now: Timestamp,
    ) -> Result<Vec<bool>, Fault> {
        let batch = apply::Batch { events: &events, now };
        let _turn = self.turn.lock().await;
        let applied = self.database.transaction(&batch).await;
        Ok(applied.map_err(Aborted::told::<mongo::Error>)?)
    }

    async fn notifications(
        &self,
        audience: &[Recipient],
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Notification>, Fault> {
        Ok(self.page(audience, after, limit).await?)
    }

    async fn count(&self, audience: &[Recipient]) -> Result<Counts, Fault> {
        Ok(self.counts(audience).await?)
    }

    async fn mark_read(
        &self,
        audience: &[Recipient],
        ids: &[NotificationId],
        now: Timestamp,
    ) -> Result<(), Fault> {
        Ok(self.mark(audience, ids, now).await?)
    }

    async fn resume(
        &self,
        audience: &[Recipient],
        last: Option<EventId>,
        bound: u32,
    ) -> Result<i64, Fault> {
        Ok(self.place_to_resume(audience, last, bound).await?)
    }

    async fn messages(
        &self,
        audience: &[Recipient],
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Message)>, Fault> {
        Ok(self.log(audience, after, limit).await?)
    }

    async fn glance(&self, after: Option<i64>) -> Result<(i64, Vec<Recipient>), Fault> {
        Ok(self.whose(after).await?)
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        Some(Box::new(realtime::LogWatch(self.database.watch(REALTIME))))
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, Fault> {
        Ok(self.claim_due(now, lease, limit).await?)
    }

    async fn settle(
        &self,
        delivery: &Delivery,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        Ok(self.settle_attempt(delivery, outcome, now).await?)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u64, Fault> {
        Ok(self.forget_old(before, limit).await?)
    }

    async fn ping(&self) -> Result<(), Fault> {
        self.database.ping().await
    }

    async fn close(&self) {
        self.database.close().await;
    }
}

/// Recipients as they stand in documents.
fn names(audience: &[Recipient]) -> Vec<String> {
    audience.iter().map(Recipient::to_string).collect()
}

fn recipient(name: &str) -> Result<Recipient, mongo::Error> {
    name.parse().map_err(|error: crate::domain::ParseRecipientError| mongo::Error::value(error))
}
