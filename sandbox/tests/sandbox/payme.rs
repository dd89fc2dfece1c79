//! Payme's side of the Merchant API, seen by a merchant.

use crate::support::{NOW, Reply, Scene, Seen};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::FutureExt as _;
use sandbox::Provider::Payme;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// A merchant that agrees to everything, with answers that never change.
fn agrees() -> Reply {
    Box::new(|seen| (200, agreed(&seen.json())))
}

fn agreed(call: &Value) -> Value {
    let result = match call["method"].as_str().unwrap() {
        "CheckPerformTransaction" => json!({ "allow": true }),
        "CreateTransaction" => json!({ "create_time": NOW + 1, "transaction": "17", "state": 1 }),
        "PerformTransaction" => json!({ "perform_time": NOW + 2, "transaction": "17", "state": 2 }),
        "CancelTransaction" => {
            let state = if call["params"]["reason"] == 5 { -2 } else { -1 };
            json!({ "cancel_time": NOW + 3, "transaction": "17", "state": state })
        }
        other => panic!("{other}"),
    };
    json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
}

fn refusal(call: &Value, code: i64) -> Value {
    let message = json!({ "uz": "Buyurtma yoʻq", "ru": "Заказа нет", "en": "No order" });
    json!({ "jsonrpc": "2.0", "id": call["id"], "error": { "code": code, "message": message, "data": "order_id" } })
}

fn link(scene: &Scene, more: &str) -> String {
    let merchant = &scene.config.payme.merchant_id;
    BASE64_STANDARD.encode(format!("m={merchant};ac.order_id=1000001K;a=129900000{more}"))
}

const PAID: [&str; 5] = [
    "CheckPerformTransaction",
    "CreateTransaction",
    "CreateTransaction",
    "PerformTransaction",
    "PerformTransaction",
];

#[tokio::test]
async fn sends_what_payme_sends() {
    let scene = Scene::start(agrees()).await;
    let (status, outcome) =
        scene.post(Payme, "/pay", json!({ "reference": "1000001K", "amount": 500_000 })).await;
    assert_eq!((status, &outcome["ok"]), (200, &json!(true)), "{outcome}");
    assert_eq!(scene.merchant.order(), PAID);

    let key = scene.config.payme.key.expose_secret();
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("Paycom:{key}")));
    let seen = scene.merchant.seen();
    for call in &seen {
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/hooks/payme"));
        assert_eq!(call.header("content-type"), "text/json; charset=UTF-8");
        assert_eq!(call.header("authorization"), basic);
        assert!(call.json().get("jsonrpc").is_none());
        assert!(call.json()["id"].is_i64());
    }
    let params = |index: usize| seen[index].json()["params"].clone();
    assert_eq!(params(0), json!({ "amount": 500_000, "account": { "order_id": "1000001K" } }));
    let id = params(1)["id"].as_str().unwrap().to_owned();
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(
        params(1),
        json!({ "id": id, "time": NOW, "amount": 500_000, "account": { "order_id": "1000001K" } })
    );
    assert_eq!(params(1), params(2));
    assert_eq!(params(3), json!({ "id": id }));

    let steps = outcome["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5);
    assert_eq!(steps[4]["response"]["result"]["state"], 2);
    assert!(!outcome.to_string().contains(key));
    let books = scene.get(Payme, "/transactions").await;
    assert_eq!(books["meta"]["count"], 1);
    let row = &books["data"][0];
    assert_eq!((&row["id"], &row["reference"]), (&json!(id), &json!("1000001K")));
    assert_eq!(
        (&row["amount"], &row["state"], &row["reason"]),
        (&json!(500_000), &json!(2), &Value::Null)
    );
    assert_eq!((&row["create_time"], &row["perform_time"]), (&json!(NOW + 1), &json!(NOW + 2)));
    assert_eq!((&row["cancel_time"], &row["merchant_transaction"]), (&json!(0), &json!("17")));
    scene.stop().await;
}

