//! A merchant that writes down what it is sent, and the stand-ins in front of it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use clock::{Clock, Timestamp};
use host::Tasks;
use sandbox::{Config, Provider, Running};
use serde_json::Value;

/// 2026-11-20 in London, the 21st already in Tashkent.
pub(crate) const NOW: i64 = 1_795_205_045_000;

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Fields of a form, decoded.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        let url = format!("http://x/?{}", self.body).parse::<reqwest::Url>().unwrap();
        url.query_pairs().into_owned().collect()
    }

    pub(crate) fn field(&self, name: &str) -> String {
        let form = self.form();
        form.into_iter().find(|(each, _)| each == name).map(|(_, value)| value).unwrap_or_default()
    }
}

pub(crate) type Reply = Box<dyn FnMut(&Seen) -> (u16, Value) + Send>;

#[derive(Clone)]
pub(crate) struct Merchant {
    seen: Arc<Mutex<Vec<Seen>>>,
    reply: Arc<Mutex<Reply>>,
}

impl Merchant {
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Methods of JSON-RPC calls, or last parts of paths, in order.
    pub(crate) fn order(&self) -> Vec<String> {
        let name = |seen: &Seen| match serde_json::from_str::<Value>(&seen.body) {
            Ok(body) if body["method"].is_string() => body["method"].as_str().unwrap().to_owned(),
            _ => seen.path.rsplit('/').next().unwrap().to_owned(),
        };
        self.seen().iter().map(name).collect()
    }
}

async fn take(State(merchant): State<Merchant>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 65536).await.unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    merchant.seen.lock().unwrap().push(seen.clone());
    let (status, body) = (merchant.reply.lock().unwrap())(&seen);
    let kind = [(header::CONTENT_TYPE, "application/json; charset=UTF-8")];
    (StatusCode::from_u16(status).unwrap(), kind, body.to_string()).into_response()
}

/// A merchant and the stand-ins; everything ends with [`Scene::stop`].
pub(crate) struct Scene {
    pub(crate) merchant: Merchant,
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
    pub(crate) config: Config,
    tasks: Tasks,
}

impl Scene {
    pub(crate) async fn start(reply: Reply) -> Self {
        Self::start_with(reply, |_| ()).await
    }

    pub(crate) async fn start_with(reply: Reply, adjust: impl FnOnce(&mut Config)) -> Self {
        let tasks = Tasks::new();
        let merchant = Merchant { seen: Arc::default(), reply: Arc::new(Mutex::new(reply)) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(take).with_state(merchant.clone());
        let stop = tasks.stop_signal();
        tasks.spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.cancelled_owned())
                .await
                .unwrap();
        });
        let mut config = Config::demo(gateway);
        config.clock = Clock::manual(Timestamp::from_millis(NOW));
        adjust(&mut config);
        let running = sandbox::start(&config, &tasks).unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Self { merchant, running, http, config, tasks }
    }

    pub(crate) fn url(&self, provider: Provider, path: &str) -> String {
        format!("{}{path}", self.running.url(provider))
    }

    pub(crate) async fn post(&self, provider: Provider, path: &str, body: Value) -> (u16, Value) {
        let answer = self.http.post(self.url(provider, path)).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn get(&self, provider: Provider, path: &str) -> Value {
        self.http.get(self.url(provider, path)).send().await.unwrap().json().await.unwrap()
    }

    /// Posts an empty-bodied or form request and gives status, `Location` and text.
    pub(crate) async fn press(
        &self,
        provider: Provider,
        path: &str,
        form: &[(&str, &str)],
    ) -> (u16, String, String) {
        let answer = self.http.post(self.url(provider, path)).form(form).send().await.unwrap();
        let status = answer.status().as_u16();
        let to = answer.headers().get("location").map_or("", |to| to.to_str().unwrap()).to_owned();
        (status, to, answer.text().await.unwrap())
    }

    pub(crate) async fn page(
        &self,
        provider: Provider,
        path: &str,
        language: &str,
    ) -> (u16, String) {
        let ask = self.http.get(self.url(provider, path)).header("Accept-Language", language);
        let answer = ask.send().await.unwrap();
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        assert!(
            !text.contains("<script") && !text.contains(" style="),
            "no script, no inline style"
        );
        (status, text)
    }

    pub(crate) async fn stop(self) {
        drop(self.http);
        assert!(self.tasks.drain(Duration::from_secs(5)).await, "the stand-ins end when told");
    }
}
