//! The power goes, again and again, while people buy and pay: what was acknowledged is there afterwards, once.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the support"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::Folder;
use tokio::sync::watch;

#[path = "journeys/support.rs"]
mod support;

use support::{
    client::{Answer, Client},
    platform,
    process::{self, Program},
    providers::{Payme, now, payme_id},
    shop::{self, Goods, amount, text},
};

/// Shoppers at once.
const SHOPPERS: u64 = 4;
/// Pieces of each offer.
const STOCK: i64 = 1_000_000;
/// A restart on data that are there takes about a second, even unoptimised and with others on the machine.
const RESTART: Duration = Duration::from_secs(10);
const ADMIN: (&str, &str) = ("boshliq@example.uz", "birinchi-parol-2026");

/// Numbers that look random and can be had again.
#[derive(Debug)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What the platform has acknowledged.
#[derive(Debug, Clone)]
struct Acknowledged {
    number: String,
    total: i64,
    offer: String,
    quantity: i64,
    order_token: String,
    /// How to ask for the same again.
    cart: (String, String),
    key: String,
    body: Value,
    answer: Vec<u8>,
    /// Payme's transaction, once its payment was acknowledged.
    transaction: Option<String>,
}

/// What all shoppers share.
struct Market {
    /// Where the gateway is; it changes with each restart.
    gateway: watch::Receiver<String>,
    goods: Vec<Goods>,
    journal: Mutex<BTreeMap<String, Acknowledged>>,
    over: AtomicBool,
    broken: AtomicU64,
}

