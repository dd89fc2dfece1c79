//! Events of other services.

use std::collections::BTreeMap;

use clock::Timestamp;
use fault::Fault;
use futures::future::join_all;
use proto::{auth as merchants, event as events, payment as payments};

use super::{
    decode::{self, id, product},
    peers,
};
use crate::{
    domain::PaymentState,
    service::{Orders, events::PaymentNews},
};

/// Applies a batch: events about the same thing in turn, about different things at once, so that they share a commit.
pub(super) async fn apply_all(
    orders: &Orders,
    request: events::DeliverRequest,
) -> events::DeliverResponse {
    let mut turns: BTreeMap<String, Vec<events::Event>> = BTreeMap::new();
    for event in request.events {
        turns.entry(about(&event).to_owned()).or_default().push(event);
    }
    let apply = |event| apply(orders, event);
    let turns = turns.into_values();
    let turns = turns.map(|events| outbox::apply_each(events::DeliverRequest { events }, apply));
    let mut answer = events::DeliverResponse::default();
    for turn in join_all(turns).await {
        answer.applied.extend(turn.applied);
        answer.rejected.extend(turn.rejected);
    }
    answer
}

/// Payments of one order are about the order.
fn about(event: &events::Event) -> &str {
    match &event.data {
        Some(events::event::Data::Payment(events::PaymentChanged { payment: Some(payment) })) => {
            &payment.order_id
        }
        Some(events::event::Data::Receipt(issued)) => &issued.order_id,
        _ => &event.subject,
    }
}

async fn apply(orders: &Orders, event: events::Event) -> Result<(), Fault> {
    match event.data {
        Some(events::event::Data::Payment(events::PaymentChanged { payment: Some(payment) })) => {
            pay(orders, event.id, &event.r#type, payment).await
        }
        Some(events::event::Data::Receipt(issued)) => {
            let (Some(order), Some(receipt)) = (id(&issued.order_id), issued.receipt) else {
                tracing::error!(event = event.id, "a receipt that cannot be read");
                return Err(Fault::new(fault::Code::Invalid, "EVENT_INVALID", "not a receipt"));
            };
            let receipt = decode::receipt(issued.payment_id, receipt);
            Ok(orders.receipt_news(event.id, order, receipt).await?)
        }
        Some(events::event::Data::Product(changed)) => {
            let (snapshot, terms) = product(changed.product, changed.offers)?;
            orders.put_offers(snapshot, terms).await?;
            Ok(())
        }
        Some(events::event::Data::Merchant(events::MerchantChanged {
            merchant: Some(merchant),
        })) => {
            // Until it is approved, a merchant has nothing to do with orders.
            let known = merchant.status() != merchants::MerchantStatus::Pending;
            if let Some(merchant) = peers::merchant(&merchant).filter(|_| known) {
                orders.put_merchant(merchant).await?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn pay(
    orders: &Orders,
    event: String,
    kind: &str,
    payment: payments::Payment,
) -> Result<(), Fault> {
    let news = match kind {
        "payment.started" => PaymentNews::Started(Timestamp::from_millis(payment.expires_at_ms)),
        "payment.paid" => PaymentNews::Paid,
        "payment.failed" => PaymentNews::Ended(PaymentState::Failed),
        "payment.cancelled" => PaymentNews::Ended(PaymentState::Cancelled),
        "payment.refunded" => PaymentNews::Refunded,
        _ => return Ok(()),
    };
    let (Some(order), Some(payment)) = (id(&payment.order_id), peers::payment(&payment)) else {
        tracing::error!(event, kind, "a payment that cannot be read");
        return Err(Fault::new(fault::Code::Invalid, "EVENT_INVALID", "not a payment"));
    };
    Ok(orders.payment_news(event, order, payment, news).await?)
}
