//! The SHOP-API of Click, rule by rule.

use proto::payment as pb;
use serde_json::{Value, json};
use testkit::WIRINGS;

use crate::lab::{Shop, shop};

/// One call; the fields in `changed` replace those of a good one.
pub(crate) async fn call(
    shop: &Shop,
    action: &str,
    attempt: &str,
    order: &str,
    changed: &[(&str, &str)],
) -> Value {
    let mut fields = vec![
        ("click_trans_id", attempt),
        ("service_id", "10001"),
        ("click_paydoc_id", "4001"),
        ("merchant_trans_id", order),
        ("amount", "5000.00"),
        ("action", action),
        ("error", "0"),
        ("error_note", "Success"),
        ("sign_time", "2026-11-21 14:30:00"),
    ];
    fields.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    fields.extend_from_slice(changed);
    shop.click(if action == "0" { "prepare" } else { "complete" }, &fields).await
}

pub(crate) async fn prepare(shop: &Shop, attempt: &str, order: &str) -> String {
    let answer = call(shop, "0", attempt, order, &[]).await;
    assert_eq!((&answer["error"], &answer["error_note"]), (&json!(0), &json!("Success")));
    assert_eq!(answer["merchant_trans_id"], order);
    assert_eq!(answer["click_trans_id"].to_string(), attempt, "a number");
    answer["merchant_prepare_id"].as_i64().unwrap().to_string()
}

#[tokio::test]
async fn the_official_matrix_of_15_cases() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        for order in ["1001K", "1002K", "1003K"] {
            shop.ordered(order, "click").await;
        }
        let code = |answer: Value| answer["error"].as_i64().unwrap();
        let bad = [("sign_string", "0123456789abcdef0123456789abcdef")];
        let lack = ("error", "-5017");
        // 1-3
        assert_eq!(code(call(&shop, "0", "1", "1001K", &bad).await), -1);
        assert_eq!(code(call(&shop, "0", "1", "9999Z", &[]).await), -5);
        let first = prepare(&shop, "1", "1001K").await;
        // 4-8
        let id = ("merchant_prepare_id", first.as_str());
        assert_eq!(code(call(&shop, "1", "1", "1001K", &[id, bad[0]]).await), -1);
        assert_eq!(code(call(&shop, "1", "1", "1001K", &[id, ("amount", "300")]).await), -2);
        let done = call(&shop, "1", "1", "1001K", &[id]).await;
        assert_eq!(done["error"], 0);
        assert!(done["merchant_confirm_id"].is_i64(), "{done}");
        assert_eq!(code(call(&shop, "1", "1", "1001K", &[id]).await), -4);
        assert_eq!(code(call(&shop, "1", "1", "1001K", &[id, lack]).await), -9);
        // 9-11
        let second = prepare(&shop, "2", "1002K").await;
        let unknown = ("merchant_prepare_id", "999999999");
        assert_eq!(code(call(&shop, "1", "2", "1002K", &[unknown]).await), -6);
        let id = ("merchant_prepare_id", second.as_str());
        assert_eq!(code(call(&shop, "1", "2", "1002K", &[id]).await), 0);
        // 12-15
        let third = prepare(&shop, "3", "1003K").await;
        let id = ("merchant_prepare_id", third.as_str());
        assert_eq!(code(call(&shop, "1", "3", "1003K", &[id, lack]).await), -9);
        assert_eq!(code(call(&shop, "1", "3", "1003K", &[id, lack]).await), -9);
        assert_eq!(code(call(&shop, "1", "3", "1003K", &[id]).await), -9);
        shop.orders
            .hears(&[
                "payment.started",
                "payment.paid",
                "payment.started",
                "payment.paid",
                "payment.started",
                "payment.cancelled",
            ])
            .await;
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn a_cancellation_of_a_confirmed_payment_does_not_unpay_the_order() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("1100K", "click").await;
    let id = prepare(&shop, "1", "1100K").await;
    let id = ("merchant_prepare_id", id.as_str());
    call(&shop, "1", "1", "1100K", &[id]).await;
    assert_eq!(call(&shop, "1", "1", "1100K", &[id, ("error", "-5017")]).await["error"], -9);
    let payment = shop.payments(&payable.order_id).await.remove(0);
    assert_eq!(
        (payment.status(), payment.provider_ref.as_str()),
        (pb::PaymentStatus::Paid, "4001")
    );
    shop.lab.stop().await;
}

