//! What people do in the shop, in the words of the journeys.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    client::{Answer, Client},
    platform::Platform,
};

/// A password that is long enough.
pub(crate) const PASSWORD: &str = "choy-qaynadi-7-marta";
/// Demo merchants' owners.
pub(crate) const TEXNOQALA: &str = "+998900000111";
pub(crate) const HUNAR_UYI: &str = "+998900000222";
pub(crate) const ZARBOF: &str = "+998900000333";

/// A number that no other test of this binary uses.
pub(crate) fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A phone that nobody has yet.
pub(crate) fn new_phone() -> String {
    format!("+99893{:07}", unique())
}

/// Somebody with an account, signed in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) phone: String,
    pub(crate) client: Client,
    /// The whole answer of the registration.
    pub(crate) answer: Value,
}

/// Somebody new.
pub(crate) async fn register(guest: &Client) -> Person {
    let phone = new_phone();
    let body = json!({ "phone": phone, "password": PASSWORD, "name": "Nodira Yusupova" });
    let answer = guest.post("/v1/auth/register", body).await.expect(201);
    let client = guest.bearer(text(&answer["access_token"]));
    Person { phone, client, answer }
}

/// Signs in.
pub(crate) async fn login(guest: &Client, login: &str, password: &str) -> Client {
    let body = json!({ "login": login, "password": password });
    let answer = guest.post("/v1/auth/login", body).await.expect(200);
    guest.bearer(text(&answer["access_token"]))
}

/// A demo merchant's owner.
pub(crate) async fn merchant(platform: &Platform, owner: &str) -> Client {
    let password = text(&platform.accounts["merchant"]["password"]);
    login(&platform.guest(), owner, password).await
}

/// The platform's owner.
pub(crate) async fn admin(platform: &Platform) -> Client {
    let account = &platform.accounts["admin"];
    login(&platform.guest(), text(&account["login"]), text(&account["password"])).await
}

/// A merchant that belongs to one test alone, approved.
pub(crate) async fn new_merchant(platform: &Platform, name: &str) -> Client {
    let guest = platform.guest();
    let person = register(&guest).await;
    let application = json!({ "name": name, "legal_name": name, "tin": format!("31{:07}", unique()),
        "phone": "+998901234567", "email": "sinov@example.uz" });
    let applied = person.client.post("/v1/merchant/applications", application).await.expect(201);
    let approve = format!("/v1/admin/merchants/{}/approve", text(&applied["id"]));
    admin(platform).await.post(&approve, json!({ "plan": "basic" })).await.expect(200);
    login(&guest, &person.phone, PASSWORD).await
}

/// The text of a JSON string.
#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// The amount of money.
#[track_caller]
pub(crate) fn amount(value: &Value) -> i64 {
    assert_eq!(value["currency"], "UZS", "{value}");
    value["amount"].as_i64().unwrap()
}

/// Something to buy that belongs to one test alone.
#[derive(Debug, Clone)]
pub(crate) struct Goods {
    pub(crate) id: String,
    pub(crate) slug: String,
    pub(crate) offer: String,
}

/// The body that makes a product.
pub(crate) fn draft(name: &str, price: i64, stock: i64) -> Value {
    json!({
        "title": { "uz": format!("{name} piyola"), "ru": format!("{name} пиала"), "en": format!("{name} tea bowl") },
        "description": { "uz": "Choy uchun.", "ru": "Для чая.", "en": "For tea." },
        "category": "dishes",
        "brand": "Sinov",
        "attributes": { "material": "ceramic" },
        "status": "active",
        "fiscal": { "mxik": "06912033018282000", "package_code": "1206558", "vat_percent": 12, "unit_code": "796" },
        "variants": [{ "sku": format!("{name}-1"), "options": { "color": "blue" },
            "offer": { "price": { "amount": price, "currency": "UZS" }, "stock": stock } }],
    })
}

/// A new product on sale.
pub(crate) async fn goods(merchant: &Client, price: i64, stock: i64) -> Goods {
    let body = draft(&format!("Sinov{:05}", unique()), price, stock);
    let product = merchant.post("/v1/merchant/products", body).await.expect(201);
    Goods {
        id: text(&product["id"]).to_owned(),
        slug: text(&product["slug"]).to_owned(),
        offer: text(&product["variants"][0]["offers"][0]["id"]).to_owned(),
    }
}

