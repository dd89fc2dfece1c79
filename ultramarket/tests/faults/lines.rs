//! Bad lines: between the gateway and the roles, between roles, and between a role and PostgreSQL.

use std::time::{Duration, Instant};

use mesh::Role;
use serde_json::json;

use crate::{
    cluster::Cluster,
    dice::{Dice, scale},
    proxy::Weather,
    support::{client::Client, shop},
};

/// The gateway gives a request ten seconds; the rest is for the way and for a machine that has other things to do.
const DEADLINE: Duration = Duration::from_secs(14);
/// A connection of which nothing comes is noticed after a question every ten seconds and five of silence; what was asked meanwhile has its
/// deadline of ten.
const NOTICED: Duration = Duration::from_secs(30);

/// One or two lines at a time have some weather, while people buy.
pub(crate) async fn have_weather(cluster: &Cluster, dice: &mut Dice) {
    let names = cluster.lines();
    for _ in 0..10 * scale() {
        let mut seen = Vec::new();
        for _ in 0..=dice.below(2) {
            let name = &names[usize::try_from(dice.below(names.len() as u64)).unwrap()];
            let weather = Weather::cast(dice);
            cluster.line(name).set(weather);
            seen.push(format!("{name}: {weather:?}"));
        }
        let time = Duration::from_millis(200 + dice.below(800));
        println!("  {} for {time:?}", seen.join(", "));
        tokio::time::sleep(time).await;
        cluster.clear_up();
        tokio::time::sleep(Duration::from_millis(dice.below(200))).await;
    }
}

/// All connections of the lines to these are forgotten by whatever is between: nobody is told. People can buy again soon, by themselves.
pub(crate) async fn are_forgotten(cluster: &Cluster, guest: &Client, goods: &shop::Goods) {
    let began = Instant::now();
    for name in cluster.lines() {
        cluster.line(&name).set(Weather::Forgotten);
    }
    cluster.clear_up();
    let mut told = std::collections::BTreeMap::<u16, u32>::new();
    loop {
        let asked = Instant::now();
        match try_to_buy(guest, goods).await {
            Ok(()) => break,
            Err(status) => *told.entry(status).or_default() += 1,
        }
        assert!(asked.elapsed() < 4 * DEADLINE, "an answer took {:?}", asked.elapsed());
        assert!(began.elapsed() < NOTICED, "nobody can buy since {:?}: {told:?}", began.elapsed());
        shop::pause().await;
    }
    println!(
        "all connections were forgotten; people buy again after {:.1?}: {told:?}",
        began.elapsed()
    );
    assert!(told.keys().all(|status| [503, 504].contains(status)), "{told:?}");
}

/// Up to the delivery; the status that was in the way.
async fn try_to_buy(guest: &Client, goods: &shop::Goods) -> Result<(), u16> {
    let opened = guest.post("/v1/store/carts", json!({})).await;
    if opened.status != 201 {
        return Err(opened.status);
    }
    let opened = opened.json();
    let cart = guest.with("x-cart-token", shop::text(&opened["token"]));
    let path = format!("/v1/store/carts/{}", shop::text(&opened["id"]));
    let item = json!({ "offer_id": goods.offer, "quantity": 1 });
    let filled = cart.post(&format!("{path}/items"), item).await;
    let delivered = cart.put(&format!("{path}/delivery"), shop::delivery()).await;
    match (filled.status, delivered.status) {
        (200, 200) => Ok(()),
        (200, other) | (other, _) => Err(other),
    }
}

/// The gateway hears nothing of any role: everybody is told within the deadline, and nothing is lost when it hears again.
pub(crate) async fn are_silent(cluster: &Cluster, guest: &Client, merchant: &Client) {
    let silent = Role::SERVICES.map(|role| format!("gateway to {role}"));
    for name in &silent {
        cluster.line(name).set(Weather::Silent);
    }
    let began = Instant::now();
    let login = json!({ "login": "+998901112233", "password": "nobody-knows-it-7" });
    let nobody = format!("/v1/store/orders/{}", ids::OrderId::new());
    let stranger = guest.with("x-order-token", "somebody-else");
    let answers = futures::join!(
        guest.post("/v1/store/carts", json!({})),
        guest.post("/v1/auth/login", login),
        stranger.get(&nobody),
        merchant.get("/v1/merchant/orders"),
        merchant.get("/v1/merchant/products"),
    );
    let took = began.elapsed();
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
        assert!([503, 504].contains(&answer.status), "{} {}", answer.status, answer.text());
        answer.problem(if code == "TIMEOUT" { 504 } else { 503 }, &code);
    }
    println!("silence is told of after {took:.1?}");
    assert!(took < DEADLINE, "{took:?}");
    cluster.clear_up();
}