fn number(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a knob of this test, not of the program")]
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

impl Market {
    /// Sends until there is an answer, as everybody does whose call broke off.
    async fn send(&self, headers: &Client, method: Method, path: &str, body: &Value) -> Answer {
        for _ in 0..3000 {
            let url = format!("{}{path}", *self.gateway.borrow());
            let bytes = body.to_string().into_bytes();
            match headers.try_send(method.clone(), &url, Some("application/json"), bytes).await {
                Ok(answer) if answer.status < 500 => return answer,
                _ => self.broken.fetch_add(1, Ordering::Relaxed),
            };
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no answer for a minute: {method} {path}")
    }

    /// The same for a call of Payme's.
    async fn payme(&self, method: &str, params: Value) -> Value {
        for _ in 0..3000 {
            let payme = Payme::new(&Client::new(self.gateway.borrow().clone()));
            match payme.try_call(method, &params).await {
                Ok(answer) if answer["error"]["code"] != -32400 => return answer,
                _ => self.broken.fetch_add(1, Ordering::Relaxed),
            };
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no answer for a minute: {method}")
    }

    /// Buys until the market is over; always finishes what it has begun.
    async fn shop(&self, mut dice: Dice) {
        while !self.over.load(Ordering::Relaxed) {
            let order = self.buy(&mut dice).await;
            // One in five thinks about it.
            if dice.below(5) > 0 {
                self.pay(&order).await;
            }
        }
    }

    async fn buy(&self, dice: &mut Dice) -> String {
        let guest = Client::new("");
        let cart = self.send(&guest, Method::POST, "/v1/store/carts", &json!({})).await.expect(201);
        let (id, token) = (text(&cart["id"]).to_owned(), text(&cart["token"]).to_owned());
        let guest = guest.with("x-cart-token", &token);
        let goods = self.goods.get(usize::try_from(dice.below(4)).unwrap()).unwrap();
        let quantity = dice.below(3) + 1;
        let item = json!({ "offer_id": goods.offer, "quantity": quantity });

        let path = format!("/v1/store/carts/{id}");
        // After a call that broke off this adds again; what counts is what the order says.
        self.send(&guest, Method::POST, &format!("{path}/items"), &item).await.expect(200);
        self.send(&guest, Method::PUT, &format!("{path}/delivery"), &shop::delivery())
            .await
            .expect(200);
        let key = format!("key-{id}");
        let body = json!({ "payment_provider": "payme" });
        let keyed = guest.with("idempotency-key", &key);
        let answer = self.send(&keyed, Method::POST, &format!("{path}/complete"), &body).await;
        let bytes = answer.bytes.clone();
        let answer = answer.expect(201);
        let order = &answer["order"];
        let id_of_order = text(&order["id"]).to_owned();
        let quantity = order["items"][0]["quantity"].as_i64().unwrap();
        let acknowledged = Acknowledged {
            number: text(&order["number"]).to_owned(),
            total: amount(&order["totals"]["total"]),
            offer: goods.offer.clone(),
            quantity,
            order_token: text(&answer["order_token"]).to_owned(),
            cart: (id, token),
            key,
            body,
            answer: bytes,
            transaction: None,
        };
        let before = self.journal.lock().unwrap().insert(id_of_order.clone(), acknowledged);
        assert!(before.is_none(), "two carts became one order");
        id_of_order
    }

    async fn pay(&self, order: &str) {
        let (number, total) = {
            let journal = self.journal.lock().unwrap();
            (journal[order].number.clone(), journal[order].total)
        };
        let account = json!({ "order_id": number });
        let check = json!({ "amount": total, "account": account });
        let allowed = self.payme("CheckPerformTransaction", check).await;
        assert_eq!(Payme::result(&allowed)["allow"], true, "{allowed}");
        let id = payme_id();
        let create = json!({ "id": id, "time": now(), "amount": total, "account": account });
        let created = self.payme("CreateTransaction", create).await;
        assert_eq!(Payme::result(&created)["state"], 1, "{created}");
        let performed = self.payme("PerformTransaction", json!({ "id": id })).await;
        assert_eq!(Payme::result(&performed)["state"], 2, "{performed}");
        self.journal.lock().unwrap().get_mut(order).unwrap().transaction = Some(id);
    }
}

fn serve(folder: &Folder) -> Program {
    let data = folder.path().to_str().unwrap();
    let arguments = ["serve", "--json", "--port-base", "0", "--data-dir", data];
    Program::start(folder.path(), &arguments, &platform::environment())
}

fn gateway(program: &Program) -> String {
    text(&program.ready()["gateway"]).to_owned()
}

/// A merchant with four kinds of goods, on an empty platform.
async fn open_shop(guest: &Client) -> Vec<Goods> {
    let admin = shop::login(guest, ADMIN.0, ADMIN.1).await;
    let category = json!({ "slug": "dishes", "title": { "uz": "Idishlar" } });
    admin.post("/v1/admin/categories", category).await.expect(201);
    let owner = shop::register(guest).await;
    let application = json!({ "name": "Doʻkon", "legal_name": "«Doʻkon» MChJ", "tin": "301234567",
        "phone": "+998901234567", "email": "dokon@example.uz" });
    let applied = owner.client.post("/v1/merchant/applications", application).await.expect(201);
    let approve = format!("/v1/admin/merchants/{}/approve", text(&applied["id"]));
    admin.post(&approve, json!({ "plan": "basic" })).await.expect(200);
    let merchant = shop::login(guest, &owner.phone, shop::PASSWORD).await;
    let mut shelf = Vec::new();
    for price in [1_250_000, 2_499_900, 990_050, 15_000_000] {
        shelf.push(shop::goods(&merchant, price, STOCK).await);
    }
    shop::eventually("everything can be bought", async || {
        let cart = shop::Cart::open(guest).await;
        for goods in &shelf {
            let body = json!({ "offer_id": goods.offer, "quantity": 1 });
            let answer = cart.client.post(&cart.path("/items"), body).await;
            if answer.status != 200 || answer.json()["items"][0]["available"] != true {
                return None;
            }
        }
        Some(())
    })
    .await;
    shelf
}

#[test]
fn what_was_acknowledged_survives_kills() {
    let kills = number("UM_TEST_KILLS", 50);
    let seed = number("UM_TEST_SEED", u64::try_from(now()).unwrap() | 1);
    println!("UM_TEST_SEED={seed} UM_TEST_KILLS={kills}");
    let folder = Folder::new("kills");
    let data = folder.path().to_str().unwrap();
    let create = ["admin", "create", "--login", ADMIN.0, "--data-dir", data];
    let none = process::Environment::new();
    assert_eq!(process::run_with_input(folder.path(), &create, &none, ADMIN.1).code, 0);
    let mut program = serve(&folder);
    let (told, listening) = watch::channel(gateway(&program));
    platform::run(async {
        let goods = open_shop(&Client::new(gateway(&program))).await;
        let market = Market {
            gateway: listening,
            goods,
            journal: Mutex::default(),
            over: AtomicBool::new(false),
            broken: AtomicU64::new(0),
        };
        let shoppers = futures::future::join_all(
            (0..SHOPPERS).map(|shopper| market.shop(Dice(seed ^ ((shopper + 1) << 40)))),
        );
        let mut dice = Dice(seed);
        let power = async {
            let mut slowest = Duration::ZERO;
            for _ in 0..kills {
                tokio::time::sleep(Duration::from_millis(dice.below(700))).await;
                program.kill();
                program = tokio::task::block_in_place(|| serve(&folder));
                slowest = slowest.max(program.took());
                told.send_replace(gateway(&program));
            }
            market.over.store(true, Ordering::Relaxed);
            (slowest, program)
        };
        let ((slowest, program), _) = futures::join!(power, shoppers);
        let orders = market.journal.lock().unwrap().len();
        let paid =
            market.journal.lock().unwrap().values().filter(|o| o.transaction.is_some()).count();
        println!(
            "{kills} kills, {orders} orders, {paid} paid, {} calls without an answer, slowest restart {slowest:?}",
            market.broken.load(Ordering::Relaxed)
        );
        assert!(slowest < RESTART, "a restart took {slowest:?}");
        assert!(orders as u64 >= kills / 2, "people could hardly buy anything");
        market.account().await;
        drop(program);
    });
}

impl Market {
    /// Compares the platform with the journal.
    async fn account(&self) {
        let guest = Client::new(self.gateway.borrow().clone());
        let journal = self.journal.lock().unwrap().clone();
        let admin = shop::login(&guest, ADMIN.0, ADMIN.1).await;

        let mut known = BTreeSet::new();
        let mut path = "/v1/admin/orders?limit=100".to_owned();
        loop {
            let page = admin.get(&path).await.expect(200);
            for order in page["data"].as_array().unwrap() {
                assert!(known.insert(text(&order["id"]).to_owned()), "no order stands there twice");
            }
            let Some(next) = page["meta"]["next"].as_str() else { break };
            path = format!("/v1/admin/orders?limit=100&after={next}");
        }
        let acknowledged: BTreeSet<String> = journal.keys().cloned().collect();
        let lost: Vec<_> = acknowledged.difference(&known).collect();
        let doubled: Vec<_> = known.difference(&acknowledged).collect();
        assert!(lost.is_empty() && doubled.is_empty(), "lost {lost:?}, made twice {doubled:?}");

        let payme = Payme::new(&guest);
        let mut sold: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (id, order) in &journal {
            self.check_order(&guest, &admin, id, order).await;
            let count = sold.entry(&order.offer).or_default();
            count.0 += order.quantity;
            if let Some(transaction) = &order.transaction {
                let seen = payme.call("CheckTransaction", json!({ "id": transaction })).await;
                assert_eq!(Payme::result(&seen)["state"], 2, "{id} {seen}");
            } else {
                count.1 += order.quantity;
            }
        }
        let window = json!({ "from": now() - 3_600_000, "to": now() + 60_000 });
        let statement = Payme::result(&payme.call("GetStatement", window).await);
        let performed = statement["transactions"].as_array().unwrap();
        let performed = performed.iter().filter(|entry| entry["state"] == 2);
        let paid: BTreeSet<&str> = performed.map(|entry| text(&entry["id"])).collect();
        let expected: BTreeSet<&str> =
            journal.values().filter_map(|order| order.transaction.as_deref()).collect();
        assert_eq!(paid, expected, "the statement says what was acknowledged");
        self.check_stock(&guest, &sold).await;
    }

    async fn check_order(&self, guest: &Client, admin: &Client, id: &str, order: &Acknowledged) {
        let buyer = guest.with("x-order-token", &order.order_token);
        let wanted = if order.transaction.is_some() { "paid" } else { "awaiting_payment" };
        let seen = shop::eventually("the order knows of its payment", async || {
            let seen = buyer.get(&format!("/v1/store/orders/{id}")).await.expect(200);
            (seen["status"] == wanted).then_some(seen)
        })
        .await;
        assert_eq!(amount(&seen["totals"]["total"]), order.total, "{id}");
        assert_eq!(seen["number"], order.number.as_str());
        let timeline = seen["timeline"].as_array().unwrap();
        let times = timeline.iter().filter(|entry| entry["event"] == "order.paid").count();
        assert_eq!(times, usize::from(order.transaction.is_some()), "{id} is paid once");
        let payments = admin.get(&format!("/v1/admin/orders/{id}/payments")).await.expect(200);
        let payments = payments["data"].as_array().unwrap();
        let paid = payments.iter().filter(|payment| payment["status"] == "paid").count();
        assert_eq!(paid, usize::from(order.transaction.is_some()), "{payments:?}");
        assert_eq!(payments.len(), 1, "one payment was opened: {payments:?}");

        // The key still names this order, and the answer is still the one that was given.
        let again = guest.with("x-cart-token", &order.cart.1).with("idempotency-key", &order.key);
        let path = format!("/v1/store/carts/{}/complete", order.cart.0);
        let again = again.post(&path, order.body.clone()).await;
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, "true"));
        assert_eq!(again.bytes, order.answer, "{id}");
    }

    async fn check_stock(&self, guest: &Client, sold: &BTreeMap<&str, (i64, i64)>) {
        let merchant = shop::login(guest, "+998930000001", shop::PASSWORD).await;
        for goods in &self.goods {
            let (taken, held) = sold.get(goods.offer.as_str()).copied().unwrap_or_default();
            let stock = shop::stock(&merchant, goods).await;
            assert_eq!(stock, (STOCK - taken, held), "on sale and held of {}", goods.offer);
        }
    }
}
