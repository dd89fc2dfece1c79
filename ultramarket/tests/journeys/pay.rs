//! Other ways to pay, and what can stand in the way of a checkout.

use serde_json::json;

use crate::support::{
    platform::Platform,
    providers::{Click, Payme, now, payme_id},
    shop::{self, Cart, HUNAR_UYI, TEXNOQALA, ZARBOF, amount, register, text},
};

pub(crate) async fn click_prepares_and_completes(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 3_333_300, 4).await;
    let bought = shop::order(&guest, &goods, 2, "click").await;
    let url = text(&bought.answer["payment"]["redirect_url"]);
    assert!(url.contains(&format!("transaction_param={}", bought.number)), "{url}");

    let click = Click::new(&guest, &bought.number, bought.total);
    assert_eq!(click.prepare_signed_with("another secret").await["error"], -1);
    let cheaper = Click::new(&guest, &bought.number, bought.total - 100);
    assert_eq!(cheaper.prepare().await["error"], -2);
    assert_eq!(Click::new(&guest, "9999999Z", bought.total).prepare().await["error"], -5);

    let prepared = click.prepare().await;
    assert_eq!(prepared["error"], 0, "{prepared}");
    assert_eq!(prepared["click_trans_id"], click.trans_id);
    assert_eq!(prepared["merchant_trans_id"], bought.number.as_str());
    assert_eq!(click.prepare().await, prepared, "a repeat says the same");
    let prepare_id = prepared["merchant_prepare_id"].as_i64().unwrap();
    assert_eq!(click.complete(prepare_id + 1_000_000, 0).await["error"], -6);
    let completed = click.complete(prepare_id, 0).await;
    assert_eq!(completed["error"], 0, "{completed}");
    assert!(completed["merchant_confirm_id"].is_i64());
    let again = click.complete(prepare_id, 0).await;
    assert!(again["error"] == 0 || again["error"] == -4, "{again}");

    let paid = bought.becomes("paid").await;
    assert_eq!(paid["payment"]["provider"], "click");
    assert_eq!(shop::stock(&merchant, &goods).await, (2, 0));
    let late = Click::new(&guest, &bought.number, bought.total);
    assert_eq!(late.prepare().await["error"], -4, "paid already");
}

pub(crate) async fn another_provider_after_a_failure(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_000_000, 4).await;
    let bought = shop::order(&guest, &goods, 1, "click").await;
    let click = Click::new(&guest, &bought.number, bought.total);
    let prepared = click.prepare().await;
    assert_eq!(prepared["error"], 0, "{prepared}");
    let ended = click.complete(prepared["merchant_prepare_id"].as_i64().unwrap(), -5017).await;
    assert_eq!(ended["error"], -9, "{ended}");

    let path = format!("/v1/store/orders/{}/payments", bought.id);
    let body = json!({ "provider": "payme" });
    bought.client.post(&path, body.clone()).await.problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    let client = bought.client.with("idempotency-key", "second-try");
    let first = client.post(&path, body.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let replay = client.post(&path, body).await;
    assert_eq!((replay.header("idempotent-replayed"), &replay.bytes), ("true", &first.bytes));
    client.post(&path, json!({ "provider": "click" })).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(first.json()["provider"], "payme");
    assert_eq!(first.json()["reference"], bought.number.as_str());
    Payme::new(&guest).pay(&bought.number, bought.total).await;
    assert_eq!(bought.becomes("paid").await["payment_provider"], "payme");
    assert_eq!(shop::stock(&merchant, &goods).await, (3, 0));
}

pub(crate) async fn payme_takes_back_before_it_pays(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_000_000, 4).await;
    let bought = shop::order(&guest, &goods, 1, "payme").await;
    let payme = Payme::new(&guest);
    let (id, account) = (payme_id(), json!({ "order_id": bought.number }));
    let create = json!({ "id": id, "time": now(), "amount": bought.total, "account": account });
    Payme::result(&payme.call("CreateTransaction", create).await);
    let other =
        json!({ "id": payme_id(), "time": now(), "amount": bought.total, "account": account });
    let busy = Payme::error(&payme.call("CreateTransaction", other).await);
    assert_eq!(busy, -31008, "one transaction at a time");
    let cancel = json!({ "id": id, "reason": 3 });
    let ended = Payme::result(&payme.call("CancelTransaction", cancel.clone()).await);
    assert_eq!(ended["state"], -1);
    assert_eq!(Payme::result(&payme.call("CancelTransaction", cancel).await), ended);
    assert_eq!(Payme::error(&payme.call("PerformTransaction", json!({ "id": id })).await), -31008);
    assert_eq!(bought.read().await["status"], "awaiting_payment", "another try is possible");
    payme.pay(&bought.number, bought.total).await;
    bought.becomes("paid").await;
}

