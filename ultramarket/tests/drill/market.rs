//! People who buy and pay until the market closes.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Answer, Client},
    providers::{Payme, now, payme_id},
    shop::{self, Goods, amount, text},
};

/// Pieces of each offer.
pub(crate) const STOCK: i64 = 100_000;
const JSON: Option<&str> = Some("application/json");
/// Shoppers at once.
const SHOPPERS: usize = 4;

/// What the platform has acknowledged of an order.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    pub(crate) number: String,
    pub(crate) total: i64,
    pub(crate) token: String,
    /// How to ask for the same again, and what was answered.
    pub(crate) cart: (String, String),
    pub(crate) answer: Vec<u8>,
    /// Payme's transaction, once its payment was acknowledged.
    pub(crate) transaction: Option<String>,
}

/// Acknowledged orders by id.
pub(crate) type Journal = BTreeMap<String, Acknowledged>;

pub(crate) struct Market {
    guest: Client,
    goods: Vec<Goods>,
    journal: Mutex<Journal>,
    over: AtomicBool,
    refusals: Mutex<Vec<String>>,
    delays: AtomicU64,
}

/// An order that was written into the journal.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) order: String,
    pub(crate) number: String,
    pub(crate) total: i64,
}

/// Why there was no success.
struct Refused {
    /// Whether the same may be tried again.
    again: bool,
    why: String,
}

/// What is asked for when a cart becomes an order.
pub(crate) fn wish() -> Value {
    json!({ "payment_provider": "payme" })
}

impl Market {
    pub(crate) fn open(guest: &Client, goods: Vec<Goods>) -> Self {
        Self {
            guest: guest.clone(),
            goods,
            journal: Mutex::default(),
            over: AtomicBool::new(false),
            refusals: Mutex::default(),
            delays: AtomicU64::new(0),
        }
    }

    pub(crate) fn close(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Answers that were no success.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.refusals.lock().unwrap().clone()
    }

    /// How often somebody was told to come again.
    pub(crate) fn delays(&self) -> u64 {
        self.delays.load(Ordering::Relaxed)
    }

    pub(crate) fn journal(&self) -> Journal {
        self.journal.lock().unwrap().clone()
    }

    /// Notes an order that somebody was told of.
    pub(crate) fn note(&self, cart: &shop::Cart, answer: &Answer) -> Noted {
        self.write_down((cart.id.clone(), cart.token.clone()), answer)
    }

    fn write_down(&self, cart: (String, String), answer: &Answer) -> Noted {
        let told = answer.json();
        let order = &told["order"];
        let acknowledged = Acknowledged {
            number: text(&order["number"]).to_owned(),
            total: amount(&order["totals"]["total"]),
            token: text(&told["order_token"]).to_owned(),
            cart,
            answer: answer.bytes.clone(),
            transaction: None,
        };
        let noted = Noted {
            order: text(&order["id"]).to_owned(),
            number: acknowledged.number.clone(),
            total: acknowledged.total,
        };
        let before = self.journal.lock().unwrap().insert(noted.order.clone(), acknowledged);
        assert!(before.is_none(), "two carts became one order");
        noted
    }

    /// Notes that the provider was told of the payment.
    pub(crate) fn note_payment(&self, order: &str, transaction: String) {
        self.journal.lock().unwrap().get_mut(order).unwrap().transaction = Some(transaction);
    }

    /// Waits until so many orders were acknowledged.
    pub(crate) async fn has_sold(&self, orders: usize) {
        for _ in 0..6_000 {
            if self.journal.lock().unwrap().len() >= orders {
                return;
            }
            shop::pause().await;
        }
        panic!("people could hardly buy anything")
    }

    /// Everybody buys until the market closes, and finishes what they have begun.
    pub(crate) async fn run(&self) {
        futures::future::join_all((0..SHOPPERS).map(|shopper| self.shop(shopper))).await;
    }

    async fn shop(&self, shopper: usize) {
        let mut round = shopper;
        while !self.over.load(Ordering::Relaxed) {
            round += 1;
            if let Err(why) = self.buy(round).await {
                self.refusals.lock().unwrap().push(why);
            }
        }
    }

