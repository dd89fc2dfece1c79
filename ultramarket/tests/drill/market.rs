//! People who buy and pay until the market closes.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Answer, Client},
    providers::{Payme, now, payme_id},
    shop::{self, Goods, amount, text},
};

/// Pieces of each offer.
pub(crate) const STOCK: i64 = 1_000_000;
const JSON: Option<&str> = Some("application/json");
/// Shoppers at once.
const SHOPPERS: usize = 4;
/// Who comes while so many are in the shop goes away again.
const CROWD: usize = 400;

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
    /// Click has the money.
    pub(crate) clicked: bool,
    /// The provider took it and gave it back.
    pub(crate) returned: bool,
}

/// Acknowledged orders by id.
pub(crate) type Journal = BTreeMap<String, Acknowledged>;

pub(crate) struct Market {
    guest: Client,
    goods: Vec<Goods>,
    journal: Mutex<Journal>,
    over: AtomicBool,
    refusals: Mutex<Vec<String>>,
    /// Why somebody had to come again, and how often.
    delays: Mutex<BTreeMap<String, u64>>,
    slowest: Mutex<Duration>,
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
    /// Whether the same may be tried again: why, in a word.
    again: Option<String>,
    why: String,
}

impl Refused {
    fn for_now(why: impl Into<String>, whole: &impl ToString) -> Self {
        Self { again: Some(why.into()), why: whole.to_string() }
    }
}

/// Whether it arrived is not known.
fn broken(error: &reqwest::Error) -> Refused {
    Refused::for_now(if error.is_connect() { "nobody there" } else { "broken off" }, error)
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
            delays: Mutex::default(),
            slowest: Mutex::default(),
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
        self.reasons().values().sum()
    }

    /// Why, and how often.
    pub(crate) fn reasons(&self) -> BTreeMap<String, u64> {
        self.delays.lock().unwrap().clone()
    }

    pub(crate) fn forget_reasons(&self) {
        self.delays.lock().unwrap().clear();
    }

    /// The longest that anybody waited for one answer.
    pub(crate) fn slowest(&self) -> Duration {
        *self.slowest.lock().unwrap()
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
            clicked: false,
            returned: false,
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

    /// Notes that Click was told so.
    pub(crate) fn note_click(&self, order: &str) {
        self.journal.lock().unwrap().get_mut(order).unwrap().clicked = true;
    }

    /// Notes that the provider has given back what it took.
    pub(crate) fn note_return(&self, order: &str) {
        self.journal.lock().unwrap().get_mut(order).unwrap().returned = true;
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

    /// So many people come each second until the market closes, whatever becomes of those before; how many could not be let in.
    pub(crate) async fn arrive(&self, per_second: u32) -> u64 {
        let pace = Duration::from_secs(1) / per_second;
        let mut people = FuturesUnordered::new();
        let (mut next, mut round, mut sent_away) = (tokio::time::Instant::now(), 0, 0);
        while !self.over.load(Ordering::Relaxed) {
            tokio::select! {
                () = tokio::time::sleep_until(next) => {
                    next += pace;
                    round += 1;
                    if people.len() < CROWD {
                        people.push(self.buy(round));
                    } else {
                        sent_away += 1;
                    }
                }
                Some(bought) = people.next() => self.refusals.lock().unwrap().extend(bought.err()),
            }
        }
        while let Some(bought) = people.next().await {
            self.refusals.lock().unwrap().extend(bought.err());
        }
        sent_away
    }

    /// Asks until there is an answer, as everybody does who is told to come again.
    async fn ask<T>(&self, mut call: impl AsyncFnMut() -> Result<T, Refused>) -> Result<T, String> {
        let mut last = String::new();
        for _ in 0..1_000 {
            let asked = Instant::now();
            let answer = call().await;
            self.took(asked.elapsed());
            match answer {
                Ok(answer) => return Ok(answer),
                Err(Refused { again: None, why }) => return Err(why),
                Err(Refused { again: Some(reason), why }) => {
                    *self.delays.lock().unwrap().entry(reason).or_default() += 1;
                    last = why;
                }
            }
            shop::pause().await;
        }
        Err(format!("no answer after so many tries: {last}"))
    }

    fn took(&self, time: Duration) {
        let mut slowest = self.slowest.lock().unwrap();
        *slowest = time.max(*slowest);
    }

    async fn send(
        &self,
        client: &Client,
        (method, path, body): (Method, &str, &Value),
        status: u16,
    ) -> Result<Answer, String> {
        self.ask(async || {
            let sent = client.try_send(method.clone(), path, JSON, body.to_string().into_bytes());
            let answer = sent.await.map_err(|error| broken(&error))?;
            if answer.status == status {
                return Ok(answer);
            }
            let why = format!("{path}: {} {}", answer.status, answer.text());
            let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
            // The first request with this key may still be under way.
            let waits = code == "IDEMPOTENCY_IN_PROGRESS" || answer.status >= 500;
            Err(Refused { again: waits.then(|| format!("{} {code}", answer.status)), why })
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
                let seen = seen.map_err(|error| broken(&error))?;
                if seen.status != 200 {
                    return Err(Refused::for_now(format!("page: {}", seen.status), &seen.text()));
                }
                let seen = seen.json();
                let there = seen["payment"]["redirect_url"].is_string();
                if there { Ok(()) } else { Err(Refused::for_now("no payment yet", &seen)) }
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
                let answer = answer.map_err(|error| broken(&error))?;
                if answer["result"]["state"] == state {
                    return Ok(());
                }
                let waits = answer["error"]["code"] == -32400;
                let why = format!("{method}: {answer}");
                Err(Refused { again: waits.then(|| "Payme: -32400".to_owned()), why })
            })
            .await?;
        }
        Ok(id)
    }
}
