//! Events that wait inside the documents of their changes.
//!
//! Relays of several processes share the work: a claim marks letters that nobody else holds, document by document, and takes those
//! that bear its mark. A lease that ran out belongs to whoever claims next.

use std::collections::HashSet;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{EventId, ProductId};
use mesh::Role;
use mongo::{Error, Mongo, moment, timestamp};
use mongodb::{
    Collection,
    bson::{Binary, DateTime, Document, doc, spec::BinarySubtype},
};
use outbox::{Backlog, Draft, LEASE, OutboxStore, Parcel, Parked};
use serde::{Deserialize, Serialize};

use super::PRODUCTS;

mod parked;

/// Letters that a document holds at most; a rule of the collection.
pub(super) const MOST: usize = 256;
/// Letters beyond which a document is tidied, and changes by its merchant are refused when that is of no use.
const MANY: usize = 128;
/// Letters removed with one statement.
const CHUNK: usize = 1000;
/// What is kept of an error.
const ERROR_CHARACTERS: usize = 500;

/// An event on its way to one subscriber.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Letter {
    pub(super) row: i64,
    event: String,
    subscriber: String,
    kind: String,
    subject: String,
    payload: Binary,
    written_at: DateTime,
    /// Not before; while somebody holds it, when that ends.
    next_at: DateTime,
    attempts: i64,
    parked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What tells letters apart, without what they hold.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Envelope {
    row: i64,
    event: String,
    subscriber: String,
    kind: String,
    parked: bool,
    next_at: DateTime,
}

/// Fields of an [`Envelope`].
pub(super) fn envelopes() -> Document {
    doc! {
        "outbox.row": 1, "outbox.event": 1, "outbox.subscriber": 1, "outbox.kind": 1,
        "outbox.parked": 1, "outbox.next_at": 1,
    }
}

/// One letter for each subscriber.
pub(super) fn letters(draft: &Draft, now: Timestamp) -> Vec<Letter> {
    let letter = |(place, subscriber): (usize, &Role)| Letter {
        row: row(draft.id, place),
        event: draft.id.to_string(),
        subscriber: subscriber.as_str().to_owned(),
        kind: draft.kind.to_owned(),
        subject: draft.subject.clone(),
        payload: Binary { subtype: BinarySubtype::Generic, bytes: draft.payload.clone() },
        written_at: moment(now),
        next_at: moment(now),
        attempts: 0,
        parked: false,
        lease: None,
        error: None,
    };
    draft.subscribers.iter().enumerate().map(letter).collect()
}

/// A number that no other waiting letter has: 59 bits of the event's id, which count and chance make, and the subscriber's place.
fn row(event: EventId, place: usize) -> i64 {
    let bits = (event.as_u128() & ((1 << 59) - 1)) << 4 | (u128::try_from(place).unwrap_or(0) & 15);
    i64::try_from(bits).unwrap_or(0)
}

/// Whether a document has room for more events. Order is told terms with each change, so none of its letters may be left out.
pub(super) fn has_room(waiting: &[Envelope]) -> bool {
    let kept = waiting.iter().filter(|letter| !is_state(letter)).count();
    kept < MANY && waiting.len() < MOST - 2
}

