//! What happens after a payment: calling off, cancelling in part, bringing back, giving money back.

use serde_json::{Value, json};

use crate::support::{
    client::Client,
    platform::Platform,
    providers::{Click, Payme},
    realtime::Listener,
    shop::{self, Bought, Cart, HUNAR_UYI, TEXNOQALA, amount, register, text},
};

/// What of an order's refunds is in this state.
fn sum_of(order: &Value, status: &str) -> i64 {
    let refunds = order["refunds"].as_array().unwrap();
    let some = refunds.iter().filter(|refund| refund["status"] == status);
    some.map(|refund| amount(&refund["amount"])).sum()
}

/// The order, as soon as all of its refunds wait for people.
async fn waits_for_people(bought: &Bought) -> Value {
    shop::eventually("the refunds wait for people", async || {
        let order = bought.read().await;
        let refunds = order["refunds"].as_array().unwrap();
        let waits = |refund: &Value| refund["status"] == "needs_manual";
        (!refunds.is_empty() && refunds.iter().all(waits)).then_some(order)
    })
    .await
}

/// The platform's owner sends what waits.
async fn send_by_hand(admin: &Client, order: &Value) {
    for refund in order["refunds"].as_array().unwrap() {
        let path = format!("/v1/admin/refunds/{}/done", text(&refund["id"]));
        let done = admin.post(&path, json!({ "note": "T-1" })).await.expect(200);
        assert_eq!(done["status"], "succeeded");
        // Said twice, done once.
        admin.post(&path, json!({})).await.expect(200);
    }
}

async fn step(merchant: &Client, order: &str, name: &str, body: Value) -> Value {
    merchant.post(&format!("/v1/merchant/orders/{order}/{name}"), body).await.expect(200)
}

pub(crate) async fn a_paid_order_is_called_off(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 2_000_000, 5).await;
    let shopper = register(&guest).await.client;
    let bought = shop::order(&shopper, &goods, 2, "payme").await;
    Payme::new(&guest).pay(&bought.number, bought.total).await;
    let paid = bought.becomes("paid").await;
    assert_eq!(paid["cancellable"], true);
    assert_eq!(shop::stock(&merchant, &goods).await, (3, 0));
    let mut at_the_shop = Listener::open_with_header(platform, &merchant).await;

    let path = format!("/v1/store/orders/{}/cancel", bought.id);
    let stranger = register(&guest).await.client;
    stranger.post(&path, json!({})).await.problem(404, "ORDER_NOT_FOUND");
    let off = shopper.post(&path, json!({ "reason": "changed my mind" })).await.expect(200);
    assert_eq!(off["status"], "cancelled");
    assert_eq!(shop::stock(&merchant, &goods).await, (5, 0), "on sale again");
    let told = at_the_shop.hear("merchant.order_cancelled", &bought.id).await;
    assert_eq!(told["data"]["number"], bought.number.as_str());

    // Payme gives money back in its cabinet only: people are asked.
    let waiting = waits_for_people(&bought).await;
    assert_eq!(sum_of(&waiting, "needs_manual"), bought.total);
    let admin = shop::admin(platform).await;
    merchant.get("/v1/admin/refunds").await.problem(403, "FORBIDDEN");
    let listed = admin.get("/v1/admin/refunds?status=needs_manual&limit=100").await.expect(200);
    let ours = listed["data"].as_array().unwrap();
    assert!(ours.iter().any(|refund| refund["order_id"] == bought.id.as_str()));
    send_by_hand(&admin, &waiting).await;
    let back = bought.read().await;
    assert_eq!(
        (&back["status"], &back["payment_status"]),
        (&json!("cancelled"), &json!("refunded"))
    );
    shop::eventually("the payment knows", async || {
        let path = format!("/v1/admin/orders/{}/payments", bought.id);
        let payments = admin.get(&path).await.expect(200);
        (payments["data"][0]["status"] == "refunded").then_some(())
    })
    .await;
    shopper.post(&path, json!({})).await.expect(200);
}

