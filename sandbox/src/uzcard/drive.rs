//! Asking the shop, then the debit.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::StatusCode};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::{State as Stage, Transaction, Uzcard};
use crate::{
    body::{self, Action, Answer, Pay, Refusal},
    config::Hash,
    digest, kit,
    wire::{Call, Step},
};

/// What a payment came to.
#[derive(Debug, Serialize)]
pub(super) struct Outcome {
    /// Whether all went as the payer wanted.
    pub(super) ok: bool,
    pub(super) reference: String,
    /// Tiyin.
    pub(super) amount: i64,
    pub(super) transaction_id: i64,
    pub(super) state: Stage,
    /// The shop's words when it refused the debit.
    pub(super) error: Option<String>,
    pub(super) failed: bool,
    pub(super) silent: bool,
    pub(super) steps: Vec<Step>,
}

/// `POST /pay`: pays the latest transaction that the shop created for the reference.
pub(super) async fn pay(State(uzcard): State<Arc<Uzcard>>, bytes: Bytes) -> Answer {
    let pay: Pay = body::read(&bytes)?;
    let reference = &pay.reference;
    let open = uzcard.ledger.last_of(reference, |each| each.state == Stage::Created);
    let open = open.ok_or_else(|| {
        Refusal(
            StatusCode::NOT_FOUND,
            format!("the shop has created no transaction for {reference}"),
        )
    })?;
    let driver = Arc::clone(&uzcard);
    let driven = uzcard.kit.finish(async move { driver.pay(&open, pay.action).await }).await;
    body::show(&driven.ok_or_else(|| body::internal(&"the sequence broke off"))?)
}

impl Uzcard {
    /// Asks the shop; takes the money when it says 1. A second callback for a transaction that is paid already is not sent.
    pub(super) async fn pay(&self, open: &Transaction, action: Action) -> Outcome {
        let mut steps = Vec::new();
        let mut error = None;
        let mut silent = false;
        let failed = self.wire.control.take_failure();
        if action == Action::Pay && !failed {
            // Repeats are asked for by the knobs only; the first answer counts.
            let mut answer = None;
            for _ in 0..self.wire.control.copies() {
                let again = self.ask(&mut steps, open).await;
                answer = answer.or(again);
            }
            match answer.as_ref().map(|answer| answer.get("status").and_then(Value::as_i64)) {
                Some(Some(1)) => self.debit(&open.key),
                Some(_) => {
                    let words = answer.as_ref().and_then(|answer| answer.get("message")?.as_str());
                    error = Some(words.unwrap_or("").to_owned());
                }
                None => silent = true,
            }
        }
        let state = self.ledger.last(|each| each.key == open.key).map_or(open.state, |it| it.state);
        let wanted = if action == Action::Pay { Stage::Confirmed } else { Stage::Created };
        Outcome {
            ok: state == wanted && error.is_none() && !silent,
            reference: open.reference.clone(),
            amount: open.amount,
            transaction_id: open.number,
            state,
            error,
            failed,
            silent,
            steps,
        }
    }

    fn debit(&self, key: &str) {
        let success = self.next_id();
        let now = self.kit.clock.now().millis();
        self.ledger.update(key, |it| {
            if it.state == Stage::Created {
                it.state = Stage::Confirmed;
                it.success_trans_id = Some(success);
                it.confirmed_at = now;
            }
        });
    }

    async fn ask(&self, steps: &mut Vec<Step>, it: &Transaction) -> Option<Value> {
        let (store, amount) = (self.terms.store_id, it.amount.to_string());
        let key = self.terms.api_key.expose_secret();
        let signed = format!("{store}{}{}{amount}{key}", it.number, it.reference);
        let sign = match self.terms.hash {
            Hash::Md5 => digest::md5(&signed),
            Hash::Sha256 => digest::sha256(&signed),
        };
        let request = json!({
            "store_id": store,
            "transaction_id": it.number,
            "transaction_time": kit::tashkent(self.kit.clock.now()),
            "amount": amount,
            "invoice": it.reference,
            "sign": sign,
        });
        let address = format!("{}/hooks/uzcard", self.kit.gateway);
        let body = request.clone();
        let build = |http: &reqwest::Client| http.post(&address).json(&body);
        let useless = |answer: &Value| answer.get("status").is_none();
        let call = Call { method: "callback", request, build: &build, useless, lenient: false };
        self.wire.send(steps, call).await
    }
}
