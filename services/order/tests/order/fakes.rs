//! The services around an order, as small as the tests allow.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use proto::{
    auth::{self as auth, auth_service_server::AuthService},
    cart::{self as carts, cart_service_server::CartService},
    event::{self as events, event_service_server::EventService},
    order as orders,
    payment::{self as payments, payment_service_server::PaymentService},
};
use testkit::FreshDatabase;
use tonic::{Request, Response, Status};

type Answer<T> = Result<Response<T>, Status>;

/// What the fakes know and have seen; shared by all clones.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) carts: Arc<Mutex<HashMap<String, carts::Cart>>>,
    pub(crate) opened: Arc<Mutex<Vec<String>>>,
    pub(crate) events: Arc<Mutex<Vec<(String, String)>>>,
    pub(crate) payments_away: Arc<AtomicBool>,
    /// Refunds that were asked for: how often, and how much.
    pub(crate) refunds: Arc<Mutex<HashMap<String, (u32, i64)>>>,
    /// What a refund answers; succeeded unless told otherwise.
    pub(crate) refund_outcome: Arc<Mutex<payments::refund_payment_response::Outcome>>,
    /// What closing a payable answers.
    pub(crate) live_until: Arc<Mutex<i64>>,
    /// What the service keeps its data in, where that is a server; it lasts as long as the world.
    pub(crate) database: Arc<Mutex<Option<FreshDatabase>>>,
}

impl World {
    /// A cart that exists for whoever holds "token".
    pub(crate) fn cart(&self, lines: &[(&str, u32)]) -> String {
        let id = ids::CartId::new().to_string();
        let item = |(offer, quantity): &(&str, u32)| carts::CartItem {
            id: ids::ItemId::new().to_string(),
            offer_id: (*offer).to_owned(),
            quantity: *quantity,
        };
        let address = proto::value::Address {
            region: "1726".to_owned(),
            recipient: "Dilnoza".to_owned(),
            phone: "+998901112233".to_owned(),
            ..Default::default()
        };
        let delivery = orders::DeliveryChoice {
            method: orders::DeliveryMethod::Courier.into(),
            address: Some(address),
        };
        let cart = carts::Cart {
            id: id.clone(),
            items: lines.iter().map(item).collect(),
            delivery: Some(delivery),
            ..Default::default()
        };
        self.carts.lock().unwrap().insert(id.clone(), cart);
        id
    }

    /// Types of the events told about a subject.
    pub(crate) fn told(&self, subject: &str) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events.iter().filter(|(about, _)| about == subject).map(|(_, kind)| kind.clone()).collect()
    }
}

#[tonic::async_trait]
impl CartService for World {
    async fn read_cart(
        &self,
        request: Request<carts::ReadCartRequest>,
    ) -> Answer<carts::ReadCartResponse> {
        let request = request.into_inner();
        let cart = self.carts.lock().unwrap().get(&request.id).cloned();
        let cart = cart.filter(|_| request.token == "token");
        match cart {
            Some(cart) => Ok(Response::new(carts::ReadCartResponse { cart: Some(cart) })),
            None => Err(fault::Fault::not_found("CART").into()),
        }
    }

    async fn complete_cart(
        &self,
        request: Request<carts::CompleteCartRequest>,
    ) -> Answer<carts::CompleteCartResponse> {
        let request = request.into_inner();
        if let Some(cart) = self.carts.lock().unwrap().get_mut(&request.cart_id) {
            cart.order_id = request.order_id;
        }
        Ok(Response::new(carts::CompleteCartResponse {}))
    }
}

#[tonic::async_trait]
impl PaymentService for World {
    async fn open_payment(
        &self,
        request: Request<payments::OpenPaymentRequest>,
    ) -> Answer<payments::OpenPaymentResponse> {
        if self.payments_away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let request = request.into_inner();
        let payable = request.payable.unwrap_or_default();
        self.opened.lock().unwrap().push(request.key.clone());
        let payment = payments::Payment {
            id: ids::PaymentId::new().to_string(),
            order_id: payable.order_id,
            provider: request.provider,
            status: payments::PaymentStatus::Pending.into(),
            amount: payable.amount,
            reference: payable.reference,
            redirect_url: format!("https://pay.example/{}", request.key),
            version: 1,
            ..Default::default()
        };
        Ok(Response::new(payments::OpenPaymentResponse { payment: Some(payment) }))
    }

    async fn refund_payment(
        &self,
        request: Request<payments::RefundPaymentRequest>,
    ) -> Answer<payments::RefundPaymentResponse> {
        use payments::refund_payment_response::Outcome;
        if self.payments_away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let request = request.into_inner();
        let amount = request.amount.unwrap_or_default().amount;
        let mut refunds = self.refunds.lock().unwrap();
        let known = refunds.entry(request.id).or_insert((0, amount));
        assert_eq!(known.1, amount, "one name is one refund");
        known.0 += 1;
        let outcome = match *self.refund_outcome.lock().unwrap() {
            Outcome::Unspecified => Outcome::Succeeded,
            told => told,
        };
        let (outcome, note) = (outcome.into(), String::new());
        Ok(Response::new(payments::RefundPaymentResponse { outcome, note }))
    }

    async fn close_payable(
        &self,
        request: Request<payments::ClosePayableRequest>,
    ) -> Answer<payments::ClosePayableResponse> {
        use payments::close_payable_response::Outcome;
        if self.payments_away.load(Ordering::SeqCst) {
            return Err(Status::unavailable("away"));
        }
        let live_until_ms = *self.live_until.lock().unwrap();
        let live = live_until_ms > 0 && request.into_inner().spare_live;
        let outcome = if live { Outcome::Live } else { Outcome::Closed };
        Ok(Response::new(payments::ClosePayableResponse { outcome: outcome.into(), live_until_ms }))
    }
}

#[tonic::async_trait]
impl AuthService for World {
    async fn batch_get_merchants(
        &self,
        request: Request<auth::BatchGetMerchantsRequest>,
    ) -> Answer<auth::BatchGetMerchantsResponse> {
        let merchant = |id: String| auth::Merchant {
            name: "Hunar Uyi".to_owned(),
            tin: "300000202".to_owned(),
            status: auth::MerchantStatus::Active.into(),
            version: 1,
            id,
            ..Default::default()
        };
        let merchants = request.into_inner().ids.into_iter().map(merchant).collect();
        Ok(Response::new(auth::BatchGetMerchantsResponse { merchants }))
    }
}

#[tonic::async_trait]
impl EventService for World {
    async fn deliver(
        &self,
        request: Request<events::DeliverRequest>,
    ) -> Answer<events::DeliverResponse> {
        let mut answer = events::DeliverResponse::default();
        for event in request.into_inner().events {
            self.events.lock().unwrap().push((event.subject, event.r#type));
            answer.applied.push(event.id);
        }
        Ok(Response::new(answer))
    }
}
