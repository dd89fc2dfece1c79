//! Carts, orders and payments in memory.

use mesh::Context;
use proto::{
    cart::{self as carts, cart_service_server::CartService},
    order::{self as orders, order_service_server::OrderService},
    payment::{self as payments, payment_service_server::PaymentService},
};
use tonic::{Request, Response, Status};

use super::{Answer, Fake, world::sum};

fn missing(what: &str) -> Status {
    fault::Fault::not_found(what).into()
}

impl Fake {
    fn quote(
        &self,
        lines: &[orders::LineRequest],
        delivered: bool,
    ) -> (Vec<orders::QuotedLine>, orders::Totals) {
        let mut total = 0;
        let quoted = lines.iter().map(|line| {
            let Some(offer) = self.0.offers.iter().find(|offer| offer.id == line.offer_id) else {
                return orders::QuotedLine {
                    offer_id: line.offer_id.clone(),
                    unknown: true,
                    ..Default::default()
                };
            };
            let amount = offer.price.as_ref().unwrap().amount * i64::from(line.quantity);
            total += amount;
            orders::QuotedLine {
                offer_id: offer.id.clone(),
                quantity: line.quantity,
                title: offer.title.clone(),
                options: offer.options.clone(),
                unit_price: offer.price.clone(),
                total: Some(sum(amount / 100)),
                available: offer.available >= i64::from(line.quantity),
                product_id: offer.product_id.clone(),
                merchant_id: offer.merchant_id.clone(),
                merchant_name: offer.merchant_name.clone(),
                picture_url: offer.picture_url.clone(),
                ..Default::default()
            }
        });
        let quoted = quoted.collect();
        let delivery = if delivered { self.state().delivery_price } else { 0 };
        let totals = orders::Totals {
            items: Some(sum(total / 100)),
            discount: Some(sum(0)),
            delivery: Some(sum(delivery / 100)),
            tax_included: Some(sum(total * 12 / 112 / 100)),
            total: Some(sum((total + delivery) / 100)),
        };
        (quoted, totals)
    }

    fn priced(&self, cart: carts::Cart) -> carts::PricedCart {
        let line = |item: &carts::CartItem| orders::LineRequest {
            offer_id: item.offer_id.clone(),
            quantity: item.quantity,
        };
        let lines: Vec<_> = cart.items.iter().map(line).collect();
        let (lines, totals) = self.quote(&lines, cart.delivery.is_some());
        let refused_codes =
            cart.discount_codes.iter().filter(|code| *code != "NAVROZ").cloned().collect();
        carts::PricedCart { cart: Some(cart), lines, totals: Some(totals), refused_codes }
    }

    /// Changes an open cart of somebody who may.
    fn change(
        &self,
        id: &str,
        token: &str,
        change: impl FnOnce(&mut carts::Cart),
    ) -> Result<carts::PricedCart, Status> {
        self.up("cart")?;
        let user = Context::caller().user.map(|user| user.to_string()).unwrap_or_default();
        let cart = {
            let mut state = self.state();
            let (cart, known) = state.carts.get_mut(id).ok_or_else(|| missing("CART"))?;
            let theirs =
                if cart.user_id.is_empty() { *known == token } else { cart.user_id == user };
            if !theirs {
                return Err(missing("CART"));
            }
            if !cart.order_id.is_empty() {
                return Err(fault::Fault::conflict("CART_COMPLETED", "bought").into());
            }
            change(cart);
            cart.clone()
        };
        Ok(self.priced(cart))
    }
}

