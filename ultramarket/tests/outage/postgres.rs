//! PostgreSQL goes: accounts, orders and payments.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use crate::{
    asked::{BACK, ask, away, catalogue, fine, get, post, sign_in, wish, within},
    market::Market,
    site::Site,
    support::{
        providers::{Click, Payme, now, payme_id},
        shop::{self, PASSWORD, new_phone},
    },
};

/// The postmaster is killed while people buy and pay.
pub(crate) async fn is_killed_while_people_buy(site: &Site) {
    println!("  PostgreSQL is killed while people buy");
    let goods = site.opened.stalls.iter().map(|stall| stall.goods.clone()).collect();
    let market = Market::open(&site.guest, goods);
    let order = site.buy().await.unwrap();
    let over = AtomicBool::new(false);
    let look = async {
        let mut seen: BTreeMap<(String, u16), u32> = BTreeMap::new();
        let path = format!("/v1/store/orders/{}", order.id);
        let calls = [
            get(&order.client, &path),
            get(&site.shopper.client, "/v1/auth/me"),
            get(&site.guest, "/v1/store/products?limit=10"),
        ];
        while !over.load(Ordering::Relaxed) {
            for call in &calls {
                let answer = ask(call).await;
                let told = answer.status != 503 || !answer.header("retry-after").is_empty();
                assert!(told, "{}: 503 without Retry-After", call.2);
                *seen.entry((call.2.clone(), answer.status)).or_default() += 1;
            }
            shop::pause().await;
        }
        seen
    };
    let power = async {
        market.has_sold(8).await;
        site.servers.kill_postgres();
        site.not_ready(&["order"], &["auth", "payment", "search"]).await;
        fine("PostgreSQL", &catalogue(&site.guest, &site.goods().slug)).await;
        let waiting = site.waiting("auth").await;
        let before = market.journal().len();
        site.servers.start("postgres").await;
        within(BACK, "people buy again", async || {
            let sold = market.journal().len();
            if sold > before { Ok(()) } else { Err(format!("{sold} orders")) }
        })
        .await;
        waiting.becomes_ready().await;
        market.has_sold(before + 8).await;
        market.close();
        over.store(true, Ordering::Relaxed);
    };
    let ((), (), seen) = futures::join!(power, market.run(), look);
    println!("    {seen:?}");
    for ((path, status), _) in seen {
        let catalogue = path.starts_with("/v1/store/products");
        assert!(status == 200 || (status == 503 && !catalogue), "{path}: {status}");
    }
    assert_eq!(market.refusals(), [""; 0], "who asks again gets what was asked for");
    println!("    {} orders, {} delays", market.journal().len(), market.delays());
    site.journal().extend(market.journal());
}

pub(crate) async fn goes_and_comes_back(site: &Site) {
    println!("  PostgreSQL");
    let (paid, unpaid) = (site.buy().await.unwrap(), site.buy().await.unwrap());
    let payme = Payme::new(&site.guest);
    payme.pay(&paid.number, paid.total).await;
    paid.becomes("paid").await;
    site.keep(&paid, "paid");
    let cart = site.filled_cart().await;

    site.servers.stop("postgres").await;
    site.not_ready(&["auth", "order", "payment"], &["search"]).await;
    let waiting = site.waiting("order").await;
    let keyed = cart.client.with("idempotency-key", &format!("key-{}", cart.id));
    let retried = unpaid.client.with("idempotency-key", "another-try");
    let (shopper, guest) = (&site.shopper.client, &site.guest);
    let person = json!({ "phone": new_phone(), "password": PASSWORD, "name": "Aziz Karimov" });
    let item = json!({ "offer_id": site.goods().offer, "quantity": 1 });
    let order = format!("/v1/store/orders/{}", unpaid.id);
    away(
        "PostgreSQL",
        &[
            sign_in(guest, (&site.shopper.phone, PASSWORD)),
            post(guest, "/v1/auth/register", person),
            get(shopper, "/v1/auth/me"),
            get(shopper, "/v1/store/addresses"),
            get(shopper, "/v1/store/orders"),
            get(&cart.client, &cart.path("")),
            post(&cart.client, &cart.path("/items"), item),
            post(&keyed, &cart.path("/complete"), json!({ "payment_provider": "payme" })),
            get(&unpaid.client, &order),
            post(&unpaid.client, &format!("{order}/cancel"), json!({})),
            post(&retried, &format!("{order}/payments"), json!({ "provider": "click" })),
            get(&site.merchant, "/v1/merchant/orders"),
            get(&site.admin, "/v1/admin/users"),
            get(&site.admin, "/v1/admin/orders"),
        ],
    )
    .await;
    let account = json!({ "order_id": unpaid.number });
    let create =
        json!({ "id": payme_id(), "time": now(), "amount": unpaid.total, "account": account });
    let told = payme.call("CreateTransaction", create).await;
    assert_eq!(Payme::error(&told), -32400, "Payme is told to ask again: {told}");
    let told = Click::new(guest, &unpaid.number, unpaid.total).prepare().await;
    assert_eq!(told["error"], -7, "Click is told to ask again: {told}");
    let mut calls = catalogue(guest, &site.goods().slug);
    calls.push(get(guest, &format!("/v1/store/reviews?product_id={}", site.goods().id)));
    fine("PostgreSQL", &calls).await;
    let page = ask(&get(guest, &format!("/v1/store/products/{}", site.goods().slug))).await.json();
    assert!(page["price_from"]["amount"].as_i64().unwrap() > 0, "the price last known: {page}");

    site.servers.start("postgres").await;
    let bought =
        within(BACK, "the cart becomes an order", async || site.complete(&cart).await).await;
    within(BACK, "somebody buys", async || site.buy().await).await;
    within(BACK, "somebody signs in", async || {
        wish(ask(&sign_in(guest, (&site.shopper.phone, PASSWORD))).await, 200)
    })
    .await;
    waiting.becomes_ready().await;
    assert_eq!(paid.read().await["status"], "paid");
    for bought in [unpaid, bought] {
        // Payments may hear of the order from an event, which is sent again after a pause.
        let account = json!({ "order_id": bought.number });
        let ask = json!({ "amount": bought.total, "account": account });
        within(BACK, "Payme may take the money", async || {
            let told = payme.call("CheckPerformTransaction", ask.clone()).await;
            if told["result"]["allow"] == true { Ok(()) } else { Err(told.to_string()) }
        })
        .await;
        payme.pay(&bought.number, bought.total).await;
        bought.becomes("paid").await;
        site.keep(&bought, "paid");
    }
}
