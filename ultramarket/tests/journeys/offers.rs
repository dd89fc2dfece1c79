//! What a merchant says of its offers, and what shoppers see of it: lower prices of larger quantities, pieces that are not there yet,
//! stock that runs low.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::Client,
    platform::Platform,
    realtime::Listener,
    shop::{self, Cart, Goods, HUNAR_UYI, TEXNOQALA, amount, text},
};

fn sum(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "UZS" })
}

async fn shown(guest: &Client, goods: &Goods) -> Value {
    let product = guest.get(&format!("/v1/store/products/{}", goods.slug)).await.expect(200);
    product["variants"][0]["offers"][0].clone()
}

pub(crate) async fn a_merchant_sells_in_bulk_and_ahead(platform: &'static Platform) {
    let guest = platform.guest();
    let (merchant, other) =
        (shop::merchant(platform, TEXNOQALA).await, shop::merchant(platform, HUNAR_UYI).await);
    let goods = shop::goods(&merchant, 1_000_000, 6).await;
    let path = format!("/v1/merchant/offers/{}", goods.offer);
    let terms = json!({ "low_stock_at": 2, "backorder_limit": 4, "price_tiers": [{ "from": 5, "price": sum(900_000) }] });
    other.patch(&path, terms.clone()).await.problem(404, "OFFER_NOT_FOUND");
    let own = merchant.patch(&path, terms).await.expect(200);
    assert_eq!((&own["low_stock_at"], &own["backorder_limit"]), (&json!(2), &json!(4)));
    for (wrong, code) in [
        (json!({ "low_stock_at": -1 }), "LOW_STOCK_INVALID"),
        (json!({ "backorder_limit": -1 }), "BACKORDER_LIMIT_INVALID"),
        (json!({ "price_tiers": [{ "from": 5, "price": sum(1_000_000) }] }), "PRICE_TIERS_INVALID"),
    ] {
        merchant.patch(&path, wrong).await.problem(400, code);
    }
    let seen = shown(&guest, &goods).await;
    assert_eq!(seen["price_tiers"], json!([{ "from": 5, "price": sum(900_000) }]));
    assert_eq!((&seen["in_stock"], &seen["backorder"]), (&json!(true), &json!(null)));

    let cart = Cart::open(&guest).await;
    let line = cart.add(&goods, 4).await["items"][0].clone();
    assert_eq!((amount(&line["unit_price"]), &line["backordered"]), (1_000_000, &json!(0)));
    let item = cart.path(&format!("/items/{}", text(&line["id"])));
    for (quantity, backordered, available) in [(11, 0, false), (8, 2, true)] {
        let body = json!({ "quantity": quantity });
        let changed = cart.client.send(Method::PATCH, &item, &body).await.expect(200);
        let line = &changed["items"][0];
        assert_eq!(amount(&line["unit_price"]), 900_000);
        assert_eq!(line["available"], available, "{line}");
        assert_eq!(line["backordered"], backordered, "{line}");
    }
    let total = amount(&cart.deliver().await["totals"]["total"]);
    let mut listener = Listener::open(platform, &merchant).await;
    let body = json!({ "payment_provider": "cash", "expected_total": sum(total) });
    let bought = cart.complete("ahead", body).await.expect(201);
    let item = &bought["order"]["items"][0];
    assert_eq!((amount(&item["total"]), &item["backordered"]), (7_200_000, &json!(2)));
    let low = listener.hear_of("offer.low_stock", "offer_id", &goods.offer).await;
    assert_eq!((&low["data"]["stock"], &low["data"]["product_id"]), (&json!(-2), &json!(goods.id)));
    assert_eq!(shop::stock(&merchant, &goods).await.0, -2);
    let seen = shop::eventually("it is shown as ordered ahead", async || {
        let seen = shown(&guest, &goods).await;
        (seen["in_stock"] == false).then_some(seen)
    })
    .await;
    assert_eq!(seen["backorder"], true);
    merchant
        .patch(&path, json!({ "backorder_limit": 1 }))
        .await
        .problem(400, "BACKORDER_LIMIT_INVALID");

    let bulk = json!({ "offers": [{ "id": goods.offer, "stock": 9 }] });
    merchant.post("/v1/merchant/offers/bulk", bulk).await.expect(200);
    let back = listener.hear_of("offer.back_in_stock", "offer_id", &goods.offer).await;
    assert_eq!(back["data"]["stock"], 9);
    let none = json!({ "low_stock_at": null, "price_tiers": [], "backorder_limit": 0 });
    let own = merchant.patch(&path, none).await.expect(200);
    assert_eq!((&own["low_stock_at"], &own["price_tiers"]), (&json!(null), &json!([])));
}

