//! Other services, as this one needs them.

use std::time::Duration;

use async_trait::async_trait;
use clock::Timestamp;
use fault::Fault;
use ids::{CartId, MerchantId, OrderId, ProductId};
use mesh::{Context, Link};
use money::Money;
use proto::{
    auth::{self as auth, auth_service_client::AuthServiceClient},
    cart::{self as carts, cart_service_client::CartServiceClient},
    payment::{self as payments, payment_service_client::PaymentServiceClient},
    product::{self as products, product_service_client::ProductServiceClient},
};

use super::{decode, encode};
use crate::{
    domain::{Order, Payment, PaymentState, Provider, Refund, RefundState},
    peers::{self, Closing},
    store::Merchant,
};

/// How long a checkout waits for its payment to be opened, and for its cart to be closed.
const PATIENCE: Duration = Duration::from_secs(3);

/// The cart service.
pub(crate) struct Carts(pub(crate) CartServiceClient<Link>);

#[async_trait]
impl peers::Carts for Carts {
    async fn read(&self, cart: CartId, token: &str) -> Result<peers::Cart, Fault> {
        let request = carts::ReadCartRequest { id: cart.to_string(), token: token.to_owned() };
        // As the caller: the cart's owner decides who may order it.
        let cart = self.0.clone().read_cart(request).await?.into_inner().cart.unwrap_or_default();
        let line = |item: &carts::CartItem| proto::order::LineRequest {
            offer_id: item.offer_id.clone(),
            quantity: item.quantity,
        };
        let requests: Vec<_> = cart.items.iter().map(line).collect();
        Ok(peers::Cart {
            lines: decode::lines(&requests)?,
            delivery: cart.delivery.and_then(decode::delivery),
            codes: decode::codes(&cart.discount_codes)?,
        })
    }

    async fn complete(&self, cart: CartId, order: OrderId) -> Result<(), Fault> {
        let request =
            carts::CompleteCartRequest { cart_id: cart.to_string(), order_id: order.to_string() };
        let context = Context::current().as_service("order").within(PATIENCE);
        context.scope(self.0.clone().complete_cart(request)).await?;
        Ok(())
    }
}

/// The payment service.
pub(crate) struct Payments {
    client: PaymentServiceClient<Link>,
    return_url: String,
}

impl Payments {
    pub(crate) fn new(client: PaymentServiceClient<Link>, return_url: String) -> Self {
        Self { client, return_url }
    }
}

#[async_trait]
impl peers::Payments for Payments {
    async fn open(&self, order: &Order, provider: Provider, key: &str) -> Result<Payment, Fault> {
        let request = payments::OpenPaymentRequest {
            payable: Some(payable(order)),
            provider: provider.as_str().to_owned(),
            key: key.to_owned(),
            return_url: self.return_url.replace("{order_id}", &order.id.to_string()),
        };
        let context = Context::current().as_service("order").within(PATIENCE);
        let answer = context.scope(self.client.clone().open_payment(request)).await?.into_inner();
        answer.payment.as_ref().and_then(payment).ok_or_else(|| {
            Fault::internal(std::io::Error::other("the payment service answered without a payment"))
        })
    }

    async fn close(
        &self,
        order: OrderId,
        reason: &str,
        spare_live: bool,
    ) -> Result<Closing, Fault> {
        let request = payments::ClosePayableRequest {
            order_id: order.to_string(),
            reason: reason.to_owned(),
            spare_live,
        };
        let context = Context::current().as_service("order");
        let answer = context.scope(self.client.clone().close_payable(request)).await?.into_inner();
        Ok(match answer.outcome() {
            payments::close_payable_response::Outcome::Paid => Closing::Paid,
            payments::close_payable_response::Outcome::Closed => Closing::Closed,
            // An answer that is not understood releases nothing.
            payments::close_payable_response::Outcome::Live
            | payments::close_payable_response::Outcome::Unspecified => {
                Closing::Live(Timestamp::from_millis(answer.live_until_ms))
            }
        })
    }

    async fn refund(&self, order: OrderId, refund: &Refund) -> Result<RefundState, Fault> {
        let request = payments::RefundPaymentRequest {
            id: refund.id.to_string(),
            order_id: order.to_string(),
            amount: Some(encode::money(refund.amount)),
            reason: refund.reason.clone(),
        };
        let context = Context::current().as_service("order");
        let answer = context.scope(self.client.clone().refund_payment(request)).await?;
        Ok(refund_state(answer.into_inner().outcome()))
    }
}

