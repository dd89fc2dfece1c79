//! The methods of Payme's Merchant API that move a transaction, its states and its page, rule by rule: the second half of `payme_rules`.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::join_all;
use proto::payment as pb;
use serde_json::{Value, json};
use testkit::WIRINGS;

use crate::{
    lab::{SUM, payme_request, shop, shop_with},
    payme_rules::check,
};

#[tokio::test]
async fn create_looks_for_the_id_before_the_order() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    let created = shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    let result = &created["result"];
    assert_eq!((&result["state"], result["transaction"].is_string()), (&json!(1), true));
    assert_eq!(result["create_time"], shop.lab.clock.now().millis());
    assert!(result.get("receivers").is_none_or(Value::is_null), "one receiver");
    // A repeat that says something else changes nothing, and makes nothing.
    shop.lab.clock.advance(Duration::from_mins(5));
    for other in [
        json!({ "id": "a", "time": 1, "amount": 1, "account": { "order_id": "other" } }),
        json!({ "id": "a", "time": 1, "amount": SUM, "account": {} }),
    ] {
        assert_eq!(shop.payme("CreateTransaction", other).await, created);
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn create_of_an_id_that_is_not_in_state_1_is_31008() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    let create = shop.creation("a", "1K");
    shop.payme("CreateTransaction", create.clone()).await;
    shop.payme("PerformTransaction", json!({ "id": "a" })).await;
    assert_eq!(shop.payme_refused("CreateTransaction", create.clone()).await, -31008);
    shop.payme("CancelTransaction", json!({ "id": "a", "reason": 5 })).await;
    assert_eq!(shop.payme_refused("CreateTransaction", create).await, -31008);
    shop.lab.stop().await;
}

#[tokio::test]
async fn create_of_a_second_id_on_an_order_that_waits_is_31008() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    assert_eq!(shop.payme_refused("CreateTransaction", shop.creation("b", "1K")).await, -31008);
    let found = shop.payme("CheckTransaction", json!({ "id": "b" })).await;
    assert_eq!(found["error"]["code"], -31003, "nothing was made");
    shop.lab.stop().await;
}

#[tokio::test]
async fn create_with_a_time_that_is_over_is_31008() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    let twelve_hours = 12 * 3_600_000;
    let mut create = shop.creation("a", "1K");
    create["time"] = json!(shop.lab.clock.now().millis() - twelve_hours - 1);
    assert_eq!(shop.payme_refused("CreateTransaction", create.clone()).await, -31008);
    create["time"] = json!(shop.lab.clock.now().millis() - twelve_hours);
    assert_eq!(shop.payme("CreateTransaction", create).await["result"]["state"], 1);
    shop.lab.stop().await;
}

#[tokio::test]
async fn perform_of_what_was_cancelled_never_pays() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.ordered("1K", "payme").await;
        shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
        shop.payme("CancelTransaction", json!({ "id": "a", "reason": 1 })).await;
        for _ in 0..2 {
            assert_eq!(
                shop.payme_refused("PerformTransaction", json!({ "id": "a" })).await,
                -31008
            );
        }
        let status = shop.payments(&payable.order_id).await[0].status();
        assert_eq!(status, pb::PaymentStatus::Cancelled);
        assert_eq!(shop.payme_refused("PerformTransaction", json!({ "id": "b" })).await, -31003);
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn cancel_keeps_the_first_reason_and_time_whatever_comes_later() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    let first = shop.payme("CancelTransaction", json!({ "id": "a", "reason": 77 })).await;
    assert_eq!(first["result"]["state"], -1);
    shop.lab.clock.advance(Duration::from_hours(30));
    for reason in [1, 4, 5, -3] {
        let again = shop.payme("CancelTransaction", json!({ "id": "a", "reason": reason })).await;
        assert_eq!(again, first);
    }
    let checked = shop.payme("CheckTransaction", json!({ "id": "a" })).await;
    assert_eq!(checked["result"]["reason"], 77, "any number is a reason");
    shop.lab.stop().await;
}

