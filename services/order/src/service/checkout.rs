//! From a cart to an order.
//!
//! One transaction makes the order; everything after it (opening the payment, closing the cart) is idempotent and told by event too,
//! so that a crash at any point is made good: by the client's repeat, or by the event.

use std::sync::Arc;

use fault::{Fault, Field};
use ids::{CartId, OrderId};
use mesh::{Caller, Context};
use money::Money;

use super::{Orders, hash};
use crate::{
    domain::{Buyer, Customer, Delivery, Order, Payment, PaymentState, Provider},
    error::Error,
    peers::Cart,
    store::{Key, Placed, Placing, Remembered},
};

/// What a shopper asks for.
#[derive(Debug)]
pub(crate) struct Checkout {
    pub(crate) cart: CartId,
    pub(crate) cart_token: String,
    pub(crate) provider: Provider,
    pub(crate) customer: Customer,
    pub(crate) expected_total: Option<Money>,
    pub(crate) key: String,
    pub(crate) hash: Vec<u8>,
}

/// The encoded answer, and whether it was given before.
pub(crate) type Answer = (Vec<u8>, bool);

impl Orders {
    /// Places the order of a cart.
    pub(crate) async fn place(&self, caller: &Caller, checkout: Checkout) -> Result<Answer, Error> {
        check_key(&checkout.key)?;
        let scope = match caller.user {
            Some(user) => format!("complete:{user}:{}", checkout.cart),
            None => format!("complete:{}", checkout.cart),
        };
        let key = Key { scope, key: checkout.key.clone(), hash: checkout.hash.clone() };
        // The cart first: it is what says that the caller may see any answer at all.
        let cart = self.0.carts.read(checkout.cart, &checkout.cart_token).await?;
        let placing = match self.placing(caller, &checkout, key.clone(), cart) {
            Ok(placing) => placing,
            // The cart may have changed since it became an order: a repeat has its answer all the same.
            Err(error) => match self.0.store.recall(&key.scope, &key.key).await? {
                Some(before) => return self.resume(&key, before).await,
                None => return Err(error),
            },
        };
        let order_token = placing.order_token.clone();
        let placed = self.0.store.place(placing).await;
        self.note_refused(&placed);
        match placed? {
            Placed::New(order) => {
                self.0.placed.with_label_values(&[checkout.provider.as_str()]).inc();
                self.note_redeemed(&order);
                tracing::info!(order.id = %order.id, order.number = order.number(), "order placed");
                let answer = self.finish(&key, *order, &order_token).await;
                // Only now: where the event arrives, what it asks for has been done by `finish`.
                self.0.relay.wake();
                Ok((answer?, false))
            }
            Placed::Before(before) => self.resume(&key, before).await,
        }
    }

    /// The order that the cart would become.
    fn placing(
        &self,
        caller: &Caller,
        checkout: &Checkout,
        key: Key,
        cart: Cart,
    ) -> Result<Placing, Error> {
        if cart.lines.is_empty() {
            return Err(Error::CartEmpty);
        }
        let delivery = cart.delivery.ok_or(Error::DeliveryMissing)?;
        let customer = customer(&checkout.customer, &delivery)?;
        let (buyer, order_token) = match caller.user {
            Some(user) => (Buyer::User(user), String::new()),
            None => {
                let token = ids::token::secret("");
                (Buyer::Token(hash(&token)), token)
            }
        };
        let now = self.now();
        Ok(Placing {
            order: OrderId::new(),
            cart: checkout.cart,
            buyer,
            lines: cart.lines,
            codes: cart.codes,
            delivery,
            customer,
            provider: checkout.provider,
            expected_total: checkout.expected_total,
            tariff: self.0.tariff,
            commissions: Arc::clone(&self.0.commissions),
            reserved_until: now.plus(self.0.reservation),
            locale: Context::current().locale.to_string(),
            key,
            order_token,
            now,
        })
    }

    /// Gives the answer that was given, or works it out when its first request did not come so far.
    async fn resume(&self, key: &Key, before: Remembered) -> Result<Answer, Error> {
        if before.hash != key.hash {
            return Err(Error::KeyReused);
        }
        if let Some(response) = before.response {
            return Ok((response, true));
        }
        let order = self.0.store.find(before.order).await?.ok_or(Error::OrderNotFound)?;
        Ok((self.finish(key, order, &before.order_token).await?, true))
    }

