//! Callbacks of providers.

use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    fakes::lines,
    kit::{Kit, header, problem},
};

#[tokio::test]
async fn bytes_go_in_and_out_untouched() {
    let kit = Kit::new().await;
    let raw: Vec<u8> = (0..=255).collect();
    let call = kit.call(Method::PUT, "/hooks/click/prepare").header("X-Sign", "A=b");
    let answer = call.header("authorization", "Basic cGF5").body(raw.clone()).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "content-type")),
        (207, "application/x-echo".to_owned())
    );
    assert_eq!(answer.bytes().await.unwrap(), raw);
    let seen = kit.world.callbacks.lock().unwrap().pop().unwrap();
    assert_eq!(
        (seen.provider.as_str(), seen.action.as_str(), seen.method.as_str()),
        ("click", "prepare", "PUT")
    );
    assert_eq!(seen.body, raw);
    assert_eq!(seen.remote_ip, "127.0.0.1");
    for (name, value) in lines(&[("x-sign", "A=b"), ("authorization", "Basic cGF5")]) {
        assert_eq!(seen.headers.get(&name), Some(&value), "{name}");
    }
    let long = kit.post("/hooks/stripe").body(vec![0; 64 * 1024 + 1]).send().await.unwrap();
    assert_eq!(problem(long).await.0, 413);
}

#[tokio::test]
async fn each_provider_hears_that_we_are_away_in_its_own_words() {
    let kit = Kit::new().await;
    kit.world.payments_away.store(true, Ordering::SeqCst);
    let call = json!({"jsonrpc": "2.0", "id": 42, "method": "CheckPerformTransaction"});
    let payme = kit.post("/hooks/payme").json(&call).send().await.unwrap();
    assert_eq!(payme.status(), 200);
    let body: Value = payme.json().await.unwrap();
    assert_eq!((&body["id"], &body["error"]["code"]), (&json!(42), &json!(-32400)));
    for path in ["/hooks/click/prepare", "/hooks/click/complete", "/hooks/uzcard", "/hooks/stripe"]
    {
        let away = kit.post(path).body("{}").send().await.unwrap();
        assert_eq!(problem(away).await.0, 503, "{path}");
    }
}
