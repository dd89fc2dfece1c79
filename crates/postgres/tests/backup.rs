//! Copies of databases that are written to, against a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use archive::{Copied, FORMAT, Manifest, Shelf};
use ids::MerchantId;
use postgres::{
    Postgres,
    backup::{self, Source, State, Target},
};
use sqlx::PgConnection;
use testkit::{Folder, FreshDatabase};

const OLD: &[&str] = &[include_str!("migrations/backup_0001.sql")];
const NEW: &[&str] =
    &[include_str!("migrations/backup_0001.sql"), include_str!("migrations/backup_0002.sql")];

async fn insert(connection: &mut PgConnection, name: &str, note: Option<&str>) -> i64 {
    sqlx::query_scalar(
        "insert into things (merchant, name, note, body, hash, at)
         values ($1, $2, $3, $4::jsonb, $5, '2026-11-21 14:30:00.123456+05') returning row",
    )
    .bind(postgres::uuid(MerchantId::new()))
    .bind(name)
    .bind(note)
    .bind(r#"{"a": "line\nbreak", "b": [1, null]}"#)
    .bind([0_u8, 9, 10, 13, 92, 255].as_slice())
    .fetch_one(connection)
    .await
    .unwrap()
}

/// Everything in the tables, as text.
async fn contents(database: &Postgres) -> Vec<String> {
    let mut all = database.begin().await.unwrap();
    let rows = "select row_to_json(t)::text as line from (select row, merchant, name, note, body, hash, at, double from things) t
                union all select row_to_json(p)::text from parts p order by line";
    sqlx::query_scalar(rows).fetch_all(&mut *all).await.unwrap()
}

async fn schema(database: &Postgres) -> String {
    postgres::describe(&mut database.begin().await.unwrap()).await.unwrap()
}

/// A backup of one database.
async fn back_up(source: Source, folder: &Folder) -> (PathBuf, Manifest) {
    let shelf = Shelf::open(folder.path()).unwrap();
    let draft = shelf.begin(testkit::START).unwrap();
    let mut part = draft.part("things").unwrap();
    let schema = source.copy(&mut part).await.unwrap();
    let stores =
        BTreeMap::from([("things".to_owned(), part.into_store("postgres", schema, Copied::Cut))]);
    let (program, taken_at) = ("test".to_owned(), testkit::START);
    let manifest = Manifest { format: FORMAT, program, taken_at, held_ms: 0, stores };
    (draft.finish(&manifest).unwrap(), manifest)
}

async fn view(address: &str) -> Source {
    let mut source = Source::open(address).await.unwrap();
    source.hold().await.unwrap();
    source.snapshot().await.unwrap();
    source.release().await.unwrap();
    source
}

#[tokio::test]
async fn what_is_copied_is_put_back_to_the_last_byte() {
    let (Some(one), Some(two)) = (FreshDatabase::create().await, FreshDatabase::create().await)
    else {
        return;
    };
    let folder = Folder::new("backup");
    postgres::migrate(&one.address, OLD).await.unwrap();
    let database = Postgres::open(&one.address, OLD).await.unwrap();
    let mut writing = database.begin().await.unwrap();
    for (name, note) in [
        ("choynak", None),
        ("tab\tnew\nline\\back\\.slash\r", Some("")),
        ("\\N", Some("чойнак 🫖")),
        ("\\.", Some("'\"")),
    ] {
        let row = insert(&mut writing, name, note).await;
        let part = sqlx::query("insert into parts values ($1, 1), ($1, 2)").bind(row);
        part.execute(&mut *writing).await.unwrap();
    }
    sqlx::query("select setval('numbers', 41)").execute(&mut *writing).await.unwrap();
    writing.commit().await.unwrap();

    let source = view(&one.address).await;
    // Written after the moment: not in the copy.
    let mut late = database.begin().await.unwrap();
    insert(&mut late, "late", None).await;
    let before: Vec<String> =
        contents(&database).await.into_iter().filter(|line| !line.contains("late")).collect();
    late.commit().await.unwrap();
    let (backup, manifest) = back_up(source, &folder).await;
    let store = &manifest.stores["things"];
    assert_eq!((store.schema, store.counts["things"], store.counts["parts"]), (1, 4, 8));

    // Put where other things were, by a program that is newer.
    postgres::migrate(&two.address, NEW).await.unwrap();
    let other = Postgres::open(&two.address, NEW).await.unwrap();
    insert(&mut other.connection().await.unwrap(), "to be thrown away", None).await;
    let wanted = schema(&other).await;
    let copy = backup.join("things");
    let mut target = Target::open(&two.address, &copy).await.unwrap();
    assert_eq!(target.state().await.unwrap(), State { filled: true, in_use: true });
    other.close().await;
    testkit::eventually("its connections end", async || {
        let mut target = Target::open(&two.address, &copy).await.unwrap();
        !target.state().await.unwrap().in_use
    })
    .await;
    target.clear().await.unwrap();
    assert_eq!(target.state().await.unwrap(), State { filled: false, in_use: false });
    assert_eq!(target.version(), 1);
    postgres::migrate_to(&two.address, NEW, target.version()).await.unwrap();
    target.load(&copy).await.unwrap();
    postgres::migrate(&two.address, NEW).await.unwrap();

    let restored = Postgres::open(&two.address, NEW).await.unwrap();
    assert_eq!(contents(&restored).await, before);
    assert_eq!(schema(&restored).await, wanted, "row-level security and triggers included");
    let mut all = restored.begin().await.unwrap();
    assert_eq!(insert(&mut all, "next", None).await, 6, "numbers go on after those given");
    let next: i64 =
        sqlx::query_scalar("select nextval('numbers')").fetch_one(&mut *all).await.unwrap();
    assert_eq!(next, 42);
    let changed = sqlx::query("update things set note = null").execute(&mut *all).await;
    assert!(changed.unwrap_err().to_string().contains("append only"));
    drop(all);
    let mut narrow = restored.begin_for(MerchantId::new()).await.unwrap();
    let seen: i64 =
        sqlx::query_scalar("select count(*) from things").fetch_one(&mut *narrow).await.unwrap();
    assert_eq!(seen, 0);
    drop(narrow);
    restored.close().await;
    database.close().await;
}

#[tokio::test]
async fn writers_wait_for_the_moment_and_no_longer() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, OLD).await.unwrap();
    let database = Postgres::open(&fresh.address, OLD).await.unwrap();
    let mut source = Source::open(&fresh.address).await.unwrap();
    source.hold().await.unwrap();
    let held = Instant::now();
    let writing = async {
        let mut transaction = database.begin().await.unwrap();
        insert(&mut transaction, "waits", None).await;
        transaction.commit().await.unwrap();
        held.elapsed()
    };
    let releasing = async {
        assert!(contents(&database).await.is_empty(), "readers do not wait");
        tokio::time::sleep(Duration::from_millis(300)).await;
        source.release().await.unwrap();
    };
    let (waited, ()) = tokio::join!(writing, releasing);
    assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(2), "{waited:?}");
    database.close().await;
}