    /// Asks until there is an answer, as everybody does who is told to come again.
    async fn ask<T>(&self, mut call: impl AsyncFnMut() -> Result<T, Refused>) -> Result<T, String> {
        for _ in 0..1_000 {
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(Refused { again: false, why }) => return Err(why),
                Err(Refused { .. }) => self.delays.fetch_add(1, Ordering::Relaxed),
            };
            shop::pause().await;
        }
        Err("no answer after so many tries".to_owned())
    }

    async fn send(
        &self,
        client: &Client,
        (method, path, body): (Method, &str, &Value),
        status: u16,
    ) -> Result<Answer, String> {
        self.ask(async || {
            let sent = client.try_send(method.clone(), path, JSON, body.to_string().into_bytes());
            // Whether it arrived is not known.
            let answer = sent.await.map_err(|why| Refused { again: true, why: why.to_string() })?;
            if answer.status == status {
                return Ok(answer);
            }
            let why = format!("{path}: {} {}", answer.status, answer.text());
            // The first request with this key may still be under way.
            let waits = answer.json()["code"] == "IDEMPOTENCY_IN_PROGRESS";
            Err(Refused { again: waits || answer.status >= 500, why })
        })
        .await
    }

    /// Buys, and in two of three cases pays; what was answered to whatever was refused.
    async fn buy(&self, round: usize) -> Result<(), String> {
        let open = (Method::POST, "/v1/store/carts", &json!({}));
        let cart = self.send(&self.guest, open, 201).await?.json();
        let (id, token) = (text(&cart["id"]).to_owned(), text(&cart["token"]).to_owned());
        let guest = self.guest.with("x-cart-token", &token);
        let path = |rest: &str| format!("/v1/store/carts/{id}/{rest}");
        for goods in self.goods.iter().skip(round % 2) {
            let item = json!({ "offer_id": goods.offer, "quantity": round % 3 + 1 });
            self.send(&guest, (Method::POST, &path("items"), &item), 200).await?;
        }
        let delivery = (Method::PUT, path("delivery"), shop::delivery());
        self.send(&guest, (delivery.0, &delivery.1, &delivery.2), 200).await?;
        let keyed = guest.with("idempotency-key", &format!("key-{id}"));
        let answer = self.send(&keyed, (Method::POST, &path("complete"), &wish()), 201).await?;
        let told = answer.json();
        let Noted { order, number, total } = self.write_down((id, token), &answer);
        if round.is_multiple_of(3) {
            return Ok(());
        }
        if told["payment"]["redirect_url"].is_null() {
            // It could not be opened at once. The page of the order leads to it as soon as it is there.
            let buyer = self.guest.with("x-order-token", text(&told["order_token"]));
            let path = format!("/v1/store/orders/{order}");
            self.ask(async || {
                let seen = buyer.try_send(Method::GET, &path, None, Vec::new()).await;
                let seen = seen.map_err(|why| Refused { again: true, why: why.to_string() })?;
                if seen.status != 200 {
                    return Err(Refused { again: true, why: seen.text() });
                }
                let seen = seen.json();
                let there = seen["payment"]["redirect_url"].is_string();
                if there { Ok(()) } else { Err(Refused { again: true, why: seen.to_string() }) }
            })
            .await?;
        }
        let transaction = self.pay(&number, total).await?;
        self.note_payment(&order, transaction);
        Ok(())
    }

    async fn pay(&self, number: &str, total: i64) -> Result<String, String> {
        let payme = Payme::new(&self.guest);
        let (account, id) = (json!({ "order_id": number }), payme_id());
        let create = json!({ "id": id, "time": now(), "amount": total, "account": account });
        let perform = json!({ "id": id });
        for (method, params, state) in
            [("CreateTransaction", &create, 1), ("PerformTransaction", &perform, 2)]
        {
            self.ask(async || {
                let answer = payme.try_call(method, params).await;
                let answer = answer.map_err(|why| Refused { again: true, why: why.to_string() })?;
                if answer["result"]["state"] == state {
                    return Ok(());
                }
                let why = format!("{method}: {answer}");
                Err(Refused { again: answer["error"]["code"] == -32400, why })
            })
            .await?;
        }
        Ok(id)
    }
}