pub(crate) async fn the_cabinet_of_payme_ends_a_refund(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_500_000, 5).await;
    let bought = shop::order(&guest, &goods, 1, "payme").await;
    let payme = Payme::new(&guest);
    let transaction = payme.pay(&bought.number, bought.total).await;
    bought.becomes("paid").await;
    let path = format!("/v1/store/orders/{}/cancel", bought.id);
    bought.client.post(&path, json!({})).await.expect(200);
    waits_for_people(&bought).await;
    let cancel = json!({ "id": transaction, "reason": 5 });
    let cancelled = Payme::result(&payme.call("CancelTransaction", cancel).await);
    assert_eq!(cancelled["state"], -2);
    let back = shop::eventually("the order hears of it", async || {
        let order = bought.read().await;
        (order["payment_status"] == "refunded").then_some(order)
    })
    .await;
    assert_eq!(sum_of(&back, "succeeded"), bought.total);
    assert_eq!(back["status"], "cancelled");
}

pub(crate) async fn a_merchant_cancels_a_line_and_others_go_on(platform: &'static Platform) {
    let guest = platform.guest();
    let (one, two) =
        (shop::merchant(platform, HUNAR_UYI).await, shop::merchant(platform, TEXNOQALA).await);
    let first = shop::goods(&one, 1_000_000, 5).await;
    let second = shop::goods(&two, 3_000_000, 5).await;
    let cart = Cart::open(&guest).await;
    cart.add(&first, 3).await;
    cart.add(&second, 1).await;
    cart.deliver().await;
    let bought = cart.buy("payme").await;
    Payme::new(&guest).pay(&bought.number, bought.total).await;
    let paid = bought.becomes("paid").await;
    let items = paid["items"].as_array().unwrap();
    let line = items.iter().find(|item| item["offer_id"] == first.offer.as_str()).unwrap();
    let some = |quantity: u32| json!({ "reason": "broken", "items": [{ "item_id": line["id"], "quantity": quantity }] });
    let path = format!("/v1/merchant/orders/{}/cancel", bought.id);
    one.post(&path, some(4)).await.problem(409, "ITEM_QUANTITY");
    two.post(&path, some(1)).await.problem(400, "INVALID");
    let part = one.post(&path, some(1)).await.expect(200);
    assert_eq!(part["items"][0]["cancelled"], 1);
    assert_eq!(shop::stock(&one, &first).await, (3, 0));
    let rest = one.post(&path, json!({ "reason": "sold out" })).await.expect(200);
    assert_eq!(rest["shipments"][0]["status"], "cancelled");
    assert_eq!(shop::stock(&one, &first).await, (5, 0));
    let waiting = waits_for_people(&bought).await;
    assert_eq!(sum_of(&waiting, "needs_manual"), 3_000_000, "of these lines exactly");
    assert_eq!(waiting["status"], "paid");
    step(&two, &bought.id, "accept", json!({})).await;
    step(&two, &bought.id, "ship", json!({ "carrier": "BTS", "tracking": "1" })).await;
    step(&two, &bought.id, "deliver", json!({})).await;
    bought.becomes("delivered").await;
    bought
        .client
        .post(&format!("/v1/store/orders/{}/cancel", bought.id), json!({}))
        .await
        .problem(409, "ORDER_NOT_CANCELLABLE");
}

