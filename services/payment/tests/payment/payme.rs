//! The Merchant API of Payme, rule by rule.

use std::time::Duration;

use proto::payment as pb;
use serde_json::{Value, json};
use testkit::WIRINGS;

use crate::lab::{SUM, payme_request, shop};

const METHODS: [&str; 7] = [
    "CheckPerformTransaction",
    "CreateTransaction",
    "PerformTransaction",
    "CancelTransaction",
    "CheckTransaction",
    "GetStatement",
    "SetFiscalData",
];

#[tokio::test]
async fn bad_credentials_are_32504_before_anything_else() {
    let shop = shop(WIRINGS[0]).await;
    for credentials in ["Paycom:wrong", "Paycom:", "other:payme-key", ""] {
        for method in METHODS.into_iter().chain(["Nothing"]) {
            let body = json!({ "id": "a", "method": method }).to_string();
            let (status, answer) = shop.callback(payme_request(body, credentials)).await;
            assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32504)));
            assert_eq!(answer["id"], "a", "the id is echoed even to strangers");
        }
        let (status, answer) = shop.callback(payme_request("not json", credentials)).await;
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32504)));
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn every_answer_is_http_200_in_the_order_of_the_pipeline() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let get = pb::HandleCallbackRequest {
            method: "GET".to_owned(),
            ..payme_request("", "Paycom:wrong")
        };
        let cases = [
            (get, -32300, Value::Null),
            (payme_request("{", "Paycom:payme-key"), -32700, Value::Null),
            (payme_request("[]", "Paycom:payme-key"), -32600, Value::Null),
            (payme_request(r#"{"id":3,"method":"X"}"#, "Paycom:payme-key"), -32600, json!(3)),
        ];
        for (request, code, id) in cases {
            let (status, answer) = shop.callback(request).await;
            assert_eq!(status, 200);
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &id));
        }
        let unknown = shop.payme("ChangePassword", json!({ "password": "x" })).await;
        assert_eq!(unknown["error"]["code"], -32601);
        assert_eq!(unknown["error"]["data"], "ChangePassword");
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn the_official_sandbox_sequence_checks_creates_and_cancels() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        shop.ordered("100K", "payme").await;
        let check = |amount: i64, order: Value| json!({ "amount": amount, "account": { "order_id": order } });

        let create = shop.creation("sandbox-1", "100K");
        let mut wrong = create.clone();
        wrong["amount"] = json!(SUM + 1);
        assert_eq!(
            shop.payme_refused("CheckPerformTransaction", check(1, json!("100K"))).await,
            -31001
        );
        assert_eq!(shop.payme_refused("CreateTransaction", wrong).await, -31001);
        let nobody = shop.payme("CheckPerformTransaction", check(SUM, json!("999Z"))).await;
        assert_eq!(
            (&nobody["error"]["code"], &nobody["error"]["data"]),
            (&json!(-31050), &json!("order_id"))
        );
        let nobody = shop.creation("sandbox-0", "999Z");
        assert_eq!(shop.payme_refused("CreateTransaction", nobody).await, -31050);

        let allowed = shop.payme("CheckPerformTransaction", check(SUM, json!("100K"))).await;
        assert_eq!(allowed["result"]["allow"], true);
        let item = &allowed["result"]["detail"]["items"][0];
        assert_eq!(
            (&item["price"], &item["count"], &item["code"]),
            (&json!(200_000), &json!(2), &json!("06912001001000000"))
        );
        assert_eq!(allowed["result"]["detail"]["shipping"]["price"], 100_000);

        let created = shop.payme("CreateTransaction", create.clone()).await;
        assert_eq!(created["result"]["state"], 1);
        assert!(created["result"]["transaction"].as_str().unwrap().starts_with("pay_"));
        shop.lab.clock.advance(Duration::from_secs(3));
        assert_eq!(shop.payme("CreateTransaction", create).await, created, "sent twice");
        let id = json!({ "id": "sandbox-1" });
        let checked = shop.payme("CheckTransaction", id.clone()).await;
        assert_eq!(checked["result"]["state"], 1);
        assert_eq!(
            (&checked["result"]["perform_time"], &checked["result"]["reason"]),
            (&json!(0), &Value::Null)
        );
        let second = shop.creation("sandbox-2", "100K");
        assert_eq!(shop.payme_refused("CreateTransaction", second).await, -31008);
        assert_eq!(
            shop.payme_refused("CheckPerformTransaction", check(SUM, json!("100K"))).await,
            -31053
        );

        let cancel = json!({ "id": "sandbox-1", "reason": 3 });
        let cancelled = shop.payme("CancelTransaction", cancel.clone()).await;
        assert_eq!(cancelled["result"]["state"], -1);
        shop.lab.clock.advance(Duration::from_secs(3));
        let other_reason = json!({ "id": "sandbox-1", "reason": 9 });
        assert_eq!(shop.payme("CancelTransaction", cancel).await, cancelled, "sent twice");
        assert_eq!(shop.payme("CancelTransaction", other_reason).await, cancelled);
        let checked = shop.payme("CheckTransaction", id.clone()).await;
        assert_eq!(
            (&checked["result"]["state"], &checked["result"]["reason"]),
            (&json!(-1), &json!(3))
        );
        assert_eq!(shop.payme_refused("PerformTransaction", id.clone()).await, -31008);
        let again = shop.creation("sandbox-1", "100K");
        assert_eq!(shop.payme_refused("CreateTransaction", again).await, -31008);
        shop.orders.hears(&["payment.started", "payment.cancelled"]).await;
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn the_official_sandbox_sequence_performs_and_takes_back() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let check = json!({ "amount": SUM, "account": { "order_id": "200K" } });
        let payable = shop.ordered("200K", "payme").await;
        shop.payme("CreateTransaction", shop.creation("sandbox-3", "200K")).await;
        let id = json!({ "id": "sandbox-3" });
        let performed = shop.payme("PerformTransaction", id.clone()).await;
        assert_eq!(performed["result"]["state"], 2);
        assert_eq!(performed["result"]["perform_time"], shop.lab.clock.now().millis());
        shop.lab.clock.advance(Duration::from_secs(3));
        assert_eq!(shop.payme("PerformTransaction", id.clone()).await, performed, "sent twice");
        assert_eq!(shop.payme("CheckTransaction", id.clone()).await["result"]["state"], 2);
        assert_eq!(shop.payme_refused("CheckPerformTransaction", check).await, -31051);
        let third = shop.creation("sandbox-4", "200K");
        assert_eq!(shop.payme_refused("CreateTransaction", third).await, -31051);
        let payments = shop.payments(&payable.order_id).await;
        assert_eq!(
            (payments[0].status(), payments[0].provider_ref.as_str()),
            (pb::PaymentStatus::Paid, "sandbox-3")
        );
        let back = json!({ "id": "sandbox-3", "reason": 5 });
        let taken = shop.payme("CancelTransaction", back.clone()).await;
        assert_eq!(taken["result"]["state"], -2);
        assert_eq!(shop.payme("CancelTransaction", back).await, taken);
        let checked = shop.payme("CheckTransaction", id).await;
        assert_eq!(
            (&checked["result"]["state"], &checked["result"]["reason"]),
            (&json!(-2), &json!(5))
        );
        shop.orders.hears(&["payment.started", "payment.paid", "payment.refunded"]).await;
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn the_order_is_told_before_payme_is_answered() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        shop.ordered("300K", "payme").await;
        shop.payme("CreateTransaction", shop.creation("p", "300K")).await;
        shop.orders.hears(&["payment.started"]).await;
        shop.orders.dawdle();
        shop.payme("PerformTransaction", json!({ "id": "p" })).await;
        let last = shop.orders.told().pop();
        assert_eq!(last, Some(("payment.paid".to_owned(), pb::PaymentStatus::Paid)));
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn the_answer_does_not_depend_on_the_order() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("400K", "payme").await;
    shop.orders.leave();
    shop.payme("CreateTransaction", shop.creation("p", "400K")).await;
    let performed = shop.payme("PerformTransaction", json!({ "id": "p" })).await;
    assert_eq!(performed["result"]["state"], 2);
    shop.lab.stop().await;
}

