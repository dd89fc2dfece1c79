//! A laboratory with this service, the events it gets, and the calls of its clients.

use std::time::Duration;

use fault::Fault;
use ids::{EventId, MerchantId, OrderId, ShipmentId, UserId};
use mesh::{Caller, Role, StaffRole};
use mongo::FreshDatabase;
use proto::{event as events, notification as pb, order as orders};
use testkit::{Lab, RunningLab, WIRINGS, Wiring};
use tonic::Streaming;

use crate::provider::Provider;

/// What the service runs on: a wiring, and the address of a server when it is not the embedded store.
#[derive(Debug, Clone)]
pub(crate) struct Ground(Wiring, Option<String>);

impl From<Wiring> for Ground {
    fn from(wiring: Wiring) -> Self {
        Self(wiring, None)
    }
}

/// Both wirings on the embedded store, and the production store when it is there.
pub(crate) fn grounds() -> Vec<Ground> {
    let production =
        testkit::real_store("mongodb").map(|server| Ground(Wiring::Local, Some(server)));
    WIRINGS.into_iter().map(Ground::from).chain(production).collect()
}

/// A laboratory and the database that goes with it.
pub(crate) struct Kit {
    lab: RunningLab,
    fresh: Option<FreshDatabase>,
}

impl std::ops::Deref for Kit {
    type Target = RunningLab;

    fn deref(&self) -> &RunningLab {
        &self.lab
    }
}

impl Kit {
    pub(crate) async fn stop(self) {
        self.lab.stop().await;
        drop(self.fresh);
    }
}

pub(crate) async fn lab(ground: impl Into<Ground>, provider: &Provider) -> Kit {
    let Ground(wiring, server) = ground.into();
    let fresh = server.map(|server| FreshDatabase::on(&server));
    let lab = process(wiring, fresh.as_ref(), provider).await;
    Kit { lab, fresh }
}

/// One process, perhaps beside others on the same database.
pub(crate) async fn process(
    wiring: Wiring,
    fresh: Option<&FreshDatabase>,
    provider: &Provider,
) -> RunningLab {
    let url = provider.serve().await;
    let address = fresh.map(|fresh| fresh.address.clone());
    Lab::new(wiring)
        .role(Role::Notification, |host, mesh, folder| {
            Box::pin(async move {
                let file = format!("sqlite:{}", folder.join("notification.db").display());
                let config = notification::Config {
                    listen: "127.0.0.1:0".parse()?,
                    store: address.unwrap_or(file),
                    bell: String::new(),
                    sms_url: url.clone(),
                    mail_url: url,
                    sendgrid_key: String::new().into(),
                    mail_from: String::new(),
                };
                notification::migrate(&config).await?;
                notification::mount(host, config, mesh).await
            })
        })
        .start()
        .await
}

pub(crate) fn order(kind: &str, order: orders::Order) -> events::Event {
    let data = events::OrderChanged { order: Some(order), ..Default::default() };
    event(kind, events::event::Data::Order(data))
}

pub(crate) fn event(kind: &str, data: events::event::Data) -> events::Event {
    events::Event {
        id: EventId::new().to_string(),
        r#type: kind.to_owned(),
        at_ms: testkit::START.millis(),
        data: Some(data),
        ..Default::default()
    }
}

pub(crate) fn placed_by(user: Option<UserId>, merchants: &[MerchantId]) -> orders::Order {
    let shipment = |merchant: &MerchantId| orders::Shipment {
        id: ShipmentId::new().to_string(),
        merchant_id: merchant.to_string(),
        ..Default::default()
    };
    orders::Order {
        id: OrderId::new().to_string(),
        number: "1000001K".to_owned(),
        status: orders::OrderStatus::Paid.into(),
        payment_status: proto::payment::PaymentStatus::Paid.into(),
        user_id: user.map(|user| user.to_string()).unwrap_or_default(),
        customer: Some(orders::Customer {
            name: "Aziza".to_owned(),
            phone: "+998901234567".to_owned(),
        }),
        shipments: merchants.iter().map(shipment).collect(),
        payment_provider: "payme".to_owned(),
        locale: "uz-Cyrl".to_owned(),
        ..Default::default()
    }
}

/// Delivers as senders do: again while the store is away or too slow. On a busy machine a test server is, now and then.
#[expect(clippy::panic, reason = "that is how a test fails")]
pub(crate) async fn deliver(lab: &RunningLab, list: Vec<events::Event>) -> events::DeliverResponse {
    let mut client = lab.mesh.events(Role::Notification);
    let request = events::DeliverRequest { events: list };
    for _ in 0..100 {
        let answer = lab.as_service(client.deliver(request.clone())).await;
        if let Ok(answer) = answer.map(tonic::Response::into_inner)
            && answer.rejected.iter().all(|one| one.reason != "UNAVAILABLE")
        {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the events are not taken over");
}

pub(crate) async fn list(lab: &RunningLab, caller: &Caller) -> pb::ListNotificationsResponse {
    let mut client = lab.mesh.notification();
    let request = pb::ListNotificationsRequest::default();
    lab.act(caller.clone(), client.list_notifications(request)).await.unwrap().into_inner()
}

pub(crate) async fn subscribe(
    lab: &RunningLab,
    caller: &Caller,
    last: &str,
) -> Result<Streaming<pb::RealtimeMessage>, Fault> {
    let mut client = lab.mesh.notification();
    let request = pb::SubscribeRequest { last_event_id: last.to_owned() };
    Ok(lab.act(caller.clone(), client.subscribe(request)).await?.into_inner())
}

pub(crate) async fn next(stream: &mut Streaming<pb::RealtimeMessage>) -> pb::RealtimeMessage {
    let message = tokio::time::timeout(Duration::from_mins(1), stream.message());
    message.await.unwrap().unwrap().unwrap()
}

pub(crate) fn staff(merchant: MerchantId) -> Caller {
    Caller { merchant: Some((merchant, StaffRole::Viewer)), ..Caller::user(UserId::new()) }
}

pub(crate) fn personal(
    channel: &str,
    address: &str,
    template: &str,
    value: (&str, &str),
) -> events::Event {
    let message = events::UserMessage {
        address: address.to_owned(),
        channel: channel.to_owned(),
        template: template.to_owned(),
        values: [(value.0.to_owned(), value.1.to_owned())].into(),
        locale: "ru".to_owned(),
        ..Default::default()
    };
    event("user.message", events::event::Data::Message(message))
}