#[tokio::test]
async fn somebody_who_writes_for_long_is_left_alone() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, OLD).await.unwrap();
    let database = Postgres::open(&fresh.address, OLD).await.unwrap();
    let mut long = database.begin().await.unwrap();
    insert(&mut long, "long", None).await;
    let mut source = Source::open(&fresh.address).await.unwrap();
    let began = Instant::now();
    let refused = source.hold().await.unwrap_err();
    assert!(refused.is_contention(), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    source.release().await.unwrap();
    // It goes on as if nothing had been.
    insert(&mut long, "longer", None).await;
    long.commit().await.unwrap();
    source.hold().await.unwrap();
    source.snapshot().await.unwrap();
    source.release().await.unwrap();
    let folder = Folder::new("backup");
    assert_eq!(back_up(source, &folder).await.1.stores["things"].counts["things"], 2);
    database.close().await;
}

#[tokio::test]
async fn another_history_of_the_schema_is_refused() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, OLD).await.unwrap();
    let folder = Folder::new("backup");
    let (backup, _) = back_up(view(&fresh.address).await, &folder).await;
    let copy = backup.join("things");
    let mut target = Target::open(&fresh.address, &copy).await.unwrap();
    target.clear().await.unwrap();
    postgres::migrate(&fresh.address, &["create table things (name text)"]).await.unwrap();
    let refused = target.load(&copy).await.unwrap_err();
    assert!(format!("{refused:?}").contains("other migrations"), "{refused:?}");
}

