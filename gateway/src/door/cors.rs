//! Which pages may call the API from a browser.

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// The configured origins.
#[derive(Debug, Clone)]
pub(crate) struct Cors {
    origins: Vec<HeaderValue>,
}

const EXPOSED: &str = "ETag, Idempotent-Replayed, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const ALLOWED: &str = "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Traceparent, X-Cart-Token, X-Order-Token, X-Request-Id";

impl Cors {
    pub(crate) fn new(origins: &[String]) -> anyhow::Result<Self> {
        let origin = |text: &String| {
            HeaderValue::try_from(text.trim_end_matches('/'))
                .map_err(|_| anyhow::anyhow!("gateway.cors_origins: {text:?} is not an origin"))
        };
        Ok(Self { origins: origins.iter().map(origin).collect::<Result<_, _>>()? })
    }

    /// The answer to a question that a browser asks before the request itself.
    pub(super) fn preflight(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        if request.method() != Method::OPTIONS
            || !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if headers.get(header::ORIGIN).is_some_and(|origin| self.origins.contains(origin)) {
            let headers = response.headers_mut();
            let mut put = |name, value| headers.insert(name, HeaderValue::from_static(value));
            put(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            put(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
            put(header::ACCESS_CONTROL_MAX_AGE, "600");
        }
        Some(response)
    }

    /// Lets a page of a known origin read the answer.
    pub(super) fn write(&self, headers: &mut HeaderMap, origin: &HeaderValue) {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if self.origins.contains(origin) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            let exposed = HeaderValue::from_static(EXPOSED);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }
}
