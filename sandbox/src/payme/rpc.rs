//! One call of the Merchant API, as Payme writes it.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};

use super::Payme;
use crate::{
    texts::Lang,
    wire::{Call, Step},
};

/// Spelled as on Payme's request page.
pub(super) const KIND: &str = "text/json; charset=UTF-8";
/// The merchant's own failure; Payme assumes it for every HTTP status but 200, too.
const SYSTEM_ERROR: i64 = -32400;

/// The merchant said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Refused {
    pub(super) method: &'static str,
    pub(super) code: i64,
    pub(super) message: Value,
    pub(super) data: Value,
}

impl Refused {
    fn read(method: &'static str, error: &Value) -> Self {
        let part = |name: &str| error.get(name).cloned().unwrap_or(Value::Null);
        Self {
            method,
            code: error.get("code").and_then(Value::as_i64).unwrap_or(SYSTEM_ERROR),
            message: part("message"),
            data: part("data"),
        }
    }

    /// The merchant's words in a language, with the code.
    pub(super) fn words(&self, lang: Lang) -> String {
        let localised = self.message.get(lang.code()).or(Some(&self.message));
        let text = localised.and_then(Value::as_str).unwrap_or("");
        format!("{text} ({})", self.code).trim_start().to_owned()
    }
}

/// What came of a call.
pub(super) enum Reply {
    Result(Value),
    Refused(Refused),
    /// Nothing usable after several tries.
    Silence,
}

/// A sequence of calls under way.
#[derive(Default)]
pub(super) struct Run {
    pub(super) steps: Vec<Step>,
    /// Where the merchant departs from the protocol.
    pub(super) problems: Vec<String>,
}

impl Payme {
    /// The address that is the merchant's "Endpoint URL".
    pub(super) fn endpoint(&self) -> String {
        format!("{}/hooks/payme", self.kit.gateway)
    }

    /// `Basic base64(Paycom:<key>)`.
    pub(super) fn authorization(&self) -> String {
        let pair = format!("Paycom:{}", self.terms.key.expose_secret());
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }

    /// Sends a call until it is answered, and again as often as Payme does; all answers must be equal.
    pub(super) async fn call(&self, run: &mut Run, method: &'static str, params: &Value) -> Reply {
        let copies =
            if method == "CheckPerformTransaction" { 1 } else { self.wire.control.copies() };
        let mut first = None;
        for _ in 0..copies {
            let Some(answer) = self.send(run, method, params).await else {
                return Reply::Silence;
            };
            match &first {
                None => first = Some(answer),
                Some(first) if outcome(first) != outcome(&answer) => {
                    run.problems
                        .push(format!("{method}: the repeated call was answered differently"));
                }
                Some(_) => {}
            }
        }
        let Some(answer) = first else { return Reply::Silence };
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            return Reply::Refused(Refused::read(method, error));
        }
        match answer.get("result") {
            Some(result) => Reply::Result(result.clone()),
            None => {
                run.problems.push(format!("{method}: neither result nor error"));
                Reply::Silence
            }
        }
    }

    async fn send(&self, run: &mut Run, method: &'static str, params: &Value) -> Option<Value> {
        // No `jsonrpc` member: Payme does not send one.
        let id = self.next_rpc_id();
        let request = json!({ "method": method, "params": params, "id": id });
        let body = request.to_string();
        let build = |http: &reqwest::Client| {
            http.post(self.endpoint())
                .header(CONTENT_TYPE, KIND)
                .header(AUTHORIZATION, self.authorization())
                .body(body.clone())
        };
        let call =
            Call { method, request, build: &build, useless: is_system_error, lenient: false };
        let answer = self.wire.send(&mut run.steps, call).await?;
        if answer.get("id").and_then(Value::as_i64) != Some(id) {
            run.problems.push(format!("{method}: `id` was not echoed"));
        }
        Some(answer)
    }
}

fn is_system_error(answer: &Value) -> bool {
    answer.pointer("/error/code").and_then(Value::as_i64) == Some(SYSTEM_ERROR)
}

/// The part of an answer that a repeat must repeat.
fn outcome(answer: &Value) -> (Option<&Value>, Option<&Value>) {
    (answer.get("result"), answer.get("error"))
}
