//! Stripe, with a stand-in on the other side.

use pb::{PaymentStatus, refund_payment_response::Outcome};
use proto::payment as pb;
use sandbox::Provider::Stripe;
use serde_json::json;
use testkit::{FreshDatabase, WIRINGS};

use crate::{
    lab::SUM,
    pages::{CENTS, pages, pages_at},
    reason,
};

#[tokio::test]
async fn an_order_is_paid_by_a_signed_event() {
    for wiring in WIRINGS {
        let pages = pages(wiring).await;
        let (payable, payment) = pages.ordered("1000001K", "stripe").await;
        assert!(payment.redirect_url.contains("/c/pay/cs_test_"), "{}", payment.redirect_url);
        let books = pages.books(Stripe, "1000001K").await;
        assert_eq!((&books[0]["amount"], &books[0]["currency"]), (&json!(CENTS), &json!("usd")));
        assert_eq!(books[0]["metadata"]["payment_id"], payment.id.as_str());
        pages.control(Stripe, json!({ "duplicate": 3 })).await;
        let paid = pages.pay(Stripe, "1000001K").await;
        assert_eq!(paid["ok"], true, "{paid}");
        assert_eq!(
            pages.status(&payable).await,
            PaymentStatus::Paid,
            "before the event is answered"
        );
        pages.shop.orders.hears(&["payment.started", "payment.paid"]).await;
        pages.stop().await;
    }
}

#[tokio::test]
async fn a_lost_event_is_found_out_by_asking() {
    for wiring in WIRINGS {
        let Some(database) = FreshDatabase::create().await else { return };
        let pages = pages_at(wiring, Some(&database.address)).await;
        let (payable, _) = pages.ordered("2K", "stripe").await;
        pages.pay_unheard(Stripe, "2K").await;
        assert_eq!(pages.status(&payable).await, PaymentStatus::Pending);
        pages.pass(60);
        pages.becomes(&payable, PaymentStatus::Paid).await;
        pages.stop().await;
    }
}

#[tokio::test]
async fn the_same_request_has_the_same_name_when_its_answer_is_lost() {
    let pages = pages(WIRINGS[0]).await;
    pages.stripe.lose(2);
    let (payable, payment) = pages.ordered("3K", "stripe").await;
    assert!(!payment.redirect_url.is_empty(), "the third try is answered");
    assert_eq!(pages.books(Stripe, "3K").await.len(), 1, "and is the first session");
    pages.stripe.lose(3);
    let other = pages.shop.payable("4K");
    let away = pages.shop.open(&other, "stripe", "a").await.unwrap_err();
    assert_eq!(reason(away).1, "PROVIDER_UNAVAILABLE");
    let opened = pages.shop.open(&other, "stripe", "a").await.unwrap();
    assert!(!opened.redirect_url.is_empty());
    assert_eq!(pages.books(Stripe, "4K").await.len(), 1);
    assert_eq!(pages.pay(Stripe, "3K").await["ok"], true);
    assert_eq!(pages.status(&payable).await, PaymentStatus::Paid);
    pages.stop().await;
}

#[tokio::test]
async fn a_session_that_nobody_needs_is_ended() {
    let pages = pages(WIRINGS[0]).await;
    let (closed, _) = pages.ordered("5K", "stripe").await;
    let (otherwise, _) = pages.ordered("6K", "stripe").await;
    pages.close(&closed).await;
    pages.shop.payme("CreateTransaction", pages.shop.creation("p", "6K")).await;
    pages.shop.payme("PerformTransaction", json!({ "id": "p" })).await;
    for reference in ["5K", "6K"] {
        let ended = || async { pages.books(Stripe, reference).await[0]["status"] == "canceled" };
        testkit::patiently("the session is ended", ended).await;
    }
    assert_eq!(pages.shop.payments(&otherwise.order_id).await.len(), 2);
    pages.stop().await;
}