#[tokio::test]
async fn cancel_of_a_delivered_order_is_31007_and_changes_nothing() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("1K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    shop.payme("PerformTransaction", json!({ "id": "a" })).await;
    crate::deliver(&shop, "order.delivered", &payable.order_id, "1K", "payme").await;
    let refused = shop.payme_refused("CancelTransaction", json!({ "id": "a", "reason": 5 })).await;
    assert_eq!(refused, -31007);
    let checked = shop.payme("CheckTransaction", json!({ "id": "a" })).await;
    assert_eq!(
        (&checked["result"]["state"], &checked["result"]["cancel_time"]),
        (&json!(2), &json!(0))
    );
    shop.lab.stop().await;
}

#[tokio::test]
async fn check_says_0_for_times_that_have_not_come_and_null_for_no_reason() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    let created = shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    let checked = shop.payme("CheckTransaction", json!({ "id": "a" })).await["result"].clone();
    let expected = json!({
        "create_time": created["result"]["create_time"],
        "perform_time": 0,
        "cancel_time": 0,
        "transaction": created["result"]["transaction"],
        "state": 1,
        "reason": null,
    });
    assert_eq!(checked, expected);
    shop.lab.stop().await;
}

#[tokio::test]
async fn statement_has_every_state_with_all_members_and_equal_times_in_their_order() {
    let shop = shop(WIRINGS[0]).await;
    let now = shop.lab.clock.now().millis();
    for name in ["a", "b", "c", "d"] {
        shop.ordered(&format!("{name}K"), "payme").await;
        shop.payme("CreateTransaction", shop.creation(name, &format!("{name}K"))).await;
    }
    // What was refused is not in it.
    shop.payme_refused("CreateTransaction", shop.creation("e", "nobody")).await;
    for name in ["b", "d"] {
        shop.payme("PerformTransaction", json!({ "id": name })).await;
    }
    for name in ["c", "d"] {
        shop.payme("CancelTransaction", json!({ "id": name, "reason": 5 })).await;
    }
    let all = shop.payme("GetStatement", json!({ "from": now, "to": now })).await;
    let all = all["result"]["transactions"].as_array().unwrap().clone();
    let seen: Vec<(&str, i64)> =
        all.iter().map(|it| (it["id"].as_str().unwrap(), it["state"].as_i64().unwrap())).collect();
    assert_eq!(seen, [("a", 1), ("b", 2), ("c", -1), ("d", -2)]);
    for member in [
        "id",
        "time",
        "amount",
        "account",
        "create_time",
        "perform_time",
        "cancel_time",
        "transaction",
        "state",
        "reason",
        "receivers",
    ] {
        assert!(all.iter().all(|it| it.get(member).is_some()), "{member}: {all:?}");
    }
    let empty = shop.payme("GetStatement", json!({ "from": now + 1, "to": now + 2 })).await;
    assert_eq!(empty["result"], json!({ "transactions": [] }));
    shop.lab.stop().await;
}