pub(crate) async fn goods_come_back(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let foreign = shop::merchant(platform, TEXNOQALA).await;
    let goods = shop::goods(&merchant, 3_333_300, 5).await;
    let bought = shop::order(&guest, &goods, 2, "click").await;
    let click = Click::new(&guest, &bought.number, bought.total);
    let prepared = click.prepare().await;
    click.complete(prepared["merchant_prepare_id"].as_i64().unwrap(), 0).await;
    let paid = bought.becomes("paid").await;
    let item = text(&paid["items"][0]["id"]);
    let path = format!("/v1/store/orders/{}/returns", bought.id);
    let body = |quantity: u32| json!({ "items": [{ "item_id": item, "quantity": quantity }], "reason": "broken" });
    bought.client.post(&path, body(1)).await.problem(409, "RETURN_NOT_DELIVERED");
    step(&merchant, &bought.id, "ship", json!({ "carrier": "BTS", "tracking": "1" })).await;
    step(&merchant, &bought.id, "deliver", json!({})).await;
    let delivered = bought.becomes("delivered").await;
    assert_eq!(delivered["items"][0]["returnable"], 2);
    assert!(delivered["shipments"][0]["returnable_until"].is_string());

    let mut at_the_shop = Listener::open_with_header(platform, &merchant).await;
    guest.post(&path, body(1)).await.problem(404, "ORDER_NOT_FOUND");
    bought.client.post(&path, body(3)).await.problem(409, "ITEM_QUANTITY");
    let mut unknown = body(1);
    unknown["color"] = json!("red");
    bought.client.post(&path, unknown).await.problem(400, "UNKNOWN_FIELD");
    let mut with_photo = body(1);
    with_photo["photos"] = json!(["https://pictures.example/1.jpg"]);
    with_photo["comment"] = json!("the lid");
    let asked = bought.client.post(&path, with_photo).await.expect(201);
    assert_eq!((&asked["status"], &asked["comment"]), (&json!("requested"), &json!("the lid")));
    bought.client.post(&path, body(2)).await.problem(409, "ITEM_QUANTITY");
    at_the_shop.hear("merchant.return_requested", &bought.id).await;

    let id = text(&asked["id"]);
    let own = format!("/v1/merchant/returns/{id}");
    let list = merchant.get("/v1/merchant/returns?status=requested&limit=100").await.expect(200);
    assert!(list["data"].as_array().unwrap().iter().any(|it| it["id"] == id));
    assert_eq!(merchant.get(&own).await.expect(200)["id"], id);
    foreign.get(&own).await.problem(404, "RETURN_NOT_FOUND");
    foreign.post(&format!("{own}/approve"), json!({})).await.problem(404, "RETURN_NOT_FOUND");
    let receive = json!({ "restock": true });
    merchant.post(&format!("{own}/receive"), receive.clone()).await.problem(409, "RETURN_STATE");
    let approved = merchant.post(&format!("{own}/approve"), json!({})).await.expect(200);
    assert_eq!(approved["status"], "approved");
    let received = merchant.post(&format!("{own}/receive"), receive).await.expect(200);
    assert_eq!((&received["status"], &received["restocked"]), (&json!("received"), &json!(true)));
    assert_eq!(amount(&received["refund"]["amount"]), 3_333_300);
    assert_eq!(shop::stock(&merchant, &goods).await, (4, 0), "one came back");
    // What nobody can send by a call is sent by people.
    let waiting = waits_for_people(&bought).await;
    send_by_hand(&shop::admin(platform).await, &waiting).await;
    let back = bought.read().await;
    assert_eq!(back["returns"][0]["status"], "refunded");
    assert_eq!(back["payment_status"], "partially_refunded");

    let second = bought.client.post(&path, body(1)).await.expect(201);
    let refuse = format!("/v1/merchant/returns/{}/refuse", text(&second["id"]));
    merchant.post(&refuse, json!({})).await.problem(400, "INVALID");
    let refused = merchant.post(&refuse, json!({ "reason": "worn" })).await.expect(200);
    assert_eq!((&refused["status"], &refused["answer"]), (&json!("refused"), &json!("worn")));

    let invoice = bought.client.get(&format!("/v1/store/orders/{}/invoice", bought.id)).await;
    assert_eq!(invoice.status, 200);
    assert!(invoice.header("content-type").starts_with("text/html"));
    assert!(invoice.text().contains(&bought.number));
    let hidden = guest.get(&format!("/v1/store/orders/{}/invoice", bought.id)).await;
    hidden.problem(404, "ORDER_NOT_FOUND");
}