#[tokio::test]
async fn twelve_hours_from_paymes_own_time_and_not_a_millisecond_more() {
    let shop = shop(WIRINGS[0]).await;
    let start = shop.lab.clock.now().millis();
    for reference in ["500K", "501K"] {
        shop.ordered(reference, "payme").await;
        let mut create = shop.creation(reference, reference);
        // Payme made it a minute before it reached us.
        create["time"] = json!(start - 60_000);
        shop.payme("CreateTransaction", create).await;
    }
    shop.lab.clock.advance(Duration::from_hours(12) - Duration::from_mins(1));
    let performed = shop.payme("PerformTransaction", json!({ "id": "500K" })).await;
    assert_eq!(performed["result"]["state"], 2, "exactly twelve hours");
    shop.lab.clock.advance(Duration::from_millis(1));
    let late = json!({ "id": "501K" });
    assert_eq!(shop.payme_refused("PerformTransaction", late.clone()).await, -31008);
    let checked = shop.payme("CheckTransaction", late).await;
    assert_eq!(
        (&checked["result"]["state"], &checked["result"]["reason"]),
        (&json!(-1), &json!(4))
    );
    let mut old = shop.creation("old", "501K");
    old["time"] = json!(start - 60_000);
    assert_eq!(shop.payme_refused("CreateTransaction", old).await, -31008);
    shop.payme("CreateTransaction", shop.creation("new", "501K")).await["result"]["state"]
        .as_i64()
        .unwrap();
    shop.lab.stop().await;
}

