//! Clocks that are wrong: an hour ahead, an hour behind, for a while, in the middle of a payment.
//!
//! Each process has a clock of its own (libfaketime); what it measures by the steady clock is right.

use std::time::Duration;

use mesh::Role;
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    crowd,
    dice::{Dice, scale},
    market::{Market, Noted},
    opening::Opened,
    support::{
        client::Client,
        providers::{Payme, now, payme_id},
        shop::{self, Goods, PASSWORD, text},
    },
};

const HOUR: i64 = 3_600;

/// An order and whoever may see it.
struct Kept {
    order: Noted,
    buyer: Client,
    id: String,
}

impl Kept {
    async fn place(guest: &Client, goods: &Goods, market: &Market) -> Self {
        let cart = crowd::carts(guest, goods, 1).await.remove(0);
        let answer = shop::eventually("somebody buys", async || {
            let answer = crowd::complete(&cart).await;
            (answer.status == 201).then_some(answer)
        })
        .await;
        let order = market.note(&cart, &answer);
        crowd::is_known(guest, &answer.json()).await;
        let buyer = guest.with("x-order-token", &crowd::told_token(&answer));
        Self { order, buyer, id: payme_id() }
    }

    async fn say(&self, payme: &Payme, method: &str) -> Value {
        let params = match method {
            "CreateTransaction" => {
                json!({ "id": self.id, "time": now(), "amount": self.order.total,
                "account": { "order_id": self.order.number } })
            }
            _ => json!({ "id": self.id }),
        };
        shop::eventually("Payme is answered", async || {
            let answer = payme.call(method, params.clone()).await;
            (answer["error"]["code"] != -32400).then_some(answer)
        })
        .await
    }

    async fn pay(&self, payme: &Payme, market: &Market) {
        for (method, state) in [("CreateTransaction", 1), ("PerformTransaction", 2)] {
            let answer = self.say(payme, method).await;
            assert_eq!(answer["result"]["state"], state, "{method}: {answer}");
        }
        market.note_payment(&self.order.order, self.id.clone());
        self.becomes("paid").await;
    }

    async fn status(&self) -> String {
        let path = format!("/v1/store/orders/{}", self.order.order);
        let seen = self.buyer.get(&path).await.expect(200);
        text(&seen["status"]).to_owned()
    }

    async fn becomes(&self, status: &str) {
        shop::eventually(&format!("{} is {status}", self.order.number), async || {
            (self.status().await == status).then_some(())
        })
        .await;
    }
}

/// The clock of the orders goes an hour ahead, and back, and an hour behind: what nobody has begun to pay is let go, as after an hour, and
/// nothing else; and everybody goes on buying.
pub(crate) async fn of_orders(cluster: &Cluster, guest: &Client, goods: &Goods, market: &Market) {
    let payme = Payme::new(guest);
    let idle = Kept::place(guest, goods, market).await;
    let begun = Kept::place(guest, goods, market).await;
    let paid = Kept::place(guest, goods, market).await;
    let created = begun.say(&payme, "CreateTransaction").await;
    assert_eq!(created["result"]["state"], 1, "{created}");
    shop::eventually("the order knows that it is being paid", async || {
        let path = format!("/v1/store/orders/{}", begun.order.order);
        let seen = begun.buyer.get(&path).await.expect(200);
        (seen["payment_status"] == "processing").then_some(())
    })
    .await;
    paid.pay(&payme, market).await;

    cluster.set_clock(Role::Order, HOUR);
    idle.becomes("cancelled").await;
    assert_eq!(begun.status().await, "awaiting_payment", "Payme holds it for twelve hours");
    let late = idle.say(&payme, "CreateTransaction").await;
    assert!(late["error"]["code"].is_i64(), "nobody takes money for it: {late}");
    let performed = begun.say(&payme, "PerformTransaction").await;
    assert_eq!(performed["result"]["state"], 2, "{performed}");
    market.note_payment(&begun.order.order, begun.id.clone());
    begun.becomes("paid").await;
    let ahead = Kept::place(guest, goods, market).await;
    ahead.pay(&payme, market).await;
    let between = Kept::place(guest, goods, market).await;

    for wrong_by in [0, -HOUR / 3, 0, -HOUR, 0] {
        cluster.set_clock(Role::Order, wrong_by);
        if wrong_by == -HOUR {
            // The order's time to pay is over by the clock of the payments: it is there, and nobody pays for it.
            let cart = crowd::carts(guest, goods, 1).await.remove(0);
            market.note(&cart, &crowd::complete(&cart).await);
            continue;
        }
        println!("  the clock of the orders is wrong by {wrong_by} s");
        Kept::place(guest, goods, market).await.pay(&payme, market).await;
    }
    between.pay(&payme, market).await;
    // A day but a minute later a key still has its answer.
    let told = market.journal()[&paid.order.order].clone();
    let (cart, token) = &told.cart;
    let key = format!("key-{cart}");
    let again = guest.with("x-cart-token", token).with("idempotency-key", &key);
    cluster.set_clock(Role::Order, 24 * HOUR - 60);
    let path = format!("/v1/store/carts/{cart}/complete");
    let again = again.post(&path, crate::market::wish()).await;
    assert_eq!((again.status, &again.bytes), (201, &told.answer), "{}", again.text());
    cluster.set_clock(Role::Order, 0);
    for kept in [&begun, &paid, &ahead, &between] {
        assert_eq!(kept.status().await, "paid");
    }
}

