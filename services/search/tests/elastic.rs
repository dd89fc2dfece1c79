//! What only an index on a server has to do: be away, be shared, survive whoever rebuilds it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use clock::Clock;
use fault::{Code, Fault};
use futures::{StreamExt as _, channel::mpsc, stream};
use search::{
    domain::{Aspect, Change, RebuildState, Search},
    store::{self, Progress, SearchIndex},
};
use serde_json::{Value, json};
use testkit::eventually;

#[path = "elastic/away.rs"]
mod away;
#[path = "support/catalogue.rs"]
mod catalogue;
#[path = "elastic/crashes.rs"]
mod crashes;
#[path = "support/server.rs"]
mod server;
#[path = "elastic/versions.rs"]
mod versions;
#[path = "support/way.rs"]
mod way;

use catalogue::id_at;
use server::Server;

type Index = Arc<dyn SearchIndex>;

/// A process of its own on a server.
async fn process(server: &Server) -> Index {
    store::open(&server.address()).await.unwrap()
}

/// The server, asked directly.
async fn asked(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let method = method.parse().unwrap();
    let mut request = client.request(method, format!("{}/{path}", server.url));
    if !body.is_null() {
        request = request.json(&body);
    }
    request.send().await.unwrap().json().await.unwrap()
}

/// Names of the indexes there are, and of those behind the alias.
async fn indexes(server: &Server) -> (Vec<String>, Vec<String>) {
    let prefix = &server.prefix;
    let found = asked(server, "GET", &format!("{prefix}-*/_alias"), Value::Null).await;
    let alias = format!("{prefix}-products");
    let all: Vec<String> = found.as_object().unwrap().keys().cloned().collect();
    let live =
        all.iter().filter(|name| found[name.as_str()]["aliases"][&alias].is_object()).cloned();
    let live = live.collect();
    (all, live)
}

async fn rebuild(index: &Index, pages: Vec<Result<Vec<Change>, Fault>>) -> Result<u64, Fault> {
    index.rebuild(stream::iter(pages).boxed(), &progress()).await
}

fn progress() -> Progress {
    Progress::new(Clock::system())
}

/// News of a product whose title is another now.
fn renamed(at: u32, title: &str, version: i64) -> Change {
    let mut change = catalogue::changes().swap_remove(at as usize);
    change.version = version;
    if let Aspect::Card(news) = &mut change.aspect {
        title.clone_into(&mut news.0.title.uz);
    }
    change
}

/// Names of the products whose title is a word.
async fn titled(index: &Index, word: &str) -> Vec<&'static str> {
    let words = search::text::tokens(word);
    let clauses = words.into_iter().map(|word| search::domain::Clause {
        alternatives: vec![search::domain::Alternative { words: vec![word], percent: 100 }],
        prefix: None,
    });
    let search = Search { clauses: clauses.collect(), limit: 50, ..Search::default() };
    let hits = index.search(&search).await.unwrap();
    hits.ids.into_iter().map(catalogue::name).collect()
}

#[tokio::test]
async fn migrations_in_parallel_make_one_index_and_spare_what_is_there() {
    let Some(server) = Server::new() else { return };
    let address = server.address();
    let migrations = (0..8).map(|_| store::migrate(&address));
    for outcome in futures::future::join_all(migrations).await {
        outcome.unwrap();
    }
    let made = indexes(&server).await;
    assert_eq!((made.0.len(), made.1.len()), (1, 1));

    let index = process(&server).await;
    index.apply(catalogue::changes()).await.unwrap();
    store::migrate(&address).await.unwrap();
    assert_eq!(indexes(&server).await, made);
    assert_eq!(index.count().await.unwrap(), 41);
}

#[tokio::test]
async fn the_first_contact_of_several_processes_makes_one_index() {
    let Some(server) = Server::new() else { return };
    let processes = futures::future::join_all((0..4).map(|_| process(&server))).await;
    let counts = processes.iter().map(|index| index.count());
    for count in futures::future::join_all(counts).await {
        assert_eq!(count.unwrap(), 0);
    }
    assert_eq!(indexes(&server).await.0.len(), 1);
}

#[tokio::test]
async fn the_mapping_is_strict_and_analyses_nothing() {
    let Some(server) = Server::new() else { return };
    store::migrate(&server.address()).await.unwrap();
    let path = format!("{}-products", server.prefix);
    let found = asked(&server, "GET", &path, Value::Null).await;
    let (name, index) = found.as_object().unwrap().iter().next().unwrap();
    assert!(name.starts_with(&format!("{}-products-v1-", server.prefix)), "{name}");
    assert_eq!(index["mappings"]["dynamic"], "strict");
    for (name, field) in index["mappings"]["properties"].as_object().unwrap() {
        match field["type"].as_str().unwrap() {
            "text" => assert_eq!(field["analyzer"], "whitespace", "{name}"),
            kind => assert!(["keyword", "long", "object"].contains(&kind), "{name}: {kind}"),
        }
    }
    let refused = asked(
        &server,
        "PUT",
        &format!("{path}/_doc/x?require_alias=true"),
        json!({ "nonsense": 1 }),
    )
    .await;
    assert_eq!(refused["error"]["type"], "strict_dynamic_mapping_exception");
}

