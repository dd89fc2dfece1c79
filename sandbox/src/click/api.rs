//! What tests and scripts call.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Click,
    form::{COMPLETE, Fields, PREPARE, shown},
};
use crate::body::{self, Answer, Pay, Refusal};

/// `POST /pay`: the whole sequence without a browser.
pub(super) async fn pay(State(click): State<Arc<Click>>, bytes: Bytes) -> Answer {
    let pay: Pay = body::read(&bytes)?;
    let amount = pay.amount(&click.kit.amounts).await?;
    let driver = Arc::clone(&click);
    let text = money::format_decimal(amount);
    let work = async move { driver.pay(&pay.reference, amount, &text, pay.action).await };
    let driven = click.kit.finish(work).await;
    body::show(&driven.ok_or_else(|| body::internal(&"the sequence broke off"))?)
}

/// Fields as given; numbers and text alike.
#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    fields: Map<String, Value>,
    /// Whether to compute `sign_string`; a given one stays.
    #[serde(default = "yes")]
    sign: bool,
}

const fn yes() -> bool {
    true
}

/// `POST /prepare`: one raw form; the books do not change.
pub(super) async fn prepare(State(click): State<Arc<Click>>, bytes: Bytes) -> Answer {
    click.raw(PREPARE, &bytes).await
}

/// `POST /complete`: one raw form; the books do not change.
pub(super) async fn complete(State(click): State<Arc<Click>>, bytes: Bytes) -> Answer {
    click.raw(COMPLETE, &bytes).await
}

/// Fields of the two forms.
const FIELDS: [&str; 11] = [
    "click_trans_id",
    "service_id",
    "click_paydoc_id",
    "merchant_trans_id",
    "merchant_prepare_id",
    "amount",
    "action",
    "error",
    "error_note",
    "sign_time",
    "sign_string",
];

impl Click {
    async fn raw(&self, call: &str, bytes: &Bytes) -> Answer {
        let raw: Raw = body::read(bytes)?;
        let mut fields: Fields = Vec::new();
        for (name, value) in &raw.fields {
            let known = FIELDS.into_iter().find(|each| each == name).ok_or_else(|| {
                Refusal(StatusCode::BAD_REQUEST, format!("{name} is no field of Click's forms"))
            })?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            fields.push((known, text));
        }
        if raw.sign && !raw.fields.contains_key("sign_string") {
            fields.push(("sign_string", self.sign(&fields)));
        }
        let gone = |error: reqwest::Error| Refusal(StatusCode::BAD_GATEWAY, error.to_string());
        let answer =
            self.kit.http.post(self.endpoint(call)).form(&fields).send().await.map_err(gone)?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(gone)?;
        let response = serde_json::from_str(&text).unwrap_or(Value::String(text));
        body::show(&json!({ "request": shown(&fields), "status": status, "response": response }))
    }
}