/// The clock of the payments goes ahead: by an hour nothing happens to what Payme holds, by thirteen it is cancelled, as the protocol has it;
/// the order can be paid by another transaction then.
pub(crate) async fn of_payments(cluster: &Cluster, guest: &Client, goods: &Goods, market: &Market) {
    let payme = Payme::new(guest);
    let mut held = Kept::place(guest, goods, market).await;
    let created = held.say(&payme, "CreateTransaction").await;
    assert_eq!(created["result"]["state"], 1, "{created}");
    for wrong_by in [HOUR / 3, HOUR, -HOUR] {
        cluster.set_clock(Role::Payment, wrong_by);
        let seen = held.say(&payme, "CheckTransaction").await;
        assert_eq!(seen["result"]["state"], 1, "{wrong_by}: {seen}");
        let again = held.say(&payme, "CreateTransaction").await;
        assert_eq!(again["result"]["create_time"], created["result"]["create_time"], "{again}");
        if wrong_by != HOUR {
            Kept::place(guest, goods, market).await.pay(&payme, market).await;
        }
    }
    cluster.set_clock(Role::Payment, 13 * HOUR);
    let late = held.say(&payme, "PerformTransaction").await;
    assert_eq!(late["error"]["code"], -31008, "{late}");
    let seen = held.say(&payme, "CheckTransaction").await;
    assert_eq!((&seen["result"]["state"], &seen["result"]["reason"]), (&json!(-1), &json!(4)));
    cluster.set_clock(Role::Payment, 0);
    let seen = held.say(&payme, "CheckTransaction").await;
    assert_eq!(seen["result"]["state"], -1, "what is over stays so: {seen}");
    held.id = payme_id();
    held.pay(&payme, market).await;
}

/// Clocks of those who make tokens and of those who believe them: nobody comes in who should not, and when the clock is right again
/// everybody does.
pub(crate) async fn of_doors(cluster: &Cluster, guest: &Client) {
    let person = shop::register(guest).await;
    let body = json!({ "login": person.phone, "password": PASSWORD });
    for (role, wrong_by) in
        [(Role::Gateway, HOUR), (Role::Gateway, -HOUR), (Role::Auth, HOUR), (Role::Auth, -HOUR)]
    {
        cluster.set_clock(role, wrong_by);
        let seen = person.client.get("/v1/auth/me").await;
        assert!([200, 401].contains(&seen.status), "{role} {wrong_by}: {}", seen.text());
        if (role, wrong_by) == (Role::Gateway, HOUR) {
            assert_eq!(seen.status, 401, "a token of a quarter of an hour is over");
        }
        let login = guest.post("/v1/auth/login", body.clone()).await;
        assert!([200, 401, 429].contains(&login.status), "{role} {wrong_by}: {}", login.text());
        assert_eq!(guest.bearer("nobody").get("/v1/auth/me").await.status, 401);
        cluster.set_clock(role, 0);
        let seen = person.client.get("/v1/auth/me").await;
        assert_eq!(seen.status, 200, "after {role} was wrong by {wrong_by}: {}", seen.text());
        let login = shop::login(guest, &person.phone, PASSWORD).await;
        assert_eq!(login.get("/v1/auth/me").await.status, 200);
    }
}

