//! Click's SHOP-API, one test for each rule of its documentation. The official matrix of fifteen cases is in `click`, as are the order
//! of the codes and the signature whose fields have no bounds.
//!
//! | rule | test |
//! |---|---|
//! | requests: a form by POST, each field a must, JSON with HTTP 200 | `requests_*` |
//! | signatures over the received text | `signature_*` |
//! | -1, -2, -3, -4, -5, -6, -8, -9 | `code_*`, and `the_codes_come_in_the_documented_order` in `click` |
//! | -7 before money moved, no verdict after | `failure_*` |
//! | prepare: repeats, more attempts, Click's own error | `prepare_*` |
//! | complete: cancellation, repeats, one of many attempts | `complete_*` |
//! | a cancellation of what is paid | `a_cancellation_of_a_confirmed_payment_does_not_unpay_the_order` in `click`, `disputed_*` |
//! | the link | `link_*` |
//! | the Merchant API | `providers::click_api` |

use std::time::Duration;

use proto::payment as pb;
use serde_json::json;
use testkit::WIRINGS;

use crate::{
    click::{call, prepare},
    lab::{Shop, click_request, shop},
};

async fn code(
    shop: &Shop,
    action: &str,
    attempt: &str,
    order: &str,
    changed: &[(&str, &str)],
) -> i64 {
    call(shop, action, attempt, order, changed).await["error"].as_i64().unwrap()
}

const FIELDS: [(&str, &str); 10] = [
    ("click_trans_id", "1"),
    ("service_id", "10001"),
    ("click_paydoc_id", "2"),
    ("merchant_trans_id", "1K"),
    ("merchant_prepare_id", "1"),
    ("amount", "5000"),
    ("action", "1"),
    ("error", "0"),
    ("error_note", "Success"),
    ("sign_time", "2026-11-21 14:30:00"),
];

