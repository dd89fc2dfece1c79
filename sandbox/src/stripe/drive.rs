//! The payment on the hosted page, and the webhooks that tell of it.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::StatusCode};
use clock::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Intent, Status, Stripe, objects};
use crate::{
    body::{self, Action, Answer, Pay, Refusal},
    digest,
    wire::{Call, Step, Wire},
};

/// What a payment came to.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// Whether all went as the payer wanted and the webhooks were taken in.
    pub(super) ok: bool,
    pub(super) reference: String,
    /// Minor units.
    pub(super) amount: i64,
    pub(super) payment_intent: String,
    pub(super) status: Status,
    pub(super) failed: bool,
    pub(super) silent: bool,
    pub(super) steps: Vec<Step>,
}

/// `POST /pay`: pays the latest intent that the shop opened for the reference.
pub(super) async fn pay(State(stripe): State<Arc<Stripe>>, bytes: Bytes) -> Answer {
    let pay: Pay = body::read(&bytes)?;
    let reference = &pay.reference;
    let open = stripe.ledger.last_of(reference, |it| it.status == Status::RequiresPaymentMethod);
    let open = open.ok_or_else(|| {
        Refusal(StatusCode::NOT_FOUND, format!("the shop has opened no payment for {reference}"))
    })?;
    let driver = Arc::clone(&stripe);
    let driven = stripe.kit.finish(async move { driver.pay(&open, pay.action).await }).await;
    body::show(&driven.ok_or_else(|| body::internal(&"the sequence broke off"))?)
}

/// Sends signed events.
pub(super) struct Webhook {
    wire: Wire,
    address: String,
    secret: SecretString,
    clock: Clock,
}

impl Webhook {
    /// Whether the shop took the event in.
    pub(super) async fn send(
        &self,
        steps: &mut Vec<Step>,
        kind: &'static str,
        event: Value,
    ) -> bool {
        let body = event.to_string();
        let build = |http: &reqwest::Client| {
            // Each try is signed anew, as its time is part of the signature.
            let time = self.clock.now().millis() / 1000;
            let signature =
                digest::hmac_sha256(self.secret.expose_secret(), &format!("{time}.{body}"));
            http.post(&self.address)
                .header("Content-Type", "application/json; charset=utf-8")
                .header("Stripe-Signature", format!("t={time},v1={signature}"))
                .body(body.clone())
        };
        let call =
            Call { method: kind, request: event, build: &build, useless: |_| false, lenient: true };
        self.wire.send(steps, call).await.is_some()
    }
}

impl Stripe {
    pub(super) fn webhook(&self) -> Webhook {
        Webhook {
            wire: Wire { http: self.wire.http.clone(), control: Arc::clone(&self.wire.control) },
            address: format!("{}/hooks/stripe", self.kit.gateway),
            secret: self.terms.webhook_secret.clone(),
            clock: self.kit.clock.clone(),
        }
    }

    pub(super) fn event(&self, kind: &str, object: &Value) -> Value {
        json!({
            "id": Self::id("evt"),
            "object": "event",
            "type": kind,
            "created": self.seconds(),
            "livemode": false,
            "data": { "object": object },
        })
    }

    /// Takes the money, or not, and tells the shop.
    pub(super) async fn pay(&self, open: &Intent, action: Action) -> Outcome {
        let failed = action == Action::Pay && self.wire.control.take_failure();
        let charge = Self::id("ch");
        let mut taken = false;
        let after = self.ledger.update(&open.id, |it| {
            taken = action == Action::Pay && !failed && it.status == Status::RequiresPaymentMethod;
            if taken {
                it.status = Status::Succeeded;
                it.charge = Some(charge);
            }
        });
        let it = after.unwrap_or_else(|| open.clone());
        let mut events = Vec::new();
        if taken {
            events.push(("payment_intent.succeeded", objects::intent(&it)));
            if it.session.is_some() {
                events.push(("checkout.session.completed", self.session(&it)));
            }
        } else if failed {
            events.push(("payment_intent.payment_failed", objects::intent(&it)));
        }
        let (mut steps, mut heard) = (Vec::new(), true);
        let sender = self.webhook();
        for (kind, object) in events {
            let event = self.event(kind, &object);
            // A repeated event keeps its id.
            for _ in 0..self.wire.control.copies() {
                heard &= sender.send(&mut steps, kind, event.clone()).await;
            }
        }
        let wanted =
            if action == Action::Pay { Status::Succeeded } else { Status::RequiresPaymentMethod };
        Outcome {
            ok: heard && it.status == wanted,
            reference: it.reference,
            amount: it.amount,
            payment_intent: it.id,
            status: it.status,
            failed,
            silent: !heard,
            steps,
        }
    }
}
