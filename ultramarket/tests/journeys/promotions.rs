//! What lowers a price: made by a merchant and by the platform owner, typed into a cart, kept by an order, given back with its end.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Answer, Client},
    platform::Platform,
    shop::{self, Cart, HUNAR_UYI, TEXNOQALA, amount, register, text},
};

/// A code that no other journey uses.
fn code() -> String {
    format!("SINOV-{:05}", shop::unique())
}

fn names(name: &str) -> Value {
    json!({ "uz": format!("{name} aksiyasi"), "ru": format!("Акция {name}"), "en": format!("{name} sale") })
}

fn sum(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "UZS" })
}

/// A promotion of the platform for these goods alone: the other journeys buy at full price.
async fn platforms(admin: &Client, goods: &shop::Goods, more: Value) -> Value {
    let mut body =
        json!({ "name": names("Bozor"), "funded_by": "platform", "products": [goods.id] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    admin.post("/v1/admin/promotions", body).await.expect(201)
}

async fn add_code(cart: &Cart, code: &str) -> Answer {
    cart.client.post(&cart.path("/discount-codes"), json!({ "code": code })).await
}

pub(crate) async fn a_code_lowers_a_cart_and_stays_in_its_order(platform: &'static Platform) {
    let guest = platform.guest();
    let (admin, merchant) =
        (shop::admin(platform).await, shop::merchant(platform, HUNAR_UYI).await);
    let other = shop::merchant(platform, TEXNOQALA).await;
    let (goods, plain) =
        (shop::goods(&merchant, 3_333_300, 50).await, shop::goods(&other, 1_000_000, 50).await);
    let code = code();
    let made = platforms(
        &admin,
        &goods,
        json!({ "code": code.to_lowercase(), "kind": "percent", "value": 10,
        "min_total": sum(5_000_000) }),
    )
    .await;
    assert_eq!(
        (&made["code"], &made["used"], &made["value"]),
        (&json!(code), &json!(0), &json!(10))
    );
    let taken = json!({ "name": names("Ikkinchi"), "code": code, "kind": "percent", "value": 5 });
    merchant.post("/v1/merchant/promotions", taken).await.problem(409, "DISCOUNT_CODE_TAKEN");

    let cart = Cart::open(&guest).await;
    cart.add(&plain, 1).await;
    add_code(&cart, "NO-SUCH-CODE").await.problem(404, "DISCOUNT_CODE_NOT_FOUND");
    add_code(&cart, &code).await.problem(409, "DISCOUNT_CODE_NOT_APPLICABLE");
    cart.add(&goods, 1).await;
    add_code(&cart, &code).await.problem(409, "DISCOUNT_CODE_MIN_TOTAL");
    cart.add(&goods, 1).await;
    let lowered = add_code(&cart, &format!(" {} ", code.to_lowercase())).await.expect(200);
    assert_eq!(lowered["discount_codes"], json!([code]));
    assert_eq!(amount(&lowered["totals"]["items"]), 7_666_600);
    assert_eq!(amount(&lowered["totals"]["discount"]), 666_660);
    assert_eq!(amount(&lowered["totals"]["total"]), 6_999_940);
    let line = &lowered["items"][1];
    assert_eq!((amount(&line["discount"]), amount(&line["total"])), (666_660, 5_999_940));
    assert_eq!(amount(&lowered["items"][0]["discount"]), 0);
    for (language, name) in [
        ("uz", "Bozor aksiyasi"),
        ("uz-Cyrl", "Бозор акцияси"),
        ("ru", "Акция Bozor"),
        ("en", "Bozor sale"),
    ] {
        let shown = cart.client.with("accept-language", language).get(&cart.path("")).await;
        assert_eq!(shown.expect(200)["promotions"][0]["name"], name);
    }
    let without =
        cart.client.delete(&cart.path(&format!("/discount-codes/{code}"))).await.expect(200);
    assert_eq!(amount(&without["totals"]["discount"]), 0);
    add_code(&cart, &code).await.expect(200);

    let delivered = cart.deliver().await;
    let total = amount(&delivered["totals"]["total"]);
    let body = json!({ "payment_provider": "payme", "expected_total": sum(total) });
    let order = cart.complete("promotion-key", body).await.expect(201);
    let (order, payment) = (&order["order"], &order["payment"]);
    assert_eq!((amount(&order["totals"]["total"]), amount(&payment["amount"])), (total, total));
    assert_eq!(amount(&order["totals"]["discount"]), 666_660);
    let item =
        order["items"].as_array().unwrap().iter().find(|it| it["offer_id"] == goods.offer.as_str());
    assert_eq!(amount(&item.unwrap()["promotions"][0]["amount"]), 666_660);
    assert_eq!(item.unwrap()["promotions"][0]["code"], code.as_str());
    let path = format!("/v1/admin/promotions/{}", text(&made["id"]));
    let used = admin.get(&path).await.expect(200);
    assert_eq!((&used["used"], amount(&used["spent"])), (&json!(1), 666_660));
    // What it becomes later does not touch the order.
    let ended = admin.patch(&path, json!({ "active": false, "min_total": null })).await.expect(200);
    assert_eq!(
        (&ended["active"], &ended["min_total"], &ended["version"]),
        (&json!(false), &json!(null), &json!(2))
    );
    let late = Cart::open(&guest).await;
    late.add(&goods, 2).await;
    add_code(&late, &code).await.problem(409, "DISCOUNT_CODE_EXPIRED");
}

pub(crate) async fn merchants_lower_their_own_prices_only(platform: &'static Platform) {
    let guest = platform.guest();
    let (ours, theirs) =
        (shop::merchant(platform, HUNAR_UYI).await, shop::merchant(platform, TEXNOQALA).await);
    let (own, foreign) =
        (shop::goods(&ours, 1_000_000, 50).await, shop::goods(&theirs, 1_000_000, 50).await);
    let path = "/v1/merchant/promotions";
    let body = |more: Value| {
        let mut body = json!({ "name": names("Doʻkon"), "products": [own.id, foreign.id] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    guest
        .post(path, body(json!({ "kind": "percent", "value": 5 })))
        .await
        .problem(401, "UNAUTHENTICATED");
    ours.post(path, body(json!({ "kind": "percent", "value": 0 }))).await.problem(400, "INVALID");
    let platforms = body(json!({ "kind": "percent", "value": 5, "funded_by": "platform" }));
    ours.post(path, platforms).await.problem(400, "INVALID");
    let unknown =
        body(json!({ "kind": "percent", "value": 5, "categories": ["no-such-category"] }));
    ours.post(path, unknown).await.problem(400, "INVALID");

    let three = body(json!({ "kind": "buy_x_get_y", "buy_quantity": 2, "get_quantity": 1 }));
    let three = ours.post(path, three).await.expect(201);
    assert_eq!(three["funded_by"], "merchant");
    let cart = Cart::open(&guest).await;
    cart.add(&foreign, 3).await;
    let filled = cart.add(&own, 3).await;
    assert_eq!(amount(&filled["items"][0]["discount"]), 0, "of another merchant");
    assert_eq!(amount(&filled["items"][1]["discount"]), 1_000_000, "the third is free");
    assert_eq!(filled["promotions"][0]["id"], three["id"]);
    assert!(filled["promotions"][0].get("code").is_none());

    let one = format!("{path}/{}", text(&three["id"]));
    theirs.get(&one).await.problem(404, "PROMOTION_NOT_FOUND");
    theirs.patch(&one, json!({ "active": false })).await.problem(404, "PROMOTION_NOT_FOUND");
    let listed = theirs.get(&format!("{path}?limit=100")).await.expect(200);
    assert!(listed["data"].as_array().unwrap().iter().all(|it| it["id"] != three["id"]));
    let listed = ours.get(&format!("{path}?limit=100")).await.expect(200);
    assert!(listed["data"].as_array().unwrap().iter().any(|it| it["id"] == three["id"]));

    // The category is what the product told of itself.
    ours.patch(&one, json!({ "active": false })).await.expect(200);
    let dishes = json!({ "name": names("Idish"), "kind": "fixed", "value": sum(150_000), "categories": ["dishes"],
        "products": [], "code": code() });
    let dishes = ours.post(path, dishes).await.expect(201);
    let lowered = add_code(&cart, text(&dishes["code"])).await.expect(200);
    assert_eq!(amount(&lowered["items"][1]["discount"]), 150_000);
    assert_eq!(amount(&lowered["totals"]["discount"]), 150_000);
    assert_eq!(amount(&dishes["value"]), 150_000);
}

pub(crate) async fn a_code_with_two_uses_is_used_twice(platform: &'static Platform) {
    let guest = platform.guest();
    let (admin, merchant) =
        (shop::admin(platform).await, shop::merchant(platform, HUNAR_UYI).await);
    let goods = shop::goods(&merchant, 2_000_000, 50).await;
    let code = code();
    let made = platforms(&admin, &goods,
        json!({ "code": code, "kind": "percent", "value": 25, "usage_limit": 2, "per_customer_limit": 1 }))
    .await;
    let path = format!("/v1/admin/promotions/{}", text(&made["id"]));
    let mut carts = Vec::new();
    for _ in 0..6 {
        let cart = Cart::open(&register(&guest).await.client).await;
        cart.add(&goods, 1).await;
        add_code(&cart, &code).await.expect(200);
        // Everybody has a phone of their own.
        let mut delivery = shop::delivery();
        delivery["address"]["phone"] = json!(format!("+99894{:07}", shop::unique()));
        let total = cart.client.put(&cart.path("/delivery"), delivery).await.expect(200);
        carts.push((cart, total["totals"]["total"].clone()));
    }
    let tries = carts.iter().enumerate().map(|(nth, (cart, total))| async move {
        let body = json!({ "payment_provider": "payme", "expected_total": total });
        cart.complete(&format!("race-{nth}-{}", cart.id), body).await
    });
    let answers = futures::future::join_all(tries).await;
    let bought: Vec<usize> = (0..6).filter(|nth| answers[*nth].status == 201).collect();
    assert_eq!(bought.len(), 2);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.status, 409);
        assert_eq!(refused.json()["code"], "DISCOUNT_CODE_EXHAUSTED");
    }
    assert_eq!(admin.get(&path).await.expect(200)["used"], 2);

    // Whoever was refused still has the cart, sees the new total and why, and may buy at it.
    let late = (0..6).find(|nth| !bought.contains(nth)).unwrap();
    let shown = carts[late].0.client.get(&carts[late].0.path("")).await.expect(200);
    assert_eq!(shown["refusals"][0]["reason"], "DISCOUNT_CODE_EXHAUSTED");
    assert!(!text(&shown["refusals"][0]["message"]).is_empty());
    assert_eq!(shown["refused_codes"], json!([code]));
    assert_eq!(amount(&shown["totals"]["discount"]), 0);

    // An order that ends gives its use back; the shopper who had it may have it again, as anybody else.
    let (cart, _) = &carts[bought[0]];
    let id = text(&answers[bought[0]].json()["order"]["id"]).to_owned();
    let cancel = format!("/v1/store/orders/{id}/cancel");
    cart.client.post(&cancel, json!({ "reason": "fikrim oʻzgardi" })).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200)["used"], 1);
    let (cart, _) = &carts[late];
    let again = cart.client.get(&cart.path("")).await.expect(200);
    assert_eq!(amount(&again["totals"]["discount"]), 500_000);
    let body = json!({ "payment_provider": "payme", "expected_total": again["totals"]["total"] });
    cart.complete("after-the-cancel", body).await.expect(201);
}

pub(crate) async fn free_delivery_is_shown_before_it_is_chosen(platform: &'static Platform) {
    let guest = platform.guest();
    let (admin, merchant) =
        (shop::admin(platform).await, shop::merchant(platform, HUNAR_UYI).await);
    let goods = shop::goods(&merchant, 2_000_000, 50).await;
    let code = code();
    platforms(&admin, &goods, json!({ "code": code, "kind": "free_delivery" })).await;
    let cart = Cart::open(&guest).await;
    cart.add(&goods, 1).await;
    let options = cart.path("/delivery-options?region=1726");
    let courier = async || {
        let options = cart.client.get(&options).await.expect(200);
        let options = options["data"].as_array().unwrap().clone();
        amount(&options.iter().find(|it| it["method"] == "courier").unwrap()["price"])
    };
    assert!(courier().await > 0);
    add_code(&cart, &code).await.expect(200);
    assert_eq!(courier().await, 0);
    let delivered = cart.deliver().await;
    assert_eq!(amount(&delivered["totals"]["delivery"]), 0);
    assert_eq!(amount(&delivered["totals"]["total"]), 2_000_000);
    let order = cart.buy("cash").await;
    assert!(amount(&order.answer["order"]["delivery_promotions"][0]["amount"]) > 0);
}

pub(crate) async fn the_cart_page_takes_a_code(platform: &'static Platform) {
    let (admin, merchant) =
        (shop::admin(platform).await, shop::merchant(platform, HUNAR_UYI).await);
    let goods = shop::goods(&merchant, 4_000_000, 50).await;
    let code = code();
    platforms(&admin, &goods, json!({ "code": code, "kind": "percent", "value": 50 })).await;
    let mut browser = Browser { client: platform.guest(), cookies: BTreeMap::new() };
    let token = |page: &str| {
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let product = browser.get(&format!("/p/{}", goods.slug), "uz").await;
    let csrf = token(&product);
    browser.post("/cart/items", &format!("csrf={csrf}&offer_id={}&quantity=1", goods.offer)).await;
    let unknown = browser.post("/cart/codes", &format!("csrf={csrf}&code=NO-SUCH-CODE")).await;
    assert!(unknown.contains("Bu promokod amal qilmaydi"), "{unknown}");
    let lowered = browser.post("/cart/codes", &format!("csrf={csrf}&code={code}")).await;
    assert!(lowered.contains(&code) && lowered.contains("Bozor aksiyasi"), "{lowered}");
    assert!(lowered.contains("<s>"), "the old price stands beside the new one");
    for (language, name) in
        [("uz-Cyrl", "Бозор акцияси"), ("ru", "Акция Bozor"), ("en", "Bozor sale")]
    {
        let shown = browser.get("/cart", language).await;
        assert!(shown.contains(name), "{shown}");
    }
    let gone = browser.post("/cart/codes/remove", &format!("csrf={csrf}&code={code}")).await;
    assert!(!gone.contains(&code) && !gone.contains("<s>"), "{gone}");
}

/// Somebody without JavaScript.
struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    fn dressed(&self, language: &str) -> Client {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        self.client.with("cookie", &cookies).with("accept-language", language)
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    async fn get(&mut self, path: &str, language: &str) -> String {
        let answer = self.dressed(language).get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.keep(&answer);
        answer.text()
    }

    /// Sends a form, and reads the page that it leads to.
    async fn post(&mut self, path: &str, form: &str) -> String {
        let kind = "application/x-www-form-urlencoded";
        let client = self.dressed("uz");
        let answer = client.raw(Method::POST, path, kind, form.to_owned()).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        self.keep(&answer);
        self.get(answer.header("location"), "uz").await
    }
}
