//! A shop with the stand-ins of ATMOS and Stripe, and a line to them on which answers get lost.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use host::Tasks;
use mesh::{Context, Mesh};
use payment::config;
use proto::payment as pb;
use reqwest::Client;
use sandbox::{Ports, Provider, Running, Sandboxes};
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::Wiring;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::lab::{SUM, Shop, shop_with};

pub(crate) struct Pages {
    pub(crate) shop: Shop,
    pub(crate) uzcard: Line,
    pub(crate) stripe: Line,
    pub(crate) http: Client,
    deaf: Arc<AtomicBool>,
    running: Running,
    tasks: Tasks,
}

/// Passes calls on to a stand-in; some answers get lost on the way back.
pub(crate) struct Line {
    pub(crate) address: SocketAddr,
    lost: Arc<AtomicU32>,
    cut: Arc<AtomicBool>,
    _porter: JoinSet<()>,
}

impl Line {
    async fn new(url: &str) -> Self {
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (lost, cut) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let mut porter = JoinSet::new();
        let faults = (Arc::clone(&lost), Arc::clone(&cut));
        porter.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((guest, _)) = listener.accept().await {
                guests.spawn(pass(guest, server.clone(), faults.clone()));
            }
        });
        Self { address, lost, cut, _porter: porter }
    }

    /// So many answers are lost: what was asked is done.
    pub(crate) fn lose(&self, answers: u32) {
        self.lost.store(answers, Ordering::SeqCst);
    }

    /// Nothing that is asked arrives.
    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }
}

async fn pass(guest: TcpStream, server: String, (lost, cut): (Arc<AtomicU32>, Arc<AtomicBool>)) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_guest, mut to_guest) = guest.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = from_guest.read(&mut buffer).await {
            if cut.load(Ordering::SeqCst) || to_server.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    let answering = async {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = from_server.read(&mut buffer).await {
            let take = |left: u32| left.checked_sub(1);
            if lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
                return;
            }
            if to_guest.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = asking => {}
        () = answering => {}
    }
}

