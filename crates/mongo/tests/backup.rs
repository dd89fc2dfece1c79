//! Copies of databases, against a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use archive::{Copied, FORMAT, Manifest, Shelf};
use futures::TryStreamExt as _;
use mongo::{
    Error, FreshDatabase, Mongo, Shape,
    backup::{Source, clear, is_filled, load},
    index, unique,
};
use mongodb::bson::{Binary, Bson, DateTime, Document, doc, oid::ObjectId, spec::BinarySubtype};
use testkit::Folder;

/// More than one batch of the server, and of ours.
const MANY: i32 = 1_234;

fn shapes() -> Vec<Shape> {
    let shape = |name| Shape { name, rule: Document::new(), indexes: Vec::new() };
    let indexes = vec![unique(index("things_number", doc! { "number": 1 }))];
    vec![Shape { indexes, ..shape("things") }, shape("empty")]
}

async fn fresh() -> Option<FreshDatabase> {
    let fresh = FreshDatabase::on(&testkit::real_store("mongodb")?);
    mongo::migrate(&fresh.address, 3, shapes()).await.unwrap();
    Some(fresh)
}

fn thing(number: i32) -> Document {
    let hash = Binary { subtype: BinarySubtype::Generic, bytes: vec![0, 255, 10] };
    doc! {
        "_id": ObjectId::new(), "number": number, "title": { "uz": "choynak", "ru": "чойнак" },
        "price": i64::from(number) << 33, "tags": ["a", Bson::Null, 1.5], "hash": hash,
        "at": DateTime::from_millis(1_795_253_400_123),
    }
}

async fn all(fresh: &FreshDatabase) -> Vec<Document> {
    let things = fresh.look().await.collection::<Document>("things");
    things.find(doc! {}).sort(doc! { "number": 1 }).await.unwrap().try_collect().await.unwrap()
}

#[tokio::test]
async fn what_is_copied_is_put_back() {
    let (Some(one), Some(two)) = (fresh().await, fresh().await) else { return };
    assert!(!is_filled(&one.address).await.unwrap(), "a schema alone is nothing to lose");
    let things: Vec<Document> = (0..MANY).map(thing).collect();
    one.look().await.collection::<Document>("things").insert_many(&things).await.unwrap();
    assert!(is_filled(&one.address).await.unwrap());

    let mut source = Source::open(&one.address).await.unwrap();
    let exact = source.snapshot().await.unwrap();
    if exact {
        // Written after the moment: not in the copy.
        one.look().await.collection::<Document>("things").insert_one(thing(MANY)).await.unwrap();
    }
    let folder = Folder::new("backup");
    let shelf = Shelf::open(folder.path()).unwrap();
    let draft = shelf.begin(testkit::START).unwrap();
    let mut part = draft.part("product").unwrap();
    assert_eq!(source.copy(&mut part).await.unwrap(), 3);
    let store = part.into_store("mongodb", 3, Copied::Snapshot);
    // A server that stands in for MongoDB may name a moment and yet read as of now.
    let later = store.counts["things"] - u64::try_from(MANY).unwrap();
    assert!(later <= u64::from(exact), "{later}");
    println!("written after the moment, and copied: {later}");
    assert_eq!(store.counts["empty"], 0);
    let stores = BTreeMap::from([("product".to_owned(), store)]);
    let (program, taken_at) = ("test".to_owned(), testkit::START);
    let manifest = Manifest { format: FORMAT, program, taken_at, held_ms: 0, stores };
    let backup = draft.finish(&manifest).unwrap();

    two.look().await.collection::<Document>("things").insert_one(thing(7)).await.unwrap();
    clear(&two.address).await.unwrap();
    assert!(!is_filled(&two.address).await.unwrap());
    assert!(
        matches!(Source::open(&two.address).await, Err(Error::Outdated)),
        "the schema went too"
    );
    mongo::migrate(&two.address, 3, shapes()).await.unwrap();
    load(&two.address, &backup.join("product")).await.unwrap();
    let mut restored = all(&two).await;
    restored.truncate(things.len());
    assert_eq!(restored, things);
    let doubled = two.look().await.collection::<Document>("things").insert_one(thing(7)).await;
    assert!(doubled.is_err(), "the indexes are there");
    Mongo::open(&two.address, 3).await.unwrap().ping().await.unwrap();
}