/// What the payment service says of a refund; what is not understood is pending.
fn refund_state(outcome: payments::refund_payment_response::Outcome) -> RefundState {
    use payments::refund_payment_response::Outcome;
    match outcome {
        Outcome::Unspecified | Outcome::Pending => RefundState::Pending,
        Outcome::Succeeded => RefundState::Succeeded,
        Outcome::Failed => RefundState::Failed,
        Outcome::NeedsManual => RefundState::NeedsManual,
    }
}

/// The auth service.
pub(crate) struct Merchants(pub(crate) AuthServiceClient<Link>);

#[async_trait]
impl peers::Merchants for Merchants {
    async fn get(&self, ids: Vec<MerchantId>) -> Result<Vec<Merchant>, Fault> {
        let request =
            auth::BatchGetMerchantsRequest { ids: ids.iter().map(ToString::to_string).collect() };
        let context = Context::current().as_service("order");
        let answer = context.scope(self.0.clone().batch_get_merchants(request)).await?;
        Ok(answer.into_inner().merchants.iter().filter_map(merchant).collect())
    }
}

/// The product service.
pub(crate) struct Catalogue(pub(crate) ProductServiceClient<Link>);

#[async_trait]
impl peers::Catalogue for Catalogue {
    async fn slugs(&self, named: Vec<String>) -> Result<Vec<Option<String>>, Fault> {
        let context = Context::current().as_service("order");
        let request = products::ListCategoriesRequest {};
        let answer = context.scope(self.0.clone().list_categories(request)).await?;
        let known = answer.into_inner().categories;
        let slug = |name: String| {
            let found = known.iter().find(|it| it.slug == name || it.id == name);
            found.map(|category| category.slug.clone())
        };
        Ok(named.into_iter().map(slug).collect())
    }

    async fn categories(
        &self,
        products: Vec<ProductId>,
    ) -> Result<Vec<(ProductId, Vec<String>)>, Fault> {
        let ids = products.iter().map(ToString::to_string).collect();
        let context = Context::current().as_service("order");
        let request = products::BatchGetProductsRequest { ids };
        let answer = context.scope(self.0.clone().batch_get_products(request)).await?;
        let of = |product: products::Product| {
            Some((product.id.parse().ok()?, product.category.map(decode::path)?))
        };
        Ok(answer.into_inner().products.into_iter().filter_map(of).collect())
    }
}

pub(super) fn merchant(merchant: &auth::Merchant) -> Option<Merchant> {
    Some(Merchant {
        id: merchant.id.parse().ok()?,
        name: merchant.name.clone(),
        tin: if merchant.tin.is_empty() { merchant.pinfl.clone() } else { merchant.tin.clone() },
        plan: merchant.plan.clone(),
        active: merchant.status() == auth::MerchantStatus::Active,
        version: merchant.version,
    })
}

/// A payment as the payment service tells of it; a state that is not known is pending.
pub(super) fn payment(payment: &payments::Payment) -> Option<Payment> {
    let amount = payment.amount.as_ref()?;
    Some(Payment {
        id: payment.id.parse().ok()?,
        provider: Provider::parse(&payment.provider)?,
        status: match payment.status() {
            payments::PaymentStatus::Unspecified | payments::PaymentStatus::Pending => {
                PaymentState::Pending
            }
            payments::PaymentStatus::Processing => PaymentState::Processing,
            payments::PaymentStatus::Paid => PaymentState::Paid,
            payments::PaymentStatus::Failed => PaymentState::Failed,
            payments::PaymentStatus::Cancelled => PaymentState::Cancelled,
            payments::PaymentStatus::Refunded => PaymentState::Refunded,
            payments::PaymentStatus::PartiallyRefunded => PaymentState::PartiallyRefunded,
        },
        amount: Money::new(amount.amount, amount.currency.parse().ok()?),
        redirect_url: payment.redirect_url.clone(),
        expires_at: payment.expires_at_ms,
        created_at: payment.created_at_ms,
        version: payment.version,
    })
}

fn payable(order: &Order) -> payments::Payable {
    let lines = order.body.items.iter().map(|item| payments::FiscalLine {
        title: item.title.uz.clone(),
        unit_price: item.unit_price.amount,
        quantity: item.quantity,
        discount: item.discount.amount,
        fiscal: Some(encode::fiscal(item.fiscal.clone())),
        seller_tin: item.merchant_tin.clone(),
    });
    payments::Payable {
        order_id: order.id.to_string(),
        reference: order.number(),
        amount: Some(encode::money(order.body.totals.total)),
        payable_until_ms: order.reserved_until.map_or(0, Timestamp::millis),
        lines: lines.collect(),
        delivery: Some(encode::money(order.body.totals.delivery)),
        customer_phone: order.body.customer.phone.clone(),
        locale: order.body.locale.clone(),
    }
}
