//! What PostgreSQL itself refuses, whatever a statement forgets.

use payment::{domain::Provider, store};
use sqlx::{Connection as _, PgConnection, query, query_scalar};
use testkit::FreshDatabase;

use crate::{
    NOW,
    fixtures::{Calls as _, call, draft, encode, line, opened},
};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/schema.txt");

async fn migrated() -> Option<FreshDatabase> {
    let fresh = FreshDatabase::create().await?;
    store::migrate(&fresh.address).await.unwrap();
    Some(fresh)
}

async fn connect(fresh: &FreshDatabase) -> PgConnection {
    PgConnection::connect(&fresh.address.replace("pool=8", "application_name=test")).await.unwrap()
}

#[tokio::test]
async fn there_are_no_other_moves_than_those_of_the_machines() {
    let Some(fresh) = migrated().await else { return };
    let store = store::open(&fresh.address, encode).await.unwrap();
    for (reference, provider) in
        [("1K", Provider::Payme), ("2K", Provider::Payme), ("3K", Provider::Click)]
    {
        opened(&*store, reference, provider).await;
    }
    store.create(draft("paid", "1K"), NOW).await.unwrap().unwrap();
    store.perform("paid", NOW).await.unwrap().unwrap();
    store.create(draft("held", "2K"), NOW).await.unwrap().unwrap();
    let attempt = store.prepare(call(30, "3K"), NOW).await.unwrap().unwrap();
    store.complete(attempt.prepare_id, call(30, "3K"), NOW).await.unwrap().unwrap();
    let mut connection = connect(&fresh).await;
    for (statement, refused_by) in [
        ("update payments set status = 'pending', paid_at = null, version = version + 1", "payments_moves"),
        ("update payments set redirect_url = ''", "payments_moves"),
        ("update payables set version = version + 2", "payables_moves"),
        (
            "update payables set state = 'open', version = version + 1 where state = 'paid'",
            "payables_moves",
        ),
        ("update payables set state = 'closed', version = version + 1", "payables_closed_for_a_reason"),
        (
            "update payme_transactions set state = 1, perform_time = null where payme_id = 'paid'",
            "payme_moves",
        ),
        (
            "update payme_transactions set state = -2, perform_time = now(), cancel_time = now() where payme_id = 'held'",
            "payme_moves",
        ),
        ("update click_transactions set state = 'cancelled', confirm_id = null", "click_moves"),
        (
            "insert into payments select gen_random_uuid(), order_id, 'click', 'processing', amount, currency, 'other',
             '', '', now(), now(), null, 1 from payments where status = 'processing'",
            "payments_live",
        ),
        (
            "insert into click_transactions (prepare_id, click_trans_id, click_paydoc_id, confirm_id, payment_id,
             order_id, reference, amount_text, amount, state, prepared_at, changed_at)
             select 999, 999, 1, 999, payment_id, order_id, '', '', 1, 'confirmed', now(), now() from click_transactions",
            "click_confirmed",
        ),
    ] {
        let error = query(statement).execute(&mut connection).await.unwrap_err();
        assert!(postgres::violates(&error, refused_by), "{statement}: {error}");
    }
    connection.close().await.unwrap();
    store.close_store().await;
}

#[tokio::test]
async fn the_journal_keeps_the_newest_lines() {
    let Some(fresh) = migrated().await else { return };
    let store = store::open(&fresh.address, encode).await.unwrap();
    let entries = (0..50).map(|number| line(number.to_string()));
    store.journal(entries.collect()).await.unwrap();
    let mut connection = connect(&fresh).await;
    store.trim_journal(NOW, 10).await.unwrap();
    let lines = "select string_agg(answer, ' ' order by row) from callback_inbox";
    let left: Option<String> = query_scalar(lines).fetch_one(&mut connection).await.unwrap();
    assert_eq!(left.as_deref(), Some("40 41 42 43 44 45 46 47 48 49"));
    store.trim_journal(NOW.plus(std::time::Duration::from_millis(1)), 10).await.unwrap();
    let left: Option<String> = query_scalar(lines).fetch_one(&mut connection).await.unwrap();
    assert_eq!(left, None);
    connection.close().await.unwrap();
    store.close_store().await;
}

#[tokio::test]
async fn tables_that_are_too_old_are_refused_with_the_command_to_run() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    let refused = store::open(&fresh.address, encode).await.err().unwrap().to_string();
    assert!(refused.contains("ultramarket migrate"), "{refused}");
    let migrate = || store::migrate(&fresh.address);
    let (one, two) = tokio::join!(migrate(), migrate());
    one.and(two).unwrap();
    store::open(&fresh.address, encode).await.unwrap().close_store().await;
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "whoever renews the file says so in the environment")]
async fn the_schema_is_the_one_that_was_looked_at() {
    let Some(fresh) = migrated().await else { return };
    let mut connection = connect(&fresh).await;
    let mut schema = postgres::describe(&mut connection).await.unwrap();
    // The machines are triggers.
    let triggers =
        "select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal order by 1";
    let triggers: Vec<String> = query_scalar(triggers).fetch_all(&mut connection).await.unwrap();
    schema.extend(triggers.iter().map(|trigger| format!("{trigger}\n")));
    if std::env::var("UM_RENEW").is_ok() {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    let known = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(
        known == schema,
        "UM_RENEW=1 cargo test -p payment renews schema.txt; it is now:\n{schema}"
    );
    connection.close().await.unwrap();
}
