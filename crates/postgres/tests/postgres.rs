//! Promises of the PostgreSQL engine, against a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ids::MerchantId;
use postgres::{Error, Postgres, Transaction};
use sqlx::PgConnection;
use testkit::{Door, FreshDatabase};

const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_things.sql")];

async fn insert(to: &mut PgConnection, name: &str, owner: MerchantId) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("insert into things values ($1, $2, 1)").bind(name);
    insert.bind(postgres::uuid(owner)).execute(to).await.map(drop)
}

async fn names(transaction: &mut Transaction) -> Vec<String> {
    let names = sqlx::query_scalar("select name from things order by name");
    names.fetch_all(&mut **transaction).await.unwrap()
}

#[tokio::test]
async fn an_older_schema_is_refused_with_the_command_to_run() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    let refused = Postgres::open(&fresh.address, MIGRATIONS).await.unwrap_err();
    assert!(matches!(refused, Error::Outdated));
    assert!(refused.to_string().contains("ultramarket migrate"));
    postgres::migrate(&fresh.address, MIGRATIONS).await.unwrap();
    Postgres::open(&fresh.address, MIGRATIONS).await.unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn migrating_at_once_and_again_is_migrating_once() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    let migrate = || postgres::migrate(&fresh.address, MIGRATIONS);
    let (one, two, three) = tokio::join!(migrate(), migrate(), migrate());
    one.and(two).and(three).unwrap();
    migrate().await.unwrap();
    let database = Postgres::open(&fresh.address, MIGRATIONS).await.unwrap();
    let schema = postgres::describe(&mut database.begin().await.unwrap()).await.unwrap();
    assert!(schema.contains("policy of_merchant on things"), "{schema}");
    assert!(
        schema.contains("table things constraint things_stock CHECK ((stock >= 0))"),
        "{schema}"
    );
}

#[tokio::test]
async fn a_merchant_sees_its_own_through_any_connection_of_the_pool() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, MIGRATIONS).await.unwrap();
    // One connection: what a transaction leaves behind, the next one would find.
    let one = fresh.address.replace("pool=8", "pool=1");
    let database = Postgres::open(&one, MIGRATIONS).await.unwrap();
    let (ours, theirs) = (MerchantId::new(), MerchantId::new());
    let mut all = database.begin().await.unwrap();
    insert(&mut all, "ours", ours).await.unwrap();
    insert(&mut all, "theirs", theirs).await.unwrap();
    all.commit().await.unwrap();

    let mut narrow = database.begin_for(ours).await.unwrap();
    assert_eq!(names(&mut narrow).await, ["ours"]);
    let taken = sqlx::query("update things set stock = 0").execute(&mut *narrow).await.unwrap();
    assert_eq!(taken.rows_affected(), 1);
    let crossed = insert(&mut narrow, "smuggled", theirs).await.unwrap_err();
    assert!(crossed.to_string().contains("row-level security"), "{crossed}");
    // Dropped in the middle: the scope goes with it.
    drop(narrow);
    assert_eq!(names(&mut database.begin().await.unwrap()).await, ["ours", "theirs"]);
    assert_eq!(names(&mut database.begin_for(theirs).await.unwrap()).await, ["theirs"]);
    database.close().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_said_to_be_away_at_once() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("postgres://a:b@{}/d?sslmode=disable", nobody.local_addr().unwrap());
    drop(nobody);
    let database = Postgres::open(&address, MIGRATIONS).await.unwrap();
    let fault = database.ping().await.unwrap_err();
    assert_eq!(fault.code, fault::Code::Unavailable);
    assert!(fault.retry_after.is_some());
    let many = (0..100).map(|_| database.begin());
    for outcome in many {
        assert!(matches!(outcome.await, Err(Error::Away)));
    }
}

#[tokio::test]
async fn connections_that_died_without_a_word_are_replaced_at_once() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, MIGRATIONS).await.unwrap();
    let server = fresh.address.split(['@', '?']).nth(1).unwrap().split('/').next().unwrap();
    let door = Door::new(server).await;
    let through = fresh.address.replace(server, &door.address.to_string());
    let database = Postgres::open(&through, MIGRATIONS).await.unwrap();
    let all = (0..8).map(|_| database.begin());
    drop(futures::future::try_join_all(all).await.unwrap());
    // Lately used ones are not doubted.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    door.forget();
    for _ in 0..8 {
        database.begin().await.unwrap();
    }
    database.close().await;
}

#[tokio::test]
async fn violations_name_their_constraint() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    postgres::migrate(&fresh.address, MIGRATIONS).await.unwrap();
    let database = Postgres::open(&fresh.address, MIGRATIONS).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    insert(&mut transaction, "one", MerchantId::new()).await.unwrap();
    let error = insert(&mut transaction, "one", MerchantId::new()).await.unwrap_err();
    assert!(postgres::violates(&error, "things_pkey"));
    assert!(!postgres::violates(&error, "things_stock"));
}
