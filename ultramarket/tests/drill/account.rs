//! Whether a restored platform holds what it should, and nothing that contradicts itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    market::{Journal, STOCK, wish},
    opening::{Login, Opened, Stall},
    support::{
        client::Client,
        providers::{Payme, now},
        shop::{self, amount, text},
    },
};

/// How old the figures about what waits may be.
const COUNTED: Duration = Duration::from_secs(6);

/// Nothing waits for longer, once everything is well.
const ARRIVE: Duration = Duration::from_mins(1);

pub(crate) struct Restored {
    pub(crate) guest: Client,
    /// Where each role is.
    pub(crate) roles: Value,
    pub(crate) opened: Opened,
}

impl Restored {
    /// `before`: what was acknowledged when the backup began; `ever`: what ever was.
    pub(crate) async fn check(&self, before: &Journal, ever: &Journal) {
        let admin = &self.opened.admin.sign_in(&self.guest).await;
        let began = tokio::time::Instant::now();
        // Many at a time: there may be tens of thousands.
        let asking = before.values().map(|acknowledged| self.same_answer(acknowledged));
        stream::iter(asking).buffer_unordered(8).collect::<()>().await;
        let performed = self.performed().await;
        // What waits is counted every five seconds.
        tokio::time::sleep_until(began + COUNTED).await;
        self.events_arrive().await;
        let mut orders = all_orders(admin).await;
        orders.retain(|id, _| !self.opened.aside.contains_key(id));
        for (id, acknowledged) in before {
            let order =
                orders.get(id).unwrap_or_else(|| panic!("{id} was acknowledged, and is lost"));
            assert_eq!(amount(&order["totals"]["total"]), acknowledged.total, "{id}");
            assert_eq!(order["number"], acknowledged.number.as_str());
            assert!(!acknowledged.returned || order["status"] == "refunded", "{order}");
            if acknowledged.transaction.is_some() || acknowledged.clicked {
                let kept = order["status"] == "paid" || goes_back(order);
                assert!(kept, "{id} was paid before: {order}");
            }
        }
        let known: BTreeSet<&str> = ever.values().map(|order| order.number.as_str()).collect();
        for order in before.values().filter(|order| order.transaction.is_some()) {
            assert!(performed.contains_key(&order.number), "{} was taken at Payme", order.number);
        }
        let clicked: BTreeSet<&str> = ever
            .values()
            .filter(|order| order.clicked)
            .map(|order| order.number.as_str())
            .collect();
        println!(
            "{} orders of at least {} and at most {}, {} performed payments",
            orders.len(),
            before.len(),
            ever.len(),
            performed.len()
        );
        let mut gone: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        let paid_orders = stream::iter(orders.keys()).map(async |id| {
            let path = format!("/v1/admin/orders/{id}/payments");
            let payments = admin.get(&path).await.expect(200);
            let all = payments["data"].as_array().unwrap().iter();
            (id, all.filter(|payment| payment["status"] == "paid").count())
        });
        let paid_orders: BTreeMap<_, _> = paid_orders.buffer_unordered(8).collect().await;
        for (id, order) in &orders {
            let number = text(&order["number"]);
            assert!(known.contains(number), "{number} was never ordered");
            let items = order["items"].as_array().unwrap();
            assert!(!items.is_empty(), "{id} has no lines");
            let sums = performed.get(number).map(Vec::as_slice).unwrap_or_default();
            let total = amount(&order["totals"]["total"]);
            assert!(sums.iter().all(|sum| *sum == total), "{sums:?} were taken of {order}");
            let paid = sums.len() + usize::from(clicked.contains(number));
            let wanted = match text(&order["status"]) {
                "paid" => 1,
                "cancelled" => usize::from(goes_back(order)),
                // Of what is refunded the provider itself has taken the payment back.
                "awaiting_payment" | "refunded" => 0,
                other => panic!("{id} is {other}"),
            };
            assert_eq!(paid, wanted, "payments performed of {order}");
            assert_eq!(paid_orders[id], wanted, "paid payments of {id}");
            history(order);
            let over = ["cancelled", "refunded"].iter().any(|status| order["status"] == *status);
            for item in items.iter().filter(|_| !over) {
                let (sold, held) = gone.entry(text(&item["offer_id"])).or_default();
                let quantity = item["quantity"].as_i64().unwrap();
                *(if wanted == 1 { sold } else { held }) += quantity;
            }
        }
        let aside: BTreeSet<&String> = self.opened.aside.values().collect();
        for number in performed.keys().filter(|number| !aside.contains(number)) {
            let order = orders.values().find(|order| order["number"] == number.as_str());
            assert!(order.is_some(), "{number} was paid, and is no order");
        }
        for Stall { owner, goods } in &self.opened.stalls {
            let merchant = owner.sign_in(&self.guest).await;
            let (sold, held) = gone.get(goods.offer.as_str()).copied().unwrap_or_default();
            let stock = shop::stock(&merchant, goods).await;
            assert_eq!(stock, (STOCK - sold - held, held), "of {}", goods.offer);
        }
        self.books().await;
        let (url, bytes) = &self.opened.picture;
        assert_eq!(&self.guest.get(url).await.bytes, bytes, "the picture is there");
    }