pub(crate) async fn what_is_sold_out_or_dearer_is_not_sold(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 5_000_000, 2).await;
    let late = Cart::open(&guest).await;
    late.add(&goods, 2).await;
    late.deliver().await;
    shop::order(&guest, &goods, 1, "cash").await;

    let seen = late.client.get(&late.path("")).await.expect(200);
    assert_eq!(seen["items"][0]["available"], false);
    let body = json!({ "payment_provider": "cash" });
    let refused = late.complete("late-1", body.clone()).await.problem(409, "OUT_OF_STOCK");
    assert_eq!(refused["errors"].as_array().unwrap().len(), 1, "{refused}");
    assert_eq!(shop::stock(&merchant, &goods).await.0, 1, "nothing was taken");

    let item = text(&seen["items"][0]["id"]);
    let path = late.path(&format!("/items/{item}"));
    let fewer = late.client.patch(&path, json!({ "quantity": 1 })).await.expect(200);
    let total = fewer["totals"]["total"].clone();
    let offer = format!("/v1/merchant/offers/{}", goods.offer);
    let dearer = json!({ "price": { "amount": 5_500_000, "currency": "UZS" } });
    merchant.patch(&offer, dearer).await.expect(200);
    let body = json!({ "payment_provider": "cash", "expected_total": total });
    let refused = late.complete("late-2", body).await.problem(409, "PRICE_CHANGED");
    assert!(!refused["errors"].as_array().unwrap().is_empty());
    assert_eq!(shop::stock(&merchant, &goods).await.0, 1, "nothing was taken");
    let now = late.client.get(&late.path("")).await.expect(200);
    let body = json!({ "payment_provider": "cash", "expected_total": now["totals"]["total"] });
    let bought = late.complete("late-3", body).await.expect(201);
    assert_eq!(amount(&bought["order"]["items"][0]["unit_price"]), 5_500_000);
    assert_eq!(shop::stock(&merchant, &goods).await.0, 0);

    let page = format!("/v1/store/products/{}", goods.slug);
    shop::eventually("the shop says that it is sold out", async || {
        let product = guest.get(&page).await.expect(200);
        assert_eq!(product["id"], goods.id.as_str(), "it stays on show");
        (product["in_stock"] == false).then_some(())
    })
    .await;
}

pub(crate) async fn a_cart_moves_in_at_sign_in(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let (one, two) =
        (shop::goods(&merchant, 1_000_000, 50).await, shop::goods(&merchant, 2_000_000, 50).await);
    let shopper = register(&guest).await.client;
    let own = Cart::open(&shopper).await;
    assert!(own.token.is_empty(), "an account's cart needs no token");
    own.add(&one, 1).await;
    assert_eq!(Cart::open(&shopper).await.id, own.id, "one open cart");
    let before = Cart::open(&guest).await;
    before.add(&one, 2).await;
    before.add(&two, 1).await;
    let body = json!({ "guest_cart_id": before.id, "guest_token": before.token });
    let merged = shopper.post(&own.path("/merge"), body.clone()).await.expect(200);
    let quantity = |cart: &serde_json::Value, offer: &str| {
        let items = cart["items"].as_array().unwrap();
        items
            .iter()
            .find(|item| item["offer_id"] == offer)
            .and_then(|item| item["quantity"].as_u64())
    };
    assert_eq!(quantity(&merged, &one.offer), Some(3));
    assert_eq!(quantity(&merged, &two.offer), Some(1));
    let again = shopper.post(&own.path("/merge"), body).await;
    if again.status == 200 {
        assert_eq!(quantity(&again.json(), &one.offer), Some(3), "moved once");
    }
    let wrong = json!({ "guest_cart_id": before.id, "guest_token": "not-the-token" });
    assert_eq!(shopper.post(&own.path("/merge"), wrong).await.status, 404);
    let item = text(&merged["items"][1]["id"]).to_owned();
    let path = own.path(&format!("/items/{item}"));
    let left = shopper.delete(&path).await.expect(200);
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
    own.deliver().await;
    let bought = own.buy("cash").await;
    assert_eq!(bought.answer["order"]["items"].as_array().unwrap().len(), 1);
    assert_ne!(Cart::open(&shopper).await.id, own.id, "the next cart is a new one");
}

