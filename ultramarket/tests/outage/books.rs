//! Whether the platform holds what it has acknowledged, and nothing that contradicts itself.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::{
    asked::within,
    market::{STOCK, wish},
    site::Site,
    support::{
        client::Client,
        shop::{self, amount, text},
    },
};

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

/// What a role's outbox says of itself.
async fn waiting(site: &Site, role: &str) -> Result<(), String> {
    let figures = site.guest.get(&format!("{}/metrics", site.roles[role])).await.text();
    let lines = figures.lines().filter(|line| line.starts_with("ultramarket_outbox{"));
    let counts: Vec<&str> = lines.filter(|line| !line.contains("lag_ms")).collect();
    let empty = counts.len() == 2 && counts.iter().all(|line| line.ends_with(" 0"));
    if empty { Ok(()) } else { Err(counts.join(" ")) }
}

/// How old an outbox's figures may be: they are counted every five seconds.
const COUNTED: Duration = Duration::from_secs(6);

/// Everybody has heard of everything.
pub(crate) async fn events_arrive(site: &Site) {
    tokio::time::sleep(COUNTED).await;
    for role in ["auth", "product", "payment", "order"] {
        // Who was away for long is asked again after a pause that has grown.
        let limit = Duration::from_mins(1);
        within(limit, &format!("events of {role} have arrived"), async || {
            waiting(site, role).await
        })
        .await;
    }
}

/// Acknowledged orders are there, paid ones are paid once, and the stock is what they leave.
pub(crate) async fn agree(site: &Site) {
    events_arrive(site).await;
    let orders = all_orders(&site.admin).await;
    let journal = site.journal().clone();
    for (id, acknowledged) in &journal {
        let order = orders.get(id).unwrap_or_else(|| panic!("{id} was acknowledged, and is lost"));
        assert_eq!(amount(&order["totals"]["total"]), acknowledged.total, "{id}");
        let paid = acknowledged.transaction.is_some();
        let status = if paid { "paid" } else { "awaiting_payment" };
        assert_eq!(order["status"], status, "{id}: {order}");
    }
    let kept = site.kept().clone();
    for (bought, status) in &kept {
        let order = orders.get(&bought.id).unwrap_or_else(|| panic!("{} is lost", bought.id));
        assert_eq!(order["status"], *status, "{}: {order}", bought.id);
    }
    // Whoever repeats a checkout of before the kill is told the same.
    for acknowledged in journal.values().take(5) {
        let (id, token) = &acknowledged.cart;
        let guest = site.guest.with("x-cart-token", token);
        let guest = guest.with("idempotency-key", &format!("key-{id}"));
        let again = guest.post(&format!("/v1/store/carts/{id}/complete"), wish()).await;
        assert_eq!((again.status, &again.bytes), (201, &acknowledged.answer), "{id}");
    }
    let mut gone: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for (id, order) in &orders {
        let known = journal.contains_key(id) || kept.iter().any(|(bought, _)| bought.id == *id);
        assert!(known, "{id} was never ordered");
        let paid = match text(&order["status"]) {
            "paid" => true,
            "awaiting_payment" => false,
            other => panic!("{id} is {other}"),
        };
        for item in order["items"].as_array().unwrap() {
            let (sold, held) = gone.entry(text(&item["offer_id"])).or_default();
            *(if paid { sold } else { held }) += item["quantity"].as_i64().unwrap();
        }
    }
    for stall in &site.opened.stalls {
        let (sold, held) = gone.get(stall.goods.offer.as_str()).copied().unwrap_or_default();
        let stock = shop::stock(&site.merchant, &stall.goods).await;
        assert_eq!(stock, (STOCK - sold - held, held), "of {}", stall.goods.offer);
    }
    println!("  the books agree: {} orders", orders.len());
}
