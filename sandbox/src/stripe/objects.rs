//! Stripe's objects as JSON.

use serde_json::{Value, json};

use super::{Intent, Refund, Status, Stripe};

pub(super) fn intent(it: &Intent) -> Value {
    let received = if it.status == Status::Succeeded { it.amount } else { 0 };
    json!({
        "id": it.id,
        "object": "payment_intent",
        "amount": it.amount,
        "amount_received": received,
        "currency": it.currency,
        "status": it.status,
        "client_secret": it.secret,
        "capture_method": "automatic",
        "latest_charge": it.charge,
        "metadata": it.metadata,
        "created": it.created,
        "livemode": false,
    })
}

pub(super) fn refund(it: &Intent, refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "currency": it.currency,
        "payment_intent": it.id,
        "charge": it.charge,
        "status": "succeeded",
        "metadata": refund.metadata,
        "created": refund.created,
    })
}

pub(super) fn charge(it: &Intent) -> Value {
    json!({
        "id": it.charge,
        "object": "charge",
        "amount": it.amount,
        "amount_refunded": it.amount_refunded,
        "refunded": it.amount_refunded == it.amount,
        "currency": it.currency,
        "payment_intent": it.id,
        "metadata": it.metadata,
        "livemode": false,
    })
}

impl Stripe {
    pub(super) fn session(&self, it: &Intent) -> Value {
        let (status, paid) = match it.status {
            Status::RequiresPaymentMethod => ("open", "unpaid"),
            Status::Succeeded => ("complete", "paid"),
            Status::Canceled => ("expired", "unpaid"),
        };
        let id = it.session.as_deref().unwrap_or("");
        json!({
            "id": id,
            "object": "checkout.session",
            "mode": "payment",
            "status": status,
            "payment_status": paid,
            "payment_intent": it.id,
            "amount_total": it.amount,
            "currency": it.currency,
            "metadata": it.metadata,
            "success_url": it.success_url,
            "cancel_url": it.cancel_url,
            "url": (status == "open").then(|| format!("{}/c/pay/{id}", self.url)),
            "created": it.created,
            "livemode": false,
        })
    }
}
