//! What tests and scripts call.

use std::{collections::BTreeMap, sync::Arc};

use axum::{body::Bytes, extract::State, http::StatusCode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ACCOUNT, Payme, rpc::KIND};
use crate::body::{self, Answer, Pay, Refusal};

/// `POST /pay`: the whole sequence without a browser.
pub(super) async fn pay(State(payme): State<Arc<Payme>>, bytes: Bytes) -> Answer {
    let pay: Pay = body::read(&bytes)?;
    let amount = pay.amount(&payme.kit.amounts).await?;
    let account = BTreeMap::from([(ACCOUNT.to_owned(), pay.reference.clone())]);
    let driver = Arc::clone(&payme);
    let driven =
        payme.kit.finish(async move { driver.pay(account, amount, pay.action).await }).await;
    body::show(&driven.ok_or_else(|| body::internal(&"the sequence broke off"))?)
}

#[derive(Debug, Deserialize)]
pub(super) struct Refund {
    reference: String,
}

/// `POST /refund`: what a merchant starts in Payme's cabinet; always the whole sum.
pub(super) async fn refund(State(payme): State<Arc<Payme>>, bytes: Bytes) -> Answer {
    let Refund { reference } = body::read(&bytes)?;
    let paid = payme.ledger.last_of(&reference, |each| each.state == 2).ok_or_else(|| {
        Refusal(StatusCode::NOT_FOUND, format!("no performed transaction of {reference}"))
    })?;
    let driver = Arc::clone(&payme);
    let driven = payme.kit.finish(async move { driver.refund(&paid).await }).await;
    body::show(&driven.ok_or_else(|| body::internal(&"the sequence broke off"))?)
}

#[derive(Debug, Deserialize)]
pub(super) struct Raw {
    method: Value,
    #[serde(default)]
    params: Value,
    /// Any JSON; the next number when absent.
    id: Option<Value>,
    /// Another `Authorization` header; an empty one sends none.
    authorization: Option<String>,
}

/// `POST /rpc`: one call as given, once; the books do not change.
pub(super) async fn rpc(State(payme): State<Arc<Payme>>, bytes: Bytes) -> Answer {
    let raw: Raw = body::read(&bytes)?;
    let id = raw.id.unwrap_or_else(|| Value::from(payme.next_rpc_id()));
    let request = json!({ "method": raw.method, "params": raw.params, "id": id });
    let authorization = raw.authorization.unwrap_or_else(|| payme.authorization());
    let mut call = payme.kit.http.post(payme.endpoint()).header(CONTENT_TYPE, KIND);
    if !authorization.is_empty() {
        call = call.header(AUTHORIZATION, authorization);
    }
    let gone = |error: reqwest::Error| Refusal(StatusCode::BAD_GATEWAY, error.to_string());
    let answer = call.body(request.to_string()).send().await.map_err(gone)?;
    let status = answer.status().as_u16();
    let kind =
        answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    let text = answer.text().await.map_err(gone)?;
    let response = serde_json::from_str(&text).unwrap_or(Value::String(text));
    body::show(
        &json!({ "request": request, "status": status, "content_type": kind, "response": response }),
    )
}
