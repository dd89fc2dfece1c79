//! Elasticsearch goes: search alone.

use std::{collections::BTreeSet, process::Output, thread::JoinHandle, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    asked::{BACK, away, catalogue, fine, get, post, wish, within},
    site::{Site, Waiting},
    support::{
        client::Client,
        shop::{self, Goods, text},
    },
};

const REBUILD: &str = "/v1/admin/search/rebuild";

/// The index while its server starts.
pub(crate) struct Away {
    starting: JoinHandle<Output>,
    waiting: Waiting,
    /// Put on sale meanwhile.
    missed: Goods,
}

/// Everything that a query finds.
pub(crate) async fn found(client: &Client, query: &str) -> Result<BTreeSet<String>, String> {
    let path = format!("/v1/store/search?q={query}&limit=100");
    let page = wish(client.get(&path).await, 200)?;
    let products = page["data"].as_array().unwrap().iter();
    Ok(products.map(|product| text(&product["id"]).to_owned()).collect())
}

/// Everything that is listed.
pub(crate) async fn listed(client: &Client) -> BTreeSet<String> {
    let page = client.get("/v1/store/products?limit=100").await.expect(200);
    assert_eq!(page["meta"]["next"], Value::Null, "one page has all");
    let products = page["data"].as_array().unwrap().iter();
    products.map(|product| text(&product["id"]).to_owned()).collect()
}

/// Waits until what is listed can be found, no more and no less.
pub(crate) async fn finds_all(client: &Client, what: &str) -> BTreeSet<String> {
    within(Duration::from_mins(1), what, async || {
        let (found, listed) = (found(client, "").await?, listed(client).await);
        if found == listed { Ok(found) } else { Err(format!("{found:?} of {listed:?}")) }
    })
    .await
}

/// Begins a rebuild, as soon as no other runs, and waits until it has ended.
pub(crate) async fn rebuild(admin: &Client) -> Value {
    let begun = within(Duration::from_mins(1), "a rebuild begins", async || {
        wish(admin.post(REBUILD, json!({})).await, 202)
    })
    .await;
    within(Duration::from_mins(1), "it ends", async || {
        let told = wish(admin.get(REBUILD).await, 200)?;
        let ended = told["state"] == "done" && told["started_at"] == begun["started_at"];
        if ended { Ok(told) } else { Err(told.to_string()) }
    })
    .await
}

/// It is stopped. When this returns it is on its way back.
pub(crate) async fn goes(site: &Site) -> Away {
    println!("  Elasticsearch");
    finds_all(&site.guest, "everything is found").await;
    site.servers.stop("elasticsearch").await;
    site.not_ready(&["search"], &[]).await;
    let waiting = site.waiting("search").await;
    let guest = &site.guest;
    away(
        "Elasticsearch",
        &[
            get(guest, "/v1/store/search?q=piyola"),
            get(guest, "/v1/store/search?q=piyola&brand=Sinov"),
            get(guest, "/v1/store/search/suggest?q=piy"),
            post(&site.admin, REBUILD, json!({})),
            get(&site.admin, REBUILD),
        ],
    )
    .await;
    fine("Elasticsearch", &catalogue(guest, &site.goods().slug)).await;
    site.buy().await.unwrap();
    let missed = shop::goods(&site.merchant, 2_222_200, 5).await;
    Away { starting: site.servers.begin_start("elasticsearch"), waiting, missed }
}

/// It accepts connections.
pub(crate) async fn comes_back(site: &Site, away: Away) -> Goods {
    let started = tokio::task::spawn_blocking(|| away.starting.join().unwrap()).await.unwrap();
    assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
    println!("  Elasticsearch accepts connections");
    // Others may be away just now: what is said of search alone counts.
    within(BACK, "search is ready", async || match site.ready("search").await {
        (200, _) => Ok(()),
        (status, body) => Err(format!("{status} {body}")),
    })
    .await;
    within(BACK, "completions come", async || {
        wish(site.guest.get("/v1/store/search/suggest?q=piy").await, 200)
    })
    .await;
    away.waiting.becomes_ready().await;
    away.missed
}

/// What was missed is found, and what was lost is built anew.
pub(crate) async fn recovers(site: &Site, missed: Goods) {
    let all = finds_all(&site.guest, "what was put on sale meanwhile is found").await;
    assert!(all.contains(&missed.id));

    println!("  Elasticsearch loses its index");
    let address = site.servers.addresses()["UM_SEARCH__STORE"].clone();
    let (server, prefix) = address.rsplit_once('/').unwrap();
    let direct = Client::new(server);
    let known = direct.get(&format!("/{prefix}-products*/_alias")).await.expect(200);
    for index in known.as_object().unwrap().keys() {
        let path = format!("/{index}");
        assert_eq!(
            direct.try_send(Method::DELETE, &path, None, Vec::new()).await.unwrap().status,
            200
        );
    }
    let told = rebuild(&site.admin).await;
    assert_eq!(told["indexed"].as_u64().unwrap(), all.len() as u64, "{told}");
    assert_eq!(found(&site.guest, "").await.unwrap(), all, "the difference is nothing");
}