#[tokio::test]
async fn the_codes_come_in_the_documented_order() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1200K", "click").await;
    let error = |changed: &'static [(&'static str, &'static str)]| {
        let shop = &shop;
        async move { call(shop, "0", "1", "1200K", changed).await["error"].as_i64().unwrap() }
    };
    assert_eq!(
        error(&[("amount", "five"), ("sign_string", "0")]).await,
        -8,
        "shape, then signature"
    );
    assert_eq!(error(&[("action", "5"), ("sign_string", "0")]).await, -1, "signature, then action");
    assert_eq!(error(&[("action", "5"), ("service_id", "1")]).await, -3, "action, then service");
    assert_eq!(
        error(&[("service_id", "1"), ("merchant_trans_id", "0Z")]).await,
        -8,
        "service, then order"
    );
    assert_eq!(
        error(&[("merchant_trans_id", "0Z"), ("amount", "1")]).await,
        -5,
        "order, then amount"
    );
    assert_eq!(
        error(&[("amount", "1"), ("error", "-1")]).await,
        -2,
        "amount, then Click's own error"
    );
    assert_eq!(error(&[("error", "-1")]).await, -9);
    assert_eq!(error(&[("amount", "5000"), ("error_note", "")]).await, 0, "5000 is 5000.00");
    shop.lab.stop().await;
}

#[tokio::test]
async fn a_shifted_boundary_with_a_good_signature_is_refused() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1300", "click").await;
    shop.ordered("130", "click").await;
    let id = prepare(&shop, "1", "1300").await;
    // The same bytes are signed: `1300` and `5000.00` become `130` and `05000.00`.
    let shifted = [("amount", "05000.00")];
    assert_eq!(call(&shop, "0", "1", "130", &shifted).await["error"], -8);
    // And here the number of the attempt swallows the first digit of the sum.
    let id = ("merchant_prepare_id", id.as_str());
    let swallowed = format!("{}5", id.1);
    let swallowed = [("merchant_prepare_id", swallowed.as_str()), ("amount", "000.00")];
    assert_eq!(call(&shop, "1", "1", "1300", &swallowed).await["error"], -6);
    assert_eq!(call(&shop, "1", "1", "1300", &[id]).await["error"], 0, "nothing was spoilt");
    shop.lab.stop().await;
}

#[tokio::test]
async fn the_action_decides_whatever_the_path_says() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1400K", "click").await;
    let fields = [
        ("click_trans_id", "1"),
        ("service_id", "10001"),
        ("click_paydoc_id", "2"),
        ("merchant_trans_id", "1400K"),
        ("amount", "5000"),
        ("action", "0"),
        ("error", "0"),
        ("error_note", ""),
        ("sign_time", "2026-11-21 14:30:00"),
    ];
    let answer = shop.click("complete", &fields).await;
    assert!(answer["merchant_prepare_id"].is_i64(), "{answer}");
    assert_eq!(shop.click("", &fields).await, answer, "a repeat gives the same number");
    let garbage = pb::HandleCallbackRequest {
        provider: "click".to_owned(),
        method: "POST".to_owned(),
        body: b"%zz".to_vec().into(),
        ..Default::default()
    };
    let (status, answer) = shop.callback(garbage).await;
    assert_eq!((status, &answer["error"]), (200, &json!(-8)));
    shop.lab.stop().await;
}

#[tokio::test]
async fn an_order_that_another_provider_holds_or_paid_is_cancelled_for_click() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1500K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("p", "1500K")).await;
    assert_eq!(call(&shop, "0", "1", "1500K", &[]).await["error"], -9);
    shop.payme("PerformTransaction", json!({ "id": "p" })).await;
    assert_eq!(call(&shop, "0", "2", "1500K", &[]).await["error"], -9);
    shop.lab.stop().await;
}
