//! `Idempotency-Key`: the first answer to a key is the answer to all its repeats.

use std::sync::PoisonError;

use axum::{
    Json,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    response::{IntoResponse as _, Response},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::Stripe;

/// Keys kept; the oldest go first.
const KEPT: usize = 10_000;

/// Parameters in the order they were sent.
pub(super) type Params = Vec<(String, String)>;

pub(super) type Done = Result<Value, Failure>;

/// Stripe's error object.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            message: message.into(),
        }
    }

    pub(super) fn missing(what: &str) -> Self {
        let message = format!("No such {what}");
        Self { status: StatusCode::NOT_FOUND, kind: "invalid_request_error", message }
    }
}

/// An answer under its key.
pub(super) struct Replay {
    key: String,
    path: &'static str,
    params: Params,
    body: Value,
}

pub(super) fn respond(done: Done) -> Response {
    match done {
        Ok(body) => Json(body).into_response(),
        Err(failure) => {
            let error = json!({ "type": failure.kind, "message": failure.message });
            (failure.status, Json(json!({ "error": error }))).into_response()
        }
    }
}

impl Stripe {
    /// Whether the caller holds the secret key.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let expected = format!("Bearer {}", self.terms.secret_key.expose_secret());
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        (given == Some(&expected)).then_some(()).ok_or_else(|| Failure {
            status: StatusCode::UNAUTHORIZED,
            kind: "invalid_request_error",
            message: "Invalid API Key provided".to_owned(),
        })
    }

    /// Does `work` once per key. What failed validation is not kept and may be tried again.
    pub(super) fn once(
        &self,
        headers: &HeaderMap,
        path: &'static str,
        params: Params,
        work: impl FnOnce(&Params) -> Done,
    ) -> Done {
        self.admit(headers)?;
        let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
        let Some(key) = key else { return work(&params) };
        // The lock spans the work: of two at once, the second gets the answer of the first.
        let mut replays = self.replays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = replays.iter().rev().find(|known| known.key == key) {
            if known.path == path && known.params == params {
                return Ok(known.body.clone());
            }
            return Err(Failure {
                status: StatusCode::BAD_REQUEST,
                kind: "idempotency_error",
                message: "Keys for idempotent requests can only be used with the same parameters"
                    .to_owned(),
            });
        }
        let body = work(&params)?;
        if replays.len() >= KEPT {
            replays.pop_front();
        }
        replays.push_back(Replay { key: key.to_owned(), path, params, body: body.clone() });
        Ok(body)
    }
}
