//! Whether a restored platform holds what it should, and nothing that contradicts itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    market::{Journal, STOCK, wish},
    opening::{Opened, Stall},
    support::{
        client::Client,
        providers::{Payme, now},
        shop::{self, amount, text},
    },
};

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
        self.events_arrive().await;
        let orders = all_orders(admin).await;
        for (id, acknowledged) in before {
            let order =
                orders.get(id).unwrap_or_else(|| panic!("{id} was acknowledged, and is lost"));
            assert_eq!(amount(&order["totals"]["total"]), acknowledged.total, "{id}");
            assert_eq!(order["number"], acknowledged.number.as_str());
            if acknowledged.transaction.is_some() {
                let kept = order["status"] == "paid" || goes_back(order);
                assert!(kept, "{id} was paid before: {order}");
            }
            self.same_answer(acknowledged).await;
        }
        let known: BTreeSet<&str> = ever.values().map(|order| order.number.as_str()).collect();
        let performed = self.performed().await;
        println!(
            "{} orders of at least {} and at most {}, {} performed payments",
            orders.len(),
            before.len(),
            ever.len(),
            performed.len()
        );
        let mut gone: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for (id, order) in &orders {
            let number = text(&order["number"]);
            assert!(known.contains(number), "{number} was never ordered");
            let items = order["items"].as_array().unwrap();
            assert!(!items.is_empty(), "{id} has no lines");
            let paid = performed.get(number).copied().unwrap_or(0);
            let wanted = match text(&order["status"]) {
                "paid" => 1,
                "awaiting_payment" => 0,
                "cancelled" => usize::from(goes_back(order)),
                other => panic!("{id} is {other}"),
            };
            assert_eq!(paid, wanted, "payments performed of {order}");
            let payments = admin.get(&format!("/v1/admin/orders/{id}/payments")).await.expect(200);
            let paid = payments["data"].as_array().unwrap().iter();
            let paid = paid.filter(|payment| payment["status"] == "paid").count();
            assert_eq!(paid, wanted, "payments of {id}: {payments}");
            history(order);
            for item in items.iter().filter(|_| order["status"] != "cancelled") {
                let (sold, held) = gone.entry(text(&item["offer_id"])).or_default();
                let quantity = item["quantity"].as_i64().unwrap();
                *(if wanted == 1 { sold } else { held }) += quantity;
            }
        }
        for number in performed.keys() {
            let order = orders.values().find(|order| order["number"] == number.as_str());
            assert!(order.is_some(), "{number} was paid, and is no order");
        }
        for Stall { owner, goods } in &self.opened.stalls {
            let merchant = owner.sign_in(&self.guest).await;
            let (sold, held) = gone.get(goods.offer.as_str()).copied().unwrap_or_default();
            let stock = shop::stock(&merchant, goods).await;
            assert_eq!(stock, (STOCK - sold - held, held), "of {}", goods.offer);
        }
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
            let mut looks = 0;
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
                looks += 1;
                let seen = figures
                    .lines()
                    .filter(|line| line.contains("outbox") || line.contains("events"));
                let seen: Vec<&str> = seen.filter(|line| !line.starts_with('#')).collect();
                assert!(looks < 4_500, "events of {role} are not delivered: {seen:#?}");
                shop::pause().await;
            }
        }
    }

    /// Performed payments by the number of their order, as Payme sees them.
    async fn performed(&self) -> BTreeMap<String, usize> {
        let window = json!({ "from": now() - 3_600_000, "to": now() + 60_000 });
        let payme = Payme::new(&self.guest);
        let statement = Payme::result(&payme.call("GetStatement", window).await);
        let mut performed = BTreeMap::new();
        for entry in statement["transactions"].as_array().unwrap() {
            if entry["state"] == 2 {
                let number = text(&entry["account"]["order_id"]).to_owned();
                *performed.entry(number).or_default() += 1;
            }
        }
        performed
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
        _ => &[
            &["order.placed", "order.cancelled"],
            &["order.placed", "order.expired"],
            &["order.placed", "order.paid", "order.cancelled"],
        ],
    };
    assert!(ways.contains(&events.as_slice()), "{events:?} of {order}");
}

async fn all_orders(admin: &Client) -> BTreeMap<String, Value> {
    let mut orders = BTreeMap::new();
    let mut path = "/v1/admin/orders?limit=100".to_owned();
    loop {
        let page = admin.get(&path).await.expect(200);
        for order in page["data"].as_array().unwrap() {
            let before = orders.insert(text(&order["id"]).to_owned(), order.clone());
            assert!(before.is_none(), "no order stands there twice");
        }
        let Some(next) = page["meta"]["next"].as_str() else { return orders };
        path = format!("/v1/admin/orders?limit=100&after={next}");
    }
}
