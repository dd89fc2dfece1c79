//! nginx with the real configuration before two gateways of a running platform.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use futures::StreamExt as _;
use reqwest::{Method, Version};
use serde_json::{Value, json};
use testkit::Folder;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role as Side},
};

use crate::{
    model::DOMAIN,
    nginx::Nginx,
    support::{
        client::{Answer, Client},
        platform::{self, ORIGIN, free_ports, run},
        process::{Environment, Program},
        providers::Payme,
        shop::{self, HUNAR_UYI, text},
    },
};

/// A platform with a second gateway, behind nginx. Fields end in this order.
struct Stage {
    nginx: Nginx,
    second: Option<Program>,
    second_told: Environment,
    second_folder: Folder,
    demo: Program,
    _folder: Folder,
}

impl Stage {
    fn start() -> Option<Self> {
        testkit::real_store("nginx")?;
        let (folder, second_folder) = (Folder::new("door"), Folder::new("door"));
        let mut told = platform::environment();
        told.insert("UM_GATEWAY__RATE_LIMIT__ENABLED".to_owned(), "true".to_owned());
        told.insert("UM_GATEWAY__TRUSTED_PROXIES".to_owned(), "127.0.0.1".to_owned());
        told.insert("UM_MESH__TOKEN".to_owned(), "a-secret-of-the-door-test-0123456789".to_owned());
        let data = folder.path().display().to_string();
        let arguments = ["demo", "--json", "--port-base", "0", "--data-dir", &data];
        let demo = Program::start(folder.path(), &arguments, &told);
        let first = address(text(&demo.ready()["gateway"]));

        let second = SocketAddr::new(first.ip(), free_ports(1)[0]);
        for (role, url) in demo.ready()["roles"].as_object().unwrap() {
            if role != "gateway" {
                told.insert(format!("UM_PEERS__{}", role.to_uppercase()), text(url).to_owned());
            }
        }
        told.insert("UM_GATEWAY__LISTEN".to_owned(), second.to_string());
        told.insert("UM_GATEWAY__OPS_LISTEN".to_owned(), "127.0.0.1:0".to_owned());
        told.insert("UM_DATA_DIR".to_owned(), second_folder.path().display().to_string());
        let nginx = Nginx::start(&[first, second])?;
        let mut stage =
            Self { nginx, second: None, second_told: told, second_folder, demo, _folder: folder };
        stage.start_second();
        Some(stage)
    }

    /// Somebody who sells, signed in through this client's connections.
    async fn merchant(&self, guest: &Client) -> Client {
        let account = &self.demo.ready()["accounts"]["merchant"];
        shop::login(guest, HUNAR_UYI, text(&account["password"])).await
    }

    fn start_second(&mut self) {
        let folder = self.second_folder.path();
        let arguments = ["serve", "gateway", "--json"];
        self.second = Some(Program::start(folder, &arguments, &self.second_told));
    }
}

fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().unwrap()
}

#[test]
fn a_platform_behind_the_door() {
    let Some(mut stage) = Stage::start() else { return };
    run(async {
        tls_leads_in(&stage.nginx).await;
        answers_keep_their_headers(&stage.nginx).await;
        the_catalogue_is_remembered(&stage.nginx).await;
        clients_are_told_apart(&stage.nginx).await;
        too_much_is_refused(&stage).await;
        a_provider_calls(&stage.nginx).await;
        a_shopper_listens(&stage).await;
    });
    a_gateway_is_replaced(&mut stage);
    logs_tell_no_secret(&stage.nginx);
}

async fn tls_leads_in(nginx: &Nginx) {
    let http = nginx.connections("127.0.0.1").build().unwrap();
    let page = http.get(nginx.url("")).send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.version()), (200, Version::HTTP_2));
    assert!(page.text().await.unwrap().contains("UltraMarket"));
    for tls in [reqwest::tls::Version::TLS_1_2, reqwest::tls::Version::TLS_1_3] {
        let exactly = nginx.connections("127.0.0.1").min_tls_version(tls).max_tls_version(tls);
        let answer = exactly.build().unwrap().get(nginx.url("api.") + "/health").send().await;
        assert_eq!(answer.unwrap().status().as_u16(), 200);
    }
    let www = http.get(nginx.url("www.") + "/c/dishes?page=2").send().await.unwrap();
    assert_eq!(www.status().as_u16(), 308);
    assert_eq!(www.headers()["location"], format!("https://{DOMAIN}/c/dishes?page=2"));

    // Plain HTTP leads to the same name with TLS, for every method.
    let plain = |host: &str, path: &str| {
        http.post(format!("http://{}{path}", nginx.http)).header("host", host).send()
    };
    for (host, target) in [
        (DOMAIN.to_owned(), DOMAIN.to_owned()),
        (format!("api.{DOMAIN}"), format!("api.{DOMAIN}")),
        ("stranger.example".to_owned(), DOMAIN.to_owned()),
    ] {
        let answer = plain(&host, "/v1/store/carts?a=1").await.unwrap();
        assert_eq!(answer.status().as_u16(), 308, "{host}");
        let location = &answer.headers()["location"];
        assert_eq!(location, &format!("https://{target}/v1/store/carts?a=1"));
    }
    let proof = http.get(format!("http://{}/.well-known/acme-challenge/proof", nginx.http));
    assert_eq!(proof.send().await.unwrap().text().await.unwrap(), "proven");

    // A name that is not ours is not even greeted.
    let stranger = nginx.connections("127.0.0.1").resolve("stranger.example", nginx.https);
    let url = format!("https://stranger.example:{}/", nginx.https.port());
    assert!(stranger.build().unwrap().get(url).send().await.is_err());
}

