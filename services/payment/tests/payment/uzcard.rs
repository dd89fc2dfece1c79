//! UzCard by ATMOS, with a stand-in on the other side.

use pb::{PaymentStatus, refund_payment_response::Outcome};
use proto::payment as pb;
use sandbox::Provider::Uzcard;
use secrecy::ExposeSecret as _;
use serde_json::json;
use testkit::{FreshDatabase, WIRINGS};

use crate::{
    deliver,
    lab::SUM,
    pages::{pages, pages_at, secrets},
    reason,
};

#[tokio::test]
async fn an_order_is_paid_on_the_page_of_atmos() {
    for wiring in WIRINGS {
        let pages = pages(wiring).await;
        let (payable, payment) = pages.ordered("1000001K", "uzcard").await;
        assert_eq!(payment.status(), PaymentStatus::Pending);
        let url = &payment.redirect_url;
        assert!(url.contains("/invoice/get?storeId=4001&transactionId="), "{url}");
        assert!(url.ends_with("&redirectLink=https%3A%2F%2Fshop.uz%2Forders"), "{url}");
        assert_eq!(pages.http.get(url).send().await.unwrap().status(), 200);
        let key = format!("{}/1", payable.order_id);
        let again = pages.shop.open(&payable, "uzcard", &key).await.unwrap();
        assert_eq!(again, payment, "idempotent by key");
        assert_eq!(pages.books(Uzcard, "1000001K").await.len(), 1, "created once");

        // ATMOS asks before the debit. That is no proof of payment: what came of it is asked of ATMOS.
        let paid = pages.pay(Uzcard, "1000001K").await;
        assert_eq!((&paid["ok"], &paid["state"]), (&json!(true), &json!("confirmed")), "{paid}");
        assert_eq!(pages.status(&payable).await, PaymentStatus::Processing);
        pages.pass(2);
        pages.becomes(&payable, PaymentStatus::Paid).await;
        pages.shop.orders.hears(&["payment.started", "payment.paid"]).await;
        pages.stop().await;
    }
}

#[tokio::test]
async fn an_order_is_paid_on_postgresql_too() {
    for wiring in WIRINGS {
        let Some(database) = FreshDatabase::create().await else { return };
        let pages = pages_at(wiring, Some(&database.address)).await;
        let (payable, _) = pages.ordered("2K", "uzcard").await;
        assert_eq!(pages.pay(Uzcard, "2K").await["ok"], true);
        pages.pass(2);
        pages.becomes(&payable, PaymentStatus::Paid).await;
        let id = ids::RefundId::new().to_string();
        let part = pages.refund(&payable, &id, 200_000).await;
        assert_eq!(part, (Outcome::Succeeded, String::new()));
        assert_eq!(pages.books(Uzcard, "2K").await[0]["reversed"], 200_000);
        assert_eq!(pages.status(&payable).await, PaymentStatus::PartiallyRefunded);
        pages.stop().await;
    }
}

#[tokio::test]
async fn a_crash_between_our_row_and_their_answer_never_creates_two_live_ones() {
    let pages = pages(WIRINGS[0]).await;
    // The token is there already, so that the lost answer is that of the creation.
    pages.ordered("0K", "uzcard").await;
    let payable = pages.shop.payable("3K");
    let key = format!("{}/1", payable.order_id);
    pages.uzcard.lose(1);
    let lost = pages.shop.open(&payable, "uzcard", &key).await.unwrap_err();
    assert_eq!(reason(lost).1, "PROVIDER_UNAVAILABLE");
    assert_eq!(pages.status(&payable).await, PaymentStatus::Pending, "it stays pending");
    let orphan = pages.books(Uzcard, "3K").await;
    assert_eq!(orphan.len(), 1, "ATMOS has one that nobody knows");
    let refused = pages.pay(Uzcard, "3K").await;
    assert_eq!(refused["error"], "Транзакция не найдена", "nobody is debited under its number");

    let opened = pages.shop.open(&payable, "uzcard", &key).await.unwrap();
    let books = pages.books(Uzcard, "3K").await;
    let number = books[0]["transaction_id"].to_string();
    assert!(books.len() == 2 && opened.redirect_url.contains(&number), "{opened:?}");
    assert_eq!(pages.pay(Uzcard, "3K").await["ok"], true);
    pages.pass(2);
    pages.becomes(&payable, PaymentStatus::Paid).await;
    let refused = pages.pay(Uzcard, "3K").await;
    assert_eq!(refused["error"], "Транзакция не найдена", "paid once");
    pages.stop().await;
}

