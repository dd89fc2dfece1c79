//! Payme's Merchant API, one test for each rule of its documentation; from the creation of transactions on in `payme_moves`.
//!
//! | rule | test |
//! |---|---|
//! | transport: POST, always HTTP 200, `text/json`, no `jsonrpc` asked for, JSON answered | `transport_*` |
//! | credentials: login and key, the test key in test mode, constant answer | `authentication_*` |
//! | envelopes: id echoed with its type, three languages, `data` | `envelope_*` |
//! | data types: account values as text or number | `types_*` |
//! | errors, each at its moment, in the order of the pipeline | `errors_*`, `pipeline_*` |
//! | the methods | `check_perform_*`, `create_*`, `perform_*`, `cancel_*`, `check_*`, `statement_*`, `fiscal_data_*`, `change_password_*` |
//! | states and reasons | `states_*` |
//! | twelve hours from Payme's own time | `twelve_hours_*` |
//! | two transactions for one order | `concurrency_*` |
//! | the receipt's lines | `detail_*` |
//! | the page by link and by form | `checkout_*` |
//! | the official sandbox, its two scenarios in their order | `sandbox_scenario_*` |

use std::time::Duration;

use proto::payment as pb;
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::WIRINGS;

use crate::lab::{SUM, Shop, payme_request, shop, shop_with};

const KEY: &str = "Paycom:payme-key";

/// One call with any body; status and answer.
async fn raw(shop: &Shop, body: &str) -> Value {
    let (status, answer) = shop.callback(payme_request(body, KEY)).await;
    assert_eq!(status, 200, "{body}");
    answer
}

async fn code(shop: &Shop, body: &str) -> i64 {
    raw(shop, body).await["error"]["code"].as_i64().unwrap_or_default()
}

#[expect(clippy::needless_pass_by_value, reason = "shorter where it is called")]
pub(crate) fn check(amount: i64, account: Value) -> Value {
    json!({ "amount": amount, "account": account })
}

#[tokio::test]
async fn transport_every_method_but_post_is_32300_with_http_200() {
    let shop = shop(WIRINGS[0]).await;
    for method in ["GET", "PUT", "DELETE", "HEAD"] {
        let request = payme_request(r#"{"id": 1}"#, KEY);
        let request = pb::HandleCallbackRequest { method: method.to_owned(), ..request };
        let (status, answer) = shop.callback(request).await;
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32300)), "{method}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn transport_content_type_and_jsonrpc_member_do_not_matter() {
    let shop = shop(WIRINGS[0]).await;
    let body = r#"{"id": 1, "method": "CheckTransaction", "params": {"id": "none"}}"#;
    for kind in ["text/json; charset=UTF-8", "application/json", ""] {
        let mut request = payme_request(body, KEY);
        request.headers.insert("content-type".to_owned(), kind.to_owned());
        let (status, answer) = shop.callback(request).await;
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(-31003)), "{kind}");
        assert_eq!(answer["jsonrpc"], "2.0", "answers say it");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn transport_a_repeated_call_is_answered_byte_for_byte() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        shop.ordered("1K", "payme").await;
        let create = shop.creation("t", "1K");
        for (method, params) in [
            ("CreateTransaction", create),
            ("PerformTransaction", json!({ "id": "t" })),
            ("CancelTransaction", json!({ "id": "t", "reason": 5 })),
        ] {
            let first = shop.payme(method, params.clone()).await;
            shop.lab.clock.advance(Duration::from_secs(61));
            assert_eq!(shop.payme(method, params).await, first, "{method}");
            assert!(first["result"].is_object(), "{first}");
        }
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn authentication_login_and_key_must_both_be_right() {
    let shop = shop(WIRINGS[0]).await;
    let body = r#"{"id": 5, "method": "GetStatement", "params": {"from": 1, "to": 2}}"#;
    for credentials in
        ["Paycom:", "paycom:payme-key", ":payme-key", "payme-key", "Paycom:payme-key "]
    {
        let (status, answer) = shop.callback(payme_request(body, credentials)).await;
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(-32504)), "{credentials}");
        assert_eq!(answer["id"], 5);
    }
    for header in ["", "Basic", "Basic !!!", "Bearer UGF5Y29tOnBheW1lLWtleQ=="] {
        let mut request = payme_request(body, KEY);
        request.headers.insert("authorization".to_owned(), header.to_owned());
        assert_eq!(shop.callback(request).await.1["error"]["code"], -32504, "{header}");
    }
    let mut without = payme_request(body, KEY);
    without.headers.clear();
    assert_eq!(shop.callback(without).await.1["error"]["code"], -32504);
    assert!(raw(&shop, body).await["result"].is_object());
    shop.lab.stop().await;
}