async fn answers_keep_their_headers(nginx: &Nginx) {
    let client = nginx.client().with("x-request-id", "from-the-client.1");
    for path in ["/", "/v1/store/regions", "/v1/nothing", "/docs/"] {
        let answer = client.get(path).await;
        assert_eq!(answer.header("x-request-id"), "from-the-client.1", "{path}");
        for header in [
            "strict-transport-security",
            "x-content-type-options",
            "x-frame-options",
            "referrer-policy",
            "content-security-policy",
            "x-request-id",
        ] {
            let count = answer.headers.get_all(header).iter().count();
            assert_eq!(count, 1, "{path}: {header}");
        }
        assert_eq!(answer.header("server"), "nginx", "{path}: no version");
    }
    let unfit = nginx.client().with("x-request-id", "not \"fit\"").get("/v1/nothing").await;
    assert_eq!(unfit.header("x-request-id").len(), 32, "nginx names the request itself");
    assert_eq!(nginx.client().get("/metrics").await.status, 404);
    let page = nginx.client().with("accept-encoding", "gzip").get("/").await;
    assert_eq!(page.header("content-encoding"), "gzip");
}

async fn the_catalogue_is_remembered(nginx: &Nginx) {
    let client = nginx.client();
    let path = "/v1/store/products?limit=3";
    let first = client.get(path).await;
    assert_eq!((first.status, first.header("x-cache")), (200, "MISS"), "{}", first.text());
    let second = client.get(path).await;
    assert_eq!((second.status, second.header("x-cache")), (200, "HIT"));
    assert_eq!(second.bytes, first.bytes);
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"), "each its own");
    assert_eq!(second.header("ratelimit-remaining"), "", "nothing of another client");
    let russian = client.with("accept-language", "ru").get(path).await;
    assert_eq!(russian.header("x-cache"), "MISS", "each language its own");
    assert_ne!(russian.bytes, first.bytes);
    let held = client.with("if-none-match", first.header("etag")).get(path).await;
    assert_eq!((held.status, held.bytes.len()), (304, 0));
    // A page of another origin, and whoever shows a credential, are answered by a gateway.
    let page = client.with("origin", ORIGIN).get(path).await;
    assert_eq!(page.header("x-cache"), "BYPASS");
    assert_eq!(page.header("access-control-allow-origin"), ORIGIN);
    let wrong = client.bearer("nonsense").get(path).await;
    assert_eq!(wrong.status, 401, "a wrong credential is refused here, too");
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let later = client.get(path).await;
    assert!(!matches!(later.header("x-cache"), "HIT"), "it lives a second, counted in whole ones");

    // What never changes is kept.
    let product: Value = client.get("/v1/store/products/teapot-rishton").await.json();
    let picture = product["media"][0]["thumbnails"].as_object().unwrap().values().next().unwrap();
    let url = picture.as_str().or_else(|| picture["url"].as_str()).unwrap();
    assert!(client.get(url).await.header("cache-control").contains("immutable"), "{url}");
    assert_eq!(client.get(url).await.header("x-cache"), "HIT");
}

/// How often this client may still write; it has written once more.
async fn remaining(client: &Client) -> i64 {
    let answer = client.post("/v1/store/carts", json!({ "no": "cart" })).await;
    let left = answer.header("ratelimit-remaining").parse();
    left.unwrap_or_else(|_| panic!("{} without what is left: {}", answer.status, answer.text()))
}

async fn clients_are_told_apart(nginx: &Nginx) {
    let (one, other) = (nginx.client_from("127.0.0.2"), nginx.client_from("127.0.0.3"));
    // Two gateways count alone here: each sees about half of it.
    let before = remaining(&one).await;
    for _ in 0..20 {
        remaining(&one).await;
    }
    assert!(remaining(&one).await < before - 5, "the same address");
    let fresh = remaining(&other).await;
    assert!(fresh >= before, "another address: {fresh} after {before}");
    // What a client says of itself is not believed.
    let spoofed = one.with("x-forwarded-for", "203.0.113.7").with("forwarded", "for=203.0.113.7");
    assert!(remaining(&spoofed).await < before - 5, "the address that connected");
}