#[tonic::async_trait]
impl CartService for Fake {
    async fn create_cart(
        &self,
        _: Request<carts::CreateCartRequest>,
    ) -> Answer<carts::CreateCartResponse> {
        self.up("cart")?;
        self.note("create_cart".to_owned());
        let user = Context::caller().user.map(|user| user.to_string()).unwrap_or_default();
        let (cart, token) = {
            let mut state = self.state();
            let known = state.carts.values().find(|(cart, _)| {
                !user.is_empty() && cart.user_id == user && cart.order_id.is_empty()
            });
            match known {
                Some((cart, _)) => (cart.clone(), String::new()),
                None => {
                    let token =
                        if user.is_empty() { ids::token::secret("") } else { String::new() };
                    let cart = carts::Cart {
                        id: ids::CartId::new().to_string(),
                        user_id: user,
                        ..Default::default()
                    };
                    state.carts.insert(cart.id.clone(), (cart.clone(), token.clone()));
                    (cart, token)
                }
            }
        };
        Ok(Response::new(carts::CreateCartResponse { cart: Some(self.priced(cart)), token }))
    }

    async fn get_cart(
        &self,
        request: Request<carts::GetCartRequest>,
    ) -> Answer<carts::GetCartResponse> {
        let request = request.into_inner();
        let cart = self.change(&request.id, &request.token, |_| ()).map_err(|status| {
            if status.code() == tonic::Code::FailedPrecondition { missing("CART") } else { status }
        })?;
        Ok(Response::new(carts::GetCartResponse { cart: Some(cart) }))
    }

    async fn add_item(
        &self,
        request: Request<carts::AddItemRequest>,
    ) -> Answer<carts::AddItemResponse> {
        let request = request.into_inner();
        self.note(format!("add_item {} {}", request.offer_id, request.quantity));
        if !self.0.offers.iter().any(|offer| offer.id == request.offer_id) {
            return Err(missing("OFFER"));
        }
        let cart = self.change(&request.cart_id, &request.token, |cart| {
            match cart.items.iter_mut().find(|item| item.offer_id == request.offer_id) {
                Some(item) => item.quantity += request.quantity,
                None => {
                    let id = format!("itm_{}", cart.items.len());
                    cart.items.push(carts::CartItem {
                        id,
                        offer_id: request.offer_id,
                        quantity: request.quantity,
                    });
                }
            }
        })?;
        Ok(Response::new(carts::AddItemResponse { cart: Some(cart) }))
    }

    async fn set_item(
        &self,
        request: Request<carts::SetItemRequest>,
    ) -> Answer<carts::SetItemResponse> {
        let request = request.into_inner();
        self.note(format!("set_item {} {}", request.item_id, request.quantity));
        let cart = self.change(&request.cart_id, &request.token, |cart| {
            for item in cart.items.iter_mut().filter(|item| item.id == request.item_id) {
                item.quantity = request.quantity;
            }
            cart.items.retain(|item| item.quantity > 0);
        })?;
        Ok(Response::new(carts::SetItemResponse { cart: Some(cart) }))
    }

    async fn set_delivery(
        &self,
        request: Request<carts::SetDeliveryRequest>,
    ) -> Answer<carts::SetDeliveryResponse> {
        let request = request.into_inner();
        let choice = request.delivery.clone().unwrap_or_default();
        let address = choice.address.clone().unwrap_or_default();
        self.note(format!(
            "set_delivery {:?} {} {} {} {}",
            choice.method(),
            address.region,
            address.district,
            address.street,
            address.phone
        ));
        let cart =
            self.change(&request.cart_id, &request.token, |cart| cart.delivery = request.delivery)?;
        Ok(Response::new(carts::SetDeliveryResponse { cart: Some(cart) }))
    }

    async fn add_discount_code(
        &self,
        request: Request<carts::AddDiscountCodeRequest>,
    ) -> Answer<carts::AddDiscountCodeResponse> {
        let request = request.into_inner();
        self.note(format!("add_discount_code {}", request.code));
        let cart = self.change(&request.cart_id, &request.token, |cart| {
            cart.discount_codes.push(request.code)
        })?;
        Ok(Response::new(carts::AddDiscountCodeResponse { cart: Some(cart) }))
    }