#[tokio::test]
async fn a_statement_is_inclusive_ascending_and_whole() {
    let shop = shop(WIRINGS[0]).await;
    let start = shop.lab.clock.now().millis();
    for (number, reference) in ["600K", "601K", "602K"].into_iter().enumerate() {
        shop.ordered(reference, "payme").await;
        let mut create = shop.creation(reference, reference);
        create["time"] = json!(start - i64::try_from(number).unwrap() * 1000);
        create["account"] = json!({ "order_id": reference, "note": 5 });
        shop.payme("CreateTransaction", create).await;
    }
    shop.payme("PerformTransaction", json!({ "id": "600K" })).await;
    shop.payme("CancelTransaction", json!({ "id": "601K", "reason": 10 })).await;
    let statement =
        |from: i64, to: i64| shop.payme("GetStatement", json!({ "from": from, "to": to }));
    let all = statement(start - 2000, start).await;
    let all = all["result"]["transactions"].as_array().unwrap();
    let found: Vec<_> =
        all.iter().map(|it| (it["id"].as_str().unwrap(), it["state"].as_i64().unwrap())).collect();
    assert_eq!(found, [("602K", 1), ("601K", -1), ("600K", 2)]);
    assert_eq!(all[0]["account"], json!({ "order_id": "602K", "note": 5 }), "as received");
    assert_eq!((&all[0]["amount"], &all[0]["time"]), (&json!(SUM), &json!(start - 2000)));
    let one = statement(start - 1000, start - 1000).await;
    assert_eq!(one["result"]["transactions"].as_array().unwrap().len(), 1);
    assert_eq!(statement(start + 1, start).await["result"]["transactions"], json!([]));
    shop.lab.stop().await;
}

#[tokio::test]
async fn a_delivered_order_is_not_taken_back() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("700K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("p", "700K")).await;
    shop.payme("PerformTransaction", json!({ "id": "p" })).await;
    crate::deliver(&shop, "order.delivered", &payable.order_id, "700K", "payme").await;
    assert_eq!(
        shop.payme_refused("CancelTransaction", json!({ "id": "p", "reason": 5 })).await,
        -31007
    );
    assert_eq!(shop.payme("CheckTransaction", json!({ "id": "p" })).await["result"]["state"], 2);
    shop.lab.stop().await;
}

#[tokio::test]
async fn unknown_transactions_and_receipts() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("800K", "payme").await;
    let unknown = json!({ "id": "unknown", "reason": 1 });
    for method in ["PerformTransaction", "CancelTransaction", "CheckTransaction"] {
        assert_eq!(shop.payme_refused(method, unknown.clone()).await, -31003, "{method}");
    }
    let receipt = |id: &str| {
        let data = json!({ "receipt_id": 1, "status_code": 0, "qr_code_url": "https://ofd.uz/1" });
        json!({ "id": id, "type": "PERFORM", "fiscal_data": data })
    };
    assert_eq!(shop.payme_refused("SetFiscalData", receipt("unknown")).await, -32001);
    shop.payme("CreateTransaction", shop.creation("p", "800K")).await;
    let kept = shop.payme("SetFiscalData", receipt("p")).await;
    assert_eq!(kept["result"], json!({ "success": true }));
    shop.lab.stop().await;
}

#[tokio::test]
async fn a_payer_may_try_again_with_the_same_link() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("900K", "payme").await;
    for id in ["first", "second"] {
        shop.payme("CreateTransaction", shop.creation(id, "900K")).await;
        shop.payme("CancelTransaction", json!({ "id": id, "reason": 2 })).await;
    }
    shop.payme("CreateTransaction", shop.creation("third", "900K")).await;
    let performed = shop.payme("PerformTransaction", json!({ "id": "third" })).await;
    assert_eq!(performed["result"]["state"], 2);
    let statuses: Vec<_> =
        shop.payments(&payable.order_id).await.iter().map(pb::Payment::status).collect();
    let cancelled = pb::PaymentStatus::Cancelled;
    assert_eq!(statuses, [pb::PaymentStatus::Paid, cancelled, cancelled]);
    shop.lab.stop().await;
}
