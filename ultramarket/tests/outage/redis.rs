//! Redis goes: carts, and what gateways share.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    asked::{BACK, ask, away, catalogue, fine, get, post, sign_in, within},
    site::Site,
    support::{
        providers::Payme,
        shop::{PASSWORD, delivery},
    },
};

/// How long a cart's refusal takes once the circuit is open.
const AT_ONCE: Duration = Duration::from_millis(200);

pub(crate) async fn goes_and_comes_back(site: &Site) {
    println!("  Redis");
    let unpaid = site.buy().await.unwrap();
    let cart = site.filled_cart().await;

    site.servers.stop("redis").await;
    site.not_ready(&["cart"], &["search"]).await;
    let waiting = site.waiting("cart").await;
    let (guest, shopper) = (&site.guest, &site.shopper.client);
    let keyed = cart.client.with("idempotency-key", &format!("key-{}", cart.id));
    let item = json!({ "offer_id": site.goods().offer, "quantity": 1 });
    away(
        "Redis",
        &[
            post(guest, "/v1/store/carts", json!({})),
            get(&cart.client, &cart.path("")),
            post(&cart.client, &cart.path("/items"), item),
            post(&keyed, &cart.path("/complete"), json!({ "payment_provider": "payme" })),
            get(shopper, "/v1/store/wishlist"),
        ],
    )
    .await;
    within(BACK, "carts are refused at once", async || {
        let began = Instant::now();
        let answer = ask(&get(&cart.client, &cart.path(""))).await;
        let took = began.elapsed();
        let quick = answer.status == 503 && took <= AT_ONCE;
        if quick { Ok(()) } else { Err(format!("{} after {took:?}", answer.status)) }
    })
    .await;
    let mut calls = catalogue(guest, &site.goods().slug);
    calls.extend([
        sign_in(guest, (&site.shopper.phone, PASSWORD)),
        get(shopper, "/v1/auth/me"),
        get(shopper, "/v1/store/orders"),
        get(&unpaid.client, &format!("/v1/store/orders/{}", unpaid.id)),
        get(&site.merchant, "/v1/merchant/orders"),
    ]);
    fine("Redis", &calls).await;
    Payme::new(guest).pay(&unpaid.number, unpaid.total).await;
    unpaid.becomes("paid").await;
    site.keep(&unpaid, "paid");
    // A repeat of this would make a second one, and nothing could remember the first.
    let mut address = delivery()["address"].clone();
    address["house"] = json!("7");
    away(
        "Redis",
        &[post(&shopper.with("idempotency-key", "home"), "/v1/store/addresses", address)],
    )
    .await;

    site.servers.start("redis").await;
    within(BACK, "the cart of before becomes an order", async || site.complete(&cart).await).await;
    within(BACK, "somebody buys", async || site.buy().await).await;
    waiting.becomes_ready().await;
}