#[tokio::test]
async fn requests_each_field_is_a_must() {
    let shop = shop(WIRINGS[0]).await;
    for (missing, _) in FIELDS {
        let fields: Vec<(&str, &str)> =
            FIELDS.into_iter().filter(|(name, _)| *name != missing).collect();
        let answer = shop.click("complete", &fields).await;
        assert_eq!(answer["error"], -8, "{missing}: {answer}");
        assert!(answer["error_note"].is_string());
    }
    for (name, wrong) in [
        ("click_trans_id", "x"),
        ("click_paydoc_id", ""),
        ("merchant_trans_id", ""),
        ("merchant_prepare_id", "1.5"),
        ("amount", "1,5"),
        ("action", "one"),
        ("error", ""),
        ("sign_time", ""),
    ] {
        let mut fields = FIELDS;
        for field in &mut fields {
            if field.0 == name {
                field.1 = wrong;
            }
        }
        assert_eq!(shop.click("complete", &fields).await["error"], -8, "{name}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn requests_are_forms_by_post_and_answers_json_with_http_200() {
    let shop = shop(WIRINGS[0]).await;
    let good = click_request("prepare", &FIELDS);
    for request in [
        pb::HandleCallbackRequest { method: "GET".to_owned(), ..good.clone() },
        pb::HandleCallbackRequest { body: b"{\"action\": 0}".to_vec().into(), ..good.clone() },
        pb::HandleCallbackRequest { body: Vec::new().into(), ..good.clone() },
        pb::HandleCallbackRequest { body: b"action=0&action=1".to_vec().into(), ..good },
    ] {
        let (status, answer) = shop.callback(request).await;
        assert_eq!((status, &answer["error"]), (200, &json!(-8)));
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn requests_ids_beyond_32_bits_come_back_as_numbers() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        shop.ordered("1K", "click").await;
        let big = "9223372036854775806";
        let answer =
            call(&shop, "0", big, "1K", &[("click_paydoc_id", "9223372036854775807")]).await;
        assert_eq!(answer["error"], 0, "{answer}");
        assert_eq!(answer["click_trans_id"].to_string(), big);
        assert!(answer["merchant_prepare_id"].is_i64());
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn signature_covers_the_text_as_it_came() {
    let shop = shop(WIRINGS[0]).await;
    for (number, amount) in ["5000", "5000.0", "5000.00", "05000.00"].into_iter().enumerate() {
        let order = format!("{number}K");
        shop.ordered(&order, "click").await;
        let attempt = (number + 1).to_string();
        assert_eq!(code(&shop, "0", &attempt, &order, &[("amount", amount)]).await, 0, "{amount}");
    }
    shop.ordered("9K", "click").await;
    // A good signature over another text of the same sum is a bad one.
    let mut fields = FIELDS.to_vec();
    fields.retain(|(name, _)| {
        !matches!(*name, "merchant_prepare_id" | "merchant_trans_id" | "click_trans_id" | "action")
    });
    fields.extend([("merchant_trans_id", "9K"), ("click_trans_id", "99"), ("action", "0")]);
    let signed = String::from_utf8(click_request("prepare", &fields).body.to_vec()).unwrap();
    let other = signed.replace("amount=5000", "amount=5000.00");
    let request = pb::HandleCallbackRequest {
        body: other.into_bytes().into(),
        ..click_request("prepare", &fields)
    };
    assert_eq!(shop.callback(request).await.1["error"], -1);
    assert_eq!(shop.click("prepare", &fields).await["error"], 0);
    shop.lab.stop().await;
}

#[tokio::test]
async fn signature_of_upper_case_is_the_same_and_any_other_is_code_1() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "click").await;
    for wrong in ["0", "", "d41d8cd98f00b204e9800998ecf8427e", "ў"] {
        let expected = if wrong.is_empty() { -8 } else { -1 };
        let mut fields = vec![("merchant_trans_id", "1K"), ("action", "0"), ("sign_string", wrong)];
        fields.extend(FIELDS.into_iter().filter(|(name, _)| {
            !matches!(*name, "merchant_trans_id" | "action" | "merchant_prepare_id")
        }));
        let body: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
            .collect();
        let request = pb::HandleCallbackRequest {
            provider: "click".to_owned(),
            method: "POST".to_owned(),
            body: body.join("&").into_bytes().into(),
            ..Default::default()
        };
        assert_eq!(shop.callback(request).await.1["error"], expected, "{wrong}");
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn code_2_does_not_spoil_what_was_prepared() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "click").await;
    assert_eq!(code(&shop, "0", "1", "1K", &[("amount", "4999.99")]).await, -2);
    let id = prepare(&shop, "1", "1K").await;
    let id = ("merchant_prepare_id", id.as_str());
    for wrong in ["300", "5000.01", "0"] {
        assert_eq!(code(&shop, "1", "1", "1K", &[id, ("amount", wrong)]).await, -2, "{wrong}");
    }
    assert_eq!(code(&shop, "1", "1", "1K", &[id]).await, 0);
    shop.lab.stop().await;
}

#[tokio::test]
async fn code_4_is_said_of_clicks_own_money_only() {
    let shop = shop(WIRINGS[0]).await;
    for order in ["1K", "2K"] {
        shop.ordered(order, "click").await;
    }
    let id = prepare(&shop, "1", "1K").await;
    call(&shop, "1", "1", "1K", &[("merchant_prepare_id", &id)]).await;
    assert_eq!(code(&shop, "0", "2", "1K", &[]).await, -4, "another attempt on what is paid");
    assert_eq!(code(&shop, "0", "1", "1K", &[]).await, -4, "the same attempt again");
    shop.payme("CreateTransaction", shop.creation("p", "2K")).await;
    assert_eq!(code(&shop, "0", "3", "2K", &[]).await, -9, "held by another provider");
    shop.payme("PerformTransaction", json!({ "id": "p" })).await;
    assert_eq!(code(&shop, "0", "3", "2K", &[]).await, -9, "paid with another provider");
    shop.lab.stop().await;
}

#[tokio::test]
async fn code_6_when_the_number_belongs_to_another_order_or_attempt() {
    let shop = shop(WIRINGS[0]).await;
    for order in ["1K", "2K"] {
        shop.ordered(order, "click").await;
    }
    let one = prepare(&shop, "1", "1K").await;
    let two = prepare(&shop, "2", "2K").await;
    let (one, two) = (("merchant_prepare_id", one.as_str()), ("merchant_prepare_id", two.as_str()));
    assert_eq!(code(&shop, "1", "1", "1K", &[two]).await, -6, "of another order");
    assert_eq!(code(&shop, "1", "2", "1K", &[one]).await, -6, "of another attempt");
    assert_eq!(code(&shop, "1", "9", "1K", &[("merchant_prepare_id", "0")]).await, -6);
    assert_eq!(code(&shop, "1", "1", "1K", &[one]).await, 0);
    assert_eq!(code(&shop, "1", "2", "2K", &[two]).await, 0);
    shop.lab.stop().await;
}

#[tokio::test]
async fn code_8_for_another_service_and_an_attempt_that_changes_its_order() {
    let shop = shop(WIRINGS[0]).await;
    for order in ["1K", "2K"] {
        shop.ordered(order, "click").await;
    }
    assert_eq!(code(&shop, "0", "1", "1K", &[("service_id", "10002")]).await, -8);
    prepare(&shop, "1", "1K").await;
    assert_eq!(code(&shop, "0", "1", "2K", &[]).await, -8);
    shop.lab.stop().await;
}

#[tokio::test]
async fn code_9_once_the_order_or_the_attempt_is_over() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("1K", "click").await;
    let id = prepare(&shop, "1", "1K").await;
    crate::deliver(&shop, "order.cancelled", &payable.order_id, "1K", "click").await;
    let id = ("merchant_prepare_id", id.as_str());
    assert_eq!(code(&shop, "1", "1", "1K", &[id]).await, -9, "no money is taken for it");
    assert_eq!(code(&shop, "0", "2", "1K", &[]).await, -9);
    shop.lab.stop().await;
}

#[tokio::test]
async fn prepare_again_gives_the_same_number_and_another_attempt_another_one() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        let payable = shop.ordered("1K", "click").await;
        let one = prepare(&shop, "1", "1K").await;
        shop.lab.clock.advance(Duration::from_mins(5));
        assert_eq!(prepare(&shop, "1", "1K").await, one);
        let two = prepare(&shop, "2", "1K").await;
        assert_ne!(one, two);
        assert_eq!(shop.payments(&payable.order_id).await.len(), 1, "attempts of one payment");
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn prepare_with_clicks_own_error_is_code_9_and_holds_nothing() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("1K", "click").await;
    assert_eq!(code(&shop, "0", "1", "1K", &[("error", "-5017")]).await, -9);
    assert_eq!(shop.payments(&payable.order_id).await[0].status(), pb::PaymentStatus::Pending);
    shop.payme("CreateTransaction", shop.creation("p", "1K")).await["result"]["state"]
        .as_i64()
        .unwrap();
    shop.lab.stop().await;
}

