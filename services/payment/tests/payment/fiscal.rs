//! Fiscal receipts: what Payme tells, and what is asked of Click.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::{FreshDatabase, WIRINGS};

use crate::{
    click::{call, prepare},
    desk::Desk,
    lab::{SUM, Shop, shop, shop_at, shop_with},
};

fn data() -> Value {
    json!({
        "receipt_id": 121,
        "status_code": 0,
        "message": "accepted",
        "terminal_id": "EP000000000025",
        "fiscal_sign": "800031554082",
        "qr_code_url": "https://ofd.soliq.uz/check?t=EP000000000025&r=121",
        "date": "20261121143000",
    })
}

async fn set(shop: &Shop, id: &str, kind: &str, data: Value) -> Value {
    shop.payme("SetFiscalData", json!({ "id": id, "type": kind, "fiscal_data": data })).await
}

#[tokio::test]
async fn fiscal_data_is_kept_apart_for_sale_and_return_and_told_to_the_order() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        receipts_of(&shop).await;
        shop.lab.stop().await;
        let Some(database) = FreshDatabase::create().await else { continue };
        let shop = shop_at(wiring, Some(&database.address)).await;
        receipts_of(&shop).await;
        shop.lab.stop().await;
    }
}

async fn receipts_of(shop: &Shop) {
    shop.ordered("1K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    shop.payme("PerformTransaction", json!({ "id": "a" })).await;
    assert_eq!(set(shop, "a", "PERFORM", data()).await["result"], json!({ "success": true }));
    let mut other = data();
    other["qr_code_url"] = json!("https://ofd.soliq.uz/check?r=122");
    assert_eq!(set(shop, "a", "CANCEL", other.clone()).await["result"]["success"], true);
    // The last word counts.
    assert_eq!(set(shop, "a", "PERFORM", other).await["result"]["success"], true);
    let expected = [
        ("sale", "https://ofd.soliq.uz/check?t=EP000000000025&r=121"),
        ("refund", "https://ofd.soliq.uz/check?r=122"),
        ("sale", "https://ofd.soliq.uz/check?r=122"),
    ];
    testkit::eventually("the order hears", || async {
        let told = shop.orders.receipts();
        told.len() == 3 && told.iter().map(|(kind, url)| (kind.as_str(), url.as_str())).eq(expected)
    })
    .await;
}

#[tokio::test]
async fn fiscal_data_that_is_wrong_is_32602_and_of_nobody_32001() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    assert_eq!(set(&shop, "nobody", "PERFORM", data()).await["error"]["code"], -32001);
    let with = |name: &str, value: Value| {
        let mut data = data();
        data[name] = value;
        data
    };
    for wrong in [
        json!([]),
        json!("x"),
        json!({}),
        with("receipt_id", json!("121")),
        with("receipt_id", Value::Null),
        with("status_code", json!("0")),
        with("qr_code_url", json!(5)),
        with("message", json!({})),
    ] {
        let answer = set(&shop, "a", "PERFORM", wrong.clone()).await;
        assert_eq!(answer["error"]["code"], -32602, "{wrong}");
    }
    for params in [
        json!({ "id": "a", "fiscal_data": data() }),
        json!({ "id": "a", "type": "OTHER", "fiscal_data": data() }),
        json!({ "id": "a", "type": "PERFORM" }),
        json!({ "type": "PERFORM", "fiscal_data": data() }),
    ] {
        assert_eq!(shop.payme_refused("SetFiscalData", params).await, -32602);
    }
    // A receipt that was not issued has no link: it is kept, and nobody is told.
    let failed = json!({ "receipt_id": 0, "status_code": 4, "message": "no such MXIK" });
    assert_eq!(set(&shop, "a", "PERFORM", failed).await["result"]["success"], true);
    shop.orders.hears(&["payment.started"]).await;
    assert!(shop.orders.receipts().is_empty());
    shop.lab.stop().await;
}