#[tokio::test]
async fn the_page_pays_and_returns() {
    let scene = Scene::start(agrees()).await;
    let link = link(&scene, ";l=uz;c=https://shop.uz/orders/1000001K");
    let (status, text) = scene.page(Payme, &format!("/{link}"), "en").await;
    assert_eq!(status, 200);
    for part in [
        "lang=\"uz\"",
        "1000001K",
        "UltraMarket",
        "1\u{a0}299\u{a0}000\u{a0}soʻm",
        "Toʻlash",
        "haqiqiy pul yoʻq",
    ] {
        assert!(text.contains(part), "{part} is not on the page:\n{text}");
    }
    // The other languages are on it, and one step away.
    assert!(text.contains("без настоящих денег") && text.contains("no real money"));
    let (_, english) = scene.page(Payme, &format!("/{link}?l=en"), "uz").await;
    assert!(english.contains("Amount due"), "{english}");
    assert!(scene.merchant.seen().is_empty(), "looking costs nothing");

    let form = [("link", link.as_str()), ("l", "uz"), ("action", "pay")];
    let (status, to, _) = scene.press(Payme, "/checkout", &form).await;
    assert_eq!((status, to.as_str()), (303, "https://shop.uz/orders/1000001K"));
    assert_eq!(scene.merchant.order(), PAID);
    // The page has told what is due.
    let (status, again) = scene.post(Payme, "/pay", json!({ "reference": "1000001K" })).await;
    assert_eq!((status, &again["amount"]), (200, &json!(129_900_000)));
    scene.stop().await;
}

#[tokio::test]
async fn the_way_back_waits_when_the_link_says_so() {
    let scene = Scene::start(agrees()).await;
    let link = link(&scene, ";c=https://shop.uz/?t=:transaction;ct=3000");
    let form = [("link", link.as_str()), ("action", "pay")];
    let answer = scene.http.post(scene.url(Payme, "/checkout")).form(&form).send().await.unwrap();
    let refresh = answer.headers()["refresh"].to_str().unwrap().to_owned();
    let books = scene.get(Payme, "/transactions").await;
    let id = books["data"][0]["id"].as_str().unwrap();
    assert_eq!(refresh, format!("3;url=https://shop.uz/?t={id}"));
    scene.stop().await;
}

#[tokio::test]
async fn links_may_contain_slashes_and_plus_signs() {
    let scene = Scene::start(agrees()).await;
    for back in ["https://shop.uz/a??????", "https://shop.uz/a>>>>>>"] {
        let link = link(&scene, &format!(";c={back}"));
        assert!(link.contains(['/', '+']), "{link}");
        for path in
            [format!("/{link}"), format!("/{}", link.replace('/', "%2F").replace('+', "%2B"))]
        {
            let (status, text) = scene.page(Payme, &path, "en").await;
            assert!(status == 200 && text.contains("1000001K"), "{text}");
        }
    }
    scene.stop().await;
}

#[tokio::test]
async fn declining_creates_and_cancels() {
    let scene = Scene::start(agrees()).await;
    let link = link(&scene, ";c=https://shop.uz/");
    let (status, to, _) =
        scene.press(Payme, "/checkout", &[("link", &link), ("action", "decline")]).await;
    assert_eq!((status, to.as_str()), (303, "https://shop.uz/"));
    let order = scene.merchant.order();
    assert_eq!(
        order,
        ["CreateTransaction", "CreateTransaction", "CancelTransaction", "CancelTransaction"]
    );
    assert_eq!(scene.merchant.seen()[2].json()["params"]["reason"], 3);
    let books = scene.get(Payme, "/transactions").await;
    assert_eq!((&books["data"][0]["state"], &books["data"][0]["reason"]), (&json!(-1), &json!(3)));
    scene.stop().await;
}

#[tokio::test]
async fn links_that_say_nothing_are_refused() {
    let scene = Scene::start(agrees()).await;
    let foreign = BASE64_STANDARD.encode("m=ffffffffffffffffffffffff;ac.order_id=1;a=5");
    for path in
        [format!("/{foreign}"), "/%25%25".to_owned(), format!("/{}", BASE64_STANDARD.encode("m=1"))]
    {
        let (status, text) = scene.page(Payme, &path, "en").await;
        assert_eq!(status, 400, "{path}");
        assert!(text.contains("The payment link is not valid"), "{text}");
    }
    let script = link(&scene, ";c=javascript:alert(1)");
    let (status, to, text) =
        scene.press(Payme, "/checkout", &[("link", &script), ("action", "pay")]).await;
    assert_eq!((status, to.as_str()), (200, ""));
    assert!(!text.contains("javascript:"), "{text}");
    scene.stop().await;
}