    /// Opens the payment, closes the cart, and keeps the answer.
    async fn finish(&self, key: &Key, order: Order, order_token: &str) -> Result<Vec<u8>, Error> {
        let payment_key = first_payment(order.id);
        let opening = self.0.payments.open(&order, order.body.provider, &payment_key);
        let closing = self.0.carts.complete(order.cart, order.id);
        let (opened, closed) = futures::future::join(opening, closing).await;
        if let Err(fault) = closed {
            // The event says it again.
            tracing::debug!(%fault, "the cart was not closed at once");
        }
        let (payment, opened) = match opened {
            Ok(payment) => (payment, true),
            Err(fault) => {
                // The order stands; the payment follows by event, and the order page shows it then.
                tracing::warn!(order.id = %order.id, %fault, "the payment was not opened at once");
                (pending(&order), false)
            }
        };
        let id = order.id;
        let response = (self.0.encode_answer)(order, &payment, order_token);
        let note = opened.then_some(payment);
        self.0.store.answer(&key.scope, &key.key, id, note, response).await
    }

    /// An order that awaits its payment, with the payment: asked for again when it could not be opened at checkout.
    pub(super) async fn with_payment(&self, mut order: Order) -> Result<Order, Error> {
        if order.payment.is_none() {
            let key = first_payment(order.id);
            match self.0.payments.open(&order, order.body.provider, &key).await {
                Ok(payment) => {
                    self.0.store.note_payment(order.id, payment.clone()).await?;
                    order.payment = Some(payment);
                }
                Err(fault) => tracing::debug!(%fault, "no payment to show yet"),
            }
        }
        Ok(order)
    }
}

/// The key of the payment that a checkout opens; the event of the order opens the same.
fn first_payment(order: OrderId) -> String {
    format!("{order}/1")
}

/// What is shown while the payment service is away.
fn pending(order: &Order) -> Payment {
    Payment {
        id: ids::PaymentId::from_u128(0),
        provider: order.body.provider,
        status: PaymentState::Pending,
        amount: order.body.totals.total,
        redirect_url: String::new(),
        expires_at: 0,
        created_at: order.placed_at.millis(),
        version: 0,
    }
}

pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key.is_empty() {
        let code = fault::Code::Invalid;
        let text = "send an Idempotency-Key header, so that a repeat does not buy twice";
        return Err(Fault::new(code, "IDEMPOTENCY_KEY_REQUIRED", text).into());
    }
    if key.len() > 255 {
        let field = Field::new("Idempotency-Key", "LENGTH", "at most 255 characters");
        return Err(Fault::invalid(vec![field]).into());
    }
    Ok(())
}

/// The customer as given, else as the delivery names them.
fn customer(given: &Customer, delivery: &Delivery) -> Result<Customer, Error> {
    let or = |given: &str, other: &str| {
        if given.trim().is_empty() { other.trim().to_owned() } else { given.trim().to_owned() }
    };
    let customer = Customer {
        name: or(&given.name, &delivery.address.recipient),
        phone: or(&given.phone, &delivery.address.phone),
    };
    let mut wrong = Vec::new();
    if customer.name.is_empty() || customer.name.len() > 200 {
        wrong.push(Field::new("customer.name", "LENGTH", "1 to 200 bytes"));
    }
    if customer.phone.is_empty() || customer.phone.len() > 32 {
        wrong.push(Field::new("customer.phone", "LENGTH", "a phone such as +998901234567"));
    }
    // Not every store can keep a NUL.
    let named = [("customer.name", &customer.name), ("customer.phone", &customer.phone)];
    let address = &delivery.address;
    let places = [
        &address.region,
        &address.district,
        &address.street,
        &address.house,
        &address.landmark,
        &address.recipient,
        &address.phone,
    ];
    let texts = named.into_iter().chain(places.map(|text| ("delivery.address", text)));
    for (field, _) in texts.filter(|(_, text)| text.contains('\0')) {
        wrong.push(Field::new(field, "INVALID", "no NUL"));
    }
    if wrong.is_empty() { Ok(customer) } else { Err(Fault::invalid(wrong).into()) }
}