fn terms(desk: &Desk) -> impl FnOnce(&mut payment::Config) + Send + 'static {
    let url = desk.url.clone();
    move |config| {
        config.click.api_url = url;
        "30001".clone_into(&mut config.click.merchant_user_id);
        config.payme.key = SecretString::from("payme-key");
        "300000001".clone_into(&mut config.fiscal.tin);
        "10112006002000000".clone_into(&mut config.fiscal.delivery_mxik);
        "1209885".clone_into(&mut config.fiscal.delivery_package_code);
        config.fiscal.delivery_vat_percent = 12;
    }
}

/// An order of a known seller, paid with Click.
async fn paid(shop: &Shop, order: &str, seller: &str) {
    let mut payable = shop.payable(order);
    seller.clone_into(&mut payable.lines[0].seller_tin);
    shop.open(&payable, "click", order).await.unwrap();
    let id = prepare(shop, "1", order).await;
    let done = call(shop, "1", "1", order, &[("merchant_prepare_id", &id)]).await;
    assert_eq!(done["error"], 0);
}

#[tokio::test]
async fn a_sale_by_click_gets_its_receipt_however_often_click_fails() {
    for (wiring, on_servers) in [(WIRINGS[0], false), (WIRINGS[1], false), (WIRINGS[0], true)] {
        let database = if on_servers { FreshDatabase::create().await } else { None };
        if on_servers && database.is_none() {
            return;
        }
        let desk = Desk::open().await;
        desk.books.lock().unwrap().failures = 2;
        let address = database.as_ref().map(|database| database.address.as_str());
        let shop = shop_with(wiring, address, terms(&desk)).await;
        paid(&shop, "1K", "301234567").await;
        // The clock of the shop stands still: each pause is ended by hand.
        let sent = || async {
            shop.lab.clock.advance(Duration::from_mins(5));
            desk.books.lock().unwrap().items.len() == 1
        };
        testkit::eventually("the lines are sent", sent).await;
        let items = desk.books.lock().unwrap().items[0].clone();
        assert_eq!((&items["service_id"], &items["payment_id"]), (&json!(10001), &json!(4001)));
        assert_eq!(items["received_ecash"], SUM);
        let goods = &items["items"][0];
        assert_eq!(
            (&goods["SPIC"], &goods["PackageCode"]),
            (&json!("06912001001000000"), &json!("1501319"))
        );
        assert_eq!(
            (&goods["Price"], &goods["Amount"], &goods["VAT"]),
            (&json!(400_000), &json!(2), &json!(42_857))
        );
        assert_eq!(goods["CommissionInfo"], json!({ "TIN": "301234567" }));
        assert_eq!(items["items"][1]["Price"], 100_000, "the delivery");
        assert!(shop.orders.receipts().is_empty(), "not yet");
        desk.books
            .lock()
            .unwrap()
            .receipts
            .insert(4001, "https://ofd.soliq.uz/check?c=1".to_owned());
        let here = || async {
            shop.lab.clock.advance(Duration::from_hours(1));
            // Told at least once: the clock of the outbox leaps as well.
            let mut told = shop.orders.receipts();
            told.dedup();
            told == [("sale".to_owned(), "https://ofd.soliq.uz/check?c=1".to_owned())]
        };
        testkit::eventually("the receipt is told", here).await;
        assert_eq!(desk.books.lock().unwrap().items.len(), 1, "the lines were sent once");
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn a_sale_that_cannot_be_a_receipt_is_not_asked_for() {
    let desk = Desk::open().await;
    let shop = shop_with(WIRINGS[0], None, terms(&desk)).await;
    paid(&shop, "1K", "").await;
    let store = rusqlite::Connection::open(shop.lab.folder.path().join("payment.db")).unwrap();
    let skipped = || async {
        let state: (String, String) = store
            .query_row("select state, error from fiscal_outbox", (), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        state.0 == "skipped" && state.1.contains("TIN or PINFL")
    };
    testkit::eventually("it is skipped", skipped).await;
    assert!(desk.books.lock().unwrap().items.is_empty());
    drop(store);
    shop.lab.stop().await;
}
