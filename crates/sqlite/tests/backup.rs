//! Copies of databases that are written to.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use archive::{Copied, FORMAT, Manifest, Shelf};
use sqlite::{
    Connection, Durability, Error, Sqlite,
    backup::{Source, is_in_use, is_there, restore},
    params,
};
use testkit::Folder;

const MIGRATIONS: &[&str] = &["create table moves (number integer primary key) strict"];
/// How long a test may keep others waiting.
const PATIENCE: Duration = Duration::from_secs(5);

fn address(folder: &Folder, name: &str) -> String {
    format!("sqlite:{}", folder.path().join(name).display())
}

async fn open(address: &str) -> Sqlite {
    Sqlite::open(address, Durability::Process, MIGRATIONS).await.unwrap()
}

async fn insert(database: &Sqlite, number: i64) -> Result<(), Error> {
    let insert = move |connection: &Connection| {
        connection.execute("insert into moves values (?)", params![number]).map(drop)
    };
    database.write(insert).await
}

async fn count(database: &Sqlite) -> i64 {
    let count = |connection: &Connection| connection.one("select count(*) from moves", ());
    database.read::<i64, Error, _>(count).await.unwrap()
}

/// The finished backup with these sources, each in a part of its name.
fn finish(folder: &Folder, sources: Vec<(&str, Source)>) -> (std::path::PathBuf, Manifest) {
    let shelf = Shelf::open(&folder.path().join("backups")).unwrap();
    let draft = shelf.begin(testkit::START).unwrap();
    let mut stores = std::collections::BTreeMap::new();
    for (name, source) in sources {
        let mut part = draft.part(name).unwrap();
        let schema = source.copy(&mut part, "database.db").unwrap();
        stores.insert(name.to_owned(), part.into_store("sqlite", schema, Copied::Cut));
    }
    let (program, taken_at) = ("test".to_owned(), testkit::START);
    let manifest = Manifest { format: FORMAT, program, taken_at, held_ms: 0, stores };
    (draft.finish(&manifest).unwrap(), manifest)
}

fn hold(source: &Source) {
    source.hold(PATIENCE).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_are_copied_as_of_one_moment() {
    let folder = Folder::new("cut");
    let (one, two) = (address(&folder, "one.db"), address(&folder, "two.db"));
    let (first, second) = (open(&one).await, open(&two).await);
    let over = AtomicBool::new(false);
    // What is in the second was in the first before.
    let moving = async {
        let mut number = 0;
        while !over.load(Ordering::Relaxed) {
            insert(&first, number).await.unwrap();
            insert(&second, number).await.unwrap();
            number += 1;
        }
        number
    };
    let copying = async {
        let mut seen = Vec::new();
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            let sources = [Source::open(&one).unwrap(), Source::open(&two).unwrap()];
            tokio::task::block_in_place(|| {
                sources.iter().for_each(hold);
                // Long enough for many moves, were they not held.
                sources[0].snapshot().unwrap();
                std::thread::sleep(Duration::from_millis(20));
                sources[1].snapshot().unwrap();
                for source in &sources {
                    source.release().unwrap();
                }
            });
            // Whatever is written now is in neither.
            tokio::time::sleep(Duration::from_millis(10)).await;
            let [one, two] = sources;
            let (_, manifest) =
                tokio::task::block_in_place(|| finish(&folder, vec![("one", one), ("two", two)]));
            seen.push(["one", "two"].map(|name| manifest.stores[name].counts["moves"]));
            std::fs::remove_dir_all(folder.path().join("backups")).unwrap();
        }
        over.store(true, Ordering::Relaxed);
        seen
    };
    let (moved, seen) = futures::join!(moving, copying);
    assert!(moved > 100, "writers hardly got on: {moved}");
    for [first, second] in &seen {
        assert!(first - second <= 1, "{seen:?}");
    }
    assert!(seen.windows(2).all(|pair| pair[0][0] < pair[1][0]), "{seen:?}");
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_wait_while_they_are_held_and_readers_do_not() {
    let folder = Folder::new("held");
    let address = address(&folder, "t.db");
    let database = open(&address).await;
    let source = Source::open(&address).unwrap();
    hold(&source);
    let held = Instant::now();
    let writing = async {
        insert(&database, 1).await.unwrap();
        held.elapsed()
    };
    let releasing = async {
        assert_eq!(count(&database).await, 0);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(count(&database).await, 0);
        source.release().unwrap();
    };
    let (waited, ()) = futures::join!(writing, releasing);
    assert!(waited >= Duration::from_millis(200), "{waited:?}");

    let other = Source::open(&address).unwrap();
    hold(&source);
    assert!(matches!(other.hold(Duration::from_millis(50)), Err(Error::Busy)));
    source.release().unwrap();
    hold(&other);
    other.release().unwrap();
    source.forget().unwrap();
    database.close().await;
}

#[tokio::test]
async fn a_copy_takes_the_place_of_what_is_there() {
    let folder = Folder::new("restore");
    let (old, new) = (address(&folder, "old.db"), address(&folder, "deep/new.db"));
    assert!(matches!(Source::open(&old), Err(Error::Missing(_))));
    let database = open(&old).await;
    insert(&database, 7).await.unwrap();
    let source = Source::open(&old).unwrap();
    source.snapshot().unwrap();
    let (backup, manifest) = finish(&folder, vec![("one", source)]);
    assert_eq!(manifest.stores["one"].schema, 1);
    let copy = backup.join("one/database.db");
    assert!(!Path::new(&format!("{}-wal", copy.display())).exists(), "a copy is one file");

    assert!(is_in_use(&old).unwrap(), "it is open");
    database.close().await;
    assert!(!is_in_use(&old).unwrap());

    assert!(!is_there(&new) && !is_in_use(&new).unwrap());
    restore(&new, &copy).unwrap();
    let restored = open(&new).await;
    assert_eq!(count(&restored).await, 1);
    for number in 8..20 {
        insert(&restored, number).await.unwrap();
    }
    // As after a kill: the log stays behind, and belongs to what is thrown away.
    let log = format!("{}-wal", folder.path().join("deep/new.db").display());
    let left = std::fs::read(&log).unwrap();
    assert!(!left.is_empty());
    restored.close().await;
    std::fs::write(&log, left).unwrap();
    restore(&new, &copy).unwrap();
    let restored = open(&new).await;
    assert_eq!(count(&restored).await, 1);
    restored.close().await;
    archive::verify(&backup).unwrap();
}