    /// The key of a request that was answered before the backup still gives that answer.
    async fn same_answer(&self, order: &crate::market::Acknowledged) {
        let (id, token) = &order.cart;
        let key = format!("key-{id}");
        let guest = self.guest.with("x-cart-token", token).with("idempotency-key", &key);
        let again = guest.post(&format!("/v1/store/carts/{id}/complete"), wish()).await;
        assert_eq!(again.status, 201, "{}", again.text());
        assert_eq!(again.bytes, order.answer, "{id}");
        let seen = self.guest.with("x-order-token", &order.token);
        let order = again.json();
        seen.get(&format!("/v1/store/orders/{}", text(&order["order"]["id"]))).await.expect(200);
    }

    /// What was under way at the moment of the backup is delivered.
    async fn events_arrive(&self) {
        for role in ["auth", "product", "payment", "order"] {
            let url = format!("{}/metrics", text(&self.roles[role]));
            let began = tokio::time::Instant::now();
            loop {
                let figures = self.guest.get(&url).await.text();
                let waiting = |what: &str| {
                    let what = format!("what=\"{what}\"");
                    let mut lines = figures.lines();
                    let line = lines.find(|line| {
                        line.starts_with("ultramarket_outbox{") && line.contains(&what)
                    });
                    line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
                };
                if waiting("pending") == Some(0.0) && waiting("parked") == Some(0.0) {
                    break;
                }
                let seen = figures
                    .lines()
                    .filter(|line| line.contains("outbox") || line.contains("events"));
                let seen: Vec<&str> = seen.filter(|line| !line.starts_with('#')).collect();
                let waited = began.elapsed();
                assert!(waited < ARRIVE, "events of {role} are not delivered: {seen:#?}");
                shop::pause().await;
            }
        }
    }

    /// The sums of performed payments by the number of their order, as Payme sees them.
    async fn performed(&self) -> BTreeMap<String, Vec<i64>> {
        const WINDOW: i64 = 600_000;
        let payme = Payme::new(&self.guest);
        let (mut performed, end) = (BTreeMap::<String, Vec<i64>>::new(), now() + 60_000);
        // A statement has so many lines and no more.
        for from in (end - 86_400_000..end).step_by(600_000) {
            let window = json!({ "from": from, "to": from + WINDOW - 1 });
            let statement = Payme::result(&payme.call("GetStatement", window).await);
            for entry in statement["transactions"].as_array().unwrap() {
                if entry["state"] == 2 {
                    let number = text(&entry["account"]["order_id"]).to_owned();
                    performed.entry(number).or_default().push(entry["amount"].as_i64().unwrap());
                }
            }
        }
        performed
    }

