//! A storm of callbacks: duplicates, out of order, two hundred at once. Every one is answered in time with a right answer, and each
//! order is paid once.
//!
//! `UM_STORM=10000 cargo test -p payment --release --test payment storm -- --nocapture` is the full one, with its figures.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use proto::payment as pb;
use serde_json::{Value, json};
use testkit::{FreshDatabase, WIRINGS};

use crate::lab::{SUM, Shop, click_request, payme_request, shop_at};

/// Callbacks at once.
const AT_ONCE: usize = 200;
/// Callbacks of an order.
const OF_EACH: usize = 10;
/// What a provider waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same order of things each time: a storm that fails can be looked at.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "shorter where it is called")]
fn payme(method: &str, params: Value) -> pb::HandleCallbackRequest {
    let body = json!({ "id": 1, "method": method, "params": params });
    payme_request(body.to_string(), "Paycom:payme-key")
}

fn click(number: usize, order: &str, prepare_id: Option<&str>) -> pb::HandleCallbackRequest {
    let attempt = (number + 1).to_string();
    let mut fields = vec![
        ("click_trans_id", attempt.as_str()),
        ("service_id", "10001"),
        ("click_paydoc_id", attempt.as_str()),
        ("merchant_trans_id", order),
        ("amount", "5000.00"),
        ("action", if prepare_id.is_some() { "1" } else { "0" }),
        ("error", "0"),
        ("error_note", ""),
        ("sign_time", "2026-11-21 14:30:00"),
    ];
    fields.extend(prepare_id.map(|id| ("merchant_prepare_id", id)));
    click_request(if prepare_id.is_some() { "complete" } else { "prepare" }, &fields)
}

/// What may be said to a call, in any order of calls.
fn is_right(provider: &str, answer: &Value) -> bool {
    match provider {
        "payme" if answer["result"].is_object() => true,
        // Not created yet; made, so that there is no other; paid; held.
        "payme" => {
            matches!(answer["error"]["code"].as_i64(), Some(-31003 | -31008 | -31051 | -31053))
        }
        _ => matches!(answer["error"].as_i64(), Some(0 | -4)),
    }
}

async fn storm(shop: &Shop, callbacks: usize) {
    let orders = callbacks / OF_EACH;
    let mut dice = Dice(20_261_122);
    let mut calls: Vec<(&str, pb::HandleCallbackRequest)> = Vec::new();
    let mut last: Vec<(&str, pb::HandleCallbackRequest)> = Vec::new();
    let names: Vec<String> = (0..orders).map(|number| format!("{number}K")).collect();
    let now = shop.lab.clock.now().millis();
    let opening = names.iter().enumerate().map(|(number, order)| async move {
        let provider = if number % 2 == 0 { "payme" } else { "click" };
        shop.ordered(order, provider).await;
        if provider == "payme" {
            return None;
        }
        let (_, answer) = shop.callback(click(number, order, None)).await;
        Some((number, answer["merchant_prepare_id"].to_string()))
    });
    let prepared: Vec<_> = stream::iter(opening).buffer_unordered(50).collect().await;
    let prepared: BTreeMap<usize, String> = prepared.into_iter().flatten().collect();
    for (number, order) in names.iter().enumerate() {
        if let Some(id) = prepared.get(&number) {
            calls.extend((0..4).map(|_| ("click", click(number, order, None))));
            calls.extend((0..6).map(|_| ("click", click(number, order, Some(id)))));
            continue;
        }
        let account = json!({ "order_id": order });
        let create = json!({ "id": order, "time": now, "amount": SUM, "account": account });
        let named = json!({ "id": order });
        let check = json!({ "amount": SUM, "account": account });
        calls.extend((0..4).map(|_| ("payme", payme("CreateTransaction", create.clone()))));
        calls.extend((0..4).map(|_| ("payme", payme("PerformTransaction", named.clone()))));
        calls.push(("payme", payme("CheckTransaction", named.clone())));
        calls.push(("payme", payme("CheckPerformTransaction", check)));
        // Whatever came first, Payme goes on until it has an answer.
        last.push(("payme", payme("CreateTransaction", create)));
        last.push(("payme", payme("PerformTransaction", named)));
    }
    dice.shuffle(&mut calls);
    let begun = Instant::now();
    let count = calls.len();
    let answering = calls.into_iter().map(|(provider, request)| async move {
        let asked = Instant::now();
        let (status, answer) = shop.callback(request).await;
        (provider, status, answer, asked.elapsed())
    });
    let answers: Vec<_> = stream::iter(answering).buffer_unordered(AT_ONCE).collect().await;
    let took = begun.elapsed();
    let mut times = Vec::new();
    for (provider, status, answer, time) in answers {
        assert_eq!(status, 200, "{provider}: {answer}");
        assert!(is_right(provider, &answer), "{provider}: {answer}");
        assert!(time < PATIENCE, "{provider}: {time:?}");
        times.push(time);
    }
    for (provider, request) in last {
        let (_, answer) = shop.callback(request).await;
        assert!(is_right(provider, &answer), "{answer}");
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    let (half, most, worst) = (at(50), at(99), at(100));
    let each = u32::try_from(count).map_or(0.0, f64::from) / took.as_secs_f64();
    report(&format!(
        "{count} callbacks, {AT_ONCE} at once: {each:.0}/s, p50 {half:.1} ms, p99 {most:.1} ms, max {worst:.1} ms"
    ));

    let paid = || async {
        let told = shop.orders.told();
        told.iter().filter(|(kind, _)| kind == "payment.paid").count() >= orders
    };
    for _ in 0..60 {
        if paid().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let told = shop.orders.told();
    let count = |kind: &str| told.iter().filter(|(it, _)| it == kind).count();
    assert_eq!(count("payment.paid"), orders, "each order is paid once");
    assert_eq!((count("payment.started"), count("payment.cancelled")), (orders, 0));
}

#[expect(clippy::print_stdout, reason = "whoever runs the full storm wants its figures")]
fn report(line: &str) {
    println!("{line}");
}

/// So many callbacks as whoever runs it asks for.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever wants the full storm says so in the environment"
)]
fn callbacks() -> usize {
    std::env::var("UM_STORM").ok().and_then(|text| text.parse().ok()).unwrap_or(400)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_callbacks_is_answered_and_each_order_is_paid_once() {
    let shop = shop_at(WIRINGS[0], None).await;
    storm(&shop, callbacks()).await;
    shop.lab.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_callbacks_on_postgresql() {
    let Some(database) = FreshDatabase::create().await else { return };
    let shop = shop_at(WIRINGS[0], Some(&database.address)).await;
    storm(&shop, callbacks()).await;
    shop.lab.stop().await;
}
