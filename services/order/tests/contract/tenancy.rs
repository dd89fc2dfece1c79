//! What PostgreSQL itself keeps apart and whole, whatever a statement forgets.

use std::sync::Arc;

use ids::MerchantId;
use money::Money;
use order::{
    domain::{
        Funder, ShipmentStatus,
        offer::{Offer, Update},
        promotion::{Kind, Promotion},
    },
    store::{self, Listing, OrderStore, promotions::Scope},
};
use postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query, query_scalar, types::Uuid};
use testkit::FreshDatabase;

use crate::{
    NOW,
    moves::{moved, pay},
    offer, placed, placing,
    promotions::draft,
    stocked,
};

const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001_orders.sql"),
    include_str!("../../migrations/postgres/0002_events.sql"),
    include_str!("../../migrations/postgres/0003_outbox.sql"),
];

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres/schema.txt");

/// Tables of merchants, and the column that says whose a row is.
const TABLES: [(&str, &str); 4] = [
    ("merchants", "id"),
    ("offers", "merchant_id"),
    ("shipments", "merchant_id"),
    ("promotions", "merchant_id"),
];

pub(crate) async fn migrated() -> Option<FreshDatabase> {
    let fresh = FreshDatabase::create().await?;
    store::migrate(&fresh.address).await.unwrap();
    Some(fresh)
}

/// The service's store and a pool of a single connection: what a transaction leaves behind there, the next one finds.
pub(crate) async fn both(fresh: &FreshDatabase) -> (Arc<dyn OrderStore>, Postgres) {
    let store = store::open(&fresh.address, order::encode_event).await.unwrap();
    let one = fresh.address.replace("pool=8", "pool=1");
    (store, Postgres::open(&one, MIGRATIONS).await.unwrap())
}

/// A merchant with an offer, a promotion, and a paid order for it.
async fn merchant(store: &dyn OrderStore) -> Offer {
    let goods = stocked(store, 5, 10_000).await;
    let mut own = draft(Kind::Percent, 1);
    own.funded_by = Funder::Merchant;
    own.usage_limit = Some(5);
    own.budget = Some(Money::uzs(500));
    store.create_promotion(Promotion::new(Some(goods.merchant), own, NOW)).await.unwrap();
    let order = placed(store, placing(&[(goods.id, 1)])).await;
    moved(store, order.id, None, pay).await.unwrap();
    goods
}

/// Whose rows a transaction sees.
async fn owners(connection: &mut PgConnection, table: &str, column: &str) -> Vec<Uuid> {
    let owners = AssertSqlSafe(format!("select distinct {column} from {table}"));
    query_scalar(owners).fetch_all(connection).await.unwrap()
}

fn update(offer: &Offer, stock: i64) -> Update {
    Update { stock: Some(stock), ..Update::of(offer.id) }
}

