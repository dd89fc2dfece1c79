//! Click's side of the SHOP-API, seen by a merchant, and the Merchant API.

use crate::support::{NOW, Reply, Scene, Seen, hex};
use md5::{Digest as _, Md5};
use reqwest::Method;
use sandbox::Provider::Click;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

fn answered(seen: &Seen) -> Value {
    let id: i64 = seen.field("click_trans_id").parse().unwrap();
    let error: i64 = seen.field("error").parse().unwrap();
    if error < 0 {
        return json!({ "error": -9, "error_note": "Transaction cancelled" });
    }
    let name =
        if seen.path.ends_with("prepare") { "merchant_prepare_id" } else { "merchant_confirm_id" };
    json!({ "click_trans_id": id, "merchant_trans_id": seen.field("merchant_trans_id"), name: 42, "error": 0, "error_note": "Success" })
}

fn agrees() -> Reply {
    Box::new(|seen| (200, answered(seen)))
}

/// The signature over the text as received, by the formula of the protocol.
fn signature(seen: &Seen, secret: &str) -> String {
    let field = |name: &str| seen.field(name);
    let prepare_id =
        if seen.path.ends_with("complete") { field("merchant_prepare_id") } else { String::new() };
    let text = [
        field("click_trans_id"),
        field("service_id"),
        secret.to_owned(),
        field("merchant_trans_id"),
        prepare_id,
        field("amount"),
        field("action"),
        field("sign_time"),
    ]
    .concat();
    hex(&Md5::digest(text))
}

fn link(scene: &Scene) -> String {
    let terms = &scene.config.click;
    format!(
        "/services/pay?service_id={}&merchant_id={}&amount=5000.50&transaction_param=1000001K&return_url=https%3A%2F%2Fshop.uz%2Forders%2F1",
        terms.service_id, terms.merchant_id
    )
}

