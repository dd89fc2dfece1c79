//! The same service on PostgreSQL.

use serde_json::json;
use sqlx::{Connection as _, PgConnection, query, query_as};
use testkit::{FreshDatabase, WIRINGS};

use crate::{
    click,
    lab::{SUM, shop_at},
};

async fn connect(database: &FreshDatabase) -> PgConnection {
    let address = database.address.replace("pool=8", "application_name=test");
    PgConnection::connect(&address).await.unwrap()
}

/// Method and answer of each callback.
async fn journal(connection: &mut PgConnection) -> Vec<(String, String)> {
    let lines = query_as("select method, answer from callback_inbox order by row");
    lines.fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn an_order_is_paid_and_told_in_both_wirings() {
    for wiring in WIRINGS {
        let Some(database) = FreshDatabase::create().await else { return };
        let shop = shop_at(wiring, Some(&database.address)).await;
        let payable = shop.ordered("10K", "payme").await;
        let check = json!({ "amount": SUM, "account": { "order_id": "10K" } });
        let allowed = shop.payme("CheckPerformTransaction", check).await;
        assert_eq!(allowed["result"]["allow"], true);
        for _ in 0..2 {
            let created = shop.payme("CreateTransaction", shop.creation("p", "10K")).await;
            assert_eq!(created["result"]["state"], 1);
        }
        for _ in 0..2 {
            let performed = shop.payme("PerformTransaction", json!({ "id": "p" })).await;
            assert_eq!(performed["result"]["state"], 2);
        }
        shop.orders.hears(&["payment.started", "payment.paid"]).await;
        let found = shop.payme("CheckTransaction", json!({ "id": "p" })).await;
        assert_eq!(found["result"]["state"], 2);
        let paid = shop.payments(&payable.order_id).await;
        assert_eq!((paid.len(), paid[0].reference.as_str()), (1, "10K"));
        let taken = shop.payme("CancelTransaction", json!({ "id": "p", "reason": 5 })).await;
        assert_eq!(taken["result"]["state"], -2);
        let receipt = json!({ "id": "p", "type": "PERFORM", "fiscal_data": { "receipt_id": 1 } });
        assert_eq!(shop.payme("SetFiscalData", receipt).await["result"]["success"], true);

        shop.ordered("11K", "click").await;
        let number = click::prepare(&shop, "1", "11K").await;
        for code in [0, -4] {
            let number = ("merchant_prepare_id", number.as_str());
            let completed = click::call(&shop, "1", "1", "11K", &[number]).await;
            assert_eq!(completed["error"], code, "{completed}");
        }

        let mut connection = connect(&database).await;
        testkit::eventually("each call has its line", || async {
            let mut other = connect(&database).await;
            journal(&mut other).await.len() == 11
        })
        .await;
        let lines = journal(&mut connection).await;
        let performed: Vec<&(String, String)> =
            lines.iter().filter(|(method, _)| method == "PerformTransaction").collect();
        assert_eq!(performed.len(), 2);
        assert_eq!(performed[0].1, performed[1].1, "a repeated call is told the same");
        connection.close().await.unwrap();
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn what_a_call_does_and_its_line_are_written_together_or_not_at_all() {
    let Some(database) = FreshDatabase::create().await else { return };
    let shop = shop_at(WIRINGS[0], Some(&database.address)).await;
    shop.ordered("70K", "payme").await;
    let mut connection = connect(&database).await;
    query("alter table outbox rename to away").execute(&mut connection).await.unwrap();
    let create = shop.creation("once", "70K");
    assert_eq!(shop.payme_refused("CreateTransaction", create.clone()).await, -32400);
    query("alter table away rename to outbox").execute(&mut connection).await.unwrap();
    let known = json!({ "id": "once" });
    assert_eq!(shop.payme_refused("CheckTransaction", known).await, -31003, "taken back");
    query("alter table callback_inbox rename to away").execute(&mut connection).await.unwrap();
    assert_eq!(shop.payme_refused("CreateTransaction", create.clone()).await, -32400);
    query("alter table away rename to callback_inbox").execute(&mut connection).await.unwrap();
    let known = json!({ "id": "once" });
    assert_eq!(shop.payme_refused("CheckTransaction", known).await, -31003, "taken back");
    assert_eq!(shop.payme("CreateTransaction", create).await["result"]["state"], 1);
    let lines = journal(&mut connection).await;
    let (method, answer) = lines.last().unwrap();
    assert!(method == "CreateTransaction" && answer.contains("create_time"), "{lines:?}");
    connection.close().await.unwrap();
    shop.lab.stop().await;
}