    async fn merge_carts(
        &self,
        request: Request<carts::MergeCartsRequest>,
    ) -> Answer<carts::MergeCartsResponse> {
        let request = request.into_inner();
        self.note("merge_carts".to_owned());
        let items = {
            let mut state = self.state();
            let (guest, token) =
                state.carts.get_mut(&request.guest_cart_id).ok_or_else(|| missing("CART"))?;
            if *token != request.guest_token {
                return Err(missing("CART"));
            }
            std::mem::take(&mut guest.items)
        };
        let cart = self.change(&request.cart_id, "", |cart| cart.items.extend(items))?;
        Ok(Response::new(carts::MergeCartsResponse { cart: Some(cart) }))
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
        let offers =
            self.0.offers.iter().filter(|offer| ids.contains(&offer.product_id)).cloned().collect();
        Ok(Response::new(orders::ListOffersResponse { offers }))
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
        self.note(format!(
            "place_order {} {} {} {expected} key={} hash={}",
            request.payment_provider,
            customer.name,
            customer.phone,
            !request.idempotency_key.is_empty(),
            request.request_hash.len()
        ));
        let known = self.state().keys.get(&request.idempotency_key).cloned();
        if let Some(id) = known {
            let (order, token) = self.state().orders.get(&id).cloned().unwrap();
            return Ok(Response::new(orders::PlaceOrderResponse {
                payment: order.payment.clone(),
                order: Some(order),
                order_token: token,
                replayed: true,
            }));
        }
        let cart = self.change(&request.cart_id, &request.cart_token, |_| ())?;
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
        let cash = request.payment_provider == "cash";
        let payment = payments::Payment {
            id: "pay_1".to_owned(),
            order_id: order_id.clone(),
            provider: request.payment_provider.clone(),
            status: payments::PaymentStatus::Pending.into(),
            redirect_url: if cash {
                String::new()
            } else {
                format!("https://pay.example/{}/1000001K", request.payment_provider)
            },
            ..Default::default()
        };
        let inner = cart.cart.clone().unwrap();
        let order = orders::Order {
            id: order_id.clone(),
            number: "1000001K".to_owned(),
            status: if cash {
                orders::OrderStatus::Processing
            } else {
                orders::OrderStatus::AwaitingPayment
            }
            .into(),
            payment_status: payments::PaymentStatus::Pending.into(),
            placed_at_ms: testkit::START.millis(),
            items: items.collect(),
            totals: cart.totals.clone(),
            delivery: inner.delivery.clone(),
            customer: request.customer,
            user_id: inner.user_id.clone(),
            timeline: vec![orders::TimelineEntry {
                at_ms: testkit::START.millis(),
                event: "order.placed".to_owned(),
                actor: "shopper".to_owned(),
                note: String::new(),
            }],
            payment_provider: request.payment_provider,
            payment: Some(payment.clone()),
            reserved_until_ms: if cash { 0 } else { testkit::START.millis() + 1_800_000 },
            ..Default::default()
        };
        let order_token =
            if inner.user_id.is_empty() { ids::token::secret("") } else { String::new() };
        let mut state = self.state();
        state.keys.insert(request.idempotency_key, order_id.clone());
        state.orders.insert(order_id.clone(), (order.clone(), order_token.clone()));
        state.carts.get_mut(&request.cart_id).unwrap().0.order_id = order_id;
        Ok(Response::new(orders::PlaceOrderResponse {
            order: Some(order),
            payment: Some(payment),
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
        let orders = self
            .state()
            .orders
            .values()
            .filter(|(order, _)| order.user_id == user)
            .map(|(order, _)| order.clone())
            .collect();
        Ok(Response::new(orders::ListOrdersResponse { orders, page: None }))
    }

    async fn cancel_order(
        &self,
        request: Request<orders::CancelOrderRequest>,
    ) -> Answer<orders::CancelOrderResponse> {
        let request = request.into_inner();
        self.note("cancel_order".to_owned());
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
        self.note(format!(
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
