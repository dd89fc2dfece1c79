//! Failures as the public API tells them: RFC 9457 problems in the language of the client.
//!
//! Handlers fail with a [`Problem`]. Its response carries the fault; [`render`] writes the body where path, language and trace are
//! known. One table of exceptions ([`EXCEPTIONS`]) stands beside the mapping of `fault`.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use fault::{Code, Fault};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::info::Info;

mod messages;

pub(crate) use messages::of as words;

/// Reasons whose status is more exact than that of their code.
const EXCEPTIONS: [(&str, u16); 14] = [
    ("FILE_TOO_LARGE", 413),
    ("IDEMPOTENCY_IN_PROGRESS", 409),
    ("IDEMPOTENCY_KEY_REUSED", 422),
    ("INVALID_CREDENTIALS", 401),
    ("METHOD_NOT_ALLOWED", 405),
    ("PAYLOAD_TOO_LARGE", 413),
    ("REFRESH_TOKEN_INVALID", 401),
    ("REFRESH_TOKEN_REUSED", 401),
    ("REQUEST_TOO_SLOW", 408),
    ("TOKEN_INVALID", 401),
    ("TOO_MANY_ATTEMPTS", 429),
    ("UNSUPPORTED_MEDIA_TYPE", 415),
    ("UPGRADE_REQUIRED", 426),
    ("VERSION_MISMATCH", 412),
];

/// The HTTP status of a fault.
pub(crate) fn status_of(fault: &Fault) -> StatusCode {
    let exact = EXCEPTIONS.iter().find(|(reason, _)| *reason == fault.reason);
    let status = exact.map_or_else(|| fault.code.http(), |(_, status)| *status);
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What a handler fails with.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) Fault);

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl From<tonic::Status> for Problem {
    fn from(status: tonic::Status) -> Self {
        Self(status.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status_of(&self.0);
        response.extensions_mut().insert(Arc::new(self.0));
        response
    }
}

/// The body of every failure (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Names the kind of problem; the page explains it.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in few words, in the language of the client.
    title: &'a str,
    status: u16,
    /// What happened, in the language of the client.
    detail: &'a str,
    /// The path that was asked for.
    instance: &'a str,
    /// Stable, for programs.
    code: &'a str,
    /// What was wrong with the input, or which lines stood in the way.
    errors: Vec<FieldError<'a>>,
    /// Find it in the logs with this.
    trace_id: &'a str,
}

/// One field that cannot be accepted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldError<'a> {
    /// Path of the field, for example `variants[0].sku`.
    field: &'a str,
    code: &'a str,
    message: &'a str,
}

/// Writes the body of a failure that a handler left; other answers stay as they are.
pub(crate) fn render(mut response: Response, info: &Info) -> Response {
    let Some(fault) = response.extensions_mut().remove::<Arc<Fault>>() else { return response };
    if fault.code == Code::Internal {
        tracing::error!(reason = %fault.reason, cause = fault.causes(), trace_id = info.trace_id(), path = info.path(), "a request failed");
    }
    let status = status_of(&fault);
    let (body, retry) = body(&fault, status, info);
    let headers = response.headers_mut();
    // The router has measured the empty body.
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(retry) = retry {
        headers.insert(header::RETRY_AFTER, retry.into());
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    *response.body_mut() = Body::from(body);
    response
}

fn body(fault: &Fault, status: StatusCode, info: &Info) -> (Bytes, Option<u64>) {
    let words = messages::of(info.locale());
    let error = |field: &'_ fault::Field| -> (String, String, String) {
        (field.field.clone(), field.code.to_string(), field.message.clone())
    };
    let errors: Vec<_> = fault.fields.iter().map(error).collect();
    let problem = ProblemBody {
        kind: format!("/problems/{}", fault.reason.to_lowercase().replace('_', "-")),
        title: words.title(fault.code, status),
        status: status.as_u16(),
        detail: words.detail(fault, status),
        instance: info.path(),
        code: &fault.reason,
        errors: errors
            .iter()
            .map(|(field, code, message)| FieldError { field, code, message })
            .collect(),
        trace_id: info.trace_id(),
    };
    let retry = fault.retry_after.map(|after| after.as_secs().max(1));
    (serde_json::to_vec(&problem).unwrap_or_default().into(), retry)
}

/// A failure of the gateway itself.
pub(crate) fn refuse(code: Code, reason: &'static str, message: &str) -> Problem {
    Problem(Fault::new(code, reason, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;

    #[test]
    fn a_problem_in_every_language() {
        let fault = Fault::conflict("OUT_OF_STOCK", "off_1: 2 left")
            .with_fields(vec![fault::Field::new("items[0].quantity", "OUT_OF_STOCK", "2 left")]);
        let mut shown = Vec::new();
        for locale in Locale::ALL {
            let info = Info::for_tests("/v1/store/carts/cart_1/complete", locale);
            let (body, _) = body(&fault, status_of(&fault), &info);
            shown.push(serde_json::from_slice::<serde_json::Value>(&body).unwrap());
        }
        insta::assert_json_snapshot!(shown);
    }

    #[test]
    fn statuses_of_exceptions_and_codes() {
        let mut rows: Vec<String> = EXCEPTIONS
            .iter()
            .map(|(reason, _)| {
                let fault = Fault::new(Code::Invalid, *reason, "");
                format!("{reason} {}", status_of(&fault).as_u16())
            })
            .collect();
        rows.extend(Code::ALL.iter().map(|code| {
            format!(
                "{} {}",
                code.reason(),
                status_of(&Fault::new(*code, code.reason(), "")).as_u16()
            )
        }));
        insta::assert_snapshot!(rows.join("\n"));
    }
}
