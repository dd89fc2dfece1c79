//! What PostgreSQL itself keeps apart and whole, whatever a statement forgets.

use std::sync::Arc;

use auth::{
    domain::{ApiKey, Decision, Login, StaffRole},
    store::{self, AuthStore},
};
use ids::{ApiKeyId, MerchantId};
use postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query, query_scalar, types::Uuid};
use testkit::FreshDatabase;

use crate::{NOW, account, encode, merchants::active, phone};

const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_accounts.sql"),
    include_str!("../../migrations/postgres/0002_merchants.sql"),
    include_str!("../../migrations/postgres/0003_events.sql"),
    include_str!("../../migrations/postgres/0004_outbox.sql"),
];

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/schema.txt");

/// Tables of merchants, and the column that says whose a row is.
const TABLES: [(&str, &str); 4] = [
    ("merchants", "id"),
    ("staff", "merchant_id"),
    ("api_keys", "merchant_id"),
    ("audit", "merchant_id"),
];

async fn migrated() -> Option<FreshDatabase> {
    let fresh = FreshDatabase::create().await?;
    store::migrate(&fresh.address).await.unwrap();
    Some(fresh)
}

/// An active merchant with its owner on the staff, a key and an audit trail.
async fn merchant(store: &dyn AuthStore, number: u32) -> MerchantId {
    let merchant = active(store, account(store, number).await.id).await;
    let hash = [u8::try_from(number).unwrap(); 32];
    store.add_key(key(merchant), hash, "who".to_owned()).await.unwrap();
    merchant
}

fn key(merchant: MerchantId) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(),
        merchant,
        name: "ERP".to_owned(),
        scopes: vec!["orders:read".to_owned()],
        hint: "sk_abcde".to_owned(),
        created_at: NOW,
        last_used_at: None,
    }
}

/// The service's store and a pool of a single connection: what a transaction leaves behind there, the next one finds.
async fn both(fresh: &FreshDatabase) -> (Arc<dyn AuthStore>, Postgres) {
    let store = store::open(&fresh.address, encode).await.unwrap();
    let one = fresh.address.replace("pool=8", "pool=1");
    (store, Postgres::open(&one, MIGRATIONS).await.unwrap())
}

