//! Bad requests: each is answered with a problem and changes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Answer, Client},
    platform::Platform,
    shop::{self, Bought, Cart, Goods, HUNAR_UYI, register, text},
};

/// One request a line.
const TABLE: &str = include_str!("refusals.txt");

/// Everything that the bad requests are aimed at.
struct Aims {
    guest: Client,
    shopper: Client,
    merchant: Client,
    admin: Client,
    cart: Cart,
    order: Bought,
    goods: Goods,
}

impl Aims {
    async fn new(platform: &Platform) -> Self {
        let guest = platform.guest();
        let merchant = shop::merchant(platform, HUNAR_UYI).await;
        let goods = shop::goods(&merchant, 1_000_000, 20).await;
        let shopper = register(&guest).await.client;
        let order = shop::order(&guest, &goods, 1, "payme").await;
        let cart = Cart::open(&guest).await;
        cart.add(&goods, 2).await;
        let admin = shop::admin(platform).await;
        Self { guest, shopper, merchant, admin, cart, order, goods }
    }

    fn client(&self, who: &str) -> Client {
        match who {
            "guest" => self.guest.clone(),
            "forger" => self.guest.bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
            "shopper" => self.shopper.clone(),
            "merchant" => self.merchant.clone(),
            "admin" => self.admin.clone(),
            "cart" => self.cart.client.clone(),
            "order" => self.order.client.clone(),
            other => panic!("nobody is {other}"),
        }
    }

    /// All that could have changed.
    async fn state(&self) -> Value {
        let product = format!("/v1/merchant/products/{}", self.goods.id);
        json!([
            self.cart.client.get(&self.cart.path("")).await.expect(200),
            self.order.read().await,
            self.merchant.get(&product).await.expect(200),
            self.merchant.get("/v1/merchant/staff").await.expect(200),
            self.shopper.get("/v1/auth/me").await.expect(200),
            self.shopper.get("/v1/store/addresses").await.expect(200),
            self.shopper.get("/v1/store/wishlist").await.expect(200),
            self.shopper.get("/v1/store/reviews").await.expect(200),
            self.shopper.get("/v1/store/orders").await.expect(200),
            self.admin.get("/v1/admin/categories").await.expect(200)["data"]
                .as_array()
                .unwrap()
                .len(),
        ])
    }

    /// Sends the request of a line; the answer, and the status and code that it should have.
    async fn send(&self, line: &str) -> (Answer, u16, String) {
        let line = line
            .replace("{cart}", &self.cart.id)
            .replace("{order}", &self.order.id)
            .replace("{offer}", &self.goods.offer)
            .replace("{product}", &self.goods.id);
        let (request, expected) = line.split_once(" -> ").unwrap();
        let mut request = request.split_whitespace();
        let client = self.client(request.next().unwrap());
        let method: Method = request.next().unwrap().parse().unwrap();
        let path = request.next().unwrap();
        let mut expected = expected.splitn(3, ' ');
        let status = expected.next().unwrap().parse().unwrap();
        let code = expected.next().unwrap().to_owned();
        let answer = match expected.next() {
            Some(body) => client.send(method, path, &read(body)).await,
            None => client.try_send(method, path, None, Vec::new()).await.unwrap(),
        };
        (answer, status, code)
    }
}

/// The body of a line.
fn read(text: &str) -> Value {
    let Some(change) = text.strip_prefix("draft ") else {
        return serde_json::from_str(text).unwrap();
    };
    let (pointer, value) = change.split_once(' ').unwrap();
    let mut draft = shop::draft("Notogri", 100, 1);
    *draft.pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
    draft
}

pub(crate) async fn bad_requests_change_nothing(platform: &'static Platform) {
    let aims = Aims::new(platform).await;
    let before = aims.state().await;
    let mut wrong = Vec::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let (answer, status, code) = aims.send(line).await;
        let problem = answer.json();
        let whole = ["type", "title", "detail", "instance", "trace_id"]
            .iter()
            .all(|member| problem[*member].is_string());
        let kind = answer.header("content-type") == "application/problem+json";
        if answer.status != status || problem["code"] != code.as_str() || !whole || !kind {
            wrong.push(format!("{line}\n    got {} {}", answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(aims.state().await, before, "nothing has changed");
}

pub(crate) async fn bodies_that_are_no_json(platform: &'static Platform) {
    let guest = platform.guest();
    let path = "/v1/auth/login";
    let post = async |kind: &str, body: Vec<u8>| guest.raw(Method::POST, path, kind, body).await;
    post("application/json", b"{\"login\": ".to_vec()).await.problem(400, "MALFORMED_JSON");
    post("application/json", vec![0xff, 0xfe]).await.problem(400, "MALFORMED_JSON");
    post("application/json", Vec::new()).await.problem(400, "MALFORMED_JSON");
    post("text/plain", b"{}".to_vec()).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    let deep = "[".repeat(100_000).into_bytes();
    assert_eq!(post("application/json", deep).await.status, 400);
    let long = vec![b' '; 1024 * 1024 + 1];
    post("application/json", long).await.problem(413, "PAYLOAD_TOO_LARGE");
    let long = vec![b' '; 64 * 1024 + 1];
    let hook = guest.raw(Method::POST, "/hooks/payme", "text/json", long).await;
    assert_eq!(hook.status, 413);
    let key = guest.with("idempotency-key", &"k".repeat(256));
    key.post("/v1/store/carts", json!({})).await.problem(400, "IDEMPOTENCY_KEY_INVALID");

    let russian = guest.with("accept-language", "ru").get("/v1/auth/me").await;
    let english = guest.with("accept-language", "en").get("/v1/auth/me").await;
    let (russian, english) =
        (russian.problem(401, "UNAUTHENTICATED"), english.problem(401, "UNAUTHENTICATED"));
    assert_ne!(russian["title"], english["title"], "problems speak the client's language");
    assert_eq!(text(&russian["code"]), text(&english["code"]));
}