#[tokio::test]
async fn processes_that_write_the_same_products_lose_nothing() {
    let Some(server) = Server::new() else { return };
    let (one, two) = (process(&server).await, process(&server).await);
    let news = |index: Index, odd: i64| async move {
        for version in (1..20).filter(|version| version % 2 == odd) {
            let changes = (0..10).map(|at| renamed(at, &format!("Navro{version}z"), version));
            index.apply(changes.collect()).await.unwrap();
        }
    };
    futures::join!(news(Arc::clone(&one), 0), news(Arc::clone(&two), 1));
    for index in [&one, &two] {
        assert_eq!(index.count().await.unwrap(), 10);
        assert_eq!(titled(index, "navro19z").await.len(), 10);
    }
}

#[tokio::test]
async fn searches_go_on_while_the_index_is_rebuilt() {
    let Some(server) = Server::new() else { return };
    let index = process(&server).await;
    rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap();
    let other = process(&server).await;
    let over = std::sync::atomic::AtomicBool::new(false);
    let searches = async {
        let mut asked = 0_u32;
        while !over.load(std::sync::atomic::Ordering::SeqCst) {
            for index in [&index, &other] {
                let search = Search { limit: 50, facets: true, ..Search::default() };
                assert_eq!(index.search(&search).await.unwrap().ids.len(), 41);
                asked += 1;
            }
        }
        asked
    };
    let rebuilds = async {
        for _ in 0..4 {
            assert_eq!(rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
        }
        over.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    let (asked, ()) = futures::join!(searches, rebuilds);
    assert!(asked > 20, "{asked} searches");
    let (all, live) = indexes(&server).await;
    assert_eq!((all.len(), all == live), (1, true), "old indexes are removed");
}

#[tokio::test]
async fn news_that_another_process_acknowledges_during_rebuilds_are_found_at_once_and_stay() {
    let Some(server) = Server::new() else { return };
    let (builder, other) = (process(&server).await, process(&server).await);
    rebuild(&builder, vec![Ok(catalogue::changes())]).await.unwrap();
    let over = std::sync::atomic::AtomicBool::new(false);
    let news = async {
        let mut version = 2;
        while !over.load(std::sync::atomic::Ordering::SeqCst) {
            let title = format!("Navro{version}z");
            other.apply(vec![renamed(0, &title, version)]).await.unwrap();
            assert_eq!(titled(&other, &title).await, ["a55"], "{title}");
            version += 1;
        }
        format!("Navro{}z", version - 1)
    };
    let rebuilds = async {
        for _ in 0..5 {
            // What the catalogue tells was read before the news.
            let pages = catalogue::changes().chunks(5).map(|page| Ok(page.to_vec())).collect();
            assert_eq!(rebuild(&builder, pages).await.unwrap(), 41);
        }
        over.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    let (last, ()) = futures::join!(news, rebuilds);
    for index in [&builder, &other] {
        assert_eq!(titled(index, &last).await, ["a55"], "{last}");
        assert_eq!(index.count().await.unwrap(), 41);
    }
}

#[tokio::test]
async fn one_process_rebuilds_at_a_time() {
    let Some(server) = Server::new() else { return };
    let (one, two) = (process(&server).await, process(&server).await);
    one.apply(catalogue::changes()).await.unwrap();
    assert!(!two.is_complete().await.unwrap());
    let (pages, receiver) = mpsc::unbounded();
    let progress = progress();
    progress.expect(41);
    let building = one.rebuild(receiver.boxed(), &progress);
    let meanwhile = async {
        pages.unbounded_send(Ok(catalogue::changes())).unwrap();
        eventually("it has begun", || async { indexes(&server).await.0.len() == 2 }).await;
        two.ping().await.unwrap();
        let refused = rebuild(&two, Vec::new()).await.unwrap_err();
        assert_eq!((refused.code, refused.reason.as_ref()), (Code::Conflict, "REBUILD_RUNNING"));
        assert_eq!(indexes(&server).await.0.len(), 2, "nobody removes what another one builds");
        let told = two.rebuilt().await.unwrap().unwrap();
        assert_eq!((told.state, told.total), (RebuildState::Running, 41), "the others see it");
        assert_eq!(told.started_at, progress.now().started_at);
        drop(pages);
    };
    let (built, ()) = futures::join!(building, meanwhile);
    assert_eq!(built.unwrap(), 41);
    assert!(two.is_complete().await.unwrap(), "both know it");
    let told = two.rebuilt().await.unwrap().unwrap();
    assert_eq!((told.state, told.indexed), (RebuildState::Done, 41), "both know how it ended");
    assert_eq!(rebuild(&two, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
}

#[tokio::test]
async fn a_large_catalogue_goes_through_in_many_calls() {
    let Some(server) = Server::new() else { return };
    let index = process(&server).await;
    let lamps = |from: u32, to: u32| -> Vec<Change> {
        (from..to)
            .map(|at| Change {
                id: id_at(1000 + at),
                ..renamed(at % 41, &format!("Lampa {at}"), 1)
            })
            .collect()
    };
    // Drafts are remembered beside what the catalogue lists: more than one call's worth of them.
    let mut drafts = lamps(3000, 3700);
    for draft in &mut drafts {
        if let Aspect::Card(news) = &mut draft.aspect {
            news.0.active = false;
        }
    }
    index.apply(drafts.clone()).await.unwrap();
    let pages = lamps(0, 1730).chunks(100).map(|page| Ok(page.to_vec())).collect();
    assert_eq!(rebuild(&index, pages).await.unwrap(), 1730);
    assert_eq!(index.search(&Search::default()).await.unwrap().total, 1730);
    for draft in &mut drafts {
        draft.version = 0;
        if let Aspect::Card(news) = &mut draft.aspect {
            news.0.active = true;
        }
    }
    index.apply(drafts).await.unwrap();
    assert_eq!(index.count().await.unwrap(), 1730, "older news of drafts do not show them");
}
