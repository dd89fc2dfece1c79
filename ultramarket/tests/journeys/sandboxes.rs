//! The stand-ins of the demo play the providers' side.

use reqwest::Method;
use serde_json::json;

use crate::support::{
    client::Client,
    platform::{Mode, Platform},
    shop::{self, HUNAR_UYI, text},
};

pub(crate) async fn a_stand_in_pays(platform: &'static Platform) {
    assert_eq!(platform.mode, Mode::One, "only the demo has stand-ins");
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_234_500, 9).await;
    for provider in ["payme", "click"] {
        let bought = shop::order(&guest, &goods, 1, provider).await;
        let sandbox = Client::new(text(&platform.sandboxes[provider]));
        let paid = sandbox.post("/pay", json!({ "reference": bought.number })).await.expect(200);
        assert_eq!((&paid["ok"], &paid["problems"]), (&json!(true), &json!([])), "{paid}");
        bought.becomes("paid").await;
        let declined = shop::order(&guest, &goods, 1, provider).await;
        let decline = json!({ "reference": declined.number, "action": "decline" });
        let answer = sandbox.post("/pay", decline).await.expect(200);
        assert_eq!(answer["problems"], json!([]), "{answer}");
        assert_eq!(declined.read().await["status"], "awaiting_payment");
    }
    // A guest who paid is told by text message.
    let sms = Client::new(text(&platform.sandboxes["sms"]));
    shop::eventually("a text message", async || {
        let messages = sms.get("/messages").await.expect(200);
        (!messages["data"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
}

pub(crate) async fn a_person_presses_pay(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 777_700, 9).await;
    let bought = shop::order(&guest, &goods, 1, "payme").await;
    let url = text(&bought.answer["payment"]["redirect_url"]);
    let page = guest.get(url).await;
    assert_eq!(page.status, 200);
    let page = page.text();
    assert!(page.contains(&bought.number), "the page names the order");
    let hidden: Vec<String> = page
        .split("<input type=\"hidden\" ")
        .skip(1)
        .map(|input| format!("{}={}", attribute(input, "name"), escape(attribute(input, "value"))))
        .collect();
    assert!(!hidden.is_empty(), "{page}");
    let form = format!("{}&action=pay", hidden.join("&"));
    let target = attribute(page.split("<form").nth(1).unwrap(), "action");
    let sandbox = Client::new(text(&platform.sandboxes["payme"]));
    let kind = "application/x-www-form-urlencoded";
    let ending = sandbox.raw(Method::POST, target, kind, form).await;
    assert_eq!(ending.status, 303, "{}", ending.text());
    let back = ending.header("location");
    assert!(back.starts_with(&platform.gateway) && back.contains(&bought.id), "{back}");
    bought.becomes("paid").await;
    let page = guest.get(back).await;
    assert!(page.status < 500, "{}", page.text());
}

/// The value of an attribute in the text of a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> &'a str {
    let rest = tag.split_once(&format!("{name}=\"")).unwrap().1;
    rest.split_once('"').unwrap().0
}

fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}
