//! Providers that repeat themselves, mix up the order of what they say, come late, and do not hear the answers. What they have written down
//! is the truth about money.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    crowd,
    dice::{Dice, scale},
    market::{Market, Noted},
    support::{
        client::{Answer, Client},
        providers::{Click, Payme, now, payme_id},
        shop::{self, Goods, text},
    },
};

/// Orders that are being paid at the same time.
const TILLS: usize = 12;

/// What a provider means to do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plan {
    Pay,
    /// Takes the money and gives it back.
    PayAndReturn,
    GiveUp,
}

/// A call that a provider makes, so much later than the one before it was answered, or so much after it was made.
#[derive(Debug, Clone)]
struct Call {
    method: &'static str,
    /// Others are not waited for.
    delay: Duration,
    /// The line breaks before the answer is there.
    unheard: bool,
}

/// What was answered to what, in the order of the answers.
type Journal = Vec<(&'static str, Value)>;

/// Everything is said about each order, several times, late, in any order.
pub(crate) async fn come_in_any_order(
    guest: &Client,
    goods: &Goods,
    (market, dice): (&Market, &mut Dice),
) {
    let count = usize::try_from(16 * scale()).unwrap().min(1_000);
    let mut orders = Vec::new();
    for (index, cart) in crowd::carts(guest, goods, count).await.into_iter().enumerate() {
        let answer = crowd::complete(&cart).await;
        let order = market.note(&cart, &answer);
        orders.push((index, order, answer, dice.fork()));
    }
    let pay = async |(index, order, answer, dice): (usize, Noted, Answer, Dice)| {
        crowd::is_known(guest, &answer.json()).await;
        if index % 4 == 3 {
            by_click(guest, (&order, &answer), market, dice).await
        } else {
            by_payme(guest, &order, market, dice).await
        }
    };
    let calls: Vec<usize> = stream::iter(orders).map(pay).buffer_unordered(TILLS).collect().await;
    println!("{} calls of providers about {count} orders", calls.iter().sum::<usize>());
}

/// Repeats of these calls, mixed and late; some answers are not heard.
fn repeats(methods: &[&'static str], dice: &mut Dice) -> Vec<Call> {
    let mut calls = Vec::new();
    for method in methods {
        for _ in 0..=dice.below(4) {
            let delay = Duration::from_millis(dice.below(400));
            calls.push(Call { method, delay, unheard: dice.below(4) == 0 });
        }
    }
    dice.shuffle(&mut calls);
    calls
}

async fn by_payme(guest: &Client, order: &Noted, market: &Market, mut dice: Dice) -> usize {
    let plan = [Plan::Pay, Plan::Pay, Plan::PayAndReturn, Plan::GiveUp]
        [usize::try_from(dice.below(4)).unwrap()];
    let (payme, id) = (Payme::new(guest), payme_id());
    let account = json!({ "order_id": order.number });
    let params = |method: &str| match method {
        "CreateTransaction" => {
            json!({ "id": id, "time": order_time(&id), "amount": order.total, "account": account })
        }
        "CancelTransaction" => json!({ "id": id, "reason": 5 }),
        _ => json!({ "id": id }),
    };
    // Each step comes after the first answer to the one before; everything else comes when it comes.
    let mut steps = vec!["CreateTransaction"];
    match plan {
        Plan::Pay => steps.push("PerformTransaction"),
        Plan::PayAndReturn => steps.extend(["PerformTransaction", "CancelTransaction"]),
        Plan::GiveUp => steps.push("CancelTransaction"),
    }
    let mut journal = Journal::new();
    let mut said = 0;
    for (step, method) in steps.iter().enumerate() {
        let mut again = repeats(&steps[..step], &mut dice);
        again.extend(repeats(&["CheckTransaction"], &mut dice));
        again.extend(repeats(&[method], &mut dice));
        said += again.len() + 1;
        let first = async {
            shop::eventually("the provider has an answer", async || {
                let answer = payme.call(method, params(method)).await;
                (answer["error"]["code"] != -32400).then_some(answer)
            })
            .await
        };
        let others = stream::iter(again).map(async |call: Call| {
            tokio::time::sleep(call.delay).await;
            let sent = payme.call(call.method, params(call.method));
            if call.unheard {
                drop(tokio::time::timeout(Duration::from_millis(5), sent).await);
                return None;
            }
            Some((call.method, sent.await))
        });
        let others = others.buffer_unordered(8).filter_map(async |heard| heard);
        let (first, others) = futures::join!(first, others.collect::<Journal>());
        journal.push((method, first));
        journal.extend(others);
    }
    agree(&journal, &steps);
    let end = Payme::result(&payme.call("CheckTransaction", json!({ "id": id })).await);
    let state = match plan {
        Plan::Pay => 2,
        Plan::PayAndReturn => -2,
        Plan::GiveUp => -1,
    };
    assert_eq!(end["state"], state, "{plan:?} {end} {journal:?}");
    match plan {
        Plan::Pay => market.note_payment(&order.order, id),
        Plan::PayAndReturn => market.note_return(&order.order),
        Plan::GiveUp => {}
    }
    said
}

/// A transaction's own time; each repeat says the same one.
fn order_time(id: &str) -> i64 {
    static BASE: std::sync::OnceLock<i64> = std::sync::OnceLock::new();
    let spread = i64::from(id.bytes().map(u32::from).sum::<u32>());
    BASE.get_or_init(now) - 10_000 + spread
}

/// Each step was taken, and whoever was told of its success was told the same.
fn agree(journal: &Journal, steps: &[&str]) {
    for step in steps {
        let told: Vec<&Value> = journal
            .iter()
            .filter(|(method, answer)| method == step && answer["error"].is_null())
            .map(|(_, answer)| &answer["result"])
            .collect();
        assert!(!told.is_empty(), "nobody was told of {step}: {journal:?}");
        assert!(told.iter().all(|result| *result == told[0]), "{step}: {told:?}");
    }
    for (method, answer) in journal {
        let code = &answer["error"]["code"];
        // Busy; not there yet; too late for that.
        let known = [-32400, -31003, -31008, -31007].iter().any(|known| code == known);
        // Other calls find the order held, or paid, by this very transaction.
        let other = code.as_i64().is_some_and(|code| (-31099..=-31050).contains(&code));
        assert!(code.is_null() || known || other, "{method}: {answer}");
    }
}

async fn by_click(
    guest: &Client,
    (order, answer): (&Noted, &Answer),
    market: &Market,
    mut dice: Dice,
) -> usize {
    static NEXT: AtomicI64 = AtomicI64::new(500_000_000);
    let buyer = guest
        .with("x-order-token", &crowd::told_token(answer))
        .with("idempotency-key", "rather-by-click");
    let path = format!("/v1/store/orders/{}/payments", order.order);
    let opened = buyer.post(&path, json!({ "provider": "click" })).await;
    assert!([200, 201].contains(&opened.status), "{}", opened.text());
    assert!(text(&opened.json()["redirect_url"]).contains(&order.number));
    let mut click = Click::new(guest, &order.number, order.total);
    click.trans_id = NEXT.fetch_add(1, Ordering::Relaxed);
    let prepared = click.prepare().await;
    assert_eq!(prepared["error"], 0, "{prepared}");
    let prepare_id = prepared["merchant_prepare_id"].as_i64().unwrap();
    let calls = repeats(&["prepare", "complete"], &mut dice);
    let said = calls.len() + 2;
    let click = &click;
    let others = stream::iter(calls).map(async |call: Call| {
        tokio::time::sleep(call.delay).await;
        let sent = async {
            match call.method {
                "prepare" => click.prepare().await,
                _ => click.complete(prepare_id, 0).await,
            }
        };
        if call.unheard {
            drop(tokio::time::timeout(Duration::from_millis(5), sent).await);
            return None;
        }
        Some((call.method, sent.await))
    });
    let others = others.buffer_unordered(8).filter_map(async |heard| heard);
    let (first, others) =
        futures::join!(click.complete(prepare_id, 0), others.collect::<Journal>());
    let mut confirmed = Vec::new();
    for (method, answer) in
        others.iter().map(|(method, answer)| (*method, answer)).chain([("complete", &first)])
    {
        // Done; done already; come again.
        let known = [0, -4, -7].iter().any(|error| answer["error"] == *error);
        assert!(known, "{method}: {answer}");
        if method == "complete" && answer["error"] == 0 {
            confirmed.push(&answer["merchant_confirm_id"]);
        }
    }
    assert!(confirmed.iter().all(|id| *id == confirmed[0]), "{confirmed:?}");
    let end = click.complete(prepare_id, 0).await;
    assert!(end["error"] == 0 || end["error"] == -4, "{end}");
    market.note_click(&order.order);
    said
}