/// Pieces on sale and pieces held, as the merchant sees them.
pub(crate) async fn stock(merchant: &Client, goods: &Goods) -> (i64, i64) {
    let path = format!("/v1/merchant/products/{}", goods.id);
    let product = merchant.get(&path).await.expect(200);
    let offer = &product["variants"][0]["offers"][0];
    (offer["stock"].as_i64().unwrap(), offer["reserved"].as_i64().unwrap())
}

/// A cart and whoever may change it.
#[derive(Debug, Clone)]
pub(crate) struct Cart {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) client: Client,
}

/// What somebody bought.
#[derive(Debug, Clone)]
pub(crate) struct Bought {
    pub(crate) id: String,
    pub(crate) number: String,
    pub(crate) total: i64,
    /// Whoever may see the order.
    pub(crate) client: Client,
    pub(crate) answer: Value,
}

/// Where the journeys' parcels go.
pub(crate) fn delivery() -> Value {
    json!({ "method": "courier", "address": {
        "region": "1726", "district": "1726264", "street": "Navoiy shoh koʻchasi", "house": "12",
        "landmark": "metro", "recipient": "Nodira Yusupova", "phone": "+998901234567",
    } })
}

impl Cart {
    /// A new cart of this guest, or the open cart of this person.
    pub(crate) async fn open(client: &Client) -> Self {
        let cart = client.post("/v1/store/carts", json!({})).await.expect(201);
        let token = cart["token"].as_str().unwrap_or_default().to_owned();
        let id = text(&cart["id"]).to_owned();
        let client =
            if token.is_empty() { client.clone() } else { client.with("x-cart-token", &token) };
        Self { id, token, client }
    }

    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/store/carts/{}{rest}", self.id)
    }

    pub(crate) async fn add(&self, goods: &Goods, quantity: u32) -> Value {
        let body = json!({ "offer_id": goods.offer, "quantity": quantity });
        self.client.post(&self.path("/items"), body).await.expect(200)
    }

    pub(crate) async fn deliver(&self) -> Value {
        self.client.put(&self.path("/delivery"), delivery()).await.expect(200)
    }

    pub(crate) async fn complete(&self, key: &str, body: Value) -> Answer {
        self.client.with("idempotency-key", key).post(&self.path("/complete"), body).await
    }

    /// Completes the cart with this provider.
    pub(crate) async fn buy(&self, provider: &str) -> Bought {
        let key = format!("key-{}", self.id);
        let answer = self.complete(&key, json!({ "payment_provider": provider })).await.expect(201);
        let order = &answer["order"];
        let client = match answer["order_token"].as_str() {
            Some(token) => self.client.with("x-order-token", token),
            None => self.client.clone(),
        };
        Bought {
            id: text(&order["id"]).to_owned(),
            number: text(&order["number"]).to_owned(),
            total: amount(&order["totals"]["total"]),
            client,
            answer,
        }
    }
}

impl Bought {
    /// The order as it is now.
    pub(crate) async fn read(&self) -> Value {
        self.client.get(&format!("/v1/store/orders/{}", self.id)).await.expect(200)
    }

    /// The order, as soon as it has this status.
    pub(crate) async fn becomes(&self, status: &str) -> Value {
        for _ in 0..500 {
            let order = self.read().await;
            if order["status"] == status {
                return order;
            }
            pause().await;
        }
        panic!("it does not become {status}: {}", self.read().await)
    }
}

/// Buys some of these goods, as far as the choice of the payment.
pub(crate) async fn order(client: &Client, goods: &Goods, quantity: u32, provider: &str) -> Bought {
    let cart = Cart::open(client).await;
    cart.add(goods, quantity).await;
    cart.deliver().await;
    cart.buy(provider).await
}

/// A moment between two looks.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// Asks until the answer is there.
pub(crate) async fn eventually<T>(what: &str, mut question: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(answer) = question().await {
            return answer;
        }
        pause().await;
    }
    panic!("it did not come true: {what}")
}
