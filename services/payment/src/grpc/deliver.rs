//! What the order service tells: needs no inbox, because each of these does nothing the second time.

use fault::{Code, Fault};
use proto::{event as events, order as orders, payment as pb};

use super::convert;
use crate::{domain::Provider, service::Payments};

/// Applies one event; what is not for us is done.
pub(super) async fn apply(payments: &Payments, event: events::Event) -> Result<(), Fault> {
    let Some(events::event::Data::Order(events::OrderChanged { order: Some(order), .. })) =
        event.data
    else {
        return Ok(());
    };
    match event.r#type.as_str() {
        "order.placed" => placed(payments, order).await,
        "order.cancelled" => close(payments, &order, "cancelled").await,
        "order.expired" => close(payments, &order, "expired").await,
        "order.delivered" => {
            let id = convert::order(&order.id)?;
            payments.delivered(id).await?;
            collected(payments, &order).await
        }
        "order.completed" => collected(payments, &order).await,
        "order.refund_done" | "order.refunded" => sent(payments, &order).await,
        _ => Ok(()),
    }
}

/// Cash is paid when the last goods are handed over: as much as was taken, whatever the order once came to.
async fn collected(payments: &Payments, order: &orders::Order) -> Result<(), Fault> {
    let cash = Provider::parse(&order.payment_provider) == Some(Provider::Cash);
    let received = matches!(
        order.payment_status(),
        pb::PaymentStatus::Paid
            | pb::PaymentStatus::PartiallyRefunded
            | pb::PaymentStatus::Refunded
    );
    let amount = order.paid.as_ref().map_or(0, |paid| paid.amount);
    if cash && received && amount > 0 {
        payments.cash_paid(convert::order(&order.id)?, amount).await?;
    }
    Ok(())
}

/// Refunds that have ended with the order, by hand too, have ended here.
async fn sent(payments: &Payments, order: &orders::Order) -> Result<(), Fault> {
    for refund in order.refunds.iter().filter(|refund| refund.status == "succeeded") {
        if let Ok(id) = refund.id.parse() {
            payments.refund_sent(id).await?;
        }
    }
    Ok(())
}

/// Opens the first payment of an order, as the order service itself does after a checkout: whoever comes second finds it open.
async fn placed(payments: &Payments, order: orders::Order) -> Result<(), Fault> {
    let key = format!("{}/1", order.id);
    let Some(provider) = Provider::parse(&order.payment_provider) else { return Ok(()) };
    // Mostly the checkout was here first: then there is nothing to write.
    if payments.is_opened(&key).await? {
        return Ok(());
    }
    let snapshot = convert::parse_payable(payable(order), &key)?;
    match payments.open(snapshot, provider, key, "").await.map_err(Fault::from) {
        // What happened to the order since speaks for itself.
        Err(fault) if matches!(fault.code, Code::Conflict | Code::Invalid) => {
            tracing::info!(event = "order.placed", reason = %fault.reason, "no payment was opened");
            Ok(())
        }
        outcome => outcome.map(drop),
    }
}

async fn close(payments: &Payments, order: &orders::Order, reason: &str) -> Result<(), Fault> {
    // The order is closed whatever a provider holds; money that is already here stays until it is refunded.
    payments.close(convert::order(&order.id)?, reason, false).await?;
    Ok(())
}

fn payable(order: orders::Order) -> pb::Payable {
    let totals = order.totals.unwrap_or_default();
    let lines = order.items.into_iter().map(|item| line(item, &order.locale)).collect();
    pb::Payable {
        order_id: order.id,
        reference: order.number,
        amount: totals.total,
        payable_until_ms: order.reserved_until_ms,
        lines,
        delivery: totals.delivery,
        customer_phone: order.customer.unwrap_or_default().phone,
        locale: order.locale,
    }
}

fn line(item: orders::OrderItem, locale: &str) -> pb::FiscalLine {
    let title = item.title.unwrap_or_default();
    let title = match locale {
        "ru" if !title.ru.is_empty() => title.ru,
        "en" if !title.en.is_empty() => title.en,
        _ => title.uz,
    };
    pb::FiscalLine {
        title,
        unit_price: item.unit_price.unwrap_or_default().amount,
        quantity: item.quantity,
        discount: item.discount.unwrap_or_default().amount,
        fiscal: item.fiscal,
        seller_tin: item.merchant_tin,
    }
}