#[tokio::test]
async fn a_merchant_neither_sees_nor_changes_what_is_anothers() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    let (ours, theirs) = (merchant(&*store).await, merchant(&*store).await);
    for (table, column) in TABLES {
        for (scope, other) in [(&ours, &theirs), (&theirs, &ours)] {
            let mut transaction = database.begin_for(scope.merchant).await.unwrap();
            let (own, foreign) = (postgres::uuid(scope.merchant), postgres::uuid(other.merchant));
            assert_eq!(owners(&mut transaction, table, column).await, [own], "{table}");
            let takes = format!("update {table} set {column} = $1 where {column} = $1");
            let taken = query(AssertSqlSafe(takes)).bind(foreign);
            let taken = taken.execute(&mut *transaction).await.unwrap();
            assert_eq!(taken.rows_affected(), 0, "{table}");
            let gives = format!("update {table} set {column} = $1 where {column} = $2");
            let given = query(AssertSqlSafe(gives)).bind(foreign).bind(own);
            let refused = given.execute(&mut *transaction).await.unwrap_err().to_string();
            assert!(refused.contains("row-level security"), "{refused}");
            // Dropped in the middle: the scope goes with it.
        }
        let mut all = database.begin().await.unwrap();
        assert_eq!(owners(&mut all, table, column).await.len(), 2, "{table}");
    }
    let mut transaction = database.begin_for(ours.merchant).await.unwrap();
    let smuggled = query(
        "insert into shipments select $1, order_id, status, placed_at from shipments limit 1",
    );
    let smuggled = smuggled.bind(postgres::uuid(MerchantId::new()));
    let refused = smuggled.execute(&mut *transaction).await.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");
    drop(transaction);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn use_cases_of_a_merchant_run_in_its_scope() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    let (ours, theirs) = (merchant(&*store).await, merchant(&*store).await);
    let mut transaction = database.begin().await.unwrap();
    for (table, column) in TABLES {
        // From now on the platform's own scope opens nothing.
        let alter = format!(
            "alter policy of_merchant on {table} using (current_setting('um.merchant') = {column}::text)"
        );
        query(AssertSqlSafe(alter)).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let unseen = store::Wanted::Offers(vec![ours.id]);
    assert!(store.offers(unseen).await.unwrap().is_empty(), "of the platform");

    let updates = vec![update(&ours, 9), update(&theirs, 9)];
    let results = store.update_offers(ours.merchant, updates, NOW).await.unwrap();
    assert_eq!(results[0].as_ref().unwrap().available, 9);
    results[1].as_ref().unwrap_err();
    for status in [None, Some(ShipmentStatus::New)] {
        let listing = Listing::Merchant(ours.merchant, status);
        let listed = store.list(listing, None, 10).await.unwrap();
        assert_eq!((listed.len(), store.count(listing).await.unwrap()), (1, 1));
    }
    let own = Scope::Merchant(ours.merchant);
    let promotion = store.promotions(own, None, 10).await.unwrap().remove(0);
    assert_eq!((promotion.merchant, promotion.used), (Some(ours.merchant), 1));
    let keep = Box::new(|before: &Promotion| Ok(before.draft.clone()));
    assert_eq!(store.change_promotion(own, promotion.id, keep, NOW).await.unwrap().used, 1);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn what_a_product_costs_is_looked_up_beyond_the_merchants_own() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    let (ours, theirs) = (merchant(&*store).await, merchant(&*store).await);
    // Both sell one product.
    let mut transaction = database.begin().await.unwrap();
    query("update offers set product_id = $1 where id = $2")
        .bind(postgres::uuid(ours.product))
        .bind(postgres::uuid(theirs.id))
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    store.update_offers(ours.merchant, vec![update(&ours, 0)], NOW).await.unwrap();
    let mut transaction = database.begin().await.unwrap();
    let show = query_scalar("select in_stock from displays where product_id = $1");
    let in_stock: bool =
        show.bind(postgres::uuid(ours.product)).fetch_one(&mut *transaction).await.unwrap();
    assert!(in_stock, "the other merchant has some");
    assert_eq!(offer(&*store, ours.id).await.available, 0);
    drop(transaction);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn without_a_scope_a_merchants_tables_are_closed() {
    let Some(fresh) = migrated().await else { return };
    let plain = fresh.address.replace("pool=8", "application_name=outsider");
    let mut connection = PgConnection::connect(&plain).await.unwrap();
    let (store, database) = both(&fresh).await;
    merchant(&*store).await;
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
async fn nothing_is_held_or_sold_that_is_not_there() {
    let Some(fresh) = migrated().await else { return };
    let (store, database) = both(&fresh).await;
    merchant(&*store).await;
    for (statement, constraint) in [
        ("update offers set available = -1", "offers_available"),
        ("update offers set reserved = -1", "stock"),
        ("update offers set price = 0", "price"),
        ("update offers set compare_at = price", "offers_compare_at"),
        ("update orders set reserved_until = now()", "orders_held"),
        ("update orders set user_id = null", "orders_buyer"),
        ("update orders set status = 'lost'", "order_status"),
        ("update reservations set state = 'lost'", "reservation_state"),
        ("update shipments set status = 'lost'", "shipment_status"),
        ("update promotions set used = usage_limit + 1", "promotions_uses"),
        ("update promotions set spent = budget + 1", "promotions_budget"),
        ("update promotions set funded_by = 'nobody'", "promotion_funder"),
        ("update promotions set merchant_id = id, funded_by = 'platform'", "promotions_funds"),
        ("insert into redeemers select id, 'x', 1, id from promotions", "redeemers_redemption"),
        ("update stock_ledger set cause = 'lost'", "stock_cause"),
    ] {
        let mut transaction = database.begin().await.unwrap();
        let refused = query(statement).execute(&mut *transaction).await.unwrap_err();
        assert!(postgres::violates(&refused, constraint), "{statement}: {refused}");
    }
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn tables_that_are_too_old_are_refused_with_the_command_to_run() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    let open = || store::open(&fresh.address, order::encode_event);
    let refused = open().await.err().unwrap().to_string();
    assert!(refused.contains("ultramarket migrate"), "{refused}");
    let migrate = || store::migrate(&fresh.address);
    let (one, two) = tokio::join!(migrate(), migrate());
    one.and(two).unwrap();
    open().await.unwrap().close().await;
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
        "UM_RENEW=1 cargo test -p order renews schema.txt; it is now:\n{schema}"
    );
    database.close().await;
    store.close().await;
}
