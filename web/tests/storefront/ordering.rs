//! Orders and payments in memory.

use mesh::Context;
use proto::{
    cart as carts,
    order::{self as orders, order_service_server::OrderService},
    payment::{self as payments, payment_service_server::PaymentService},
};
use tonic::{Request, Response};

use super::{Answer, Fake, buying::missing, world::sum};

/// What a cart becomes.
fn placed(
    cart: &carts::PricedCart,
    provider: &str,
    customer: Option<orders::Customer>,
) -> orders::Order {
    let inner = cart.cart.clone().unwrap();
    let order_id = ids::OrderId::new().to_string();
    let items = cart.lines.iter().enumerate().map(|(index, line)| orders::OrderItem {
        id: format!("itm_{index}"),
        offer_id: line.offer_id.clone(),
        product_id: line.product_id.clone(),
        merchant_id: line.merchant_id.clone(),
        merchant_name: line.merchant_name.clone(),
        title: line.title.clone(),
        options: line.options.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price.clone(),
        total: line.total.clone(),
        picture_url: line.picture_url.clone(),
        ..Default::default()
    });
    let cash = provider == "cash";
    let status =
        if cash { orders::OrderStatus::Processing } else { orders::OrderStatus::AwaitingPayment };
    let redirect_url =
        if cash { String::new() } else { format!("https://pay.example/{provider}/1000001K") };
    let now = testkit::START.millis();
    orders::Order {
        number: "1000001K".to_owned(),
        status: status.into(),
        payment_status: payments::PaymentStatus::Pending.into(),
        placed_at_ms: now,
        items: items.collect(),
        totals: cart.totals.clone(),
        delivery: inner.delivery,
        customer,
        user_id: inner.user_id,
        timeline: vec![orders::TimelineEntry {
            at_ms: now,
            event: "order.placed".to_owned(),
            ..Default::default()
        }],
        payment_provider: provider.to_owned(),
        payment: Some(payments::Payment {
            order_id: order_id.clone(),
            provider: provider.to_owned(),
            status: payments::PaymentStatus::Pending.into(),
            redirect_url,
            ..Default::default()
        }),
        reserved_until_ms: if cash { 0 } else { now + 1_800_000 },
        id: order_id,
        ..Default::default()
    }
}

#[tonic::async_trait]
impl OrderService for Fake {
    async fn list_offers(
        &self,
        request: Request<orders::ListOffersRequest>,
    ) -> Answer<orders::ListOffersResponse> {
        self.up("order")?;
        let ids = request.into_inner().product_ids;
        let offers = self.0.offers.iter().filter(|offer| ids.contains(&offer.product_id));
        Ok(Response::new(orders::ListOffersResponse { offers: offers.cloned().collect() }))
    }

    async fn list_delivery_options(
        &self,
        _: Request<orders::ListDeliveryOptionsRequest>,
    ) -> Answer<orders::ListDeliveryOptionsResponse> {
        let price = self.state().delivery_price / 100;
        let option =
            |method: orders::DeliveryMethod, price, min_days, max_days| orders::DeliveryOption {
                method: method.into(),
                price: Some(sum(price)),
                min_days,
                max_days,
            };
        let options = vec![
            option(orders::DeliveryMethod::Courier, price, 1, 2),
            option(orders::DeliveryMethod::Pickup, 0, 1, 1),
            option(orders::DeliveryMethod::Post, 18_000, 3, 7),
        ];
        Ok(Response::new(orders::ListDeliveryOptionsResponse { options }))
    }