#[tokio::test]
async fn authentication_a_key_may_hold_a_colon_and_the_test_key_is_apart() {
    let shop = shop_with(WIRINGS[0], None, |config| {
        config.payme.key = SecretString::from("a:b@#$%");
        config.payme.test_key = SecretString::from("test-key");
    })
    .await;
    let body = r#"{"id": 5, "method": "GetStatement", "params": {"from": 1, "to": 2}}"#;
    for (credentials, known) in
        [("Paycom:a:b@#$%", true), ("Paycom:test-key", true), ("Paycom:a", false), (KEY, false)]
    {
        let (_, answer) = shop.callback(payme_request(body, credentials)).await;
        assert_eq!(answer["result"].is_object(), known, "{credentials}: {answer}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn authentication_without_a_test_key_the_sandbox_is_a_stranger() {
    let shop = shop(WIRINGS[0]).await;
    let body = r#"{"id": 5, "method": "GetStatement", "params": {"from": 1, "to": 2}}"#;
    for credentials in ["Paycom:test-key", "Paycom:"] {
        let (_, answer) = shop.callback(payme_request(body, credentials)).await;
        assert_eq!(answer["error"]["code"], -32504, "{credentials}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn envelope_the_id_comes_back_as_it_was() {
    let shop = shop(WIRINGS[0]).await;
    for id in
        [json!(2), json!("2"), json!(null), json!(9_007_199_254_740_993_i64), json!({ "a": 1 })]
    {
        let body = json!({ "id": id, "method": "CheckTransaction", "params": { "id": "x" } });
        assert_eq!(raw(&shop, &body.to_string()).await["id"], id);
    }
    assert_eq!(raw(&shop, "no json").await["id"], Value::Null);
    assert_eq!(raw(&shop, r#"{"method": "CheckTransaction"}"#).await["id"], Value::Null);
    shop.lab.stop().await;
}

#[tokio::test]
async fn envelope_every_error_speaks_three_languages_and_account_errors_name_the_field() {
    let shop = shop(WIRINGS[0]).await;
    let unknown = json!({ "amount": 1, "account": { "order_id": "nobody" } });
    let cases = [
        ("{".to_owned(), -32700),
        ("{}".to_owned(), -32600),
        (json!({ "method": "Nothing", "params": {} }).to_string(), -32601),
        (json!({ "method": "CheckTransaction", "params": { "id": "x" } }).to_string(), -31003),
        (json!({ "method": "CheckPerformTransaction", "params": unknown }).to_string(), -31050),
    ];
    for (body, expected) in cases {
        let error = raw(&shop, &body).await["error"].clone();
        assert_eq!(error["code"], expected, "{body}");
        for language in ["uz", "ru", "en"] {
            let text = error["message"][language].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{error}");
        }
        let data = match expected {
            -31050 => json!("order_id"),
            -32601 => json!("Nothing"),
            _ => Value::Null,
        };
        assert_eq!(error["data"], data, "{error}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn types_account_values_may_be_numbers() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1000", "payme").await;
    for order in [json!("1000"), json!(1000), json!(" 1000 ")] {
        let answer =
            shop.payme("CheckPerformTransaction", check(SUM, json!({ "order_id": order })));
        assert_eq!(answer.await["result"]["allow"], true, "{order}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn errors_32600_for_each_member_that_is_missing_or_of_another_type() {
    let shop = shop(WIRINGS[0]).await;
    let good = [
        ("CheckPerformTransaction", json!({ "amount": 1, "account": {} })),
        ("CreateTransaction", json!({ "id": "a", "time": 1, "amount": 1, "account": {} })),
        ("PerformTransaction", json!({ "id": "a" })),
        ("CancelTransaction", json!({ "id": "a", "reason": 1 })),
        ("CheckTransaction", json!({ "id": "a" })),
        ("GetStatement", json!({ "from": 1, "to": 2 })),
    ];
    for (method, params) in good {
        for name in params.as_object().unwrap().keys() {
            for wrong in
                [None, Some(json!(null)), Some(json!([])), Some(json!(true)), Some(json!(1.5))]
            {
                let mut params = params.clone();
                match &wrong {
                    None => drop(params.as_object_mut().unwrap().remove(name)),
                    Some(wrong) => params[name] = wrong.clone(),
                }
                let body = json!({ "id": 1, "method": method, "params": params }).to_string();
                assert_eq!(code(&shop, &body).await, -32600, "{body}");
            }
        }
    }
    for shapeless in [
        "[]",
        "1",
        "null",
        r#"[{"id": 1, "method": "CheckTransaction", "params": {"id": "a"}}]"#,
        r#"{"id": 1, "params": {}}"#,
        r#"{"id": 1, "method": 5, "params": {}}"#,
        r#"{"id": 1, "method": "CheckTransaction"}"#,
        r#"{"id": 1, "method": "CheckTransaction", "params": []}"#,
        r#"{"id": 1, "method": "CheckTransaction", "params": {"id": 7}}"#,
    ] {
        assert_eq!(code(&shop, shapeless).await, -32600, "{shapeless}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn pipeline_method_then_who_then_json_then_shape_then_name_then_members() {
    let shop = shop(WIRINGS[0]).await;
    let bad_all = pb::HandleCallbackRequest {
        method: "GET".to_owned(),
        ..payme_request("not json", "Paycom:wrong")
    };
    assert_eq!(shop.callback(bad_all).await.1["error"]["code"], -32300);
    let stranger = payme_request("not json", "Paycom:wrong");
    assert_eq!(shop.callback(stranger).await.1["error"]["code"], -32504);
    for (body, expected) in [
        ("not json", -32700),
        (r#"{"method": "Nothing"}"#, -32600),
        (r#"{"method": "Nothing", "params": {"id": 5}}"#, -32601),
        (r#"{"method": "PerformTransaction", "params": {"id": 5}}"#, -32600),
        (r#"{"method": "PerformTransaction", "params": {"id": "5"}}"#, -31003),
    ] {
        assert_eq!(code(&shop, body).await, expected, "{body}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn errors_32400_when_the_store_is_away() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    let store = rusqlite::Connection::open(shop.lab.folder.path().join("payment.db")).unwrap();
    store.execute_batch("alter table payables rename to away").unwrap();
    let check = check(SUM, json!({ "order_id": "1K" }));
    assert_eq!(shop.payme_refused("CheckPerformTransaction", check).await, -32400);
    let create = shop.creation("a", "1K");
    assert_eq!(shop.payme_refused("CreateTransaction", create.clone()).await, -32400);
    store.execute_batch("alter table away rename to payables").unwrap();
    assert_eq!(shop.payme("CreateTransaction", create).await["result"]["state"], 1);
    drop(store);
    shop.lab.stop().await;
}

#[tokio::test]
async fn check_perform_asks_for_the_order_then_its_state_then_the_sum_and_writes_nothing() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("1K", "payme").await;
    let asks = |amount: i64, account: Value| {
        shop.payme_refused("CheckPerformTransaction", check(amount, account))
    };
    assert_eq!(asks(1, json!({})).await, -31050, "the field is missing");
    assert_eq!(asks(1, json!({ "order_id": "" })).await, -31050);
    assert_eq!(asks(1, json!({ "order_id": "2K" })).await, -31050);
    let order = || json!({ "order_id": "1K" });
    for wrong in [SUM - 1, SUM + 1, 0, -SUM] {
        assert_eq!(asks(wrong, order()).await, -31001, "{wrong}");
    }
    let allowed = shop.payme("CheckPerformTransaction", check(SUM, order())).await;
    assert_eq!(allowed["result"]["allow"], true);
    assert_eq!(shop.payments(&payable.order_id).await[0].status(), pb::PaymentStatus::Pending);
    shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    assert_eq!(asks(1, order()).await, -31053, "being paid, then the sum");
    shop.payme("PerformTransaction", json!({ "id": "a" })).await;
    assert_eq!(asks(1, order()).await, -31051, "paid, then the sum");
    shop.payme("CancelTransaction", json!({ "id": "a", "reason": 5 })).await;
    assert_eq!(asks(SUM, order()).await, -31052, "taken back");
    shop.lab.stop().await;
}