#[tokio::test]
async fn half_of_a_copy_is_never_taken_for_the_whole() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    let address = &fresh.address;
    postgres::migrate(address, OLD).await.unwrap();
    let folder = Folder::new("backup");
    let (backup, _) = back_up(view(address).await, &folder).await;
    let copy = backup.join("things");
    assert_eq!(backup::marked(address).await.unwrap(), None);
    backup::mark(address, "one").await.unwrap();
    backup::mark(address, "/srv/b's/two").await.unwrap();
    let mut target = Target::open(address, &copy).await.unwrap();
    assert!(!target.state().await.unwrap().filled, "the note is no data");
    target.clear().await.unwrap();
    postgres::migrate_to(address, OLD, target.version()).await.unwrap();
    target.load(&copy).await.unwrap();
    assert_eq!(backup::marked(address).await.unwrap().unwrap(), "/srv/b's/two");
    // All of it is there, but nobody has said so yet.
    let refused = Postgres::open(address, OLD).await.unwrap_err();
    assert!(refused.to_string().contains("ultramarket restore /srv/b's/two"), "{refused}");
    assert!(matches!(Source::open(address).await, Err(postgres::Error::Restoring(_))));
    for _ in 0..2 {
        backup::unmark(address).await.unwrap();
    }
    assert_eq!(backup::marked(address).await.unwrap(), None);
    Postgres::open(address, OLD).await.unwrap().close().await;
}

#[tokio::test]
async fn numbers_can_be_left_out() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, OLD).await.unwrap();
    let database = Postgres::open(&fresh.address, OLD).await.unwrap();
    let mut all = database.connection().await.unwrap();
    let next = "select nextval('numbers')";
    let given: i64 = sqlx::query_scalar(next).fetch_one(&mut *all).await.unwrap();
    backup::skip_numbers(&fresh.address, "numbers", 1_000).await.unwrap();
    let after: i64 = sqlx::query_scalar(next).fetch_one(&mut *all).await.unwrap();
    assert!((given + 1_001..given + 1_010).contains(&after), "{after} after {given}");
    drop(all);
    database.close().await;
}

#[tokio::test]
async fn whatever_a_schema_has_goes_before_a_copy_comes() {
    const SCHEMA: &[&str] = &["create domain positive as bigint check (value > 0);
         create type mood as enum ('good', 'bad');
         create type pair as (one bigint, other positive);
         create type span as range (subtype = bigint);
         create table things (id positive primary key, mood mood, pair pair, span span);
         create view twos as select 2 as two;
         create materialized view threes as select 3 as three;
         create sequence alone;
         create function four() returns int language sql as 'select 4'"];
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, SCHEMA).await.unwrap();
    let database = Postgres::open(&fresh.address, SCHEMA).await.unwrap();
    let fill = "insert into things values (1, 'bad', row(1, 2), '[1,5)')";
    sqlx::query(fill).execute(&mut *database.connection().await.unwrap()).await.unwrap();
    let rows = "select things::text from things";
    let read = async |database: &Postgres| -> Vec<String> {
        sqlx::query_scalar(rows)
            .fetch_all(&mut *database.connection().await.unwrap())
            .await
            .unwrap()
    };
    let before = read(&database).await;
    database.close().await;
    let folder = Folder::new("backup");
    let (backup, _) = back_up(view(&fresh.address).await, &folder).await;
    let copy = backup.join("things");
    for _ in 0..2 {
        let mut target = Target::open(&fresh.address, &copy).await.unwrap();
        target.clear().await.unwrap();
        postgres::migrate_to(&fresh.address, SCHEMA, target.version()).await.unwrap();
        target.load(&copy).await.unwrap();
    }
    let database = Postgres::open(&fresh.address, SCHEMA).await.unwrap();
    assert_eq!(read(&database).await, before);
    database.close().await;
}