/// Letters that newer ones to the same subscriber make superfluous, when there are many: what search is told is a state.
pub(super) fn superseded(waiting: &[Envelope]) -> Vec<i64> {
    if waiting.len() < MANY {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let newer = waiting.iter().rev();
    newer
        .filter(|letter| is_state(letter) && !seen.insert(letter.kind.as_str()))
        .map(|letter| letter.row)
        .collect()
}

fn is_state(letter: &Envelope) -> bool {
    letter.subscriber == Role::Search.as_str()
}

/// The update that takes letters out.
pub(super) fn without(rows: &[i64]) -> Document {
    doc! { "$pull": { "outbox": { "row": { "$in": rows } } } }
}

/// The relay's side of a database.
#[derive(Debug)]
pub(super) struct MongoOutbox {
    database: Mongo,
}

#[derive(Debug, Deserialize)]
struct Bag<L> {
    #[serde(rename = "_id")]
    id: ProductId,
    outbox: Vec<L>,
}

#[derive(Debug, Deserialize)]
struct Heap {
    #[serde(rename = "_id")]
    parked: bool,
    count: i64,
    oldest: DateTime,
}

impl MongoOutbox {
    pub(super) fn new(database: Mongo) -> Self {
        Self { database }
    }

    async fn products<T: Send + Sync>(&self) -> Result<Collection<T>, Error> {
        self.database.collection(PRODUCTS).await
    }

    async fn claimed(
        &self,
        subscriber: Role,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Parcel>, Error> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut parcels = Vec::new();
        // Another relay may take what was found: then there may be more behind it.
        while parcels.is_empty() {
            let (products, rows) = self.due(subscriber, now, most).await?;
            if rows.is_empty() {
                return Ok(parcels);
            }
            let lease = EventId::new().to_string();
            // The mark comes first: a server that looks at the filter again after each field must still find it.
            let take = doc! { "$set": {
                "outbox.$[due].lease": &lease,
                "outbox.$[due].next_at": moment(now.plus(LEASE)),
            } };
            let due = doc! {
                "due.row": { "$in": &rows }, "due.parked": false,
                "due.next_at": { "$lte": moment(now) },
            };
            let held = doc! {
                "_id": { "$in": &products },
                "outbox": { "$elemMatch": {
                    "row": { "$in": &rows }, "parked": false, "next_at": { "$lte": moment(now) },
                } },
            };
            let cards = self.products::<Bag<Letter>>().await?;
            self.database.bounded(cards.update_many(held, take).array_filters([due])).await?;
            let marked = doc! { "_id": { "$in": products }, "outbox.lease": &lease };
            let bags = cards.find(marked).projection(doc! { "outbox": 1 });
            let letters = self.database.all(bags).await?.into_iter().flat_map(|bag| bag.outbox);
            let ours = letters.filter(|letter| letter.lease.as_ref() == Some(&lease));
            parcels.extend(ours.map(parcel));
        }
        parcels.sort_by(|one: &Parcel, other| one.event.cmp(&other.event));
        Ok(parcels)
    }

    /// Products with letters that are due, and the oldest of these.
    async fn due(
        &self,
        subscriber: Role,
        now: Timestamp,
        most: usize,
    ) -> Result<(Vec<String>, Vec<i64>), Error> {
        let due = doc! {
            "outbox.row": { "$exists": true },
            "outbox": { "$elemMatch": {
                "subscriber": subscriber.as_str(), "parked": false,
                "next_at": { "$lte": moment(now) },
            } },
        };
        let cards = self.products::<Bag<Envelope>>().await?;
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let bags = self.database.all(cards.find(due).projection(envelopes()).limit(limit)).await?;
        let is_due = |letter: &Envelope| {
            letter.subscriber == subscriber.as_str()
                && !letter.parked
                && timestamp(letter.next_at) <= now
        };
        let mut found: Vec<(Envelope, ProductId)> = bags
            .into_iter()
            .flat_map(|bag| bag.outbox.into_iter().map(move |letter| (letter, bag.id)))
            .filter(|(letter, _)| is_due(letter))
            .collect();
        // Names of events sort by birth.
        found.sort_by(|(one, _), (other, _)| one.event.cmp(&other.event));
        found.truncate(most);
        let mut products: Vec<String> = found.iter().map(|(_, id)| id.to_string()).collect();
        products.sort_unstable();
        products.dedup();
        Ok((products, found.iter().map(|(letter, _)| letter.row).collect()))
    }

    async fn counted(&self) -> Result<Backlog, Error> {
        let pipeline = [
            doc! { "$match": { "outbox.row": { "$exists": true } } },
            doc! { "$project": { "outbox.parked": 1, "outbox.written_at": 1 } },
            doc! { "$unwind": "$outbox" },
            doc! { "$group": {
                "_id": "$outbox.parked", "count": { "$sum": 1_i64 },
                "oldest": { "$min": "$outbox.written_at" },
            } },
        ];
        let cards = self.products::<Document>().await?;
        let heaps: Vec<Heap> =
            self.database.all(cards.aggregate(pipeline).with_type::<Heap>()).await?;
        let mut backlog = Backlog::default();
        for heap in heaps {
            if heap.parked {
                backlog.parked = heap.count;
            } else {
                backlog.pending = heap.count;
                backlog.oldest = Some(timestamp(heap.oldest));
            }
        }
        Ok(backlog)
    }
}

fn parcel(letter: Letter) -> Parcel {
    Parcel {
        row: letter.row,
        event: letter.event,
        kind: letter.kind,
        subject: letter.subject,
        payload: letter.payload.bytes,
        attempts: u32::try_from(letter.attempts).unwrap_or(u32::MAX),
    }
}

#[async_trait]
impl OutboxStore for MongoOutbox {
    async fn claim_each(
        &self,
        subscribers: &[Role],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Role, Vec<Parcel>)>, Fault> {
        let mut claimed = Vec::new();
        for subscriber in subscribers {
            let parcels = self.claimed(*subscriber, now, limit).await?;
            if !parcels.is_empty() {
                claimed.push((*subscriber, parcels));
            }
        }
        Ok(claimed)
    }

    async fn settle(&self, rows: Vec<i64>) -> Result<(), Fault> {
        let cards = self.products::<Document>().await?;
        for rows in rows.chunks(CHUNK) {
            let of = doc! { "outbox.row": { "$exists": true, "$in": rows } };
            self.database.bounded(cards.update_many(of, without(rows))).await?;
        }
        Ok(())
    }

    async fn fail(&self, row: i64, error: String, next: Option<Timestamp>) -> Result<(), Fault> {
        let error: String = error.chars().take(ERROR_CHARACTERS).collect();
        let mut note = doc! {
            "outbox.$[letter].error": error, "outbox.$[letter].parked": next.is_none(),
        };
        if let Some(next) = next {
            note.insert("outbox.$[letter].next_at", moment(next));
        }
        let update = doc! {
            "$inc": { "outbox.$[letter].attempts": 1_i64 }, "$set": note,
            "$unset": { "outbox.$[letter].lease": "" },
        };
        let of = doc! { "outbox.row": { "$exists": true, "$eq": row } };
        let cards = self.products::<Document>().await?;
        let fail = cards.update_one(of, update).array_filters([doc! { "letter.row": row }]);
        self.database.bounded(fail).await?;
        Ok(())
    }

    async fn release(&self, rows: Vec<i64>, next: Timestamp) -> Result<(), Fault> {
        let cards = self.products::<Document>().await?;
        for rows in rows.chunks(CHUNK) {
            let of = doc! { "outbox.row": { "$exists": true, "$in": rows } };
            let update = doc! {
                "$set": { "outbox.$[letter].next_at": moment(next) },
                "$unset": { "outbox.$[letter].lease": "" },
            };
            let ours = [doc! { "letter.row": { "$in": rows } }];
            self.database.bounded(cards.update_many(of, update).array_filters(ours)).await?;
        }
        Ok(())
    }

    async fn backlog(&self) -> Result<Backlog, Fault> {
        Ok(self.counted().await?)
    }

    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, Fault> {
        Ok(self.set_aside(limit).await?)
    }

    async fn replay(&self, event: Option<EventId>, now: Timestamp) -> Result<u64, Fault> {
        Ok(self.sent_again(event, now).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(count: usize, subscriber: Role, kind: &str) -> Vec<Envelope> {
        let letter = |row| Envelope {
            row,
            event: String::new(),
            subscriber: subscriber.as_str().to_owned(),
            kind: kind.to_owned(),
            parked: false,
            next_at: DateTime::from_millis(0),
        };
        (0..count).map(|row| letter(i64::try_from(row).unwrap())).collect()
    }

    #[test]
    fn rows_differ_by_event_and_subscriber() {
        let (one, other) = (EventId::new(), EventId::new());
        let rows: HashSet<i64> = [row(one, 0), row(one, 1), row(other, 0), row(other, 1)].into();
        assert!(rows.len() == 4 && rows.iter().all(|row| *row >= 0));
    }

    #[test]
    fn states_make_room_for_their_successors_and_terms_do_not() {
        assert!(superseded(&waiting(MANY - 1, Role::Search, "product.changed")).is_empty());
        let mut letters = waiting(MANY, Role::Search, "review.added");
        letters.extend(waiting(1, Role::Search, "product.changed"));
        let left_out = superseded(&letters);
        assert_eq!(left_out.len(), MANY - 1, "the newest of each kind stays");
        assert!(!left_out.contains(&i64::try_from(MANY - 1).unwrap()));
        assert!(has_room(&letters));
        let terms = waiting(MANY, Role::Order, "product.changed");
        assert!(superseded(&terms).is_empty() && !has_room(&terms));
    }
}
