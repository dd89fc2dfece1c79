//! Promises of the embedded engine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sqlite::{Durability, Error, FutureExt, Sqlite};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("tests/migrations");

async fn open(name: &str) -> (Sqlite, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("um-sqlite-{name}-{}", std::process::id()));
    let address = format!("sqlite:{}", folder.join("t.db").display());
    (Sqlite::open(&address, Durability::Full, &MIGRATIONS).await.unwrap(), folder)
}

async fn count(database: &Sqlite) -> i64 {
    sqlx::query_scalar("select count(*) from things").fetch_one(database.read()).await.unwrap()
}

async fn insert(database: &Sqlite, name: String, stock: i64) -> Result<(), Error> {
    database
        .write(move |connection| {
            async move {
                sqlx::query("insert into things values (?, ?)")
                    .bind(name)
                    .bind(stock)
                    .execute(connection)
                    .await?;
                Ok(())
            }
            .boxed()
        })
        .await
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
    database.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_panic_in_a_job_is_an_error_of_that_job() {
    let (database, folder) = open("panic").await;
    let outcome: Result<(), Error> = database
        .write(|connection| {
            async move {
                sqlx::query("insert into things values ('lost', 1)").execute(connection).await?;
                panic!("on purpose")
            }
            .boxed()
        })
        .await;
    assert!(matches!(outcome, Err(Error::Panicked)));
    insert(&database, "kept".to_owned(), 1).await.unwrap();
    assert_eq!(count(&database).await, 1);
    database.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_caller_that_leaves_changes_nothing_for_others() {
    let (database, folder) = open("leave").await;
    for number in 0..50 {
        let write = insert(&database, format!("a{number}"), 1);
        drop(tokio::time::timeout(std::time::Duration::from_micros(number * 7), write).await);
    }
    insert(&database, "last".to_owned(), 1).await.unwrap();
    let found: i64 = sqlx::query_scalar("select count(*) from things where name = 'last'")
        .fetch_one(database.read())
        .await
        .unwrap();
    assert_eq!(found, 1);
    database.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_was_closed_refuses_and_what_was_written_is_there_again() {
    let (database, folder) = open("closed").await;
    insert(&database, "kept".to_owned(), 1).await.unwrap();
    database.close().await;
    let refused = insert(&database, "late".to_owned(), 1).await;
    assert!(matches!(refused, Err(Error::Closed)), "{refused:?}");
    let (again, _) = open("closed").await;
    assert_eq!(count(&again).await, 1);
    again.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn violations_name_their_column() {
    let (database, folder) = open("violates").await;
    insert(&database, "one".to_owned(), 1).await.unwrap();
    let Err(Error::Sql(error)) = insert(&database, "one".to_owned(), 1).await else {
        panic!("the second must be refused")
    };
    assert!(sqlite::violates(&error, "things.name"));
    assert!(!sqlite::violates(&error, "things.stock"));
    database.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}
