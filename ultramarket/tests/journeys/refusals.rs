//! Bad requests: each is answered with a problem and changes nothing.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::Client,
    platform::Platform,
    shop::{self, Bought, Cart, Goods, HUNAR_UYI, register, text},
};

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

/// Who sends a request.
#[derive(Debug, Clone, Copy)]
enum Who {
    Guest,
    Forger,
    Shopper,
    Merchant,
    Admin,
    Cart,
    Order,
}

struct Row(Who, Method, String, Value, u16, &'static str);

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

    fn client(&self, who: Who) -> Client {
        match who {
            Who::Guest => self.guest.clone(),
            Who::Forger => self.guest.bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."),
            Who::Shopper => self.shopper.clone(),
            Who::Merchant => self.merchant.clone(),
            Who::Admin => self.admin.clone(),
            Who::Cart => self.cart.client.clone(),
            Who::Order => self.order.client.clone(),
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
            self.admin.get("/v1/admin/categories").await.expect(200),
        ])
    }

    fn accounts() -> Vec<Row> {
        use Who::{Forger, Guest, Shopper};
        let post = |who, path: &str, body, status, code| {
            Row(who, Method::POST, format!("/v1/auth{path}"), body, status, code)
        };
        let (good, long) = ("choy-qaynadi-7-marta", "x".repeat(200));
        vec![
            post(Guest, "/register", json!({ "password": good, "name": "N" }), 400, "INVALID"),
            post(
                Guest,
                "/register",
                json!({ "phone": "123", "password": good, "name": "N" }),
                400,
                "INVALID",
            ),
            post(
                Guest,
                "/register",
                json!({ "phone": "+998991112233", "password": "1", "name": "N" }),
                400,
                "INVALID",
            ),
            post(
                Guest,
                "/register",
                json!({ "phone": "+998991112233", "password": good, "name": "" }),
                400,
                "INVALID",
            ),
            post(
                Guest,
                "/register",
                json!({ "email": "no-at-sign", "password": good, "name": "N" }),
                400,
                "INVALID",
            ),
            post(
                Guest,
                "/register",
                json!({ "phone": "+998991112233", "password": good, "name": "N", "roles": ["admin"] }),
                400,
                "UNKNOWN_FIELD",
            ),
            post(
                Guest,
                "/register",
                json!({ "phone": "+998991112233", "password": good, "name": long }),
                400,
                "INVALID",
            ),
            post(Guest, "/login", json!({ "login": "+998991112233" }), 400, "INVALID"),
            post(Guest, "/login", json!({ "login": 5, "password": good }), 400, "INVALID"),
            post(Guest, "/login", json!([]), 400, "INVALID"),
            post(
                Guest,
                "/password/reset",
                json!({ "token": "none", "password": good }),
                400,
                "RESET_TOKEN_INVALID",
            ),
            post(Guest, "/otp", json!({ "phone": "12" }), 400, "INVALID"),
            post(Guest, "/ws-ticket", json!({}), 401, "UNAUTHENTICATED"),
            Row(Guest, Method::GET, "/v1/auth/me".to_owned(), Value::Null, 401, "UNAUTHENTICATED"),
            Row(Forger, Method::GET, "/v1/auth/me".to_owned(), Value::Null, 401, "UNAUTHENTICATED"),
            Row(
                Shopper,
                Method::PATCH,
                "/v1/auth/me".to_owned(),
                json!({ "locale": "xx" }),
                400,
                "INVALID",
            ),
            Row(
                Shopper,
                Method::PATCH,
                "/v1/auth/me".to_owned(),
                json!({ "role": "admin" }),
                400,
                "UNKNOWN_FIELD",
            ),
        ]
    }

    fn shop(&self) -> Vec<Row> {
        use Who::{Cart, Guest, Order, Shopper};
        let store = |who, method, path: &str, body, status, code| {
            Row(who, method, format!("/v1/store{path}"), body, status, code)
        };
        let (cart, order) =
            (format!("/carts/{}", self.cart.id), format!("/orders/{}", self.order.id));
        let (items, offer) = (format!("{cart}/items"), &self.goods.offer);
        let nothing = "00000000000000000000000000";
        let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
        let address = json!({ "region": "1726", "district": "1726264", "street": "S", "recipient": "R", "phone": "+1 555 1234" });
        vec![
            store(Guest, get.clone(), "/products?limit=0", Value::Null, 400, "INVALID"),
            store(Guest, get.clone(), "/products?price_gte=cheap", Value::Null, 400, "INVALID"),
            store(Guest, get.clone(), "/products?sort=colour", Value::Null, 400, "INVALID"),
            store(Guest, get.clone(), "/products?after=nonsense", Value::Null, 400, "INVALID"),
            store(Guest, get.clone(), "/search?q=a&in_stock=maybe", Value::Null, 400, "INVALID"),
            store(Guest, get, &cart, Value::Null, 404, "CART_NOT_FOUND"),
            store(
                Guest,
                post.clone(),
                &items,
                json!({ "offer_id": offer, "quantity": 1 }),
                404,
                "CART_NOT_FOUND",
            ),
            store(
                Shopper,
                post.clone(),
                &items,
                json!({ "offer_id": offer, "quantity": 1 }),
                404,
                "CART_NOT_FOUND",
            ),
            store(
                Cart,
                post.clone(),
                &items,
                json!({ "offer_id": offer, "quantity": 0 }),
                400,
                "INVALID",
            ),
            store(
                Cart,
                post.clone(),
                &items,
                json!({ "offer_id": offer, "quantity": -1 }),
                400,
                "INVALID",
            ),
            store(
                Cart,
                post.clone(),
                &items,
                json!({ "offer_id": offer, "quantity": 1_000_000 }),
                400,
                "INVALID",
            ),
            store(
                Cart,
                post.clone(),
                &items,
                json!({ "offer_id": format!("off_{nothing}"), "quantity": 1 }),
                404,
                "OFFER_NOT_FOUND",
            ),
            store(
                Cart,
                Method::PATCH,
                &format!("{items}/item_{nothing}"),
                json!({ "quantity": 1 }),
                404,
                "CART_ITEM_NOT_FOUND",
            ),
            store(
                Cart,
                put.clone(),
                &format!("{cart}/delivery"),
                json!({ "method": "drone", "address": address }),
                400,
                "INVALID",
            ),
            store(
                Cart,
                put,
                &format!("{cart}/delivery"),
                json!({ "method": "courier", "address": address }),
                400,
                "INVALID",
            ),
            store(Shopper, post.clone(), "/addresses", address, 400, "INVALID"),
            store(
                Shopper,
                post.clone(),
                "/reviews",
                json!({ "product_id": self.goods.id, "rating": 6 }),
                400,
                "INVALID",
            ),
            store(
                Guest,
                post.clone(),
                "/reviews",
                json!({ "product_id": self.goods.id, "rating": 5 }),
                401,
                "UNAUTHENTICATED",
            ),
            store(
                Guest,
                post.clone(),
                "/wishlist",
                json!({ "product_id": self.goods.id }),
                401,
                "UNAUTHENTICATED",
            ),
            store(
                Guest,
                post.clone(),
                &format!("{order}/cancel"),
                json!({}),
                404,
                "ORDER_NOT_FOUND",
            ),
            store(
                Shopper,
                post.clone(),
                &format!("{order}/cancel"),
                json!({}),
                404,
                "ORDER_NOT_FOUND",
            ),
            store(
                Order,
                post.clone(),
                &format!("{order}/cancel"),
                json!({ "why": "x" }),
                400,
                "UNKNOWN_FIELD",
            ),
            store(
                Order,
                post,
                &format!("{order}/payments"),
                json!({ "provider": "payme" }),
                400,
                "IDEMPOTENCY_KEY_REQUIRED",
            ),
        ]
    }

    fn offices(&self) -> Vec<Row> {
        use Who::{Admin, Guest, Merchant, Shopper};
        let call = |who, method, path: &str, body, status, code| {
            Row(who, method, format!("/v1{path}"), body, status, code)
        };
        let (post, patch) = (Method::POST, Method::PATCH);
        let draft = |change: &dyn Fn(&mut Value)| {
            let mut draft = shop::draft("Notogri", 100, 1);
            change(&mut draft);
            draft
        };
        let offer = format!("/merchant/offers/{}", self.goods.offer);
        let product = format!("/merchant/products/{}", self.goods.id);
        let order = format!("/merchant/orders/{}", self.order.id);
        let price = |amount: i64, currency: &str| json!({ "price": { "amount": amount, "currency": currency } });
        vec![
            call(Guest, post.clone(), "/merchant/products", draft(&|_| ()), 401, "UNAUTHENTICATED"),
            call(Shopper, post.clone(), "/merchant/products", draft(&|_| ()), 403, "FORBIDDEN"),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["category"] = json!("no-such")),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["variants"] = json!([])),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["title"]["uz"] = json!("")),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["fiscal"]["mxik"] = json!("12")),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["fiscal"]["vat_percent"] = json!(50)),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["variants"][0]["offer"]["stock"] = json!(-1)),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["variants"][0]["offer"]["price"]["amount"] = json!(0)),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/products",
                draft(&|d| d["owner"] = json!("me")),
                400,
                "UNKNOWN_FIELD",
            ),
            call(Merchant, patch.clone(), &product, json!({ "status": "best" }), 400, "INVALID"),
            call(Merchant, patch.clone(), &offer, price(-5, "UZS"), 400, "PRICE_INVALID"),
            call(Merchant, patch.clone(), &offer, price(500, "XXX"), 400, "INVALID"),
            call(Merchant, patch, &offer, json!({ "stock": -3 }), 400, "STOCK_INVALID"),
            call(
                Merchant,
                post.clone(),
                "/merchant/offers/bulk",
                json!({ "offers": [] }),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                &format!("{order}/ship"),
                json!({ "carrier": "BTS" }),
                409,
                "SHIPMENT_STATE",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/staff",
                json!({ "login": "+998209999999", "role": "viewer" }),
                404,
                "USER_NOT_FOUND",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/staff",
                json!({ "login": "+998209999999", "role": "king" }),
                400,
                "INVALID",
            ),
            call(
                Merchant,
                post.clone(),
                "/merchant/api-keys",
                json!({ "name": "k", "scopes": ["everything"] }),
                400,
                "INVALID",
            ),
            call(
                Shopper,
                post.clone(),
                "/merchant/applications",
                json!({ "name": "D", "legal_name": "D", "phone": "+998901234567", "email": "d@example.uz" }),
                400,
                "INVALID",
            ),
            call(Merchant, Method::GET, "/admin/users", Value::Null, 403, "FORBIDDEN"),
            call(
                Shopper,
                post.clone(),
                "/admin/categories",
                json!({ "slug": "x", "title": { "uz": "X" } }),
                403,
                "FORBIDDEN",
            ),
            call(
                Admin,
                post.clone(),
                "/admin/categories",
                json!({ "slug": "No Such", "title": { "uz": "X" } }),
                400,
                "INVALID",
            ),
            call(
                Admin,
                post.clone(),
                "/admin/categories",
                json!({ "slug": "x-y", "title": { "uz": "X" }, "parent": "nowhere" }),
                400,
                "INVALID",
            ),
            call(Admin, Method::GET, "/admin/merchants?status=lost", Value::Null, 400, "INVALID"),
            call(
                Admin,
                post,
                "/admin/merchants/mer_00000000000000000000000000/approve",
                json!({ "plan": "basic" }),
                404,
                "MERCHANT_NOT_FOUND",
            ),
            call(Guest, Method::GET, "/no/such/path", Value::Null, 404, "NOT_FOUND"),
            call(Guest, Method::DELETE, "/store/products", Value::Null, 405, "METHOD_NOT_ALLOWED"),
        ]
    }
}

pub(crate) async fn bad_requests_change_nothing(platform: &'static Platform) {
    let aims = Aims::new(platform).await;
    let before = aims.state().await;
    let mut rows = Aims::accounts();
    rows.extend(aims.shop());
    rows.extend(aims.offices());
    assert!(rows.len() >= 40);
    let mut wrong = Vec::new();
    for Row(who, method, path, body, status, code) in rows {
        let client = aims.client(who);
        let what = format!("{who:?} {method} {path} {body}");
        let answer = if body.is_null() && method == Method::GET {
            client.get(&path).await
        } else {
            client.send(method, &path, &body).await
        };
        let problem = answer.json();
        let shape = answer.header("content-type") == "application/problem+json"
            && ["type", "title", "detail", "instance", "trace_id"]
                .iter()
                .all(|name| problem[*name].is_string());
        if answer.status != status || problem["code"] != code || !shape {
            wrong.push(format!(
                "{what}\n    wanted {status} {code}, got {} {}",
                answer.status,
                answer.text()
            ));
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
