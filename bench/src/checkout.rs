//! A whole purchase: cart, item, delivery, complete, and Payme's three calls that pay for it.

use std::time::Instant;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    Options, load,
    load::{Row, Watch},
    scenarios::{Market, complain},
    server::PAYME_KEY,
    wire::{Connection, request},
};

/// Somebody who buys, and Payme on the same connection.
struct Shopper {
    offer: String,
    delivery: String,
    authorization: String,
    /// Transactions are named by it, and by their number.
    name: usize,
    bought: u64,
}

/// Runs purchases side by side.
pub(crate) async fn run(market: &Market, options: &Options) -> anyhow::Result<Row> {
    let offers = market.offers.clone();
    let work = async move |index: usize, connection: &mut Connection, watch: &mut Watch| {
        let offer = offers.get(index % offers.len().max(1)).context("no offers")?.clone();
        let mut shopper = Shopper::new(index, offer);
        while watch.goes_on() {
            let asked = Instant::now();
            let bought = shopper.buy(connection).await?;
            watch.note(asked, bought);
        }
        Ok(())
    };
    let target = (market.address, options.shoppers);
    let length = options.length() * 3 / 2;
    load::many("checkout with payment (7 requests)", target, length, work).await
}

fn field<'a>(value: &'a Value, pointer: &str) -> anyhow::Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer}"))
}

impl Shopper {
    fn new(name: usize, offer: String) -> Self {
        let delivery = json!({ "method": "courier", "address": {
            "region": "1726", "district": "1726264", "street": "Navoiy", "house": "12",
            "recipient": "Nodira Yusupova", "phone": "+998901234567",
        } });
        let login = STANDARD.encode(format!("Paycom:{PAYME_KEY}"));
        let authorization = format!("Basic {login}");
        Self { offer, delivery: delivery.to_string(), authorization, name, bought: 0 }
    }

    /// One purchase; whether every step went as it should.
    async fn buy(&mut self, connection: &mut Connection) -> anyhow::Result<bool> {
        let Some(cart) = step(connection, "POST", "/v1/store/carts", &[], "{}").await? else {
            return Ok(false);
        };
        let path = format!("/v1/store/carts/{}", field(&cart, "/id")?);
        let token = field(&cart, "/token")?;
        let headers = [("x-cart-token", token), ("idempotency-key", token)];
        let item = json!({ "offer_id": self.offer, "quantity": 1 }).to_string();
        let (guest, items) = (&headers[..1], format!("{path}/items"));
        if step(connection, "POST", &items, guest, &item).await?.is_none() {
            return Ok(false);
        }
        let delivery = format!("{path}/delivery");
        if step(connection, "PUT", &delivery, guest, &self.delivery).await?.is_none() {
            return Ok(false);
        }
        let complete = format!("{path}/complete");
        let body = "{\"payment_provider\":\"payme\"}";
        let Some(completed) = step(connection, "POST", &complete, &headers, body).await? else {
            return Ok(false);
        };
        let reference = field(&completed, "/order/number")?;
        let amount = completed.pointer("/order/totals/total/amount").context("no total")?;
        self.pay(connection, reference, amount).await
    }

    async fn pay(
        &mut self,
        connection: &mut Connection,
        reference: &str,
        amount: &Value,
    ) -> anyhow::Result<bool> {
        self.bought += 1;
        let id = format!("{:08x}{:016x}", self.name, self.bought);
        let account = json!({ "order_id": reference });
        // Transactions older than twelve hours are refused.
        let time = now();
        let calls = [
            ("CheckPerformTransaction", json!({ "amount": amount, "account": account }), None),
            (
                "CreateTransaction",
                json!({ "id": id, "time": time, "amount": amount, "account": account }),
                Some(1),
            ),
            ("PerformTransaction", json!({ "id": id }), Some(2)),
        ];
        let headers =
            [("authorization", self.authorization.as_str()), ("content-type", "text/json")];
        for (method, params, state) in calls {
            let body = json!({ "id": self.bought, "method": method, "params": params }).to_string();
            let Some(answer) = step(connection, "POST", "/hooks/payme", &headers, &body).await?
            else {
                return Ok(false);
            };
            let reached = answer.pointer("/result/state").and_then(Value::as_i64);
            if answer.get("result").is_none() || reached != state {
                complain(method, 200, &answer);
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[expect(clippy::disallowed_methods, reason = "the provider has a clock of its own")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| u64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

/// One request; its answer, or nothing when it failed.
async fn step(
    connection: &mut Connection,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> anyhow::Result<Option<Value>> {
    let status = connection.send(&request(method, path, headers, body)).await?;
    let answer = connection.json();
    if (200..300).contains(&status) {
        return Ok(Some(answer));
    }
    complain(&format!("{method} {path}"), status, &answer);
    Ok(None)
}