#[tokio::test]
async fn complete_of_two_attempts_pays_one() {
    for wiring in WIRINGS {
        let shop = shop(wiring).await;
        shop.ordered("1K", "click").await;
        let one = prepare(&shop, "1", "1K").await;
        let two = prepare(&shop, "2", "1K").await;
        let (one, two) =
            (("merchant_prepare_id", one.as_str()), ("merchant_prepare_id", two.as_str()));
        let (one, two) = ([one], [two]);
        let (first, second) =
            futures::join!(call(&shop, "1", "1", "1K", &one), call(&shop, "1", "2", "1K", &two));
        let mut codes = [first["error"].as_i64().unwrap(), second["error"].as_i64().unwrap()];
        codes.sort_unstable();
        assert_eq!(codes, [-9, 0], "the other one's money goes back to the card");
        shop.orders.hears(&["payment.started", "payment.started", "payment.paid"]).await;
        shop.lab.stop().await;
    }
}

#[tokio::test]
async fn complete_with_any_error_below_zero_cancels_and_frees_the_order() {
    let shop = shop(WIRINGS[0]).await;
    for (number, error) in ["-1", "-9", "-5017", "-999999"].into_iter().enumerate() {
        let (order, attempt) = (format!("{number}K"), (number + 1).to_string());
        shop.ordered(&order, "click").await;
        let id = prepare(&shop, &attempt, &order).await;
        let id = ("merchant_prepare_id", id.as_str());
        assert_eq!(
            code(&shop, "1", &attempt, &order, &[id, ("error", error)]).await,
            -9,
            "{error}"
        );
        assert_eq!(code(&shop, "1", &attempt, &order, &[id]).await, -9, "and stays so");
        let create = shop.creation(&order, &order);
        assert_eq!(
            shop.payme("CreateTransaction", create).await["result"]["state"],
            1,
            "it is free"
        );
    }
    shop.lab.stop().await;
}