#[tokio::test]
async fn a_refusal_is_shown_in_the_language_of_the_payer() {
    let scene = Scene::start(Box::new(|seen: &Seen| (200, refusal(&seen.json(), -31050)))).await;
    let link = link(&scene, ";l=ru;c=https://shop.uz/");
    let (status, _, text) =
        scene.press(Payme, "/checkout", &[("link", &link), ("action", "pay")]).await;
    assert_eq!(status, 200);
    assert!(text.contains("Заказа нет (-31050)") && text.contains("Вернуться в магазин"), "{text}");
    let (_, outcome) = scene.post(Payme, "/pay", json!({ "reference": "2", "amount": 5 })).await;
    assert_eq!((&outcome["ok"], &outcome["error"]["code"]), (&json!(false), &json!(-31050)));
    assert_eq!(outcome["transaction"], Value::Null);
    assert_eq!(scene.get(Payme, "/transactions").await["meta"]["count"], 0);
    scene.stop().await;
}

#[tokio::test]
async fn a_refused_debit_is_cancelled() {
    let scene = Scene::start(Box::new(|seen: &Seen| {
        let call = seen.json();
        let refuse = call["method"] == "PerformTransaction";
        (200, if refuse { refusal(&call, -31008) } else { agreed(&call) })
    }))
    .await;
    let (_, outcome) = scene.post(Payme, "/pay", json!({ "reference": "1", "amount": 5 })).await;
    assert_eq!((&outcome["ok"], &outcome["state"]), (&json!(false), &json!(-1)));
    assert_eq!(outcome["error"]["code"], -31008);
    assert_eq!(scene.merchant.order()[5..], ["CancelTransaction", "CancelTransaction"]);
    scene.stop().await;
}

#[tokio::test]
async fn answers_that_break_the_protocol_are_named() {
    let mut count = 0;
    let scene = Scene::start(Box::new(move |seen: &Seen| {
        count += 1;
        let mut answer = agreed(&seen.json());
        if seen.json()["method"] == "CreateTransaction" {
            answer["result"]["create_time"] = json!(NOW + count);
            answer["result"]["transaction"] = json!(17);
        }
        (200, answer)
    }))
    .await;
    let (_, outcome) = scene.post(Payme, "/pay", json!({ "reference": "1", "amount": 5 })).await;
    assert_eq!(outcome["ok"], false);
    let problems = outcome["problems"].to_string();
    assert!(
        problems.contains("answered differently") && problems.contains("must be a string"),
        "{problems}"
    );
    scene.stop().await;
}

#[tokio::test]
async fn knobs_turn_copies_losses_and_failures() {
    let scene = Scene::start(agrees()).await;
    let (status, knobs) = scene
        .post(Payme, "/control", json!({ "duplicate": 1, "drop_answers": 1, "delay_ms": 1 }))
        .await;
    assert_eq!(status, 200);
    assert_eq!(knobs, json!({ "delay_ms": 1, "duplicate": 1, "drop_answers": 1, "fail_next": 0 }));
    let pay = json!({ "reference": "1", "amount": 5 });
    let (_, outcome) = scene.post(Payme, "/pay", pay.clone()).await;
    assert_eq!(outcome["ok"], true, "one lost answer is made good by a repeat: {outcome}");
    assert_eq!(
        (&outcome["steps"][0]["dropped"], &outcome["steps"][0]["status"]),
        (&json!(true), &json!(200))
    );
    let order = scene.merchant.order();
    assert_eq!(order[..2], ["CheckPerformTransaction", "CheckPerformTransaction"]);
    assert_eq!(order[2..], ["CreateTransaction", "PerformTransaction"]);

    scene.post(Payme, "/control", json!({ "fail_next": true })).await;
    let (_, failed) = scene.post(Payme, "/pay", pay.clone()).await;
    assert_eq!(
        (&failed["ok"], &failed["failed"], &failed["state"]),
        (&json!(false), &json!(true), &json!(-1))
    );
    let books = scene.get(Payme, "/transactions?limit=1").await;
    assert_eq!(books["data"][0]["reason"], 2);
    let (_, next) = scene.post(Payme, "/pay", pay).await;
    assert_eq!(next["ok"], true, "only one fails");

    let (status, _) = scene.post(Payme, "/control", json!({ "dely": 1 })).await;
    assert_eq!(status, 400);
    let reset = scene.http.delete(scene.url(Payme, "/control")).send().await.unwrap();
    assert_eq!(reset.json::<Value>().await.unwrap()["duplicate"], 2);
    scene.stop().await;
}

