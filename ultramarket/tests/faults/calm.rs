//! What happens on every day: roles are restarted one after the other, and people go away in the middle of something.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use mesh::Role;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    account::pages,
    cluster::Cluster,
    crowd,
    dice::{Dice, scale},
    market::{Market, wish},
    opening::Opened,
    support::{
        client::Client,
        shop::{self, Cart, Goods, text},
    },
};

/// So long may what was begun by somebody who has gone take to be whole, or not there.
const ABANDONED: Duration = Duration::from_mins(2);
/// What somebody may be told who is to come again.
const COME_AGAIN: [&str; 7] = [
    "nobody there",
    "broken off",
    "503 UNAVAILABLE",
    "409 IDEMPOTENCY_IN_PROGRESS",
    "Payme: -32400",
    "no payment yet",
    "page: 503",
];

/// Each role is asked to end and started again while people buy: each ends in order, and nobody is told anything but to come again.
pub(crate) async fn each_role_is_restarted(
    cluster: &mut Cluster,
    market: &Market,
    dice: &mut Dice,
) {
    let mut slowest = (Duration::ZERO, Duration::ZERO, Role::Gateway);
    market.forget_reasons();
    for _ in 0..scale().min(10) {
        let mut roles = Role::ALL;
        dice.shuffle(&mut roles);
        for role in roles {
            let (drained, started) = tokio::task::block_in_place(|| cluster.restart(role));
            slowest = slowest.max((drained, started, role));
            tokio::time::sleep(Duration::from_millis(100 + dice.below(200))).await;
        }
    }
    let reasons = market.reasons();
    println!(
        "restarted in order; slowest: {slowest:?} (drained, started); come again: {reasons:?}"
    );
    for reason in reasons.keys() {
        assert!(COME_AGAIN.contains(&reason.as_str()), "{reason}: {reasons:?}");
    }
}

/// Where somebody is in their shopping when they go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Items,
    Delivery,
    Complete,
    /// Choosing another way to pay.
    Payment,
    Cancel,
}

/// Somebody who has gone away.
struct Gone {
    cart: Cart,
    phase: Phase,
}

/// Sends a request and goes away, at once or a little later.
async fn leave(
    gateway: &str,
    path: &str,
    headers: &[(&str, &str)],
    (method, body): (&str, &Value),
    after: Duration,
) {
    let address = gateway.trim_start_matches("http://");
    let body = body.to_string();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request.push_str("\r\n");
    request.push_str(&body);
    let Ok(mut line) = TcpStream::connect(address).await else { return };
    drop(line.write_all(request.as_bytes()).await);
    tokio::time::sleep(after).await;
}

