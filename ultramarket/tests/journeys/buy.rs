//! From a cart to a paid order, through Payme's real protocol.

use serde_json::{Value, json};

use crate::support::{
    platform::Platform,
    providers::{Payme, now, payme_id},
    realtime::Listener,
    shop::{self, Cart, HUNAR_UYI, TEXNOQALA, ZARBOF, amount, register, text},
};

/// Ids of the orders that a merchant sees.
async fn merchant_orders(merchant: &crate::support::client::Client) -> Vec<String> {
    let orders = merchant.get("/v1/merchant/orders?limit=100").await.expect(200);
    let orders = orders["data"].as_array().unwrap();
    orders.iter().map(|order| text(&order["id"]).to_owned()).collect()
}

pub(crate) async fn a_guest_buys_from_two_merchants(platform: &'static Platform) {
    let guest = platform.guest();
    let (seller, artisan, foreign) = (
        shop::merchant(platform, TEXNOQALA).await,
        shop::merchant(platform, HUNAR_UYI).await,
        shop::merchant(platform, ZARBOF).await,
    );
    let (one, two) =
        (shop::goods(&seller, 4_500_000, 10).await, shop::goods(&artisan, 1_250_050, 5).await);
    let cart = Cart::open(&guest).await;
    assert!(!cart.token.is_empty());
    cart.add(&one, 1).await;
    cart.add(&one, 1).await;
    let filled = cart.add(&two, 3).await;
    assert_eq!(filled["items"].as_array().unwrap().len(), 2, "the same offer is one line");
    assert_eq!(filled["items"][0]["quantity"], 2);
    assert_eq!(amount(&filled["items"][0]["total"]), 9_000_000);
    assert_eq!(amount(&filled["totals"]["items"]), 9_000_000 + 3_750_150);
    assert_eq!(filled["items"][1]["available"], true);
    let options = cart.client.get(&cart.path("/delivery-options?region=1726")).await.expect(200);
    let courier = options["data"].as_array().unwrap().iter().find(|o| o["method"] == "courier");
    let delivered = cart.deliver().await;
    assert_eq!(delivered["totals"]["delivery"], courier.unwrap()["price"]);
    let total = amount(&delivered["totals"]["total"]);
    assert_eq!(total, 12_750_150 + amount(&delivered["totals"]["delivery"]));
    let stranger = guest.get(&cart.path("")).await;
    stranger.problem(404, "CART_NOT_FOUND");

    let body = json!({ "payment_provider": "payme", "expected_total": { "amount": total, "currency": "UZS" },
        "customer": { "name": "Nodira Yusupova", "phone": "+998 90 123-45-67" } });
    let without = cart.client.post(&cart.path("/complete"), body.clone()).await;
    without.problem(400, "IDEMPOTENCY_KEY_REQUIRED");
    let first = cart.complete("guest-key-1", body.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    assert_eq!(first.header("idempotent-replayed"), "");
    let replay = cart.complete("guest-key-1", body.clone()).await;
    assert_eq!((replay.status, replay.header("idempotent-replayed")), (201, "true"));
    assert_eq!(replay.bytes, first.bytes, "the same, byte for byte");
    let other = json!({ "payment_provider": "click" });
    cart.complete("guest-key-1", other).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    cart.complete("guest-key-2", body).await.problem(409, "CART_COMPLETED");
    let more = json!({ "offer_id": one.offer, "quantity": 1 });
    cart.client.post(&cart.path("/items"), more).await.problem(409, "CART_COMPLETED");

    let answer = first.json();
    let (order, payment) = (&answer["order"], &answer["payment"]);
    assert_eq!(order["status"], "awaiting_payment");
    assert_eq!(order["shipments"].as_array().unwrap().len(), 2);
    assert_eq!(amount(&order["totals"]["total"]), total);
    let number = text(&order["number"]);
    assert_eq!(payment["reference"], number);
    assert_eq!(payment["status"], "pending");
    assert_eq!(amount(&payment["amount"]), total);
    assert!(text(&payment["redirect_url"]).starts_with("http"));
    assert!(number.ends_with(|letter: char| letter.is_ascii_uppercase()), "{number}");
    assert_eq!(shop::stock(&seller, &one).await, (8, 2), "held for the order");
    let id = text(&order["id"]).to_owned();
    let path = format!("/v1/store/orders/{id}");
    guest.get(&path).await.problem(404, "ORDER_NOT_FOUND");
    let buyer = guest.with("x-order-token", text(&answer["order_token"]));
    assert_eq!(buyer.get(&path).await.expect(200)["status"], "awaiting_payment");

    let payme = Payme::new(&guest);
    refusals_before_payment(&guest, &payme, number, total).await;
    let transaction = payme.pay(number, total).await;
    let paid = shop::eventually("the order is paid", async || {
        let order = buyer.get(&path).await.expect(200);
        (order["status"] == "paid").then_some(order)
    })
    .await;
    assert_eq!(
        (&paid["payment_status"], &paid["payment"]["status"]),
        (&json!("paid"), &json!("paid"))
    );
    let events: Vec<&str> =
        paid["timeline"].as_array().unwrap().iter().map(|entry| text(&entry["event"])).collect();
    assert_eq!(events.iter().filter(|event| **event == "order.paid").count(), 1, "{events:?}");
    refusals_after_payment(&payme, number, total, &transaction).await;

    assert_eq!(shop::stock(&seller, &one).await, (8, 0), "sold");
    assert_eq!(shop::stock(&artisan, &two).await, (2, 0), "sold");
    for (merchant, goods) in [(&seller, &one), (&artisan, &two)] {
        assert!(merchant_orders(merchant).await.contains(&id));
        let part = merchant.get(&format!("/v1/merchant/orders/{id}")).await.expect(200);
        let items = part["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "a merchant sees its own part only");
        assert_eq!(items[0]["offer_id"], goods.offer.as_str());
        assert_eq!(part["shipments"].as_array().unwrap().len(), 1);
    }
    assert!(!merchant_orders(&foreign).await.contains(&id));
    foreign.get(&format!("/v1/merchant/orders/{id}")).await.problem(404, "ORDER_NOT_FOUND");
}

async fn refusals_before_payment(
    guest: &crate::support::client::Client,
    payme: &Payme,
    number: &str,
    total: i64,
) {
    let account = json!({ "order_id": number });
    let check = |account: &Value, amount: i64| json!({ "amount": amount, "account": account });
    let method = "CheckPerformTransaction";
    let stranger = Payme::with_key(guest, "another-key");
    let answer = stranger.call(method, check(&account, total)).await;
    assert_eq!(Payme::error(&answer), -32504);
    let answer = payme.call(method, check(&account, total + 1)).await;
    assert_eq!(Payme::error(&answer), -31001);
    let answer = payme.call(method, check(&json!({ "order_id": "9999999Z" }), total)).await;
    assert!((-31099..=-31050).contains(&Payme::error(&answer)), "{answer}");
    assert_eq!(answer["error"]["data"], "order_id");
    assert_eq!(Payme::error(&payme.call("ChangePassword", json!({})).await), -32601);
    let unknown = json!({ "id": payme_id() });
    assert_eq!(Payme::error(&payme.call("PerformTransaction", unknown.clone()).await), -31003);
    assert_eq!(Payme::error(&payme.call("CheckTransaction", unknown).await), -31003);
}

async fn refusals_after_payment(payme: &Payme, number: &str, total: i64, transaction: &str) {
    let account = json!({ "order_id": number });
    let check = json!({ "amount": total, "account": account });
    let answer = payme.call("CheckPerformTransaction", check).await;
    assert!((-31099..=-31050).contains(&Payme::error(&answer)), "{answer}");
    let second = json!({ "id": payme_id(), "time": now(), "amount": total, "account": account });
    let answer = payme.call("CreateTransaction", second).await;
    assert!((-31099..=-31050).contains(&Payme::error(&answer)), "paid once only: {answer}");
    let window = json!({ "from": now() - 600_000, "to": now() + 600_000 });
    let statement = Payme::result(&payme.call("GetStatement", window).await);
    let mine: Vec<&Value> = statement["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["account"]["order_id"] == number)
        .collect();
    assert_eq!(mine.len(), 1);
    assert_eq!((&mine[0]["id"], &mine[0]["state"]), (&json!(transaction), &json!(2)));
}

pub(crate) async fn a_shopper_hears_of_the_payment(platform: &'static Platform) {
    let guest = platform.guest();
    let merchant = shop::merchant(platform, HUNAR_UYI).await;
    let goods = shop::goods(&merchant, 2_000_000, 3).await;
    let shopper = register(&guest).await;
    let mut at_home = Listener::open(platform, &shopper.client).await;
    let mut at_the_shop = Listener::open_with_header(platform, &merchant).await;
    let bought = shop::order(&shopper.client, &goods, 1, "payme").await;
    assert!(bought.answer["order_token"].is_null(), "an account needs no token");
    Payme::new(&guest).pay(&bought.number, bought.total).await;

    let told = at_home.hear("order.paid", &bought.id).await;
    assert_eq!(told["data"]["number"], bought.number.as_str());
    assert!(text(&told["id"]).len() > 4 && text(&told["at"]).ends_with('Z'));
    let placed = at_the_shop.hear("merchant.order_placed", &bought.id).await;
    assert_eq!(placed["data"]["number"], bought.number.as_str());
    bought.becomes("paid").await;
    let own = shopper.client.get("/v1/store/orders").await.expect(200);
    assert_eq!(own["data"][0]["id"], bought.id.as_str());
    let stranger = register(&guest).await.client;
    let path = format!("/v1/store/orders/{}", bought.id);
    stranger.get(&path).await.problem(404, "ORDER_NOT_FOUND");
    assert_eq!(stranger.get("/v1/store/orders").await.expect(200)["data"], json!([]));

    let user: ids::UserId = text(&shopper.answer["user"]["id"]).parse().unwrap();
    let mesh = platform.mesh();
    let notice = shop::eventually("the notification is recorded", async || {
        let request = proto::notification::ListNotificationsRequest::default();
        let context = mesh::Context::new(mesh::Caller::user(user));
        let mut notifications = mesh.notification();
        let answer = context.scope(notifications.list_notifications(request)).await.unwrap();
        answer.into_inner().notifications.into_iter().find(|notice| notice.r#type == "order.paid")
    })
    .await;
    assert!(
        notice.body.contains(&bought.number) || notice.title.contains(&bought.number),
        "{notice:?}"
    );

    // Somebody who was away hears what came after the last message.
    let mut late = Listener::resume(platform, &shopper.client, text(&told["id"])).await;
    let second = shop::order(&shopper.client, &goods, 1, "payme").await;
    Payme::new(&guest).pay(&second.number, second.total).await;
    late.hear("order.paid", &second.id).await;
}