#[tokio::test]
async fn what_was_left_unanswered_goes_on_with_the_same_transaction() {
    let mut left = 3;
    let scene = Scene::start(Box::new(move |seen: &Seen| {
        let call = seen.json();
        if call["method"] == "PerformTransaction" && left > 0 {
            left -= 1;
            return (502, json!("bad gateway"));
        }
        (200, agreed(&call))
    }))
    .await;
    scene.post(Payme, "/control", json!({ "duplicate": false })).await;
    let pay = json!({ "reference": "1", "amount": 5 });
    let (_, first) = scene.post(Payme, "/pay", pay.clone()).await;
    assert_eq!(
        (&first["ok"], &first["silent"], &first["state"]),
        (&json!(false), &json!(true), &json!(1))
    );
    let tries =
        first["steps"].as_array().unwrap().iter().filter(|step| step["status"] == 502).count();
    assert_eq!(tries, 3);
    let (_, second) = scene.post(Payme, "/pay", pay).await;
    assert_eq!((&second["ok"], &second["state"]), (&json!(true), &json!(2)), "{second}");
    assert_eq!(second["transaction"], first["transaction"]);
    assert_eq!(scene.get(Payme, "/transactions").await["meta"]["count"], 1);
    scene.stop().await;
}

#[tokio::test]
async fn a_refund_is_a_cancellation_with_reason_5() {
    let scene = Scene::start(agrees()).await;
    let (status, _) = scene.post(Payme, "/refund", json!({ "reference": "1" })).await;
    assert_eq!(status, 404);
    scene.post(Payme, "/pay", json!({ "reference": "1", "amount": 5 })).await;
    let (_, outcome) = scene.post(Payme, "/refund", json!({ "reference": "1" })).await;
    assert_eq!((&outcome["ok"], &outcome["state"]), (&json!(true), &json!(-2)), "{outcome}");
    let seen = scene.merchant.seen();
    let last = seen.last().unwrap().json();
    assert_eq!(
        (&last["method"], &last["params"]["reason"]),
        (&json!("CancelTransaction"), &json!(5))
    );
    scene.stop().await;
}

#[tokio::test]
async fn the_amount_can_be_looked_up() {
    let scene = Scene::start_with(agrees(), |config| {
        config.amounts = Some(std::sync::Arc::new(|reference: &str| {
            let amount = (reference == "1000002M").then_some(77_700);
            async move { amount }.boxed()
        }));
    })
    .await;
    let (_, outcome) = scene.post(Payme, "/pay", json!({ "reference": "1000002M" })).await;
    assert_eq!((&outcome["ok"], &outcome["amount"]), (&json!(true), &json!(77_700)));
    let (status, answer) = scene.post(Payme, "/pay", json!({ "reference": "nobody" })).await;
    assert_eq!((status, &answer["ok"]), (422, &json!(false)));
    scene.stop().await;
}

#[tokio::test]
async fn raw_calls_pass_through() {
    let scene = Scene::start(Box::new(|_: &Seen| (200, json!({ "any": 1 })))).await;
    let raw = json!({ "method": "GetStatement", "params": { "from": 1, "to": 2 }, "id": "x", "authorization": "" });
    let (_, answer) = scene.post(Payme, "/rpc", raw).await;
    assert_eq!((&answer["status"], &answer["response"]), (&json!(200), &json!({ "any": 1 })));
    let seen = scene.merchant.seen();
    assert_eq!(
        seen[0].json(),
        json!({ "method": "GetStatement", "params": { "from": 1, "to": 2 }, "id": "x" })
    );
    assert_eq!(seen[0].header("authorization"), "");
    scene.stop().await;
}

#[tokio::test]
async fn a_delay_comes_before_every_call() {
    let scene = Scene::start(agrees()).await;
    scene.post(Payme, "/control", json!({ "delay_ms": 40 })).await;
    let started = std::time::Instant::now();
    scene.post(Payme, "/pay", json!({ "reference": "1", "amount": 5 })).await;
    assert!(started.elapsed() >= std::time::Duration::from_millis(200), "five calls");
    scene.stop().await;
}