pub(crate) async fn cash_goes_from_accepted_to_delivered(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let foreign = shop::merchant(platform, TEXNOQALA).await;
    let goods = shop::goods(&merchant, 2_500_000, 9).await;
    let shopper = register(&guest).await.client;
    let bought = shop::order(&shopper, &goods, 4, "cash").await;
    assert_eq!(bought.answer["order"]["status"], "processing");
    assert_eq!(bought.answer["payment"]["provider"], "cash");
    assert!(bought.answer["payment"].get("redirect_url").is_none());
    assert_eq!(shop::stock(&merchant, &goods).await.0, 5);
    let path = format!("/v1/merchant/orders/{}", bought.id);
    let step = async |client: &crate::support::client::Client, name: &str, body| {
        client.post(&format!("{path}/{name}"), body).await
    };
    step(&foreign, "accept", json!({})).await.problem(404, "ORDER_NOT_FOUND");
    step(&merchant, "deliver", json!({})).await.problem(409, "SHIPMENT_STATE");
    let accepted = step(&merchant, "accept", json!({})).await.expect(200);
    assert_eq!(accepted["shipments"][0]["status"], "accepted");
    let tracking = json!({ "carrier": "UzPost", "tracking": "UZ123456789" });
    let shipped = step(&merchant, "ship", tracking).await.expect(200);
    assert_eq!(shipped["shipments"][0]["tracking"], "UZ123456789");
    let seen = bought.becomes("shipped").await;
    assert_eq!(seen["shipments"][0]["carrier"], "UzPost");
    let cancel = format!("/v1/store/orders/{}/cancel", bought.id);
    shopper.post(&cancel, json!({})).await.problem(409, "ORDER_NOT_CANCELLABLE");
    step(&merchant, "deliver", json!({})).await.expect(200);
    let delivered = bought.becomes("delivered").await;
    let events: Vec<&str> = delivered["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| text(&entry["event"]))
        .collect();
    for event in ["order.accepted", "order.shipped", "order.delivered"] {
        assert!(events.contains(&event), "{events:?}");
    }
    let shipped = merchant.get("/v1/merchant/orders?status=delivered&limit=100").await.expect(200);
    let shipped = shipped["data"].as_array().unwrap();
    assert!(shipped.iter().any(|order| order["id"] == bought.id.as_str()));
}

pub(crate) async fn a_cancelled_order_gives_its_goods_back(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, ZARBOF).await;
    let goods = shop::goods(&merchant, 2_500_000, 6).await;
    let bought = shop::order(&guest, &goods, 2, "payme").await;
    assert_eq!(shop::stock(&merchant, &goods).await, (4, 2));
    let path = format!("/v1/store/orders/{}/cancel", bought.id);
    guest.post(&path, json!({})).await.problem(404, "ORDER_NOT_FOUND");
    let ended = bought.client.post(&path, json!({ "reason": "fikrim oʻzgardi" })).await.expect(200);
    assert_eq!(ended["status"], "cancelled");
    assert_eq!(shop::stock(&merchant, &goods).await, (6, 0));
    let again = bought.client.post(&path, json!({})).await.expect(200);
    assert_eq!(again["status"], "cancelled", "a repeat says the same");
    assert_eq!(shop::stock(&merchant, &goods).await, (6, 0), "and gives nothing back twice");
    let payme = Payme::new(&guest);
    let check = json!({ "amount": bought.total, "account": { "order_id": bought.number } });
    let answer = payme.call("CheckPerformTransaction", check).await;
    assert!((-31099..=-31050).contains(&Payme::error(&answer)), "{answer}");
}