#[tokio::test]
async fn states_have_no_other_edges_than_three() {
    let shop = shop(WIRINGS[0]).await;
    let steps = [
        ("PerformTransaction", json!({ "id": "a" })),
        ("CancelTransaction", json!({ "id": "a", "reason": 2 })),
    ];
    // 1 -> 2 -> -2 and 1 -> -1: whatever is called after that, the state stays.
    for (order, first, expected) in [("1K", 0, -2), ("2K", 1, -1)] {
        shop.ordered(order, "payme").await;
        let mut create = shop.creation("a", order);
        create["id"] = json!(order);
        shop.payme("CreateTransaction", create).await;
        for turn in 0..5 {
            let (method, params) = &steps[(first + turn) % 2];
            let mut params = params.clone();
            params["id"] = json!(order);
            shop.payme(method, params).await;
        }
        let checked = shop.payme("CheckTransaction", json!({ "id": order })).await;
        assert_eq!(checked["result"]["state"], expected, "{order}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn twelve_hours_end_a_transaction_by_itself_and_free_the_order() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    shop.payme("CreateTransaction", shop.creation("a", "1K")).await;
    shop.lab.clock.advance(Duration::from_hours(12) + Duration::from_millis(1));
    assert_eq!(shop.payme_refused("PerformTransaction", json!({ "id": "a" })).await, -31008);
    let checked = shop.payme("CheckTransaction", json!({ "id": "a" })).await["result"].clone();
    assert_eq!((&checked["state"], &checked["reason"]), (&json!(-1), &json!(4)));
    assert_eq!(checked["cancel_time"], shop.lab.clock.now().millis());
    let again = shop.creation("a", "1K");
    assert_eq!(shop.payme_refused("CreateTransaction", again).await, -31008);
    assert_eq!(
        shop.payme("CreateTransaction", shop.creation("b", "1K")).await["result"]["state"],
        1
    );
    // The clock of the outbox leaps as well: what was told may be told again.
    let hears = || async {
        let mut told: Vec<String> = shop.orders.told().into_iter().map(|(kind, _)| kind).collect();
        told.dedup();
        told == ["payment.started", "payment.cancelled", "payment.started"]
    };
    testkit::eventually("the order hears that it is free", hears).await;
    shop.lab.stop().await;
}

#[tokio::test]
async fn concurrency_of_many_creates_one_holds_the_order_and_of_many_performs_all_say_the_same() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        shop.ordered("1K", "payme").await;
        let creates = (0..30).map(|number| {
            shop.payme("CreateTransaction", shop.creation(&format!("t{number}"), "1K"))
        });
        let answers = join_all(creates).await;
        let winners: Vec<usize> =
            (0..30).filter(|number| answers[*number]["result"].is_object()).collect();
        assert_eq!(winners.len(), 1);
        assert!(answers.iter().all(|it| it["result"].is_object() || it["error"]["code"] == -31008));
        let id = json!({ "id": format!("t{}", winners[0]) });
        let performs =
            join_all((0..20).map(|_| shop.payme("PerformTransaction", id.clone()))).await;
        assert!(performs.iter().all(|it| *it == performs[0] && it["result"]["state"] == 2));
        shop.orders.hears(&["payment.started", "payment.paid"]).await;
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn detail_comes_to_the_sum_or_is_left_out() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "payme").await;
    let allowed =
        shop.payme("CheckPerformTransaction", check(SUM, json!({ "order_id": "1K" }))).await;
    let detail = allowed["result"]["detail"].clone();
    assert_eq!(detail["receipt_type"], 0);
    let item = &detail["items"][0];
    for member in ["title", "price", "count", "code", "vat_percent", "package_code"] {
        assert!(!item[member].is_null(), "{member}: {item}");
    }
    let price = |it: &Value| it.as_i64().unwrap();
    let sum = price(&item["price"]) * price(&item["count"]) - price(&item["discount"]);
    assert_eq!(sum + price(&detail["shipping"]["price"]), SUM);
    let mut odd = shop.payable("2K");
    odd.lines[0].unit_price += 1;
    shop.open(&odd, "payme", "odd").await.unwrap();
    let allowed =
        shop.payme("CheckPerformTransaction", check(SUM, json!({ "order_id": "2K" }))).await;
    assert_eq!(allowed["result"], json!({ "allow": true }), "no receipt rather than a wrong one");
    shop.lab.stop().await;
}