    async fn place_order(
        &self,
        request: Request<orders::PlaceOrderRequest>,
    ) -> Answer<orders::PlaceOrderResponse> {
        let request = request.into_inner();
        let customer = request.customer.clone().unwrap_or_default();
        let expected =
            request.expected_total.as_ref().map(|total| total.amount).unwrap_or_default();
        self.note(&format!(
            "place_order {} {} {} {expected} key={} hash={}",
            request.payment_provider,
            customer.name,
            customer.phone,
            !request.idempotency_key.is_empty(),
            request.request_hash.len()
        ));
        let known = self.state().keys.get(&request.idempotency_key).cloned();
        if let Some(id) = known {
            let (order, order_token) = self.state().orders.get(&id).cloned().unwrap();
            let payment = order.payment.clone();
            let order = Some(order);
            return Ok(Response::new(orders::PlaceOrderResponse {
                order,
                payment,
                order_token,
                replayed: true,
            }));
        }
        let cart = self.change(&request.cart_id, &request.cart_token, |_| ())?;
        let order = placed(&cart, &request.payment_provider, request.customer);
        let order_token =
            if order.user_id.is_empty() { ids::token::secret("") } else { String::new() };
        let mut state = self.state();
        state.keys.insert(request.idempotency_key, order.id.clone());
        state.orders.insert(order.id.clone(), (order.clone(), order_token.clone()));
        state.carts.get_mut(&request.cart_id).unwrap().0.order_id.clone_from(&order.id);
        let payment = order.payment.clone();
        Ok(Response::new(orders::PlaceOrderResponse {
            order: Some(order),
            payment,
            order_token,
            replayed: false,
        }))
    }

    async fn get_order(
        &self,
        request: Request<orders::GetOrderRequest>,
    ) -> Answer<orders::GetOrderResponse> {
        let request = request.into_inner();
        let user = Context::caller().user.map(|user| user.to_string()).unwrap_or_default();
        let state = self.state();
        let found = state.orders.get(&request.id).filter(|(order, token)| {
            if order.user_id.is_empty() {
                *token == request.order_token
            } else {
                order.user_id == user
            }
        });
        let order = found.map(|(order, _)| order.clone()).ok_or_else(|| missing("ORDER"))?;
        Ok(Response::new(orders::GetOrderResponse { order: Some(order) }))
    }

    async fn list_orders(
        &self,
        _: Request<orders::ListOrdersRequest>,
    ) -> Answer<orders::ListOrdersResponse> {
        self.up("order")?;
        let user = Context::caller().require_user()?.to_string();
        let state = self.state();
        let own = state.orders.values().filter(|(order, _)| order.user_id == user);
        let orders = own.map(|(order, _)| order.clone()).collect();
        Ok(Response::new(orders::ListOrdersResponse { orders, page: None }))
    }

    async fn cancel_order(
        &self,
        request: Request<orders::CancelOrderRequest>,
    ) -> Answer<orders::CancelOrderResponse> {
        let request = request.into_inner();
        self.note("cancel_order");
        let mut state = self.state();
        let (order, _) = state.orders.get_mut(&request.id).ok_or_else(|| missing("ORDER"))?;
        order.status = orders::OrderStatus::Cancelled.into();
        order.reserved_until_ms = 0;
        Ok(Response::new(orders::CancelOrderResponse { order: Some(order.clone()) }))
    }

    async fn start_payment(
        &self,
        request: Request<orders::StartPaymentRequest>,
    ) -> Answer<orders::StartPaymentResponse> {
        let request = request.into_inner();
        self.note(&format!(
            "start_payment {} key={}",
            request.provider,
            !request.idempotency_key.is_empty()
        ));
        let redirect_url = format!("https://pay.example/{}/1000001K", request.provider);
        let payment =
            payments::Payment { provider: request.provider, redirect_url, ..Default::default() };
        Ok(Response::new(orders::StartPaymentResponse { payment: Some(payment), replayed: false }))
    }
}

#[tonic::async_trait]
impl PaymentService for Fake {
    async fn list_providers(
        &self,
        _: Request<payments::ListProvidersRequest>,
    ) -> Answer<payments::ListProvidersResponse> {
        self.up("payment")?;
        let providers = ["payme", "click", "uzcard", "stripe", "cash"].map(str::to_owned).to_vec();
        Ok(Response::new(payments::ListProvidersResponse { providers }))
    }
}