#[tokio::test]
async fn money_for_a_closed_order_goes_back() {
    for wiring in WIRINGS {
        let pages = pages(wiring).await;
        let (payable, _) = pages.ordered("7K", "stripe").await;
        // The order is closed while Stripe cannot be reached, and somebody pays the session that is still there.
        pages.stripe.cut(true);
        pages.close(&payable).await;
        assert_eq!(pages.pay(Stripe, "7K").await["status"], "succeeded");
        assert_eq!(pages.status(&payable).await, PaymentStatus::Cancelled);
        pages.stripe.cut(false);
        pages.pass(61);
        let back = || async { pages.books(Stripe, "7K").await[0]["amount_refunded"] == CENTS };
        testkit::patiently("the money is back", back).await;
        assert_eq!(pages.status(&payable).await, PaymentStatus::Cancelled);
        assert!(pages.shop.orders.told().is_empty(), "the order has nothing to do with it");
        pages.stop().await;
    }
}

#[tokio::test]
async fn money_that_is_here_comes_before_a_hold() {
    let pages = pages(WIRINGS[0]).await;
    let (payable, _) = pages.ordered("8K", "stripe").await;
    pages.shop.payme("CreateTransaction", pages.shop.creation("p", "8K")).await;
    assert_eq!(pages.pay(Stripe, "8K").await["ok"], true);
    let refused = pages.shop.payme_refused("PerformTransaction", json!({ "id": "p" })).await;
    assert_eq!(refused, -31008, "nobody pays twice");
    let payments = pages.shop.payments(&payable.order_id).await;
    let statuses: Vec<_> = payments.iter().map(pb::Payment::status).collect();
    assert_eq!(statuses, [PaymentStatus::Cancelled, PaymentStatus::Paid]);
    let kinds = ["payment.started", "payment.cancelled", "payment.started", "payment.paid"];
    pages.shop.orders.hears(&kinds).await;
    pages.stop().await;
}

#[tokio::test]
async fn refunds_add_up_to_the_charge() {
    let pages = pages(WIRINGS[0]).await;
    let (payable, _) = pages.ordered("9K", "stripe").await;
    pages.pay(Stripe, "9K").await;
    let mut back = 0;
    for amount in [100_000, 150_001, SUM - 250_001] {
        let id = ids::RefundId::new().to_string();
        for _ in 0..2 {
            let refunded = pages.refund(&payable, &id, amount).await;
            assert_eq!(refunded, (Outcome::Succeeded, String::new()));
        }
        back += amount;
    }
    let books = pages.books(Stripe, "9K").await;
    assert_eq!((back, &books[0]["amount_refunded"]), (SUM, &json!(CENTS)));
    assert_eq!(pages.status(&payable).await, PaymentStatus::Refunded);

    let (payable, _) = pages.ordered("10K", "stripe").await;
    pages.pay(Stripe, "10K").await;
    let id = ids::RefundId::new().to_string();
    pages.stripe.lose(3);
    let lost = pages.refund(&payable, &id, SUM).await;
    assert!(matches!(lost.0, Outcome::Pending | Outcome::Succeeded), "{lost:?}");
    pages.pass(61);
    assert_eq!(pages.refund(&payable, &id, SUM).await.0, Outcome::Succeeded);
    assert_eq!(pages.books(Stripe, "10K").await[0]["amount_refunded"], CENTS, "once");
    let tiny = ids::RefundId::new().to_string();
    assert_eq!(pages.refund(&payable, &tiny, 1).await.0, Outcome::Failed);
    pages.stop().await;
}

#[tokio::test]
async fn sums_have_a_least_and_a_most_and_strangers_are_not_heard() {
    let pages = pages(WIRINGS[0]).await;
    for amount in [100_000, 2_000_000_000_000] {
        let sum = Some(proto::value::Money { amount, currency: "UZS".to_owned() });
        let payable = pb::Payable { amount: sum, ..pages.shop.payable("11K") };
        let refused = pages.shop.open(&payable, "stripe", "a").await.unwrap_err();
        assert_eq!(reason(refused), (fault::Code::Invalid, "PAYMENT_AMOUNT".to_owned()));
    }
    for (header, code) in [("", "UNSIGNED"), ("t=1,v1=00", "SIGNATURE")] {
        let request = pb::HandleCallbackRequest {
            provider: "stripe".to_owned(),
            method: "POST".to_owned(),
            headers: [("stripe-signature".to_owned(), header.to_owned())].into(),
            body: b"{}".to_vec().into(),
            ..Default::default()
        };
        let (status, answer) = pages.shop.callback(request).await;
        assert_eq!((status, &answer["code"]), (400, &json!(code)));
    }
    pages.stop().await;
}