/// Orders and their events are under way when a process with a clock that is an hour ahead is killed: what it held and put off is not held
/// and put off for an hour.
pub(crate) async fn of_the_dead(
    cluster: &mut Cluster,
    guest: &Client,
    goods: &Goods,
    market: &Market,
) {
    cluster.set_clock(Role::Order, HOUR);
    cluster.set_clock(Role::Gateway, HOUR);
    cluster.take_away(Role::Notification);
    let first = Kept::place(guest, goods, market).await;
    let carts = crowd::carts(guest, goods, 4).await;
    let all = futures::future::join_all(carts.iter().map(async |cart| {
        let client = cart.client.with("idempotency-key", &crowd::key(cart));
        let body = crate::market::wish().to_string().into_bytes();
        let path = cart.path("/complete");
        let kind = Some("application/json");
        drop(client.try_send(reqwest::Method::POST, &path, kind, body).await);
    }));
    let kill = async {
        tokio::time::sleep(Duration::from_millis(15)).await;
        tokio::task::block_in_place(|| {
            cluster.set_clock(Role::Order, 0);
            cluster.set_clock(Role::Gateway, 0);
            cluster.kill(Role::Order);
            cluster.kill(Role::Gateway);
        });
    };
    futures::join!(all, kill);
    cluster.bring_back();
    cluster.is_ready().await;
    for cart in &carts {
        let answer = shop::eventually("the key has its answer", async || {
            let answer = crowd::complete(cart).await;
            (![409, 503].contains(&answer.status)).then_some(answer)
        })
        .await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        market.note(cart, &answer);
    }
    first.pay(&Payme::new(guest), market).await;
    shop::eventually("what was put off is sent", async || {
        let waiting = waiting(cluster, guest).await;
        (waiting == Some(0.0)).then_some(())
    })
    .await;
}

/// Events of the orders that wait.
async fn waiting(cluster: &Cluster, guest: &Client) -> Option<f64> {
    let figures = guest.get(&format!("{}/metrics", cluster.url(Role::Order))).await.text();
    let mut lines = figures.lines().filter(|line| line.starts_with("ultramarket_outbox{"));
    let line = lines.find(|line| line.contains("what=\"pending\""))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// Any clock is wrong by up to twelve minutes, so that any two agree to less than goods are held, while people buy: nobody notices.
pub(crate) async fn of_anybody(cluster: &Cluster, dice: &mut Dice) {
    for _ in 0..scale() {
        let mut roles = Role::ALL;
        dice.shuffle(&mut roles);
        for role in roles {
            let wrong_by = i64::try_from(dice.below(1_440)).unwrap() - 720;
            cluster.set_clock(role, wrong_by);
            tokio::time::sleep(Duration::from_millis(200 + dice.below(400))).await;
            if dice.below(3) > 0 {
                cluster.set_clock(role, 0);
            }
        }
    }
    for role in Role::ALL {
        cluster.set_clock(role, 0);
    }
}

/// All of it.
pub(crate) async fn are_wrong(cluster: &mut Cluster, opened: &Opened, market: &Market) {
    let (guest, goods) = (cluster.guest(), &opened.stalls[1].goods);
    of_orders(cluster, &guest, goods, market).await;
    of_payments(cluster, &guest, goods, market).await;
    of_doors(cluster, &guest).await;
    of_the_dead(cluster, &guest, goods, market).await;
}