async fn too_much_is_refused(stage: &Stage) {
    let client = stage.nginx.client();
    let json = "application/json";
    let big = |size: usize| vec![b' '; size];
    let refused = |answer: Answer| {
        let problem = answer.problem(413, "PAYLOAD_TOO_LARGE");
        assert!(text(&problem["trace_id"]).len() > 10);
    };
    let post = async |path: &str, kind: &str, size: usize| {
        client.raw(Method::POST, path, kind, big(size)).await
    };
    refused(post("/v1/store/carts", json, 2 * 1024 * 1024).await);
    refused(post("/hooks/payme", json, 70 * 1024).await);
    refused(post("/v1/merchant/files", json, 11 * 1024 * 1024).await);
    // What the gateway would take gets to it, and is judged there.
    let merchant = stage.merchant(&client).await;
    let picture = merchant.upload("/v1/merchant/files", "a.png", "image/png", &big(9 << 20)).await;
    assert!(matches!(picture.status, 415 | 422 | 400), "{}: {}", picture.status, picture.text());
    let table =
        merchant.raw(Method::POST, "/v1/merchant/products/import", "text/csv", big(7 << 20));
    let table = table.await;
    assert!(matches!(table.status, 202 | 400 | 422), "{}: {}", table.status, table.text());
    let blank = post("/v1/store/carts", json, 900 * 1024).await;
    assert_eq!(blank.status, 400, "{}", blank.text());
}

async fn a_provider_calls(nginx: &Nginx) {
    let account = json!({ "amount": 100, "account": { "order_id": "1000000Z" } });
    let known = Payme::new(&nginx.client()).call("CheckPerformTransaction", account.clone()).await;
    assert_eq!(known["error"]["code"], -31050, "the order is not there, the key is right: {known}");
    let stranger = Payme::with_key(&nginx.client(), "another-key");
    let refused = stranger.call("CheckPerformTransaction", account).await;
    assert_eq!(refused["error"]["code"], -32504, "{refused}");
}

async fn a_shopper_listens(stage: &Stage) {
    let guest = stage.nginx.client();
    let person = shop::register(&guest).await;
    let ticket = person.client.post("/v1/auth/ws-ticket", json!({})).await.expect(201);
    let url = format!("{}/v1/ws?ticket={}", stage.nginx.url(""), text(&ticket["ticket"]));
    let http = stage.nginx.connections("127.0.0.1").http1_only().build().unwrap();
    let upgrade = http
        .get(url)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let answer = upgrade.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 101);
    let stream = answer.upgrade().await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(stream, Side::Client, None).await;

    let merchant = stage.merchant(&guest).await;
    let goods = shop::goods(&merchant, 250_000, 3).await;
    let bought = shop::order(&person.client, &goods, 1, "payme").await;
    let heard = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(message))) if message.contains(&bought.id) => break,
                Some(Ok(_)) => {}
                other => panic!("closed without a word: {other:?}"),
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(10), heard).await;
    assert!(heard.is_ok(), "nothing was heard of the order");
}

fn a_gateway_is_replaced(stage: &mut Stage) {
    let (stop, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    let client = stage.nginx.client_from("127.0.0.4");
    std::thread::scope(|scope| {
        let (stop, asked) = (&stop, &asked);
        let shoppers = scope.spawn(move || {
            run(async {
                let shopper = async || {
                    while !stop.load(Ordering::Relaxed) {
                        let answer = client.get("/.well-known/jwks.json").await;
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        asked.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(8)).await;
                    }
                };
                futures::future::join_all((0..4).map(|_| shopper())).await;
            });
        });
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(300));
            assert!(stage.second.take().unwrap().terminate().success());
            std::thread::sleep(Duration::from_millis(300));
            stage.start_second();
        }
        // Without asking: connections break off.
        stage.second.take().unwrap().kill();
        std::thread::sleep(Duration::from_millis(500));
        stop.store(true, Ordering::Relaxed);
        shoppers.join().unwrap();
    });
    let asked = asked.into_inner();
    assert!(asked > 100, "nothing was asked meanwhile: {asked}");
}

fn logs_tell_no_secret(nginx: &Nginx) {
    let log = nginx.log("access.log");
    let mut upgraded = 0;
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        assert!(!text(&entry["request_id"]).is_empty() && entry["status"].is_number(), "{line}");
        assert!(!text(&entry["path"]).contains('?'), "queries are not written: {line}");
        upgraded += u32::from(entry["status"] == 101);
    }
    assert_eq!(upgraded, 1, "the WebSocket was closed with the test");
    assert!(!log.contains("ticket="), "a ticket lets in");
    assert!(log.contains(r#""client":"127.0.0.2""#) && log.contains(r#""path":"/hooks/payme""#));
}
