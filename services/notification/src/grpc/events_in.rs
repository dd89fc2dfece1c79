//! Events of other services, as far as somebody is to be told of them.

use proto::{
    auth::MerchantStatus,
    event::{Event, MerchantChanged, OrderChanged, StockCrossed, UserMessage, event::Data},
    order::OrderStatus,
    payment::PaymentStatus,
};

use crate::{
    domain::{
        Channel, Locale, MerchantNews, OrderNews, PersonalMessage, Plan, StockNews, Template,
        Values,
    },
    error::Error,
};

/// Who is told of an event; nobody of one that is not for people.
pub(super) fn plan(event: &Event) -> Result<Option<Plan>, Error> {
    match &event.data {
        Some(Data::Order(changed)) => order(&event.r#type, changed).map(Some),
        Some(Data::Merchant(changed)) => merchant(&event.r#type, changed).map(Some),
        Some(Data::Stock(crossed)) => stock(&event.r#type, crossed).map(Some),
        Some(Data::Message(message)) => personal(message).map(Some),
        _ => Ok(None),
    }
}

fn order(kind: &str, changed: &OrderChanged) -> Result<Plan, Error> {
    let order = changed.order.as_ref().ok_or(Error::Untellable("an order without its order"))?;
    let shipment = |shipment: &proto::order::Shipment| {
        shipment.id.parse().ok().zip(shipment.merchant_id.parse().ok())
    };
    let news = OrderNews {
        kind: kind.to_owned(),
        id: order.id.parse().map_err(|_| Error::Untellable("an order without an id"))?,
        number: order.number.clone(),
        status: order_status(order.status()),
        payment_status: payment_status(order.payment_status()),
        user: order.user_id.parse().ok(),
        phone: order.customer.as_ref().map(|one| one.phone.clone()).unwrap_or_default(),
        locale: Locale::parse(&order.locale),
        cash: order.payment_provider == "cash",
        shipments: order.shipments.iter().filter_map(shipment).collect(),
        shipment: changed.shipment_id.parse().ok(),
    };
    Ok(news.plan())
}

fn merchant(kind: &str, changed: &MerchantChanged) -> Result<Plan, Error> {
    let merchant = changed.merchant.as_ref();
    let merchant = merchant.ok_or(Error::Untellable("a merchant without its merchant"))?;
    let news = MerchantNews {
        kind: kind.to_owned(),
        id: merchant.id.parse().map_err(|_| Error::Untellable("a merchant without an id"))?,
        name: merchant.name.clone(),
        owner: merchant.owner_user_id.parse().ok(),
        email: merchant.email.clone(),
        status: match merchant.status() {
            MerchantStatus::Unspecified | MerchantStatus::Pending => "pending",
            MerchantStatus::Active => "active",
            MerchantStatus::Rejected => "rejected",
            MerchantStatus::Suspended => "suspended",
        },
        reason: merchant.reject_reason.clone(),
    };
    Ok(news.plan())
}

fn stock(kind: &str, crossed: &StockCrossed) -> Result<Plan, Error> {
    let unnamed = Error::Untellable("stock of nobody's offer");
    let ids = crossed.offer_id.parse().ok().zip(crossed.product_id.parse().ok());
    let Some(((offer, product), merchant)) = ids.zip(crossed.merchant_id.parse().ok()) else {
        return Err(unnamed);
    };
    let news = StockNews {
        kind: kind.to_owned(),
        offer,
        product,
        merchant,
        title: crossed.title.as_ref().map(|title| title.uz.clone()).unwrap_or_default(),
        sku: crossed.sku.clone(),
        available: crossed.available,
    };
    Ok(news.plan())
}

fn personal(message: &UserMessage) -> Result<Plan, Error> {
    // Services write otp_code, the Fluent files otp-code.
    let key = message.template.replace('_', "-");
    let template = Template::ALL.iter().find(|template| template.key() == key);
    let channel = Channel::parse(&message.channel).filter(|channel| *channel != Channel::Log);
    let personal = PersonalMessage {
        user: message.user_id.parse().ok(),
        address: message.address.clone(),
        channel: channel.ok_or(Error::Untellable("an unknown channel"))?,
        template: *template.ok_or(Error::Untellable("an unknown template"))?,
        values: message.values.clone().into_iter().collect::<Values>(),
        locale: Locale::parse(&message.locale),
    };
    personal.plan().ok_or(Error::Untellable("nowhere to send it to"))
}

const fn order_status(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Unspecified | OrderStatus::AwaitingPayment => "awaiting_payment",
        OrderStatus::Paid => "paid",
        OrderStatus::Processing => "processing",
        OrderStatus::Shipped => "shipped",
        OrderStatus::Delivered => "delivered",
        OrderStatus::Completed => "completed",
        OrderStatus::Cancelled => "cancelled",
        OrderStatus::Refunded => "refunded",
    }
}

const fn payment_status(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Unspecified | PaymentStatus::Pending => "pending",
        PaymentStatus::Processing => "processing",
        PaymentStatus::Paid => "paid",
        PaymentStatus::Failed => "failed",
        PaymentStatus::Cancelled => "cancelled",
        PaymentStatus::Refunded => "refunded",
        PaymentStatus::PartiallyRefunded => "partially_refunded",
    }
}