#[tokio::test]
async fn many_that_open_at_once_have_one_page() {
    for wiring in WIRINGS {
        let pages = pages(wiring).await;
        let payable = pages.shop.payable("4K");
        let key = format!("{}/1", payable.order_id);
        let opens = (0..8).map(|_| pages.shop.open(&payable, "uzcard", &key));
        let opened = futures::future::join_all(opens).await;
        let urls: Vec<String> = opened.into_iter().map(|it| it.unwrap().redirect_url).collect();
        assert!(!urls[0].is_empty() && urls.iter().all(|url| *url == urls[0]), "{urls:?}");
        assert_eq!(pages.books(Uzcard, "4K").await.len(), 1);
        pages.stop().await;
    }
}

#[tokio::test]
async fn an_order_told_by_event_has_its_page_when_a_way_back_is_known() {
    let pages = pages(WIRINGS[0]).await;
    let payable = pages.shop.payable("5K");
    deliver(&pages.shop, "order.placed", &payable.order_id, "5K", "uzcard").await;
    let told = pages.shop.payments(&payable.order_id).await;
    assert_eq!((told.len(), told[0].redirect_url.as_str()), (1, ""));
    assert!(pages.books(Uzcard, "5K").await.is_empty());
    let key = format!("{}/1", payable.order_id);
    let opened = pages.shop.open(&payable, "uzcard", &key).await.unwrap();
    assert!(opened.id == told[0].id && !opened.redirect_url.is_empty(), "{opened:?}");
    pages.stop().await;
}

#[tokio::test]
async fn a_closed_order_is_not_debited_and_a_lost_answer_to_a_callback_is_asked_again() {
    let pages = pages(WIRINGS[0]).await;
    let (payable, _) = pages.ordered("6K", "uzcard").await;
    pages.close(&payable).await;
    let refused = pages.pay(Uzcard, "6K").await;
    assert_eq!(refused["error"], "Заказ закрыт для оплаты");
    let (busy, _) = pages.ordered("7K", "uzcard").await;
    pages.shop.payme("CreateTransaction", pages.shop.creation("p", "7K")).await;
    let refused = pages.pay(Uzcard, "7K").await;
    assert_eq!(refused["error"], "Заказ оплачивается другим способом");
    assert_eq!(pages.shop.payments(&busy.order_id).await.len(), 2);

    let (payable, _) = pages.ordered("8K", "uzcard").await;
    pages.control(Uzcard, json!({ "drop_answers": 1, "duplicate": 3 })).await;
    assert_eq!(pages.pay(Uzcard, "8K").await["ok"], true);
    pages.pass(2);
    pages.becomes(&payable, PaymentStatus::Paid).await;
    // Payme is told that the order is held, from the moment that ATMOS is agreed to.
    let check = json!({ "amount": SUM, "account": { "order_id": "8K" } });
    assert_eq!(pages.shop.payme_refused("CheckPerformTransaction", check).await, -31051);
    pages.stop().await;
}

#[tokio::test]
async fn a_debit_that_was_agreed_to_and_not_made_frees_the_order() {
    let pages = pages(WIRINGS[0]).await;
    let (payable, _) = pages.ordered("9K", "uzcard").await;
    // ATMOS asks, hears nothing of the answers, and takes no money.
    pages.control(Uzcard, json!({ "drop_answers": true })).await;
    assert_eq!(pages.pay(Uzcard, "9K").await["silent"], true);
    assert_eq!(pages.status(&payable).await, PaymentStatus::Processing);
    pages.pass(31 * 60);
    pages.becomes(&payable, PaymentStatus::Cancelled).await;
    pages.shop.orders.hears(&["payment.started", "payment.cancelled"]).await;
    let again = pages.shop.open(&payable, "uzcard", "another").await.unwrap();
    assert!(!again.redirect_url.is_empty());
    pages.stop().await;
}

#[tokio::test]
async fn an_outage_leaves_payments_pending_and_other_providers_alone() {
    let pages = pages(WIRINGS[0]).await;
    let (payable, _) = pages.ordered("10K", "uzcard").await;
    assert_eq!(pages.pay(Uzcard, "10K").await["ok"], true);
    pages.uzcard.cut(true);
    pages.pass(2);
    let other = pages.shop.payable("11K");
    let away = pages.shop.open(&other, "uzcard", "a").await.unwrap_err();
    assert_eq!(reason(away), (fault::Code::Unavailable, "PROVIDER_UNAVAILABLE".to_owned()));
    let payme = pages.shop.open(&other, "payme", "b").await.unwrap();
    assert!(!payme.redirect_url.is_empty());
    assert_eq!(pages.status(&payable).await, PaymentStatus::Processing, "not known is pending");
    pages.uzcard.cut(false);
    pages.pass(3600);
    pages.becomes(&payable, PaymentStatus::Paid).await;
    pages.stop().await;
}