#[tokio::test]
async fn sends_what_click_sends() {
    let scene = Scene::start(agrees()).await;
    let (status, outcome) =
        scene.post(Click, "/pay", json!({ "reference": "1000001K", "amount": 500_000 })).await;
    assert_eq!((status, &outcome["ok"]), (200, &json!(true)), "{outcome}");
    let seen = scene.merchant.seen();
    let paths: Vec<_> =
        seen.iter().map(|seen| (seen.method.as_str(), seen.path.as_str())).collect();
    assert_eq!(paths, [("POST", "/hooks/click/prepare"), ("POST", "/hooks/click/complete")]);
    let secret = scene.config.click.secret_key.expose_secret();
    for (index, call) in seen.iter().enumerate() {
        assert_eq!(call.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(call.field("sign_string"), signature(call, secret));
        assert_eq!(call.field("sign_time"), "2026-11-21 01:04:05");
        assert!(call.body.contains("sign_time=2026-11-21+01%3A04%3A05"), "{}", call.body);
        assert_eq!(call.field("amount"), "5000.00");
        assert_eq!(call.field("action"), index.to_string());
        assert_eq!(
            (call.field("error"), call.field("error_note")),
            ("0".to_owned(), "Success".to_owned())
        );
        assert_eq!(call.field("merchant_trans_id"), "1000001K");
        assert_eq!(call.field("service_id"), "10001");
        assert!(call.field("click_trans_id").parse::<i64>().unwrap() > i64::from(u32::MAX));
        assert!(call.field("click_paydoc_id").parse::<i64>().unwrap() > 0);
    }
    let names = |seen: &Seen| seen.form().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert!(!names(&seen[0]).contains(&"merchant_prepare_id".to_owned()));
    assert_eq!(seen[1].field("merchant_prepare_id"), "42");
    assert_eq!(seen[0].field("click_trans_id"), seen[1].field("click_trans_id"));
    assert!(!outcome.to_string().contains(secret));

    let row = scene.get(Click, "/transactions").await["data"][0].clone();
    assert_eq!(
        (&row["reference"], &row["amount"], &row["state"]),
        (&json!("1000001K"), &json!(500_000), &json!("paid"))
    );
    assert_eq!(
        (&row["merchant_prepare_id"], &row["merchant_confirm_id"]),
        (&json!(42), &json!(42))
    );
    assert_eq!((&row["created_at"], &row["paid_at"]), (&json!(NOW), &json!(NOW)));
    scene.stop().await;
}

#[tokio::test]
async fn the_page_pays_and_returns() {
    let scene = Scene::start(agrees()).await;
    let link = link(&scene);
    let (status, text) = scene.page(Click, &link, "ru-RU,ru;q=0.9").await;
    assert_eq!(status, 200);
    for part in
        ["lang=\"ru\"", "1000001K", "5\u{a0}000,50\u{a0}сум", "Оплатить", "без настоящих денег"]
    {
        assert!(text.contains(part), "{part} is not on the page:\n{text}");
    }
    let (_, uzbek) = scene.page(Click, &format!("{link}&lang=uz"), "ru").await;
    assert!(uzbek.contains("Toʻlash"), "{uzbek}");
    let form = [
        ("service_id", "10001"),
        ("merchant_id", "20001"),
        ("amount", "5000.50"),
        ("transaction_param", "1000001K"),
        ("return_url", "https://shop.uz/orders/1"),
        ("action", "pay"),
    ];
    let (status, to, _) = scene.press(Click, "/services/pay", &form).await;
    assert_eq!((status, to.as_str()), (303, "https://shop.uz/orders/1"));
    // Spelled as in the link: the signature depends on it.
    assert_eq!(scene.merchant.seen()[1].field("amount"), "5000.50");
    let (_, again) = scene.post(Click, "/pay", json!({ "reference": "1000001K" })).await;
    assert_eq!(again["amount"], 500_050);
    let (status, text) =
        scene.page(Click, "/services/pay?service_id=1&merchant_id=20001", "en").await;
    assert_eq!(status, 400, "{text}");
    scene.stop().await;
}

#[tokio::test]
async fn declining_completes_with_an_error() {
    let scene = Scene::start(agrees()).await;
    let pay = json!({ "reference": "1K", "amount": 100, "action": "decline" });
    let (_, outcome) = scene.post(Click, "/pay", pay).await;
    assert_eq!(
        (&outcome["ok"], &outcome["state"]),
        (&json!(true), &json!("cancelled")),
        "{outcome}"
    );
    let complete = scene.merchant.seen()[1].clone();
    assert_eq!(
        (complete.field("error"), complete.field("action")),
        ("-5017".to_owned(), "1".to_owned())
    );
    assert_eq!(
        complete.field("sign_string"),
        signature(&complete, scene.config.click.secret_key.expose_secret())
    );
    scene.stop().await;
}

#[tokio::test]
async fn a_refused_prepare_takes_no_money() {
    let scene = Scene::start(Box::new(|_: &Seen| {
        (200, json!({ "error": -5, "error_note": "User does not exist" }))
    }))
    .await;
    let (_, outcome) = scene.post(Click, "/pay", json!({ "reference": "1K", "amount": 100 })).await;
    assert_eq!((&outcome["ok"], &outcome["state"]), (&json!(false), &json!("cancelled")));
    assert_eq!(
        (&outcome["error"]["code"], &outcome["error"]["method"]),
        (&json!(-5), &json!("prepare"))
    );
    assert_eq!(scene.merchant.order(), ["prepare"]);
    scene.stop().await;
}

#[tokio::test]
async fn errors_after_the_debit_leave_it_hanging() {
    let scene = Scene::start(Box::new(|seen: &Seen| {
        let refuse = seen.path.ends_with("complete");
        (200, if refuse { json!({ "error": -7, "error_note": "Failed" }) } else { answered(seen) })
    }))
    .await;
    let (_, outcome) = scene.post(Click, "/pay", json!({ "reference": "1K", "amount": 100 })).await;
    assert_eq!((&outcome["ok"], &outcome["state"]), (&json!(false), &json!("hung")));
    assert_eq!(scene.merchant.order(), ["prepare", "complete", "complete", "complete"]);
    scene.stop().await;
}

#[tokio::test]
async fn knobs_turn_copies_losses_and_failures() {
    let mut completed = false;
    let scene = Scene::start(Box::new(move |seen: &Seen| {
        if seen.path.ends_with("complete") && seen.field("error") == "0" {
            if completed {
                return (200, json!({ "error": -4, "error_note": "Already paid" }));
            }
            completed = true;
        }
        (200, answered(seen))
    }))
    .await;
    scene.post(Click, "/control", json!({ "fail_next": 1 })).await;
    let pay = json!({ "reference": "1K", "amount": 100 });
    let (_, failed) = scene.post(Click, "/pay", pay.clone()).await;
    assert_eq!(
        (&failed["ok"], &failed["failed"], &failed["state"]),
        (&json!(false), &json!(true), &json!("cancelled"))
    );
    assert_eq!(scene.merchant.seen()[1].field("error"), "-5017");

    scene.post(Click, "/control", json!({ "duplicate": true })).await;
    let (_, outcome) = scene.post(Click, "/pay", pay.clone()).await;
    assert_eq!(outcome["ok"], true, "{outcome}");
    assert_eq!(scene.merchant.order()[2..], ["prepare", "prepare", "complete", "complete"]);

    // Every answer gets lost: Click does not know, and asks again with the same payment later.
    scene.post(Click, "/control", json!({ "duplicate": false, "drop_answers": 3 })).await;
    let (_, lost) = scene.post(Click, "/pay", pay.clone()).await;
    assert_eq!((&lost["silent"], &lost["state"]), (&json!(true), &json!("created")), "{lost}");
    let (_, found) = scene.post(Click, "/pay", pay).await;
    assert_eq!((&found["ok"], &found["state"]), (&json!(true), &json!("paid")), "{found}");
    assert_eq!(found["click_trans_id"], lost["click_trans_id"]);
    scene.stop().await;
}

#[tokio::test]
async fn raw_forms_pass_through() {
    let scene = Scene::start(Box::new(|_: &Seen| (200, json!({ "error": -1 })))).await;
    let fields = json!({ "click_trans_id": 7, "service_id": 10001, "merchant_trans_id": "1K", "amount": "5", "action": 0, "sign_time": "2026-11-21 01:04:05" });
    let (_, answer) = scene.post(Click, "/prepare", json!({ "fields": fields })).await;
    assert_eq!(answer["response"], json!({ "error": -1 }));
    let seen = scene.merchant.seen()[0].clone();
    assert_eq!(
        seen.field("sign_string"),
        signature(&seen, scene.config.click.secret_key.expose_secret())
    );
    let mut forged = fields.clone();
    forged["sign_string"] = json!("0");
    scene.post(Click, "/complete", json!({ "fields": forged })).await;
    assert_eq!(scene.merchant.seen()[1].field("sign_string"), "0");
    scene.stop().await;
}

#[tokio::test]
async fn the_merchant_api_answers_status_and_gives_back() {
    let scene = Scene::start(agrees()).await;
    let (_, outcome) =
        scene.post(Click, "/pay", json!({ "reference": "1K", "amount": 10_000 })).await;
    let id = outcome["click_paydoc_id"].as_i64().unwrap();
    let terms = &scene.config.click;
    let time = "1795205045";
    let hash = hex(&sha1::Sha1::digest(format!("{time}{}", terms.secret_key.expose_secret())));
    let auth = format!("{}:{hash}:{time}", terms.merchant_user_id);
    let call = |method: Method, path: String, auth: String| {
        let url = scene.url(Click, &format!("/v2/merchant/payment/{path}"));
        let request = scene.http.request(method, url).header("Auth", auth);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        }
    };
    let by_mti = |date: &str| format!("status_by_mti/10001/1K/{date}");
    let (status, body) = call(Method::GET, by_mti("2026-11-21"), auth.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&body["error_code"], &body["payment_id"], &body["payment_status"]),
        (&json!(0), &json!(id), &json!(2))
    );
    assert_eq!(call(Method::GET, by_mti("2026-11-20"), auth.clone()).await.0, 404);
    let wrong = format!("{}:{}:{time}", terms.merchant_user_id, "0".repeat(40));
    let (status, body) = call(Method::GET, by_mti("2026-11-21"), wrong).await;
    assert_eq!((status, body["error_code"] == 0), (401, false));

    // Lines for the fiscal receipt come to the payment, or they are refused.
    let receipt = || call(Method::GET, format!("ofd_data/10001/{id}"), auth.clone());
    assert_eq!(receipt().await.1["qrCodeURL"], "");
    let submit = |price: i64, seller: Value| {
        let item = json!({
            "Name": "Choynak", "SPIC": "06912001001000000", "PackageCode": "1501319", "Price": price,
            "Amount": 1, "VAT": 1071, "VATPercent": 12, "CommissionInfo": seller,
        });
        let lines = json!({
            "service_id": 10001, "payment_id": id, "items": [item],
            "received_ecash": price, "received_cash": 0, "received_card": 0,
        });
        let url = scene.url(Click, "/v2/merchant/payment/ofd_data/submit_items");
        let request = scene.http.post(url).header("Auth", &auth).json(&lines);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(submit(9_999, json!({ "TIN": "301234567" })).await, 400);
    assert_eq!(submit(10_000, json!({})).await, 400);
    assert_eq!(submit(10_000, json!({ "TIN": "301234567" })).await, 200);
    assert_eq!(receipt().await.1["qrCodeURL"], format!("https://ofd.example/check?payment={id}"));

    let partial = |amount: &str| format!("partial_reversal/10001/{id}/{amount}");
    assert_eq!(call(Method::DELETE, partial("100.01"), auth.clone()).await.0, 400);
    assert_eq!(call(Method::DELETE, partial("40"), auth.clone()).await.0, 200);
    assert_eq!(
        call(Method::GET, format!("status/10001/{id}"), auth.clone()).await.1["payment_status"],
        2
    );
    let (status, body) = call(Method::DELETE, format!("reversal/10001/{id}"), auth.clone()).await;
    assert_eq!((status, &body["payment_id"]), (200, &json!(id)));
    assert_eq!(call(Method::DELETE, format!("reversal/10001/{id}"), auth.clone()).await.0, 400);
    let row = scene.get(Click, "/transactions?reference=1K").await["data"][0].clone();
    assert_eq!((&row["state"], &row["reversed"]), (&json!("reversed"), &json!(10_000)));
    scene.stop().await;
}
