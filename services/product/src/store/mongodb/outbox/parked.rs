//! Letters that were set aside.

use clock::Timestamp;
use ids::EventId;
use mongo::{Error, moment, timestamp};
use mongodb::bson::{DateTime, Document, doc};
use outbox::Parked;
use serde::Deserialize;

use super::MongoOutbox;

/// Steps to the letters that match, without what they hold.
fn letters(like: &Document) -> Vec<Document> {
    vec![
        doc! { "$match": { "outbox.row": { "$exists": true }, "outbox": { "$elemMatch": like } } },
        doc! { "$project": { "outbox.payload": 0 } },
        doc! { "$unwind": "$outbox" },
        doc! { "$replaceRoot": { "newRoot": "$outbox" } },
        doc! { "$match": like },
    ]
}

/// A letter without what it holds.
#[derive(Debug, Deserialize)]
struct Aside {
    event: String,
    subscriber: String,
    kind: String,
    subject: String,
    written_at: DateTime,
    attempts: i64,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Count {
    letters: i64,
}

impl MongoOutbox {
    /// The oldest of them.
    pub(super) async fn set_aside(&self, limit: u32) -> Result<Vec<Parked>, Error> {
        let mut pipeline = letters(&doc! { "parked": true });
        // Names of events sort by birth.
        pipeline.push(doc! { "$sort": { "event": 1, "subscriber": 1 } });
        pipeline.push(doc! { "$limit": i64::from(limit.max(1)) });
        let cards = self.products::<Document>().await?;
        let letters: Vec<Aside> =
            self.database.all(cards.aggregate(pipeline).with_type::<Aside>()).await?;
        let parked = |letter: Aside| Parked {
            event: letter.event,
            kind: letter.kind,
            subject: letter.subject,
            subscriber: letter.subscriber,
            attempts: u32::try_from(letter.attempts).unwrap_or(u32::MAX),
            error: letter.error.unwrap_or_default(),
            written_at: timestamp(letter.written_at),
        };
        Ok(letters.into_iter().map(parked).collect())
    }

    /// Makes them due; how many.
    pub(super) async fn sent_again(
        &self,
        event: Option<EventId>,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let mut letter = doc! { "parked": true };
        let mut filter = doc! { "letter.parked": true };
        if let Some(event) = event {
            letter.insert("event", event.to_string());
            filter.insert("letter.event", event.to_string());
        }
        let cards = self.products::<Document>().await?;
        let mut count = letters(&letter);
        count.push(doc! { "$count": "letters" });
        let count = cards.aggregate(count).with_type::<Count>();
        let count = self.database.all(count).await?.pop().map_or(0, |count| count.letters);
        let of = doc! { "outbox.row": { "$exists": true }, "outbox": { "$elemMatch": letter } };
        // A server that looks at the filter again after each field must still find it: what it asks for changes last.
        let update = doc! { "$set": {
            "outbox.$[letter].attempts": 0_i64,
            "outbox.$[letter].next_at": moment(now),
            "outbox.$[letter].parked": false,
        } };
        self.database.bounded(cards.update_many(of, update).array_filters([filter])).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
