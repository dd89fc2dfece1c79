//! JSON in and out, tolerant of content types: callers are tests and people with curl.

use axum::{
    body::Bytes,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Answer that says why nothing was done.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, axum::Json(json!({ "ok": false, "error": self.1 }))).into_response()
    }
}

pub(crate) type Answer = Result<axum::Json<Value>, Refusal>;

/// The body as JSON; nothing at all counts as an empty object.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(text)
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, error.to_string()))
}

/// Any serialisable value as an answer.
pub(crate) fn show(value: &impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map(axum::Json).map_err(|error| internal(&error))
}

pub(crate) fn internal(error: &dyn std::fmt::Display) -> Refusal {
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// What the payer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    #[default]
    Pay,
    Decline,
}

/// `POST /pay`: a payer without a browser.
#[derive(Debug, Deserialize)]
pub(crate) struct Pay {
    /// The order's number.
    pub(crate) reference: String,
    /// Tiyin; found out when absent.
    pub(crate) amount: Option<i64>,
    #[serde(default)]
    pub(crate) action: Action,
}

impl Pay {
    pub(crate) async fn amount(&self, amounts: &crate::amounts::Amounts) -> Result<i64, Refusal> {
        let known = match self.amount {
            Some(amount) => Some(amount),
            None => amounts.find(&self.reference).await,
        };
        known.ok_or_else(|| {
            let text = format!(
                "nothing is known to be due for {}: give `amount` in tiyin or open its checkout page first",
                self.reference
            );
            Refusal(StatusCode::UNPROCESSABLE_ENTITY, text)
        })
    }
}
