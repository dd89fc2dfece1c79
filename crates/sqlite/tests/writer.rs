//! Promises of the embedded engine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sqlite::{Connection, Durability, Error, Sqlite, params};

const MIGRATIONS: &[&str] = &[
    "create table things (name text primary key, stock integer not null check (stock >= 0)) strict",
];

async fn open(name: &str) -> (Sqlite, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("um-sqlite-{name}-{}", std::process::id()));
    let address = format!("sqlite:{}", folder.join("t.db").display());
    (Sqlite::open(&address, Durability::Full, MIGRATIONS).await.unwrap(), folder)
}

async fn gone(database: Sqlite, folder: std::path::PathBuf) {
    database.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

fn counted(connection: &Connection) -> Result<i64, Error> {
    connection.one("select count(*) from things", ())
}

async fn count(database: &Sqlite) -> i64 {
    database.read(counted).await.unwrap()
}

async fn insert(database: &Sqlite, name: String, stock: i64) -> Result<(), Error> {
    let insert = move |connection: &Connection| {
        connection.execute("insert into things values (?, ?)", params![name, stock]).map(drop)
    };
    database.write(insert).await
}

#[tokio::test]
async fn a_failing_job_takes_back_only_its_own() {
    let (database, folder) = open("own").await;
    let jobs = (0..200).map(|number| {
        // Every fifth breaks the constraint.
        let stock = if number % 5 == 0 { -1 } else { number };
        insert(&database, format!("t{number}"), stock)
    });
    let outcomes = futures::future::join_all(jobs).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 160);
    assert_eq!(count(&database).await, 160);
    gone(database, folder).await;
}

#[tokio::test]
async fn a_panic_in_a_job_is_an_error_of_that_job() {
    let (database, folder) = open("panic").await;
    let outcome: Result<(), Error> = database
        .write(|connection| {
            connection.execute("insert into things values ('lost', 1)", ())?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(outcome, Err(Error::Panicked)));
    let outcome: Result<(), Error> = database.read(|_| panic!("on purpose")).await;
    assert!(matches!(outcome, Err(Error::Panicked)));
    insert(&database, "kept".to_owned(), 1).await.unwrap();
    assert_eq!(count(&database).await, 1);
    gone(database, folder).await;
}

#[tokio::test]
async fn a_caller_that_leaves_changes_nothing_for_others() {
    let (database, folder) = open("leave").await;
    for number in 0..50 {
        let write = insert(&database, format!("a{number}"), 1);
        drop(tokio::time::timeout(std::time::Duration::from_micros(number * 7), write).await);
    }
    insert(&database, "last".to_owned(), 1).await.unwrap();
    let last = |connection: &Connection| {
        connection.one::<i64>("select count(*) from things where name = 'last'", ())
    };
    assert_eq!(database.read(last).await.unwrap(), 1);
    gone(database, folder).await;
}

#[tokio::test]
async fn what_was_closed_refuses_and_what_was_written_is_there_again() {
    let (database, folder) = open("closed").await;
    insert(&database, "kept".to_owned(), 1).await.unwrap();
    database.close().await;
    let refused = insert(&database, "late".to_owned(), 1).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    assert!(matches!(database.read(counted).await, Err(Error::Closed)));
    let (again, _) = open("closed").await;
    assert_eq!(count(&again).await, 1);
    gone(again, folder).await;
}

#[tokio::test]
async fn violations_name_their_column() {
    let (database, folder) = open("violates").await;
    insert(&database, "one".to_owned(), 1).await.unwrap();
    let error = insert(&database, "one".to_owned(), 1).await.unwrap_err();
    assert!(sqlite::violates(&error, "things.name"));
    assert!(!sqlite::violates(&error, "things.stock"));
    gone(database, folder).await;
}

#[tokio::test]
async fn a_read_sees_one_snapshot_and_cannot_write() {
    let (database, folder) = open("snapshot").await;
    insert(&database, "one".to_owned(), 1).await.unwrap();
    let other = database.clone();
    let runtime = tokio::runtime::Handle::current();
    let (before, after) = database
        .read(move |connection| {
            let before = counted(connection)?;
            runtime.block_on(insert(&other, "two".to_owned(), 1))?;
            Ok::<_, Error>((before, counted(connection)?))
        })
        .await
        .unwrap();
    assert_eq!((before, after), (1, 1));
    assert_eq!(count(&database).await, 2);
    let refused = database.read(|connection| connection.execute("delete from things", ())).await;
    assert!(matches!(refused, Err(Error::Sql(_))), "{refused:?}");
    assert_eq!(count(&database).await, 2);
    gone(database, folder).await;
}

#[tokio::test]
async fn a_schema_newer_than_the_program_is_refused() {
    let (database, folder) = open("newer").await;
    let newer = |connection: &Connection| connection.execute("pragma user_version = 9", ());
    database.write(newer).await.unwrap();
    database.close().await;
    let address = format!("sqlite:{}", folder.join("t.db").display());
    let refused = Sqlite::open(&address, Durability::Full, MIGRATIONS).await;
    assert!(matches!(refused, Err(Error::Migrate(_))), "{refused:?}");
    std::fs::remove_dir_all(folder).unwrap();
}