#[tokio::test]
async fn checkout_by_link_and_by_form_say_the_same() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.payable("1K");
        let payment = shop.open(&payable, "payme", "a").await.unwrap();
        let (host, text) = payment.redirect_url.rsplit_once('/').unwrap();
        let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        let pairs: std::collections::BTreeMap<&str, &str> =
            text.split(';').filter_map(|pair| pair.split_once('=')).collect();
        assert_eq!((pairs["ac.order_id"], pairs["a"], pairs["l"]), ("1K", "500000", "uz"));
        let mut client = shop.lab.mesh.reconciliation();
        let request = pb::GetCheckoutFormRequest { order_id: payable.order_id.clone() };
        let form =
            shop.lab.as_service(client.get_checkout_form(request)).await.unwrap().into_inner();
        assert_eq!((form.method.as_str(), form.action.as_str()), ("POST", host));
        let field = |name: &str| {
            let found = form.fields.iter().find(|field| field.name == name);
            found.map(|field| field.value.clone()).unwrap_or_default()
        };
        assert_eq!((field("merchant"), field("amount")), (pairs["m"].to_owned(), SUM.to_string()));
        assert_eq!((field("account[order_id]"), field("lang")), ("1K".to_owned(), "uz".to_owned()));
        assert_eq!(
            (field("callback").as_str(), pairs["c"]),
            ("https://shop.uz/orders", "https://shop.uz/orders")
        );
        let detail: Value =
            serde_json::from_slice(&STANDARD.decode(field("detail")).unwrap()).unwrap();
        assert_eq!(detail["items"][0]["code"], "06912001001000000");
        shop.open(&shop.payable("2K"), "cash", "b").await.unwrap();
        let request = pb::GetCheckoutFormRequest { order_id: ids::OrderId::new().to_string() };
        let nothing = shop.lab.as_service(client.get_checkout_form(request)).await.unwrap_err();
        assert_eq!(crate::reason(nothing).1, "PAYMENT_NOT_FOUND");
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn change_password_is_off_unless_it_is_configured() {
    let shop = shop(WIRINGS[0]).await;
    for params in [json!({ "password": "new" }), json!({})] {
        let answer = shop.payme("ChangePassword", params).await;
        assert_eq!(
            (&answer["error"]["code"], &answer["error"]["data"]),
            (&json!(-32601), &json!("ChangePassword"))
        );
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn change_password_takes_effect_with_the_next_call_and_stays() {
    for wiring in WIRINGS {
        let shop = shop_with(wiring, None, |config| config.payme.change_password = true).await;
        let call = async |key: &str, params: Value| {
            let body = json!({ "id": 1, "method": "ChangePassword", "params": params });
            let request = payme_request(body.to_string(), &format!("Paycom:{key}"));
            shop.callback(request).await.1
        };
        for nothing in [
            json!({}),
            json!({ "password": "" }),
            json!({ "password": " " }),
            json!({ "password": 5 }),
        ] {
            let error = call("payme-key", nothing).await["error"].clone();
            assert_eq!((&error["code"], &error["data"]), (&json!(-31050), &json!("password")));
        }
        let same = call("payme-key", json!({ "password": "payme-key" })).await;
        assert_eq!(same["error"]["code"], -32504, "equal to the current one");
        let changed = call("payme-key", json!({ "password": "second-key" })).await;
        assert_eq!(changed["result"], json!({ "success": true }));
        assert_eq!(
            call("payme-key", json!({ "password": "third" })).await["error"]["code"],
            -32504
        );
        let changed = call("second-key", json!({ "password": "third-key" })).await;
        assert_eq!(changed["result"], json!({ "success": true }));
        let body = r#"{"id": 1, "method": "GetStatement", "params": {"from": 1, "to": 2}}"#;
        let (_, answer) = shop.callback(payme_request(body, "Paycom:third-key")).await;
        assert!(answer["result"].is_object(), "{answer}");
        let store = rusqlite::Connection::open(shop.lab.folder.path().join("payment.db")).unwrap();
        let kept: String = store
            .query_row(
                "select group_concat(request || answer, '') from callback_inbox",
                (),
                |row| row.get(0),
            )
            .unwrap();
        assert!(!kept.contains("second-key") && !kept.contains("third-key"), "{kept}");
        drop(store);
        shop.lab.stop().await;
    }
}
