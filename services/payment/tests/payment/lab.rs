//! A payment service with an order service that writes down what it is told.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mesh::Role;
use payment::config;
use proto::{
    event::{
        DeliverRequest, DeliverResponse, Event,
        event::Data,
        event_service_server::{EventService, EventServiceServer},
    },
    payment as pb,
};
use secrecy::SecretString;
use serde_json::{Value, json};
use testkit::{Lab, RunningLab, Wiring};
use tonic::{Request, Response, Status};

/// What every order here costs, in tiyin.
pub(crate) const SUM: i64 = 500_000;

pub(crate) struct Shop {
    pub(crate) lab: RunningLab,
    pub(crate) orders: Orders,
}

/// The order service, as far as payments are concerned.
#[derive(Clone, Default)]
pub(crate) struct Orders {
    told: Arc<Mutex<Vec<Event>>>,
    deaf: Arc<AtomicBool>,
    slow: Arc<AtomicBool>,
}

#[tonic::async_trait]
impl EventService for Orders {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        if self.deaf.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        if self.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        }
        let events = request.into_inner().events;
        let applied = events.iter().map(|event| event.id.clone()).collect();
        self.told.lock().unwrap().extend(events);
        Ok(Response::new(DeliverResponse { applied, rejected: Vec::new() }))
    }
}

impl Orders {
    /// Does not listen any more.
    pub(crate) fn leave(&self) {
        self.deaf.store(true, Ordering::SeqCst);
    }

    /// Takes its time.
    pub(crate) fn dawdle(&self) {
        self.slow.store(true, Ordering::SeqCst);
    }

    /// Kinds of the events told so far, with the status of the payment in each.
    pub(crate) fn told(&self) -> Vec<(String, pb::PaymentStatus)> {
        let told = self.told.lock().unwrap();
        told.iter()
            .filter(|event| !matches!(event.data, Some(Data::Receipt(_))))
            .map(|event| {
                let Some(Data::Payment(changed)) = &event.data else { unreachable!("a payment") };
                let payment = changed.payment.as_ref().unwrap();
                assert_eq!((&event.subject, event.version), (&payment.id, payment.version));
                (event.r#type.clone(), payment.status())
            })
            .collect()
    }

    /// Kind and link of the fiscal receipts told so far.
    pub(crate) fn receipts(&self) -> Vec<(String, String)> {
        let told = self.told.lock().unwrap();
        let receipt = |event: &Event| match &event.data {
            Some(Data::Receipt(issued)) => issued.receipt.clone().map(|it| (it.kind, it.qr_url)),
            _ => None,
        };
        told.iter().filter_map(receipt).collect()
    }

    pub(crate) async fn hears(&self, kinds: &[&str]) {
        let hears = || async { self.told().iter().map(|(kind, _)| kind).eq(kinds) };
        testkit::eventually(&format!("the order hears {kinds:?}"), hears).await;
    }
}

pub(crate) async fn shop(wiring: Wiring) -> Shop {
    shop_at(wiring, None).await
}

/// A shop with a store of its own, or with the one at this address.
pub(crate) async fn shop_at(wiring: Wiring, address: Option<&str>) -> Shop {
    shop_with(wiring, address, |_| {}).await
}

/// The same on other terms.
pub(crate) async fn shop_with(
    wiring: Wiring,
    address: Option<&str>,
    change: impl FnOnce(&mut payment::Config) + Send + 'static,
) -> Shop {
    let address = address.map(str::to_owned);
    let orders = Orders::default();
    let events = EventServiceServer::new(orders.clone());
    let lab = Lab::new(wiring)
        .role(Role::Payment, |host, mesh, folder| {
            Box::pin(async move {
                let mut config = payment::Config {
                    listen: "127.0.0.1:0".parse()?,
                    store: address.unwrap_or_else(|| {
                        format!("sqlite:{}", folder.join("payment.db").display())
                    }),
                    payme: config::Payme {
                        merchant_id: "67a1c0de0000000000000001".to_owned(),
                        key: SecretString::from("payme-key"),
                        ..Default::default()
                    },
                    click: config::Click {
                        service_id: "10001".to_owned(),
                        merchant_id: "20001".to_owned(),
                        secret_key: SecretString::from("click-secret"),
                        ..Default::default()
                    },
                    uzcard: config::Uzcard::default(),
                    stripe: config::Stripe::default(),
                    fiscal: config::Fiscal::default(),
                    reconciliation: config::Reconciliation::default(),
                };
                change(&mut config);
                payment::migrate(&config).await?;
                payment::mount(host, config, mesh).await
            })
        })
        .role(Role::Order, |host, _, _| {
            Box::pin(async move {
                host.grpc(Role::Order, events);
                Ok(())
            })
        })
        .start()
        .await;
    Shop { lab, orders }
}

/// What is asked of providers: the answer's status and body.
pub(crate) type Answered = (u32, Value);

impl Shop {
    pub(crate) fn payable(&self, reference: &str) -> pb::Payable {
        let money = |amount| Some(proto::value::Money { amount, currency: "UZS".to_owned() });
        let fiscal = proto::value::Fiscal {
            mxik: "06912001001000000".to_owned(),
            package_code: "1501319".to_owned(),
            vat_percent: 12,
            unit_code: String::new(),
        };
        pb::Payable {
            order_id: ids::OrderId::new().to_string(),
            reference: reference.to_owned(),
            amount: money(SUM),
            payable_until_ms: self.lab.clock.now().millis() + 48 * 3_600_000,
            lines: vec![pb::FiscalLine {
                title: "Choynak".to_owned(),
                unit_price: 200_000,
                quantity: 2,
                fiscal: Some(fiscal),
                ..Default::default()
            }],
            delivery: money(100_000),
            customer_phone: "+998901234567".to_owned(),
            locale: "uz".to_owned(),
        }
    }