#[tokio::test]
async fn reversals_are_asked_for_once_and_looked_for_when_an_answer_is_lost() {
    let pages = pages(WIRINGS[0]).await;
    let (payable, _) = pages.ordered("12K", "uzcard").await;
    pages.pay(Uzcard, "12K").await;
    pages.pass(2);
    pages.becomes(&payable, PaymentStatus::Paid).await;
    let id = ids::RefundId::new().to_string();
    pages.uzcard.lose(1);
    assert_eq!(pages.refund(&payable, &id, SUM).await.0, Outcome::Pending);
    assert_eq!(pages.books(Uzcard, "12K").await[0]["reversed"], SUM, "it is done");
    assert_eq!(pages.refund(&payable, &id, SUM).await.0, Outcome::Pending, "its answer may come");
    pages.pass(61);
    assert_eq!(pages.refund(&payable, &id, SUM).await.0, Outcome::Succeeded);
    assert_eq!(pages.status(&payable).await, PaymentStatus::Refunded);

    let (payable, _) = pages.ordered("13K", "uzcard").await;
    pages.pay(Uzcard, "13K").await;
    pages.pass(2);
    pages.becomes(&payable, PaymentStatus::Paid).await;
    for (amount, back) in [(100_000, 100_000), (150_000, 250_000), (250_000, SUM)] {
        let id = ids::RefundId::new().to_string();
        // The announcement gets lost: nothing has moved, and it is asked for again.
        pages.uzcard.lose(1);
        assert_eq!(pages.refund(&payable, &id, amount).await.0, Outcome::Pending);
        assert_eq!(pages.refund(&payable, &id, amount).await.0, Outcome::Succeeded);
        assert_eq!(pages.books(Uzcard, "13K").await[0]["reversed"], back);
    }
    let id = ids::RefundId::new().to_string();
    assert_eq!(pages.refund(&payable, &id, 1).await.0, Outcome::Failed, "all of it is back");
    pages.stop().await;
}

#[tokio::test]
async fn what_a_dead_process_left_is_taken_over() {
    let pages = pages(WIRINGS[0]).await;
    let payable = pages.shop.payable("15K");
    deliver(&pages.shop, "order.placed", &payable.order_id, "15K", "uzcard").await;
    // It died after it had written down that it would ask for a page.
    let file = pages.shop.lab.folder.path().join("payment.db");
    let store = rusqlite::Connection::open(file).unwrap();
    let now = pages.shop.lab.clock.now().millis();
    let left = "update hosted_payments set state = 'asked', asked_at = ?";
    assert_eq!(store.execute(left, [now]).unwrap(), 1);
    let key = format!("{}/1", payable.order_id);
    let waits = pages.shop.open(&payable, "uzcard", &key).await.unwrap_err();
    assert_eq!(reason(waits).1, "PROVIDER_UNAVAILABLE", "somebody else may still be asking");
    pages.pass(61);
    pages.shop.open(&payable, "uzcard", &key).await.unwrap();
    assert_eq!(pages.books(Uzcard, "15K").await.len(), 1);
    pages.pay(Uzcard, "15K").await;
    pages.pass(2);
    pages.becomes(&payable, PaymentStatus::Paid).await;

    // It died after it had written down that it would ask for the money back, and before it did.
    let id = ids::RefundId::new().to_string();
    pages.uzcard.cut(true);
    assert_eq!(pages.refund(&payable, &id, SUM).await.0, Outcome::Pending);
    pages.uzcard.cut(false);
    assert_eq!(pages.refund(&payable, &id, SUM).await.0, Outcome::Pending);
    assert_eq!(pages.books(Uzcard, "15K").await[0]["reversed"], 0);
    pages.pass(61);
    assert_eq!(pages.refund(&payable, &id, SUM).await.0, Outcome::Succeeded);
    assert_eq!(pages.books(Uzcard, "15K").await[0]["reversed"], SUM);
    drop(store);
    pages.stop().await;
}

#[tokio::test]
async fn nothing_secret_is_kept() {
    let pages = pages(WIRINGS[0]).await;
    pages.ordered("14K", "uzcard").await;
    pages.pay(Uzcard, "14K").await;
    let store =
        rusqlite::Connection::open(pages.shop.lab.folder.path().join("payment.db")).unwrap();
    let sql =
        "select group_concat(request || answer) from callback_inbox where provider = 'uzcard'";
    let kept: String = store.query_row(sql, (), |row| row.get(0)).unwrap();
    assert!(kept.contains("14K") && !kept.contains("\"sign\""), "{kept}");
    for secret in secrets() {
        assert!(!kept.contains(secret.expose_secret()), "{kept}");
    }
    pages.stop().await;
}