#[tokio::test]
async fn complete_without_prepare_is_code_6() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.ordered("1K", "click").await;
    assert_eq!(code(&shop, "1", "1", "1K", &[("merchant_prepare_id", "1")]).await, -6);
    assert_eq!(shop.payments(&payable.order_id).await[0].status(), pb::PaymentStatus::Pending);
    shop.lab.stop().await;
}

#[tokio::test]
async fn failure_before_money_is_code_7_and_after_it_no_verdict() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "click").await;
    let store = rusqlite::Connection::open(shop.lab.folder.path().join("payment.db")).unwrap();
    store.execute_batch("alter table outbox rename to away").unwrap();
    assert_eq!(code(&shop, "0", "1", "1K", &[]).await, -7);
    store.execute_batch("alter table away rename to outbox").unwrap();
    let id = prepare(&shop, "1", "1K").await;
    let mut fields = FIELDS.to_vec();
    fields.retain(|(name, _)| *name != "merchant_prepare_id");
    fields.push(("merchant_prepare_id", &id));
    store.execute_batch("alter table outbox rename to away").unwrap();
    let (status, _) = shop.callback(click_request("complete", &fields)).await;
    assert_eq!(status, 503, "the money is taken: Click asks again");
    store.execute_batch("alter table away rename to outbox").unwrap();
    let (status, answer) = shop.callback(click_request("complete", &fields)).await;
    assert_eq!((status, &answer["error"]), (200, &json!(0)));
    drop(store);
    shop.lab.stop().await;
}

#[tokio::test]
async fn disputed_payments_are_noted_once() {
    let shop = shop(WIRINGS[0]).await;
    shop.ordered("1K", "click").await;
    let id = prepare(&shop, "1", "1K").await;
    let id = ("merchant_prepare_id", id.as_str());
    assert_eq!(code(&shop, "1", "1", "1K", &[id]).await, 0);
    for _ in 0..2 {
        assert_eq!(code(&shop, "1", "1", "1K", &[id, ("error", "-5017")]).await, -9);
    }
    assert_eq!(code(&shop, "1", "1", "1K", &[id]).await, -4, "it is paid all the same");
    let store = rusqlite::Connection::open(shop.lab.folder.path().join("payment.db")).unwrap();
    let disputed: i64 = store
        .query_row(
            "select count(*) from click_transactions where disputed_at is not null",
            (),
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(disputed, 1);
    drop(store);
    shop.lab.stop().await;
}

#[tokio::test]
async fn link_has_the_documented_fields() {
    let shop = shop(WIRINGS[0]).await;
    let payable = shop.payable("1K");
    let payment = shop.open(&payable, "click", "a").await.unwrap();
    let query = payment.redirect_url.strip_prefix("https://my.click.uz/services/pay?").unwrap();
    let fields: std::collections::BTreeMap<&str, &str> =
        query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    assert_eq!((fields["service_id"], fields["merchant_id"]), ("10001", "20001"));
    assert_eq!((fields["amount"], fields["transaction_param"]), ("5000.00", "1K"));
    assert_eq!(fields["return_url"], "https%3A%2F%2Fshop.uz%2Forders");
    let mut client = shop.lab.mesh.reconciliation();
    let request = pb::GetCheckoutFormRequest { order_id: payable.order_id };
    let form = shop.lab.as_service(client.get_checkout_form(request)).await.unwrap().into_inner();
    assert_eq!(
        (form.method.as_str(), form.action.as_str()),
        ("GET", "https://my.click.uz/services/pay")
    );
    let named: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(named, ["service_id", "merchant_id", "amount", "transaction_param", "return_url"]);
    assert_eq!(form.fields[4].value, "https://shop.uz/orders");
    shop.lab.stop().await;
}