/// Whose rows a transaction sees.
async fn owners(connection: &mut PgConnection, table: &str, column: &str) -> Vec<Uuid> {
    let owners = AssertSqlSafe(format!("select distinct {column} from {table}"));
    query_scalar(owners).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn a_merchant_neither_sees_nor_changes_what_is_anothers() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    let (ours, theirs) = (merchant(&*store, 1).await, merchant(&*store, 2).await);
    for (table, column) in TABLES {
        for (scope, other) in [(ours, theirs), (theirs, ours)] {
            let mut transaction = database.begin_for(scope).await.unwrap();
            assert_eq!(
                owners(&mut transaction, table, column).await,
                [postgres::uuid(scope)],
                "{table}"
            );
            // The audit trail changes for nobody, merchants disappear for nobody: what is tried there is to take them over.
            let takes = format!("update {table} set {column} = $1 where {column} = $1");
            let taken = query(AssertSqlSafe(takes)).bind(postgres::uuid(other));
            let taken = taken.execute(&mut *transaction).await.unwrap();
            assert_eq!(taken.rows_affected(), 0, "{table}");
            let gives = format!("update {table} set {column} = $1 where {column} = $2");
            let given = query(AssertSqlSafe(gives));
            let given = given.bind(postgres::uuid(other)).bind(postgres::uuid(scope));
            given.execute(&mut *transaction).await.unwrap_err();
            // Dropped in the middle: the scope goes with it.
        }
        let mut all = database.begin().await.unwrap();
        assert_eq!(owners(&mut all, table, column).await.len(), 2, "{table}");
    }
    for (smuggled, named) in [
        (
            "insert into staff select gen_random_uuid(), $1, u.id, 'admin', now() from users u limit 1",
            "staff",
        ),
        (
            "insert into api_keys select gen_random_uuid(), $1, 'k', '{a}', sha256('k'), 'k', now()",
            "api_keys",
        ),
        (
            "insert into audit (who, what, subject, merchant_id, detail, at)
             values ('', '', '', $1, '', now())",
            "audit",
        ),
    ] {
        let mut transaction = database.begin_for(ours).await.unwrap();
        let insert = query(smuggled).bind(postgres::uuid(theirs));
        let refused = insert.execute(&mut *transaction).await.unwrap_err().to_string();
        assert!(refused.contains("row-level security") && refused.contains(named), "{refused}");
    }
    let mut transaction = database.begin_for(ours).await.unwrap();
    let deleted = query("delete from api_keys").execute(&mut *transaction).await.unwrap();
    assert_eq!(deleted.rows_affected(), 1);
    drop(transaction);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn use_cases_of_a_merchant_run_in_its_scope() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    let merchant = merchant(&*store, 1).await;
    let worker = account(&*store, 2).await;
    let mut transaction = database.begin().await.unwrap();
    for (table, column) in TABLES {
        // From now on the platform's own scope opens nothing.
        let alter = format!(
            "alter policy of_merchant on {table} using (current_setting('um.merchant') = {column}::text)"
        );
        query(AssertSqlSafe(alter)).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    assert!(store.find_merchants(&[merchant]).await.unwrap().is_empty(), "of the platform");

    let who = || "who".to_owned();
    let login = Login::Phone(phone(2));
    let hired = store.add_staff(merchant, login, StaffRole::Viewer, who(), NOW).await.unwrap();
    assert_eq!(hired.user, worker.id);
    assert_eq!(store.list_staff(merchant).await.unwrap().len(), 2);
    store.remove_staff(merchant, hired.id, who(), NOW).await.unwrap();
    let added = key(merchant);
    store.add_key(added.clone(), [9; 32], who()).await.unwrap();
    assert_eq!(store.list_keys(merchant).await.unwrap().len(), 2);
    store.delete_key(merchant, added.id, who(), NOW).await.unwrap();
    store.decide(merchant, Decision::Suspend(String::new()), who(), NOW).await.unwrap();
    store.decide(merchant, Decision::Approve(None), who(), NOW).await.unwrap();
    assert_eq!(store.audit(merchant, 20).await.unwrap().len(), 8);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn without_a_scope_a_merchants_tables_are_closed() {
    let Some(fresh) = migrated().await else { return };
    let plain = fresh.address.replace("pool=8", "application_name=outsider");
    let mut connection = PgConnection::connect(&plain).await.unwrap();
    let (store, database) = both(&fresh).await;
    merchant(&*store, 1).await;
    for (table, _) in TABLES {
        let read = query(AssertSqlSafe(format!("select * from {table}")));
        let refused = read.fetch_all(&mut connection).await.unwrap_err().to_string();
        assert!(refused.contains("um.merchant"), "{table}: {refused}");
    }
    connection.close().await.unwrap();
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn every_table_of_merchants_is_forced_to_look_at_the_scope() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    let mut transaction = database.begin().await.unwrap();
    let open: Vec<String> = query_scalar(
        "select c.relname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relkind = 'r' and a.attname = 'merchant_id'
         and not (c.relrowsecurity and c.relforcerowsecurity)",
    )
    .fetch_all(&mut *transaction)
    .await
    .unwrap();
    assert_eq!(open, [""; 0]);
    let above: bool =
        query_scalar("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
            .fetch_one(&mut *transaction)
            .await
            .unwrap();
    assert!(!above, "these tests mean nothing for a role that no policy binds");
    drop(transaction);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn the_audit_trail_is_only_ever_added_to() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    merchant(&*store, 1).await;
    for statement in ["update audit set who = 'nobody'", "delete from audit", "truncate audit"] {
        let mut transaction = database.begin().await.unwrap();
        let refused = query(statement).execute(&mut *transaction).await.unwrap_err().to_string();
        assert!(refused.contains("append only"), "{refused}");
    }
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn tables_that_are_too_old_are_refused_with_the_command_to_run() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    let refused = store::open(&fresh.address, encode).await.err().unwrap().to_string();
    assert!(refused.contains("ultramarket migrate"), "{refused}");
    let migrate = || store::migrate(&fresh.address);
    let (one, two) = tokio::join!(migrate(), migrate());
    one.and(two).unwrap();
    store::open(&fresh.address, encode).await.unwrap().close().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "whoever renews the file says so in the environment")]
async fn the_schema_is_the_one_that_was_looked_at() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    let schema = postgres::describe(&mut database.begin().await.unwrap()).await.unwrap();
    if std::env::var("UM_RENEW").is_ok() {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    let known = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(
        known == schema,
        "UM_RENEW=1 cargo test -p auth renews schema.txt; it is now:\n{schema}"
    );
    database.close().await;
    store.close().await;
}
