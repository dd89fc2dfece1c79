//! Bodies of requests: JSON with exact complaints, and raw bytes with bounds.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use fault::{Code, Fault, Field};
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use crate::problem::{Problem, refuse};

/// The longest JSON body.
pub(crate) const JSON_LIMIT: usize = 1024 * 1024;
/// A body must have arrived by then.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body of type `T`; anything else is answered with a problem that names the field.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, JSON_LIMIT).await?;
        parse(&parts.headers, &bytes).map(Self)
    }
}

/// No body, or an empty object: whoever sends fields expects them to matter.
#[derive(Debug)]
pub(crate) struct NoBody;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoFields {}

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, JSON_LIMIT).await?;
        if !bytes.is_empty() {
            let NoFields {} = parse(&parts.headers, &bytes)?;
        }
        Ok(Self)
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read(body: axum::body::Body, limit: usize) -> Result<Bytes, Problem> {
    let slow = || refuse(Code::Timeout, "REQUEST_TOO_SLOW", "the body did not arrive in time");
    let read = tokio::time::timeout(PATIENCE, axum::body::to_bytes(body, limit));
    read.await.map_err(|_| slow())?.map_err(|error| {
        if is_too_long(&error) {
            too_large(limit)
        } else {
            refuse(Code::Invalid, "MALFORMED_JSON", "the body broke off")
        }
    })
}

pub(crate) fn too_large(limit: usize) -> Problem {
    let message = format!("the body may have at most {limit} bytes");
    Problem(Fault::new(Code::Invalid, "PAYLOAD_TOO_LARGE", message))
}

fn is_too_long(error: &axum::Error) -> bool {
    // The limit says so only in its text; a cause of another kind is a connection that broke.
    std::error::Error::source(error).is_some_and(|cause| cause.to_string().contains("limit"))
}

/// Reads a value from a JSON body.
pub(crate) fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(is_json) {
        let message = "send the body as application/json";
        return Err(refuse(Code::Invalid, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| complain(&error))?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn malformed(error: &serde_json::Error) -> Problem {
    let message = format!("line {}, column {}", error.line(), error.column());
    Problem(Fault::new(Code::Invalid, "MALFORMED_JSON", message))
}

fn complain(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let cause = error.inner();
    if !cause.is_data() {
        return malformed(cause);
    }
    let text = cause.to_string();
    // The place in the text helps nobody who has the path.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let path = error.path().to_string();
    let path = if path == "." { String::new() } else { path };
    let named = text.split('`').nth(1).unwrap_or_default();
    if text.starts_with("unknown field") {
        let field = Field::new(within(&path, named), "UNKNOWN_FIELD", text);
        let fault = Fault::new(Code::Invalid, "UNKNOWN_FIELD", text);
        return Problem(fault.with_fields(vec![field]));
    }
    let field = if text.starts_with("missing field") {
        Field::new(within(&path, named), "REQUIRED", "is required")
    } else {
        Field::new(path, "INVALID", text)
    };
    Problem(Fault::invalid(vec![field]))
}

/// The path of a field inside the object at `path`, unless the path ends in it already.
fn within(path: &str, field: &str) -> String {
    if path.is_empty() || path == field {
        field.to_owned()
    } else if path.rsplit('.').next() == Some(field) {
        path.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its reading is looked at")]
        lines: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its reading is looked at")]
        price: money::Money,
    }

    fn complaint(text: &str) -> (String, Vec<(String, String)>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap());
        let fault = parse::<Outer>(&headers, text.as_bytes()).unwrap_err().0;
        let fields = fault.fields.into_iter().map(|f| (f.field, f.code.into_owned())).collect();
        (fault.reason.into_owned(), fields)
    }

    fn one(field: &str, code: &str) -> Vec<(String, String)> {
        vec![(field.to_owned(), code.to_owned())]
    }

    #[test]
    fn complaints_name_the_field() {
        assert_eq!(complaint("{").0, "MALFORMED_JSON");
        assert_eq!(complaint("").0, "MALFORMED_JSON");
        assert_eq!(complaint("{\"lines\":[]} x").0, "MALFORMED_JSON");
        assert_eq!(complaint("{}"), ("INVALID".to_owned(), one("lines", "REQUIRED")));
        assert_eq!(
            complaint(r#"{"lines":[],"color":1}"#),
            ("UNKNOWN_FIELD".to_owned(), one("color", "UNKNOWN_FIELD"))
        );
        assert_eq!(
            complaint(r#"{"lines":[{"price":{"amount":1,"currency":"UZS","cents":1}}]}"#),
            ("UNKNOWN_FIELD".to_owned(), one("lines[0].price.cents", "UNKNOWN_FIELD"))
        );
        assert_eq!(
            complaint(r#"{"lines":[{"price":{"amount":1.5,"currency":"UZS"}}]}"#),
            ("INVALID".to_owned(), one("lines[0].price.amount", "INVALID"))
        );
        assert_eq!(
            complaint(r#"{"lines":[{"price":{"amount":1}}]}"#),
            ("INVALID".to_owned(), one("lines[0].price.currency", "REQUIRED"))
        );
    }

    #[test]
    fn only_json_is_json() {
        assert!(is_json("application/json") && is_json("application/merge-patch+json"));
        assert!(!is_json("text/plain") && !is_json("application/x-www-form-urlencoded"));
        let fault = parse::<Outer>(&HeaderMap::new(), b"{}").unwrap_err().0;
        assert_eq!(fault.reason, "UNSUPPORTED_MEDIA_TYPE");
    }
}
