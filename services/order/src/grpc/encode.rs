//! From the domain into messages.

use mesh::Role;
use money::Money;
use outbox::Draft;
use prost::Message as _;
use proto::{event as events, order as pb, payment as payments, value};

use super::discounts;
use crate::domain::{
    self, Buyer, Delivery, Event, Method, Order, Payment, PaymentState, ShipmentStatus, Status,
    Text, Totals,
    level::Signal,
    offer::Offer,
    pricing::{DeliveryOption, Priced},
    tiers::Tier,
};

/// Everybody who hears of orders.
pub(crate) const SUBSCRIBERS: &[Role] =
    &[Role::Notification, Role::Cart, Role::Payment, Role::Product, Role::Search];
const OF_ORDERS: &[Role] = &[Role::Notification, Role::Payment];
const OF_NEW_ORDERS: &[Role] = &[Role::Notification, Role::Cart, Role::Payment];
/// Product counts what is sold.
const OF_SALES: &[Role] = &[Role::Notification, Role::Payment, Role::Product];
const OF_PRICES: &[Role] = &[Role::Product, Role::Search];
const OF_STOCK: &[Role] = &[Role::Notification];

/// What the outbox keeps of an event.
pub fn event(event: Event<'_>) -> Draft {
    match event {
        Event::Order { kind, order: changed, shipment, at } => {
            let data = events::OrderChanged {
                order: Some(order(changed.clone())),
                shipment_id: shipment.map(|id| id.to_string()).unwrap_or_default(),
            };
            let data = events::event::Data::Order(data);
            let to = match kind {
                "order.placed" => OF_NEW_ORDERS,
                "order.paid" => OF_SALES,
                _ => OF_ORDERS,
            };
            Draft::new(kind, changed.id.to_string(), changed.version, at, data).to(to)
        }
        Event::Display(display, at) => {
            let data = events::event::Data::Offers(events::OffersChanged {
                product_id: display.product.to_string(),
                price_from: display.price_from,
                in_stock: display.in_stock,
                currency: money::Currency::Uzs.code().to_owned(),
                merchant_ids: display.merchants,
            });
            let subject = display.product.to_string();
            Draft::new("offers.changed", subject, display.version, at, data).to(OF_PRICES)
        }
        Event::Stock(Signal { crossing, level }, at) => {
            let subject = level.offer.to_string();
            let data = events::event::Data::Stock(events::StockCrossed {
                offer_id: subject.clone(),
                merchant_id: level.merchant.to_string(),
                product_id: level.product.to_string(),
                sku: level.sku,
                title: Some(text(level.title)),
                available: level.available,
                low_stock_at: level.low_at.unwrap_or_default(),
            });
            Draft::new(crossing.kind(), subject, level.version, at, data).to(OF_STOCK)
        }
    }
}

/// The answer of a checkout, which is kept for repeats.
pub(crate) fn answer(placed: Order, paid_by: &Payment, order_token: &str) -> Vec<u8> {
    let payment = Some(payment(&placed, paid_by));
    let response = pb::PlaceOrderResponse {
        order: Some(pb::Order { payment: payment.clone(), ..order(placed) }),
        payment,
        order_token: order_token.to_owned(),
        replayed: false,
    };
    response.encode_to_vec()
}

pub(super) fn payment_bytes(of: &Order, payment: &Payment) -> Vec<u8> {
    self::payment(of, payment).encode_to_vec()
}

pub(super) fn money(money: Money) -> value::Money {
    value::Money { amount: money.amount, currency: money.currency.code().to_owned() }
}

pub(super) fn text(text: Text) -> value::LocalizedText {
    value::LocalizedText { uz: text.uz, ru: text.ru, en: text.en }
}

pub(super) fn fiscal(fiscal: domain::Fiscal) -> value::Fiscal {
    value::Fiscal {
        mxik: fiscal.mxik,
        package_code: fiscal.package_code,
        vat_percent: fiscal.vat_percent,
        unit_code: fiscal.unit_code,
    }
}

pub(super) fn offer(offer: Offer) -> pb::Offer {
    pb::Offer {
        id: offer.id.to_string(),
        merchant_id: offer.merchant.to_string(),
        merchant_name: offer.merchant_name,
        product_id: offer.product.to_string(),
        variant_id: offer.variant.to_string(),
        sku: offer.sku,
        title: Some(text(offer.title)),
        options: offer.options,
        price_tiers: offer.tiers.iter().map(|tier| price_tier(*tier, offer.price)).collect(),
        backorder_limit: offer.backorder_limit,
        weight_grams: offer.weight,
        low_stock_at: offer.low_stock_at,
        price: Some(money(offer.price)),
        compare_at_price: offer.compare_at.map(money),
        available: offer.available,
        reserved: offer.reserved,
        active: offer.active,
        fiscal: Some(fiscal(offer.fiscal)),
        picture_url: offer.picture_url,
        version: offer.version,
    }
}