    /// What each merchant is owed is the sum of what was posted, and what was posted adds up.
    async fn books(&self) {
        let owners: BTreeMap<&str, &Login> =
            self.opened.stalls.iter().map(|stall| (stall.owner.name(), &stall.owner)).collect();
        for (name, owner) in owners {
            let merchant = owner.sign_in(&self.guest).await;
            let balance = merchant.get("/v1/merchant/finance/balance").await.expect(200);
            let owed = amount(&balance["available"]) + amount(&balance["pending"]);
            let (mut debits, mut credits, mut own) = (0, 0, 0);
            for entry in pages(&merchant, "/v1/merchant/finance/ledger").await {
                let (gives, takes) = (amount(&entry["debit"]), amount(&entry["credit"]));
                debits += gives;
                credits += takes;
                own += if entry["account"] == "merchant" { takes - gives } else { 0 };
            }
            assert_eq!(
                (debits, own),
                (credits, owed),
                "of {name}: debits and credits, postings and balance"
            );
        }
        let figures =
            self.guest.get(&format!("{}/metrics", text(&self.roles["order"]))).await.text();
        let wrong =
            figures.lines().find(|line| line.starts_with("ultramarket_ledger_imbalance_tiyin"));
        assert!(wrong.is_none_or(|line| line.ends_with(" 0")), "{wrong:?}");
    }

    /// People find, buy and pay as before. Their orders have numbers that nobody was ever told, those lost included.
    pub(crate) async fn buy(&self, ever: &Journal) {
        let search = format!("/v1/store/search?q={}&limit=5", self.opened.word);
        let found = shop::eventually("the index fills itself", async || {
            let found = self.guest.get(&search).await;
            let found = (found.status == 200).then(|| found.json())?;
            (!found["data"].as_array()?.is_empty()).then_some(found)
        })
        .await;
        assert!(!text(&found["data"][0]["slug"]).is_empty());
        let bought = shop::order(&self.guest, &self.opened.stalls[0].goods, 1, "payme").await;
        let highest = ever.values().map(|order| place(&order.number)).max().unwrap();
        let next = place(&bought.number);
        println!("the last number before the loss was {highest}, the first one after it is {next}");
        assert!(next > highest, "{next} may have been told before {highest}");
        Payme::new(&self.guest).pay(&bought.number, bought.total).await;
        bought.becomes("paid").await;
        let person = shop::register(&self.guest).await;
        let bought = shop::order(&person.client, &self.opened.stalls[1].goods, 2, "payme").await;
        Payme::new(&self.guest).pay(&bought.number, bought.total).await;
        bought.becomes("paid").await;
    }
}

/// A number without the letter that checks it.
fn place(number: &str) -> u64 {
    number.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).parse().unwrap()
}

/// Whether an order was called off after it was paid: all of its money is on the way back.
#[track_caller]
fn goes_back(order: &Value) -> bool {
    let refunds = order["refunds"].as_array().unwrap();
    let back: i64 = refunds.iter().map(|refund| amount(&refund["amount"])).sum();
    if !refunds.is_empty() {
        assert_eq!(back, amount(&order["totals"]["total"]), "{order}");
    }
    order["status"] == "cancelled" && back > 0
}

/// A history begins with the order, and nothing happens twice or after the end.
#[track_caller]
fn history(order: &Value) {
    let timeline = order["timeline"].as_array().unwrap();
    let events = timeline.iter().map(|entry| text(&entry["event"]));
    // What a payment is about to be may be told several times, or not at all; money that goes back has a history of its own.
    let beside = |event: &&str| event.starts_with("payment.") || event.starts_with("order.refund_");
    let events: Vec<&str> = events.filter(|event| !beside(event)).collect();
    let ways: &[&[&str]] = match text(&order["status"]) {
        "paid" => &[&["order.placed", "order.paid"]],
        "awaiting_payment" => &[&["order.placed"]],
        "refunded" => &[&["order.placed", "order.paid", "order.refunded"]],
        _ => &[
            &["order.placed", "order.cancelled"],
            &["order.placed", "order.expired"],
            &["order.placed", "order.paid", "order.cancelled"],
        ],
    };
    assert!(ways.contains(&events.as_slice()), "{events:?} of {order}");
}

/// Everything of a list.
pub(crate) async fn pages(client: &Client, list: &str) -> Vec<Value> {
    let (mut all, mut path) = (Vec::new(), format!("{list}?limit=100"));
    loop {
        let page = client.get(&path).await.expect(200);
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["meta"]["next"].as_str() else { return all };
        path = format!("{list}?limit=100&after={next}");
    }
}

async fn all_orders(admin: &Client) -> BTreeMap<String, Value> {
    let mut orders = BTreeMap::new();
    for order in pages(admin, "/v1/admin/orders").await {
        let before = orders.insert(text(&order["id"]).to_owned(), order);
        assert!(before.is_none(), "no order stands there twice");
    }
    orders
}
