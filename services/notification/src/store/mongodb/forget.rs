//! Takes out what is old, a bounded number at a time.

use clock::Timestamp;
use mongo::{Error, moment};
use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;

use super::{DELIVERIES, INBOX, MongoNotifications, REALTIME};

#[derive(Debug, Deserialize)]
struct Key {
    #[serde(rename = "_id")]
    key: Bson,
}

impl MongoNotifications {
    pub(super) async fn forget_old(&self, before: Timestamp, limit: u32) -> Result<u64, Error> {
        let old = doc! { "$lt": moment(before) };
        let mut forgotten = 0;
        for (name, of) in [
            (REALTIME, doc! { "at": &old }),
            // Only what is settled has this.
            (DELIVERIES, doc! { "settled_at": { "$exists": true, "$lt": moment(before) } }),
            (INBOX, doc! { "at": &old }),
        ] {
            forgotten += self.forget_some(name, of, limit).await?;
        }
        Ok(forgotten)
    }

    async fn forget_some(&self, name: &str, of: Document, limit: u32) -> Result<u64, Error> {
        let all = self.database.collection::<Key>(name).await?;
        let keys = all.find(of).projection(doc! { "_id": 1 }).limit(i64::from(limit));
        let keys: Vec<Bson> =
            self.database.all(keys).await?.into_iter().map(|one| one.key).collect();
        if keys.is_empty() {
            return Ok(0);
        }
        let gone = all.delete_many(doc! { "_id": { "$in": keys } });
        Ok(self.database.bounded(gone).await?.deleted_count)
    }
}