pub(crate) async fn a_merchant_gives_money_back(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let foreign = shop::merchant(platform, TEXNOQALA).await;
    let goods = shop::goods(&merchant, 1_000_001, 5).await;
    let bought = shop::order(&guest, &goods, 3, "payme").await;
    let path = format!("/v1/merchant/orders/{}/refunds", bought.id);
    let sum = |amount: i64| json!({ "amount": { "amount": amount, "currency": "UZS" }, "reason": "late" });
    merchant.post(&path, sum(1)).await.problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    let keyed = |key: &str| merchant.with("idempotency-key", key);
    keyed("early").post(&path, sum(1)).await.problem(404, "ORDER_NOT_FOUND");
    Payme::new(&guest).pay(&bought.number, bought.total).await;
    bought.becomes("paid").await;
    step(&merchant, &bought.id, "ship", json!({ "carrier": "BTS", "tracking": "1" })).await;

    let first = keyed("one").post(&path, sum(500_000)).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert_eq!(first.json()["status"], "pending");
    let replay = keyed("one").post(&path, sum(500_000)).await;
    assert_eq!((replay.header("idempotent-replayed"), &replay.bytes), ("true", &first.bytes));
    keyed("one").post(&path, sum(1)).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    keyed("two").post(&path, sum(2_500_004)).await.problem(409, "REFUND_TOO_LARGE");
    keyed("two").post(&path, sum(-1)).await.problem(400, "INVALID");
    keyed("two").post(&path, json!({ "reason": "x" })).await.problem(400, "INVALID");
    foreign.with("idempotency-key", "x").post(&path, sum(1)).await.problem(404, "ORDER_NOT_FOUND");
    let item = text(&bought.read().await["items"][0]["id"]).to_owned();
    let pieces = json!({ "items": [{ "item_id": item, "quantity": 1 }], "reason": "late" });
    let second = keyed("two").post(&path, pieces).await.expect(201);
    assert_eq!(amount(&second["amount"]), 1_000_001);
    // Ten at once for what is left: never more than was paid.
    let clients: Vec<_> = (0..10).map(|number| keyed(&format!("race-{number}"))).collect();
    let tries = clients.iter().map(|client| client.post(&path, sum(700_000)));
    let answers = futures::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 2);
    assert!(answers.iter().all(|answer| matches!(answer.status, 201 | 409)));
    let waiting = waits_for_people(&bought).await;
    assert_eq!(sum_of(&waiting, "needs_manual"), 500_000 + 1_000_001 + 1_400_000);
}

/// The whole way through Click's stand-in: it takes the money, and gives it back when it is called.
pub(crate) async fn click_gives_money_back(platform: &'static Platform) {
    let guest = platform.guest();
    let click = Client::new(text(&platform.sandboxes["click"]));
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 1_000_050, 9).await;
    let books = async |bought: &Bought| {
        let path = format!("/transactions?reference={}", bought.number);
        click.get(&path).await.expect(200)["data"][0].clone()
    };
    // All of it, in two calls: the goods, and the delivery.
    let bought = shop::order(&guest, &goods, 2, "click").await;
    let paid = click.post("/pay", json!({ "reference": bought.number })).await.expect(200);
    assert_eq!(paid["ok"], true, "{paid}");
    bought.becomes("paid").await;
    let path = format!("/v1/store/orders/{}/cancel", bought.id);
    bought.client.post(&path, json!({})).await.expect(200);
    shop::eventually("the money is back", async || {
        (bought.read().await["payment_status"] == "refunded").then_some(())
    })
    .await;
    let transaction = books(&bought).await;
    assert_eq!(
        (&transaction["state"], &transaction["reversed"]),
        (&json!("reversed"), &json!(bought.total))
    );

    // Some of it; then Click refuses, and people have to do it.
    let bought = shop::order(&guest, &goods, 3, "click").await;
    click.post("/pay", json!({ "reference": bought.number })).await.expect(200);
    bought.becomes("paid").await;
    let path = format!("/v1/merchant/orders/{}/refunds", bought.id);
    let sum = |amount: i64| json!({ "amount": { "amount": amount, "currency": "UZS" }, "reason": "late" });
    merchant.with("idempotency-key", "a").post(&path, sum(12_345)).await.expect(201);
    shop::eventually("some money is back", async || {
        (bought.read().await["payment_status"] == "partially_refunded").then_some(())
    })
    .await;
    assert_eq!(books(&bought).await["reversed"], 12_345);
    click.post("/control", json!({ "fail_next": 1 })).await.expect(200);
    merchant.with("idempotency-key", "b").post(&path, sum(55)).await.expect(201);
    shop::eventually("people are asked", async || {
        (sum_of(&bought.read().await, "needs_manual") == 55).then_some(())
    })
    .await;
    assert_eq!(books(&bought).await["reversed"], 12_345, "nothing twice");
}