    pub(crate) async fn open(
        &self,
        payable: &pb::Payable,
        provider: &str,
        key: &str,
    ) -> Result<pb::Payment, Status> {
        let request = pb::OpenPaymentRequest {
            payable: Some(payable.clone()),
            provider: provider.to_owned(),
            key: key.to_owned(),
            return_url: "https://shop.uz/orders".to_owned(),
        };
        let mut client = self.lab.mesh.payment();
        let answer = self.lab.as_service(client.open_payment(request)).await?;
        Ok(answer.into_inner().payment.unwrap())
    }

    /// An order that waits for its money.
    pub(crate) async fn ordered(&self, reference: &str, provider: &str) -> pb::Payable {
        let payable = self.payable(reference);
        self.open(&payable, provider, &format!("{}/1", payable.order_id)).await.unwrap();
        payable
    }

    pub(crate) async fn payments(&self, order_id: &str) -> Vec<pb::Payment> {
        let request = pb::ListPaymentsRequest { order_id: order_id.to_owned() };
        let mut client = self.lab.mesh.payment();
        let answer = self.lab.as_service(client.list_payments(request)).await.unwrap();
        answer.into_inner().payments
    }

    pub(crate) async fn callback(&self, request: pb::HandleCallbackRequest) -> Answered {
        let mut client = self.lab.mesh.payment();
        let answer = self.lab.as_service(client.handle_callback(request)).await.unwrap();
        let answer = answer.into_inner();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// Payme calls with its key.
    pub(crate) async fn payme(&self, method: &str, params: Value) -> Value {
        let body = json!({ "id": 7, "method": method, "params": params });
        let request = payme_request(body.to_string(), "Paycom:payme-key");
        let (status, answer) = self.callback(request).await;
        assert_eq!(status, 200);
        assert_eq!((&answer["id"], &answer["jsonrpc"]), (&json!(7), &json!("2.0")));
        answer
    }

    /// Payme calls and is told this error.
    pub(crate) async fn payme_refused(&self, method: &str, params: Value) -> i64 {
        let answer = self.payme(method, params).await;
        for language in ["uz", "ru", "en"] {
            assert!(answer["error"]["message"][language].is_string(), "{answer}");
        }
        answer["error"]["code"].as_i64().unwrap()
    }

    /// Payme creates a transaction for an order.
    pub(crate) fn creation(&self, id: &str, reference: &str) -> Value {
        json!({
            "id": id,
            "time": self.lab.clock.now().millis(),
            "amount": SUM,
            "account": { "order_id": reference },
        })
    }

    /// Click calls with a good signature over these fields; `sign_string` among them replaces it.
    pub(crate) async fn click(&self, path: &str, fields: &[(&str, &str)]) -> Value {
        let request = click_request(path, fields);
        let (status, answer) = self.callback(request).await;
        assert_eq!(status, 200);
        answer
    }
}

pub(crate) fn payme_request(
    body: impl Into<Vec<u8>>,
    credentials: &str,
) -> pb::HandleCallbackRequest {
    let body: Vec<u8> = body.into();
    pb::HandleCallbackRequest {
        provider: "payme".to_owned(),
        method: "POST".to_owned(),
        headers: [
            ("authorization".to_owned(), format!("Basic {}", STANDARD.encode(credentials))),
            ("content-type".to_owned(), "text/json; charset=UTF-8".to_owned()),
        ]
        .into(),
        body: body.into(),
        remote_ip: "185.234.113.1".to_owned(),
        ..Default::default()
    }
}

pub(crate) fn click_request(path: &str, fields: &[(&str, &str)]) -> pb::HandleCallbackRequest {
    let get = |name: &str| {
        fields.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| *value)
    };
    let prepare_id = if get("action") == "1" { get("merchant_prepare_id") } else { "" };
    let text = [
        get("click_trans_id"),
        get("service_id"),
        "click-secret",
        get("merchant_trans_id"),
        prepare_id,
        get("amount"),
        get("action"),
        get("sign_time"),
    ]
    .concat();
    let sign = md5(&text);
    let encoded = |value: &str| value.replace('%', "%25").replace(' ', "+").replace(':', "%3A");
    let mut pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if get("sign_string").is_empty() {
        pairs.push(format!("sign_string={sign}"));
    }
    pb::HandleCallbackRequest {
        provider: "click".to_owned(),
        action: path.to_owned(),
        method: "POST".to_owned(),
        body: pairs.join("&").into_bytes().into(),
        ..Default::default()
    }
}

fn md5(text: &str) -> String {
    use md5::Digest as _;
    md5::Md5::digest(text).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