fn price_tier(tier: Tier, price: Money) -> pb::PriceTier {
    let price = Money { amount: tier.price, ..price };
    pb::PriceTier { from_quantity: tier.from, price: Some(money(price)) }
}

pub(super) fn totals(totals: &Totals) -> pb::Totals {
    pb::Totals {
        items: Some(money(totals.items)),
        discount: Some(money(totals.discount)),
        delivery: Some(money(totals.delivery)),
        tax_included: Some(money(totals.tax_included)),
        total: Some(money(totals.total)),
    }
}

pub(super) fn quoted(priced: Priced) -> pb::QuotedLine {
    let line = pb::QuotedLine {
        offer_id: priced.line.offer.to_string(),
        quantity: priced.line.quantity,
        total: Some(money(priced.total)),
        discount: Some(money(priced.discount)),
        adjustments: priced.adjustments.into_iter().map(discounts::adjustment).collect(),
        available: priced.available,
        ..pb::QuotedLine::default()
    };
    let Some(offer) = priced.offer else {
        return pb::QuotedLine { unknown: true, ..line };
    };
    pb::QuotedLine {
        backordered: if priced.available { offer.backordered(priced.line.quantity) } else { 0 },
        title: Some(text(offer.title)),
        options: offer.options,
        unit_price: Some(money(priced.unit_price)),
        product_id: offer.product.to_string(),
        variant_id: offer.variant.to_string(),
        merchant_id: offer.merchant.to_string(),
        merchant_name: offer.merchant_name,
        picture_url: offer.picture_url,
        sku: offer.sku,
        unknown: !offer.on_sale,
        ..line
    }
}

fn method(method: Method) -> i32 {
    let method = match method {
        Method::Courier => pb::DeliveryMethod::Courier,
        Method::Pickup => pb::DeliveryMethod::Pickup,
        Method::Post => pb::DeliveryMethod::Post,
    };
    method.into()
}

pub(super) fn delivery_option(option: &DeliveryOption) -> pb::DeliveryOption {
    pb::DeliveryOption {
        method: method(option.method),
        price: Some(money(option.price)),
        min_days: option.min_days,
        max_days: option.max_days,
    }
}

fn delivery(delivery: Delivery) -> pb::DeliveryChoice {
    let address = delivery.address;
    pb::DeliveryChoice {
        method: method(delivery.method),
        address: Some(value::Address {
            region: address.region,
            district: address.district,
            street: address.street,
            house: address.house,
            landmark: address.landmark,
            recipient: address.recipient,
            phone: address.phone,
        }),
    }
}

pub(super) fn order(order: Order) -> pb::Order {
    let payment = order.payment.as_ref().map(|payment| self::payment(&order, payment));
    let refunds = order.body.refunds.iter().map(|it| super::returns::refund(&order, it)).collect();
    let returns = order.body.returns.iter().map(|it| super::returns::returned(&order, it));
    let returns = returns.collect();
    let mut items: Vec<pb::OrderItem> = order.body.items.iter().cloned().map(item).collect();
    for (line, sold) in items.iter_mut().zip(&order.body.items) {
        line.returnable =
            if order.is_delivered_by(sold.merchant) { order.returnable_pieces(sold) } else { 0 };
    }
    let shipments = order.body.shipments.iter().map(|own| shipment(&order, own)).collect();
    pb::Order {
        refunds,
        returns,
        items,
        shipments,
        cancellable: order.cancellable(),
        paid: Some(money(Money { amount: order.paid_sum(), ..order.body.totals.total })),
        receipts: order.body.receipts.iter().cloned().map(receipt).collect(),
        number: order.number(),
        payment,
        id: order.id.to_string(),
        status: status(order.status).into(),
        payment_status: payment_state(order.payment_status).into(),
        placed_at_ms: order.placed_at.millis(),
        totals: Some(totals(&order.body.totals)),
        delivery: Some(delivery(order.body.delivery)),
        customer: Some(pb::Customer {
            name: order.body.customer.name,
            phone: order.body.customer.phone,
        }),
        user_id: match order.buyer {
            Buyer::User(user) => user.to_string(),
            Buyer::Token(_) => String::new(),
        },
        cart_id: order.cart.to_string(),
        timeline: order.body.timeline.into_iter().map(entry).collect(),
        payment_provider: order.body.provider.as_str().to_owned(),
        reserved_until_ms: order.reserved_until.map_or(0, clock::Timestamp::millis),
        version: order.version,
        locale: order.body.locale,
        delivery_discounts: order
            .body
            .delivery_discounts
            .into_iter()
            .map(discounts::delivery)
            .collect(),
    }
}

