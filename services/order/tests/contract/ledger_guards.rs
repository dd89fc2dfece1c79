//! What the databases themselves refuse of the ledger, whatever a statement forgets.

use ids::MerchantId;
use order::store::{self, OrderStore};
use postgres::Postgres;
use sqlite::{Connection, Durability, Sqlite};
use sqlx::{query, query_scalar};
use testkit::{Folder, FreshDatabase};

use crate::{
    NOW,
    moves::{moved, pay},
    placed, placing, stocked,
};

const POSTGRES: &[&str] = &[include_str!("../../migrations/postgres/0001_orders.sql")];
const SQLITE: &[&str] = &[
    include_str!("../../migrations/sqlite/0001_orders.sql"),
    include_str!("../../migrations/sqlite/0002_numbering.sql"),
    include_str!("../../migrations/sqlite/0003_promotions.sql"),
    include_str!("../../migrations/sqlite/0004_returns.sql"),
    include_str!("../../migrations/sqlite/0005_ledger.sql"),
    include_str!("../../migrations/sqlite/0006_offers.sql"),
    include_str!("../../migrations/sqlite/0007_delivery.sql"),
    include_str!("../../migrations/sqlite/0008_adjustments.sql"),
];

/// A merchant with a paid order: 88 800 of its own.
async fn merchant(store: &dyn OrderStore) -> MerchantId {
    let goods = stocked(store, 5, 100_000).await;
    let order = placed(store, placing(&[(goods.id, 1)])).await;
    moved(store, order.id, None, pay).await.unwrap();
    goods.merchant
}

