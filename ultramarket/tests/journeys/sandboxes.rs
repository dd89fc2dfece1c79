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

/// UzCard asks before it takes money, Stripe tells when it has: either way the order is paid, and called off its money goes back.
pub(crate) async fn cards_pay_on_pages_of_their_providers(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 4_321_000, 9).await;
    for (provider, books) in [("uzcard", "reversed"), ("stripe", "amount_refunded")] {
        let bought = shop::order(&guest, &goods, 2, provider).await;
        let url = text(&bought.answer["payment"]["redirect_url"]);
        let address = text(&platform.sandboxes[provider]);
        assert!(url.starts_with(address), "{url}");
        let page = guest.get(url).await;
        assert!(page.status == 200 && page.text().contains(&bought.number), "{}", page.text());
        let sandbox = Client::new(address);
        let paid = sandbox.post("/pay", json!({ "reference": bought.number })).await.expect(200);
        assert_eq!(paid["ok"], true, "{paid}");
        let order = bought.becomes("paid").await;
        assert_eq!(order["payment"]["provider"], provider);

        let path = format!("/v1/store/orders/{}/cancel", bought.id);
        bought.client.post(&path, json!({})).await.expect(200);
        let path = format!("/transactions?reference={}", bought.number);
        shop::eventually("the money is back", async || {
            let found = sandbox.get(&path).await.expect(200);
            let it = &found["data"][0];
            (it[books].as_i64() == it["amount"].as_i64()).then_some(())
        })
        .await;
        // A shopper who changes their mind pays with another provider.
        let changed = shop::order(&guest, &goods, 1, provider).await;
        let path = format!("/v1/store/orders/{}/payments", changed.id);
        let client = changed.client.with("idempotency-key", "another-way");
        let other = client.post(&path, json!({ "provider": "payme" })).await.expect(201);
        assert_eq!(other["provider"], "payme");
    }
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