fn receipt(receipt: domain::receipt::Receipt) -> payments::FiscalReceipt {
    payments::FiscalReceipt {
        kind: receipt.kind,
        qr_url: receipt.qr_url,
        receipt_id: receipt.receipt_id,
        fiscal_sign: receipt.fiscal_sign,
        terminal_id: receipt.terminal_id,
        issued_at: receipt.issued_at,
    }
}

fn item(item: domain::Item) -> pb::OrderItem {
    pb::OrderItem {
        id: item.id.to_string(),
        offer_id: item.offer.to_string(),
        product_id: item.product.to_string(),
        variant_id: item.variant.to_string(),
        merchant_id: item.merchant.to_string(),
        merchant_name: item.merchant_name,
        sku: item.sku,
        title: Some(text(item.title)),
        options: item.options,
        quantity: item.quantity,
        unit_price: Some(money(item.unit_price)),
        discount: Some(money(item.discount)),
        total: Some(money(item.total)),
        fiscal: Some(fiscal(item.fiscal)),
        picture_url: item.picture_url,
        adjustments: item.adjustments.into_iter().map(discounts::adjustment).collect(),
        cancelled: item.cancelled,
        returned: item.returned,
        returnable: 0,
        merchant_tin: item.merchant_tin,
        backordered: item.backordered,
    }
}

fn shipment(order: &Order, shipment: &domain::Shipment) -> pb::Shipment {
    let status = match shipment.status {
        ShipmentStatus::Pending => pb::ShipmentStatus::Pending,
        ShipmentStatus::New => pb::ShipmentStatus::New,
        ShipmentStatus::Accepted => pb::ShipmentStatus::Accepted,
        ShipmentStatus::Shipped => pb::ShipmentStatus::Shipped,
        ShipmentStatus::Delivered => pb::ShipmentStatus::Delivered,
        ShipmentStatus::Cancelled => pb::ShipmentStatus::Cancelled,
    };
    pb::Shipment {
        id: shipment.id.to_string(),
        order_id: order.id.to_string(),
        merchant_id: shipment.merchant.to_string(),
        merchant_name: shipment.merchant_name.clone(),
        status: status.into(),
        item_ids: shipment.items.iter().map(ToString::to_string).collect(),
        carrier: shipment.carrier.clone(),
        tracking: shipment.tracking.clone(),
        delivered_at_ms: shipment.delivered_at.unwrap_or(0),
        returnable_until_ms: order.returnable_until(shipment).map_or(0, clock::Timestamp::millis),
    }
}

fn entry(entry: domain::Entry) -> pb::TimelineEntry {
    pb::TimelineEntry { at_ms: entry.at, event: entry.event, actor: entry.actor, note: entry.note }
}

fn status(status: Status) -> pb::OrderStatus {
    match status {
        Status::AwaitingPayment => pb::OrderStatus::AwaitingPayment,
        Status::Paid => pb::OrderStatus::Paid,
        Status::Processing => pb::OrderStatus::Processing,
        Status::Shipped => pb::OrderStatus::Shipped,
        Status::Delivered => pb::OrderStatus::Delivered,
        Status::Completed => pb::OrderStatus::Completed,
        Status::Cancelled => pb::OrderStatus::Cancelled,
        Status::Refunded => pb::OrderStatus::Refunded,
    }
}

fn payment_state(state: PaymentState) -> payments::PaymentStatus {
    match state {
        PaymentState::Pending => payments::PaymentStatus::Pending,
        PaymentState::Processing => payments::PaymentStatus::Processing,
        PaymentState::Paid => payments::PaymentStatus::Paid,
        PaymentState::Failed => payments::PaymentStatus::Failed,
        PaymentState::Cancelled => payments::PaymentStatus::Cancelled,
        PaymentState::Refunded => payments::PaymentStatus::Refunded,
        PaymentState::PartiallyRefunded => payments::PaymentStatus::PartiallyRefunded,
    }
}

fn payment(of: &Order, payment: &Payment) -> payments::Payment {
    let open = of.reserved_until.is_some();
    payments::Payment {
        // Nothing has a name before the payment service has given it one.
        id: if payment.version == 0 { String::new() } else { payment.id.to_string() },
        order_id: of.id.to_string(),
        provider: payment.provider.as_str().to_owned(),
        status: payment_state(if open { payment.status } else { of.payment_status }).into(),
        amount: Some(money(payment.amount)),
        reference: of.number(),
        redirect_url: if open { payment.redirect_url.clone() } else { String::new() },
        expires_at_ms: payment.expires_at,
        created_at_ms: payment.created_at,
        version: payment.version,
        ..payments::Payment::default()
    }
}