/// People go away in each phase of a checkout, in one of three cases a role dies at the same moment, and nobody comes back for it: in time,
/// each order is whole, or there is none, and nothing is held for nobody. When they do come back, it is to what they have begun.
pub(crate) async fn people_go_away(
    cluster: &mut Cluster,
    opened: &Opened,
    market: &Market,
    dice: &mut Dice,
) {
    let guest = cluster.guest();
    let merchant = opened.stalls[0].owner.sign_in(&guest).await;
    let goods = shop::goods(&merchant, 2_750_000, 5_000).await;
    crowd::on_sale(&guest, &goods).await;
    let mut gone = Vec::new();
    for round in 0..15 * scale().min(20) {
        let phase = [
            Phase::Complete,
            Phase::Items,
            Phase::Complete,
            Phase::Delivery,
            Phase::Complete,
            Phase::Payment,
            Phase::Cancel,
        ][usize::try_from(round % 7).unwrap()];
        gone.push(goes_away(cluster, &guest, &goods, (phase, market), dice).await);
        if round % 3 == 2 {
            let role = [Role::Order, Role::Payment, Role::Cart, Role::Gateway, Role::Order]
                [usize::try_from(dice.below(5)).unwrap()];
            tokio::task::block_in_place(|| cluster.kill(role));
            cluster.is_ready().await;
        }
    }
    let took = std::time::Instant::now();
    let admin = opened.admin.sign_in(&guest).await;
    loop {
        match is_settled(&admin, &merchant, &goods).await {
            Ok(orders) => {
                println!(
                    "{} people went away, {orders} orders were finished without them, {:.1?} after the last",
                    gone.len(),
                    took.elapsed()
                );
                break;
            }
            Err(why) => assert!(took.elapsed() < ABANDONED, "{why}"),
        }
        shop::pause().await;
    }
    let before = of_goods(&admin, &goods).await;
    for Gone { cart, phase } in gone {
        let seen = cart.client.get(&cart.path("")).await.expect(200);
        let known = seen["order_id"].as_str().map(str::to_owned);
        if phase == Phase::Items {
            cart.add(&goods, 1).await;
        }
        if matches!(phase, Phase::Items | Phase::Delivery) {
            cart.deliver().await;
        }
        if matches!(phase, Phase::Payment | Phase::Cancel) {
            continue;
        }
        let answer = shop::eventually("the key has its answer", async || {
            let answer = cart.complete(&format!("key-{}", cart.id), wish()).await;
            (![409, 503].contains(&answer.status)).then_some(answer)
        })
        .await;
        assert_eq!(answer.status, 201, "{phase:?} {}", answer.text());
        let noted = market.note(&cart, &answer);
        assert!(
            known.is_none_or(|known| known == noted.order),
            "{phase:?}: another order than before"
        );
    }
    let after = of_goods(&admin, &goods).await;
    let lost: Vec<_> = before.difference(&after).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

async fn goes_away(
    cluster: &Cluster,
    guest: &Client,
    goods: &Goods,
    (phase, market): (Phase, &Market),
    dice: &mut Dice,
) -> Gone {
    let cart = Cart::open(guest).await;
    let gateway = cluster.url(Role::Gateway);
    let token = ("x-cart-token", cart.token.as_str());
    let after = Duration::from_micros(dice.below(60_000));
    if phase == Phase::Items {
        let item = json!({ "offer_id": goods.offer, "quantity": 1 });
        leave(gateway, &cart.path("/items"), &[token], ("POST", &item), after).await;
        return Gone { cart, phase };
    }
    cart.add(goods, 1).await;
    if phase == Phase::Delivery {
        leave(gateway, &cart.path("/delivery"), &[token], ("PUT", &shop::delivery()), after).await;
        return Gone { cart, phase };
    }
    cart.deliver().await;
    let key = format!("key-{}", cart.id);
    if phase == Phase::Complete {
        let headers = [token, ("idempotency-key", &key)];
        leave(gateway, &cart.path("/complete"), &headers, ("POST", &wish()), after).await;
        return Gone { cart, phase };
    }
    let answer = cart.complete(&key, wish()).await;
    let noted = market.note(&cart, &answer);
    let answer = answer.expect(201);
    let token = ("x-order-token", text(&answer["order_token"]));
    let path = format!("/v1/store/orders/{}", noted.order);
    if phase == Phase::Payment {
        let headers = [token, ("idempotency-key", "another-way")];
        let body = json!({ "provider": "click" });
        leave(gateway, &format!("{path}/payments"), &headers, ("POST", &body), after).await;
    } else {
        leave(gateway, &format!("{path}/cancel"), &[token], ("POST", &json!({})), after).await;
    }
    Gone { cart, phase }
}

/// Orders with these goods that were not cancelled.
async fn of_goods(admin: &Client, goods: &Goods) -> BTreeSet<String> {
    let orders = pages(admin, "/v1/admin/orders").await.into_iter();
    let ours = orders.filter(|order| order["status"] != "cancelled");
    let ours = ours.filter(|order| order["items"][0]["offer_id"] == goods.offer.as_str());
    ours.map(|order| text(&order["id"]).to_owned()).collect()
}

/// How many orders there are; why it is not settled yet.
async fn is_settled(admin: &Client, merchant: &Client, goods: &Goods) -> Result<usize, String> {
    let orders = of_goods(admin, goods).await;
    let mut open = BTreeMap::new();
    for order in &orders {
        let path = format!("/v1/admin/orders/{order}/payments");
        let payments = admin.get(&path).await.expect(200);
        let payments = payments["data"].as_array().unwrap();
        let alive = payments.iter().filter(|payment| payment["status"] == "pending").count();
        open.insert(order, alive);
    }
    if open.values().any(|alive| *alive == 0) {
        return Err(format!("orders without a payment: {open:?}"));
    }
    let (_, held) = shop::stock(merchant, goods).await;
    if held != i64::try_from(orders.len()).unwrap() {
        return Err(format!("{held} are held for {} orders", orders.len()));
    }
    Ok(orders.len())
}
