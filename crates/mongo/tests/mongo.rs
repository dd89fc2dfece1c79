//! Promises of the engine, against a real server and none.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use async_trait::async_trait;
use fault::{Code, Fault};
use mongo::{Aborted, Error, FreshDatabase, Mongo, Shape, Wake, Work, index, unique};
use mongodb::{
    ClientSession, Database,
    bson::{Document, doc},
};
use testkit::{Door, eventually};

fn shapes() -> Vec<Shape> {
    let rule = doc! { "count": { "$gte": 0 } };
    vec![Shape {
        name: "things",
        rule,
        indexes: vec![unique(index("things_name", doc! { "name": 1 }))],
    }]
}

async fn fresh() -> Option<FreshDatabase> {
    let fresh = FreshDatabase::on(&testkit::real_store("mongodb")?);
    mongo::migrate(&fresh.address, 1, shapes()).await.unwrap();
    Some(fresh)
}

/// Adds one to a thing, and to another unless told to refuse.
struct Add(Option<&'static str>);

#[async_trait]
impl Work for Add {
    type Output = ();
    type Refusal = &'static str;

    async fn run(
        &self,
        database: &Database,
        session: &mut ClientSession,
    ) -> Result<(), Aborted<&'static str>> {
        let things = database.collection::<Document>("things");
        for name in ["one", "other"] {
            let add = doc! { "$inc": { "count": 1 } };
            let thing = things.update_one(doc! { "_id": name, "name": name }, add).upsert(true);
            thing.session(&mut *session).await?;
            if let Some(why) = self.0 {
                return Err(Aborted::Refused(why));
            }
        }
        Ok(())
    }
}

async fn count(database: &Mongo, name: &str) -> i32 {
    let things = database.collection::<Document>("things").await.unwrap();
    let found = database.bounded(things.find_one(doc! { "_id": name })).await.unwrap();
    found.map_or(0, |thing| thing.get_i32("count").unwrap())
}

#[tokio::test]
async fn transactions_in_each_others_way_all_take_effect_and_a_refusal_takes_none() {
    let Some(fresh) = fresh().await else { return };
    let database = Mongo::open(&fresh.address, 1).await.unwrap();
    let refused = database.transaction(&Add(Some("no"))).await;
    assert!(matches!(refused, Err(Aborted::Refused("no"))));
    assert_eq!(count(&database, "one").await, 0);
    let add = Add(None);
    let (a, b, c, d) = tokio::join!(
        database.transaction(&add),
        database.transaction(&add),
        database.transaction(&add),
        database.transaction(&add),
    );
    for outcome in [a, b, c, d] {
        outcome.unwrap();
    }
    assert_eq!((count(&database, "one").await, count(&database, "other").await), (4, 4));
    database.close().await;
}

#[tokio::test]
async fn violations_name_their_index_and_rules_are_kept() {
    let Some(fresh) = fresh().await else { return };
    let database = Mongo::open(&fresh.address, 1).await.unwrap();
    let things = database.collection::<Document>("things").await.unwrap();
    let thing = |id: i32, count: i32| doc! { "_id": id, "name": "same", "count": count };
    database.bounded(things.insert_one(thing(1, 0))).await.unwrap();
    let error = database.bounded(things.insert_one(thing(2, 0))).await.unwrap_err();
    assert!(error.violates("things_name"), "{error:?}");
    let again = database
        .bounded(things.insert_many([doc! { "_id": 1, "name": "other", "count": 0 }]))
        .await
        .unwrap_err();
    assert!(again.violates("_id_"), "{again:?}");
    let below = doc! { "$set": { "count": -1 } };
    let error = database.bounded(things.update_one(doc! { "_id": 1 }, below)).await.unwrap_err();
    assert_eq!(Fault::from(error).code, Code::Internal);
    database.close().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_waited_for() {
    let Some(fresh) = fresh().await else { return };
    let (_, rest) = fresh.address.split_once("://").unwrap();
    let (server, path) = rest.split_once('/').unwrap();
    let door = Door::new(server).await;
    door.shut();
    let address = format!("mongodb://{}/{path}", door.address).replace("30000", "4000");
    let database = Mongo::open(&address, 1).await.unwrap();
    let away = database.ping().await.unwrap_err();
    assert_eq!((away.code, away.retry_after.is_some()), (Code::Unavailable, true));
    let began = Instant::now();
    for _ in 0..100 {
        assert!(matches!(database.database().await, Err(error) if error.is_away()));
    }
    assert!(began.elapsed() < Duration::from_secs(4), "most are refused at once");

    door.open();
    eventually("it is found", async || database.ping().await.is_ok()).await;
    database.transaction(&Add(None)).await.unwrap();
    door.silence();
    let began = Instant::now();
    let hangs = database.ping().await.unwrap_err();
    assert_eq!(hangs.code, Code::Unavailable);
    assert!(began.elapsed() < mongo::ANSWER + Duration::from_secs(2));
    door.open();
    let began = Instant::now();
    eventually("it is found again", async || database.ping().await.is_ok()).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    door.shut();
    eventually("it is missed", async || database.ping().await.is_err()).await;
    door.open();
    let began = Instant::now();
    eventually("it is back", async || database.ping().await.is_ok()).await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    database.close().await;
}

#[tokio::test]
async fn whoever_watches_and_looks_misses_no_insertion() {
    let Some(fresh) = fresh().await else { return };
    let (_, rest) = fresh.address.split_once("://").unwrap();
    let (server, path) = rest.split_once('/').unwrap();
    let door = Door::new(server).await;
    let near = Mongo::open(&fresh.address, 1).await.unwrap();
    let far = Mongo::open(&format!("mongodb://{}/{path}", door.address), 1).await.unwrap();
    let things = near.collection::<Document>("things").await.unwrap();
    let mut watch = far.watch("things");
    let mut told = 0;
    for number in 0..6 {
        match number {
            // What is inserted while it is cut off is found when it is back.
            2 => door.shut(),
            3 => door.open(),
            _ => {}
        }
        let thing = doc! { "name": format!("{number}"), "count": 1 };
        if number == 2 {
            near.bounded(things.insert_one(thing)).await.unwrap();
            watch.next().await;
            continue;
        }
        let insert = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            near.bounded(things.insert_one(thing)).await.unwrap();
        };
        let looked = async {
            loop {
                if let Ok(things) = far.collection::<Document>("things").await
                    && let Ok(count) = far.bounded(things.count_documents(doc! {})).await
                    && count == number + 1
                {
                    return;
                }
                told += u32::from(watch.next().await == Wake::Told);
            }
        };
        let began = Instant::now();
        let both = futures::future::join(insert, looked);
        tokio::time::timeout(Duration::from_mins(1), both).await.expect("it is seen in time");
        println!("seen after {:?}", began.elapsed());
    }
    println!("woken by the server {told} times");
    drop(watch);
    near.close().await;
    far.close().await;
}

#[tokio::test]
async fn an_address_without_a_server_opens_and_one_without_a_database_does_not() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = nobody.local_addr().unwrap();
    drop(nobody);
    let database = Mongo::open(&format!("mongodb://{place}/shop"), 1).await.unwrap();
    assert_eq!(database.ping().await.unwrap_err().code, Code::Unavailable);
    let refused = Mongo::open(&format!("mongodb://{place}/"), 1).await.unwrap_err();
    assert!(matches!(refused, Error::Address(_)));
}