async fn hook(State((mesh, deaf)): State<(Mesh, Arc<AtomicBool>)>, request: Request) -> Response {
    if deaf.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 65536).await.unwrap();
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    let call = pb::HandleCallbackRequest {
        provider: parts.uri.path().strip_prefix("/hooks/").unwrap().to_owned(),
        method: parts.method.as_str().to_owned(),
        headers: parts.headers.iter().map(header).collect::<BTreeMap<_, _>>(),
        body,
        ..Default::default()
    };
    match Context::service("gateway").scope(mesh.payment().handle_callback(call)).await {
        Ok(answer) => {
            let answer = answer.into_inner();
            let status = StatusCode::from_u16(u16::try_from(answer.status).unwrap()).unwrap();
            (status, answer.body).into_response()
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

pub(crate) async fn pages(wiring: Wiring) -> Pages {
    pages_at(wiring, None).await
}

pub(crate) async fn pages_at(wiring: Wiring, address: Option<&str>) -> Pages {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    let sandboxes = Sandboxes::bind(&Ports::default()).unwrap();
    let uzcard = Line::new(&sandboxes.urls()["uzcard"]).await;
    let stripe = Line::new(&sandboxes.urls()["stripe"]).await;
    let urls = (format!("http://{}", uzcard.address), format!("http://{}", stripe.address));
    let terms = sandbox::Config::demo(&gateway);
    let shop = shop_with(wiring, address, move |config| {
        let (atmos, account) = (&terms.uzcard, &terms.stripe);
        config.uzcard = config::Uzcard {
            store_id: atmos.store_id.to_string(),
            consumer_key: atmos.consumer_key.clone(),
            consumer_secret: atmos.consumer_secret.clone(),
            api_key: atmos.api_key.clone(),
            base_url: urls.0.clone(),
            page_url: urls.0,
            ..Default::default()
        };
        config.stripe = config::Stripe {
            secret_key: account.secret_key.clone(),
            webhook_secret: account.webhook_secret.clone(),
            rate: "12650".to_owned(),
            min: 10,
            base_url: urls.1,
            ..Default::default()
        };
    })
    .await;
    let tasks = Tasks::new();
    let mut terms = sandbox::Config::demo(gateway);
    terms.clock = shop.lab.clock.clone();
    let running = sandboxes.start(&terms, &tasks).unwrap();
    let deaf = Arc::new(AtomicBool::new(false));
    let hooks = (shop.lab.mesh.clone(), Arc::clone(&deaf));
    let router = Router::new().fallback(hook).with_state(hooks);
    let stop = tasks.stop_signal();
    tasks.spawn(async move {
        let server = axum::serve(listener, router);
        server.with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
    });
    let http = Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    Pages { shop, uzcard, stripe, http, deaf, running, tasks }
}

impl Pages {
    pub(crate) async fn post(&self, provider: Provider, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.running.url(provider));
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// The payer pays; what the stand-in says of that.
    pub(crate) async fn pay(&self, provider: Provider, reference: &str) -> Value {
        let (status, paid) = self.post(provider, "/pay", json!({ "reference": reference })).await;
        assert_eq!(status, 200, "{paid}");
        paid
    }

    /// The payer pays, and nothing of that is heard here.
    pub(crate) async fn pay_unheard(&self, provider: Provider, reference: &str) {
        self.deaf.store(true, Ordering::SeqCst);
        assert_eq!(self.pay(provider, reference).await["silent"], true);
        self.deaf.store(false, Ordering::SeqCst);
    }

    pub(crate) async fn control(&self, provider: Provider, knobs: Value) {
        assert_eq!(self.post(provider, "/control", knobs).await.0, 200);
    }

    /// What the stand-in has in its books for an order, newest first.
    pub(crate) async fn books(&self, provider: Provider, reference: &str) -> Vec<Value> {
        let url = format!("{}/transactions?reference={reference}", self.running.url(provider));
        let books: Value = self.http.get(url).send().await.unwrap().json().await.unwrap();
        books["data"].as_array().unwrap().clone()
    }

    pub(crate) async fn status(&self, payable: &pb::Payable) -> pb::PaymentStatus {
        self.shop.payments(&payable.order_id).await[0].status()
    }

    /// Asks for a time at which the poller has come by.
    pub(crate) async fn becomes(&self, payable: &pb::Payable, status: pb::PaymentStatus) {
        let is = || async { self.status(payable).await == status };
        testkit::patiently(&format!("the payment is {status:?}"), is).await;
    }

    /// Time passes, and the poller sees it.
    pub(crate) fn pass(&self, seconds: u64) {
        self.shop.lab.clock.advance(Duration::from_secs(seconds));
    }

    /// An order that waits for its money on a page.
    pub(crate) async fn ordered(
        &self,
        reference: &str,
        provider: &str,
    ) -> (pb::Payable, pb::Payment) {
        let payable = self.shop.payable(reference);
        let key = format!("{}/1", payable.order_id);
        let payment = self.shop.open(&payable, provider, &key).await.unwrap();
        (payable, payment)
    }

    pub(crate) async fn close(&self, payable: &pb::Payable) {
        let request = pb::ClosePayableRequest {
            order_id: payable.order_id.clone(),
            reason: "cancelled".to_owned(),
            spare_live: false,
        };
        let mut client = self.shop.lab.mesh.payment();
        self.shop.lab.as_service(client.close_payable(request)).await.unwrap();
    }

    /// Asks for money to go back, as the order service does: the same again until it is known what came of it.
    pub(crate) async fn refund(&self, payable: &pb::Payable, id: &str, amount: i64) -> Refunded {
        let request = pb::RefundPaymentRequest {
            id: id.to_owned(),
            order_id: payable.order_id.clone(),
            amount: Some(proto::value::Money { amount, currency: "UZS".to_owned() }),
            reason: String::new(),
        };
        let mut client = self.shop.lab.mesh.payment();
        let answer = self.shop.lab.as_service(client.refund_payment(request)).await;
        let answer = answer.unwrap().into_inner();
        (answer.outcome(), answer.note)
    }

    pub(crate) async fn stop(self) {
        drop(self.http);
        self.shop.lab.stop().await;
        assert!(self.tasks.drain(Duration::from_secs(5)).await);
    }
}

pub(crate) type Refunded = (pb::refund_payment_response::Outcome, String);

/// What an order costs in cents at the rate of these tests.
pub(crate) const CENTS: i64 = (SUM * 200 + 1_265_000) / (2 * 1_265_000);

/// Keys of the stand-ins, which must not be in anything that is kept.
pub(crate) fn secrets() -> Vec<SecretString> {
    let terms = sandbox::Config::demo("");
    vec![
        terms.uzcard.consumer_secret,
        terms.uzcard.api_key,
        terms.stripe.secret_key,
        terms.stripe.webhook_secret,
    ]
}
