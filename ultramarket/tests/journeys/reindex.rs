//! The search index is built anew while people search.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use mesh::Role;
use serde_json::{Value, json};

use crate::support::{
    client::Client,
    platform::Platform,
    process::{self, Ended, Environment},
    shop::{self, register, text},
};

const PATH: &str = "/v1/admin/search/rebuild";
/// Queries for goods that no other journey adds to.
const QUERIES: [&str; 5] = ["choynak", "noutbuk", "kurtka", "krossovka", "muzlatgich"];

/// Everything that a query finds.
async fn found(client: &Client, query: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/store/search?q={query}&limit=50{after}");
        let page = client.get(&path).await.expect(200);
        for product in page["data"].as_array().unwrap() {
            ids.insert(text(&product["id"]).to_owned());
        }
        let Some(next) = page["meta"]["next"].as_str() else { return ids };
        after = format!("&after={next}");
    }
}

/// Begins a rebuild, as soon as nobody else's runs.
async fn begin(admin: &Client) -> Value {
    for _ in 0..3_000 {
        let answer = admin.post(PATH, json!({})).await;
        if answer.status == 202 {
            return answer.json();
        }
        answer.problem(409, "REBUILD_RUNNING");
        shop::pause().await;
    }
    panic!("somebody always rebuilds")
}

/// How the rebuild that began then ended, or one that began later.
async fn ended(admin: &Client, begun: &Value) -> Value {
    for _ in 0..3_000 {
        let told = admin.get(PATH).await.expect(200);
        assert!(text(&told["started_at"]) >= text(&begun["started_at"]), "{told} after {begun}");
        if told["state"] != "running" {
            return told;
        }
        shop::pause().await;
    }
    panic!("it does not end: {}", admin.get(PATH).await.text())
}

pub(crate) async fn the_index_is_built_anew_while_people_search(platform: &'static Platform) {
    let guest = platform.guest();
    let admin = shop::admin(platform).await;
    // With a credential every answer is worked out anew.
    let shopper = register(&guest).await.client;
    let mut before = Vec::new();
    for query in QUERIES {
        let ids = found(&shopper, query).await;
        assert!(!ids.is_empty(), "{query}");
        before.push(ids);
    }

    let (over, searches) = (AtomicBool::new(false), AtomicU64::new(0));
    let search = async |query: &'static str, beginning: &'static str| {
        while !over.load(Ordering::Relaxed) {
            let path = format!("/v1/store/search?q={query}&limit=5");
            let answer = shopper.get(&path).await.expect(200);
            assert!(!answer["data"].as_array().unwrap().is_empty(), "{query} finds something");
            let path = format!("/v1/store/search/suggest?q={beginning}");
            let suggested = shopper.get(&path).await.expect(200);
            assert!(!suggested["data"].as_array().unwrap().is_empty(), "{query} is completed");
            searches.fetch_add(2, Ordering::Relaxed);
        }
    };
    let people = async {
        futures::join!(search("telefon", "tel"), search("choynak", "choy"), search("kurtka", "kur"))
    };
    let owner = async {
        for _ in 0..2 {
            let begun = begin(&admin).await;
            assert_eq!((&begun["state"], &begun["finished_at"]), (&json!("running"), &Value::Null));
            // Others want one, too: it runs, or has ended.
            for other in
                futures::future::join_all((0..4).map(|_| admin.post(PATH, json!({})))).await
            {
                if other.status != 202 {
                    other.problem(409, "REBUILD_RUNNING");
                }
            }
            let told = ended(&admin, &begun).await;
            assert_eq!(told["state"], "done", "{told}");
            assert!(told["indexed"].as_u64().unwrap() >= 96, "{told}");
            assert!(told["total"].as_u64().unwrap() >= 96, "{told}");
            assert!(text(&told["finished_at"]) >= text(&told["started_at"]), "{told}");
        }
        let seen = searches.load(Ordering::Relaxed);
        // Some more on the new one.
        while searches.load(Ordering::Relaxed) < seen + 6 {
            shop::pause().await;
        }
        over.store(true, Ordering::Relaxed);
    };
    futures::join!(people, owner);
    for (query, before) in QUERIES.into_iter().zip(before) {
        assert_eq!(found(&shopper, query).await, before, "{query}");
    }
    let refused = shopper.post(PATH, json!({})).await;
    refused.problem(403, "FORBIDDEN");
}

pub(crate) async fn the_command_line_builds_the_index_anew(platform: &'static Platform) {
    let run = |token: String| {
        let environment = Environment::from([
            ("UM_MESH__TOKEN".to_owned(), token),
            ("UM_PEERS__SEARCH".to_owned(), platform.roles[&Role::Search].clone()),
        ]);
        let command =
            move || process::run(&std::env::temp_dir(), &["reindex", "--json"], &environment);
        async move { tokio::task::spawn_blocking(command).await.unwrap() }
    };
    let mut tries = 0;
    let done = loop {
        let ended: Ended = run(platform.token()).await;
        if ended.code == 0 {
            break ended;
        }
        // Another journey's runs.
        assert!(ended.code == 70 && ended.stderr.contains("REBUILD_RUNNING"), "{ended:?}");
        tries += 1;
        assert!(tries < 100, "somebody always rebuilds");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(told["indexed"].as_u64().unwrap() >= 96 && told["took_ms"].is_i64(), "{told}");

    let stranger = run("mesh_another_secret_of_32_characters".to_owned()).await;
    assert_eq!((stranger.code, stranger.stdout.as_str()), (70, ""), "{stranger:?}");
    assert_eq!(stranger.stderr.trim_end().lines().count(), 1, "{stranger:?}");
}