#[tokio::test]
async fn postgres_keeps_tenants_apart() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    store::migrate(&fresh.address).await.unwrap();
    let store = store::open(&fresh.address, order::encode_event).await.unwrap();
    let database = Postgres::open(&fresh.address, POSTGRES).await.unwrap();
    let (ours, theirs) = (merchant(&*store).await, merchant(&*store).await);
    let mut all = database.begin().await.unwrap();
    query("update sales set available_at = '2000-01-01'").execute(&mut *all).await.unwrap();
    for merchant in [ours, theirs] {
        query("insert into payouts (id, merchant_id, currency, amount, period_end, state, created_at, changed_at)
               values (gen_random_uuid(), $1, 'UZS', 100, '2026-01-01', 'draft', now(), now())")
            .bind(postgres::uuid(merchant))
            .execute(&mut *all)
            .await
            .unwrap();
        query("insert into ledger (id, at, kind, merchant_id, payout_id, debit, credit, currency, amount)
               select gen_random_uuid(), now(), 'payout', merchant_id, id, 'merchant', 'payouts', 'UZS', 100
               from payouts where merchant_id = $1")
            .bind(postgres::uuid(merchant))
            .execute(&mut *all)
            .await
            .unwrap();
    }
    all.commit().await.unwrap();
    for table in ["ledger", "payouts", "sales"] {
        let mut scope = database.begin_for(ours).await.unwrap();
        let seen = format!("select distinct merchant_id from {table}");
        let seen: Vec<sqlx::types::Uuid> =
            query_scalar(sqlx::AssertSqlSafe(seen)).fetch_all(&mut *scope).await.unwrap();
        assert_eq!(seen, [postgres::uuid(ours)], "{table}");
    }
    let mut scope = database.begin_for(ours).await.unwrap();
    let smuggled = query(
        "insert into ledger (id, at, kind, merchant_id, debit, credit, currency, amount)
         values (gen_random_uuid(), now(), 'adjustment', $1, 'merchant', 'adjustments', 'UZS', 1)",
    );
    let smuggled = smuggled.bind(postgres::uuid(theirs)).execute(&mut *scope).await;
    let refused = smuggled.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");
    drop(scope);
    let mut scope = database.begin_for(ours).await.unwrap();
    let taken = query("update payouts set amount = 1 where merchant_id = $1");
    let taken = taken.bind(postgres::uuid(theirs)).execute(&mut *scope).await.unwrap();
    assert_eq!(taken.rows_affected(), 0);
    drop(scope);
    // The total of another is not to be had either.
    let mut scope = database.begin_for(ours).await.unwrap();
    let total = query_scalar("select total from ledger_balance($1, 'UZS', now())");
    let total: i64 = total.bind(postgres::uuid(theirs)).fetch_one(&mut *scope).await.unwrap();
    assert_eq!(total, 0);
    drop(scope);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn postgres_refuses_what_a_ledger_is_not() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    store::migrate(&fresh.address).await.unwrap();
    let store = store::open(&fresh.address, order::encode_event).await.unwrap();
    let database = Postgres::open(&fresh.address, POSTGRES).await.unwrap();
    merchant(&*store).await;
    let payout = "insert into payouts (id, merchant_id, currency, amount, period_end, state, created_at, changed_at)
         select gen_random_uuid(), merchant_id, 'UZS', {sum}, '2026-01-01', 'draft', now(), now() from sales";
    let repeat = "insert into ledger select gen_random_uuid(), at, kind, merchant_id, order_id, order_version, payout_id, debit, credit, currency, amount from ledger";
    let other = |changed: &str| {
        "insert into ledger select gen_random_uuid(), at, kind, merchant_id, order_id, order_version + 1, payout_id, debit, credit, currency, amount from ledger where kind = 'sale'"
            .replace(changed.split('=').next().unwrap().trim(), changed.split('=').nth(1).unwrap().trim())
    };
    for (statement, constraint) in [
        ("update ledger set amount = 1".to_owned(), "ledger_append_only"),
        ("delete from ledger".to_owned(), "ledger_append_only"),
        ("truncate ledger cascade".to_owned(), "ledger_append_only"),
        (repeat.to_owned(), "ledger_of_move"),
        (other("debit = credit"), "ledger_sides"),
        ("insert into ledger (id, at, kind, merchant_id, debit, credit, currency, amount) select gen_random_uuid(), at, 'adjustment', merchant_id, 'merchant', 'adjustments', currency, 1 from ledger where kind = 'sale'".to_owned(), "ledger_adjusted"),
        (other("amount from = 0 from"), "price"),
        (other("merchant_id = null::uuid"), "ledger_merchant"),
        (other("order_id, order_version + 1 = null::uuid, null::bigint"), "ledger_cause"),
        (payout.replace("{sum}", "1"), "payouts_available"),
    ] {
        let mut transaction = database.begin().await.unwrap();
        let refused = query(sqlx::AssertSqlSafe(statement.clone()));
        let refused = refused.execute(&mut *transaction).await.unwrap_err();
        assert!(postgres::violates(&refused, constraint), "{statement}: {refused}");
    }
    // What is set aside is looked at when all has been written.
    let mut transaction = database.begin().await.unwrap();
    query("update sales set available_at = '2000-01-01'").execute(&mut *transaction).await.unwrap();
    let fits = payout.replace("{sum}", "88800");
    query(sqlx::AssertSqlSafe(fits)).execute(&mut *transaction).await.unwrap();
    let refused = transaction.commit().await.unwrap_err();
    assert!(postgres::violates(&refused, "payouts_posted"), "{refused}");
    let mut transaction = database.begin().await.unwrap();
    query("update sales set available_at = '2000-01-01'").execute(&mut *transaction).await.unwrap();
    let more = payout.replace("{sum}", "88801");
    let refused = query(sqlx::AssertSqlSafe(more)).execute(&mut *transaction).await.unwrap_err();
    assert!(postgres::violates(&refused, "payouts_available"), "{refused}");
    drop(transaction);
    database.close().await;
    store.close().await;
}

#[tokio::test]
async fn sqlite_refuses_what_a_ledger_is_not() {
    let folder = Folder::new("ledger");
    let address = format!("sqlite:{}", folder.path().join("order.db").display());
    let store = store::open(&address, order::encode_event).await.unwrap();
    merchant(&*store).await;
    store.close().await;
    let database = Sqlite::open(&address, Durability::Process, SQLITE).await.unwrap();
    let row = "insert into ledger select 'led_' || rowid, at, kind, {merchant}, order_id, order_version + {version}, payout_id, {debit}, credit, currency, {amount} from ledger where kind = 'sale'";
    let other = |merchant: &str, version: &str, debit: &str, amount: &str| {
        row.replace("{merchant}", merchant)
            .replace("{version}", version)
            .replace("{debit}", debit)
            .replace("{amount}", amount)
    };
    let payout = "insert into payouts (id, merchant_id, currency, amount, period_end, state, created_at, changed_at)
         select 'pout_1', merchant_id, 'UZS', {sum}, 0, 'draft', 0, 0 from sales";
    let statements = [
        ("update ledger set amount = 1".to_owned(), "append-only"),
        ("delete from ledger".to_owned(), "append-only"),
        (other("merchant_id", "0", "debit", "amount"), "UNIQUE"),
        (other("merchant_id", "1", "credit", "amount"), "CHECK"),
        (other("merchant_id", "1", "debit", "0"), "CHECK"),
        (other("merchant_id", "1", "debit", "-amount"), "CHECK"),
        (other("null", "1", "debit", "amount"), "CHECK"),
        ("insert into ledger (id, at, kind, merchant_id, debit, credit, currency, amount) select 'ent_1', at, 'adjustment', merchant_id, 'merchant', 'adjustments', currency, 1 from ledger where kind = 'sale'".to_owned(), "reason"),
        (other("merchant_id", "1", "'pocket'", "amount"), "CHECK"),
        (payout.replace("{sum}", "1"), "available"),
    ];
    for (statement, why) in statements {
        let run = statement.clone();
        let run = move |connection: &Connection| connection.execute(&run, ());
        let refused = format!("{:?}", database.write(run).await.unwrap_err());
        assert!(refused.contains(why), "{statement}: {refused}");
    }
    let release = |connection: &Connection| {
        connection.execute("update sales set available_at = ?", [NOW.millis()])
    };
    database.write(release).await.unwrap();
    for (sum, fits) in [("88801", false), ("88800", true)] {
        let statement =
            payout.replace("0, 'draft'", "9000000000000, 'draft'").replace("{sum}", sum);
        let run = move |connection: &Connection| connection.execute(&statement, ());
        assert_eq!(database.write(run).await.is_ok(), fits, "{sum}");
    }
    database.close().await;
}