pub(crate) async fn heavy_goods_cost_more_to_deliver(platform: &'static Platform) {
    let guest = platform.guest();
    let (admin, merchant) =
        (shop::admin(platform).await, shop::new_merchant(platform, "Ogʻir").await);
    let me = merchant.get("/v1/merchant/me").await.expect(200);
    let path = format!("/v1/admin/merchants/{}/delivery", text(&me["merchant"]["id"]));
    let goods = shop::eventually("the order service has heard of the merchant", async || {
        let name = format!("Ogir{:05}", shop::unique());
        let made = merchant.post("/v1/merchant/products", shop::draft(&name, 1_000_000, 9)).await;
        (made.status == 201).then(|| made.json())
    })
    .await;
    let goods = Goods {
        id: text(&goods["id"]).to_owned(),
        slug: text(&goods["slug"]).to_owned(),
        offer: text(&goods["variants"][0]["offers"][0]["id"]).to_owned(),
    };
    shop::eventually("it can be bought", async || {
        let seen = guest.get(&format!("/v1/store/products/{}", goods.slug)).await;
        (seen.status == 200 && seen.json()["in_stock"] == true).then_some(())
    })
    .await;
    let offer = format!("/v1/merchant/offers/{}", goods.offer);
    let own = merchant.patch(&offer, json!({ "weight_grams": 1500 })).await.expect(200);
    assert_eq!(own["weight_grams"], 1500);
    merchant.patch(&offer, json!({ "weight_grams": -1 })).await.problem(400, "WEIGHT_INVALID");

    let empty = merchant.get("/v1/merchant/delivery").await.expect(200);
    assert_eq!(empty, json!({ "zones": [] }));
    let rate = json!({ "base": sum(800_000), "included_grams": 2000, "per_kg": sum(300_000) });
    let zones =
        json!({ "zones": [{ "regions": ["1726"], "courier": rate, "free_from": sum(5_000_000) }] });
    merchant.put(&path, zones.clone()).await.problem(403, "FORBIDDEN");
    let wrong = json!({ "zones": [{ "regions": ["Toshkent"], "courier": rate }] });
    let problem = admin.put(&path, wrong).await.problem(400, "INVALID");
    assert_eq!(problem["errors"][0]["field"], "zones[0].regions");
    let nobody = format!("/v1/admin/merchants/{}/delivery", ids::MerchantId::new());
    admin.put(&nobody, zones.clone()).await.problem(404, "MERCHANT_NOT_FOUND");
    let set = admin.put(&path, zones).await.expect(200);
    assert_eq!(set["zones"][0]["courier"]["per_kg"], sum(300_000));
    assert_eq!(merchant.get("/v1/merchant/delivery").await.expect(200), set);
    assert_eq!(admin.get(&path).await.expect(200), set);

    let cart = Cart::open(&guest).await;
    cart.add(&goods, 3).await;
    let options = cart.client.get(&cart.path("/delivery-options?region=1726")).await.expect(200);
    let courier = options["data"].as_array().unwrap().iter().find(|it| it["method"] == "courier");
    assert_eq!(amount(&courier.unwrap()["price"]), 800_000 + 3 * 300_000, "{options}");
    let delivered = cart.deliver().await;
    assert_eq!(amount(&delivered["totals"]["delivery"]), 1_700_000);
    let total = amount(&delivered["totals"]["total"]);
    let body = json!({ "payment_provider": "payme", "expected_total": sum(total) });
    let placed = cart.complete("heavy", body).await.expect(201);
    assert_eq!(amount(&placed["order"]["totals"]["delivery"]), 1_700_000);

    let cart = Cart::open(&guest).await;
    cart.add(&goods, 5).await;
    let free = cart.deliver().await;
    assert_eq!(amount(&free["totals"]["delivery"]), 0);
    let none = admin.put(&path, json!({ "zones": [] })).await.expect(200);
    assert_eq!(none, json!({ "zones": [] }));
    let plain = cart.client.get(&cart.path("")).await.expect(200);
    assert_eq!(amount(&plain["totals"]["delivery"]), 2_500_000);
}
