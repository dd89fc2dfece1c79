//! `Idempotency-Key`: a repeat of a request gets the answer of the first.
//!
//! Checkout and payments are idempotent in the order service, in the transaction of their effect; everything else that is sent with
//! POST or PATCH is remembered here. What is kept is sealed with the client's own key, so that the store alone reveals nothing. While
//! the memory is away, what is safe to repeat goes on without it (`alone`).

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use axum::{
    body::Bytes,
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use clock::Clock;
use fault::{Code, Fault};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use mesh::Context;
use sha2::{Digest as _, Sha256};
use telemetry::{IntCounterVec, Metrics};

use crate::{
    body,
    info::Info,
    problem::{self, Problem, refuse},
    store::{ABANDONED, Answer, Claim, Claimed, ReplayStore},
};

mod alone;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Larger bodies than JSON may have: uploads.
const LIMIT: usize = 12 * 1024 * 1024;
/// Answers beyond this are not kept.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;
const NONCE: usize = 12;

/// Remembers answers.
#[derive(Clone)]
pub(crate) struct Replays {
    pub(crate) store: Arc<dyn ReplayStore>,
    pub(crate) clock: Clock,
    /// Requests with a key while the memory was away, by what became of them.
    pub(crate) away: IntCounterVec,
}

impl Replays {
    pub(crate) fn new(store: Arc<dyn ReplayStore>, clock: Clock, metrics: &Metrics) -> Self {
        let help = "Requests with an Idempotency-Key while the store of answers was away: passed without it, or refused.";
        let away = metrics.counter("replays_away_total", help, &["outcome"]);
        Self { store, clock, away }
    }

    /// Whether the request may be done all the same, although its key cannot be claimed; else why not.
    fn passes_alone(&self, fault: Fault, request: &Parts) -> Result<(), Fault> {
        let template = request.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        let safe = template.is_some_and(|template| alone::is_safe(&request.method, template));
        if fault.code != Code::Unavailable {
            return Err(fault);
        }
        let outcome = if safe { "passed" } else { "refused" };
        self.away.with_label_values(&[outcome]).inc();
        if safe { Ok(()) } else { Err(fault) }
    }
}

/// The key of a request, when it has one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(KEY) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if (1..=255).contains(&key.len()) && visible {
        return Ok(Some(key));
    }
    let message = "expected 1 to 255 visible ASCII characters";
    Err(refuse(Code::Invalid, "IDEMPOTENCY_KEY_INVALID", message))
}

/// The key of a request that must have one.
pub(crate) fn required(headers: &HeaderMap) -> Result<String, Problem> {
    let missing = "send an Idempotency-Key, so that a repeat does nothing twice";
    key(headers)?
        .map(str::to_owned)
        .ok_or_else(|| refuse(Code::Invalid, "IDEMPOTENCY_KEY_REQUIRED", missing))
}

/// Endpoints that keep their keys themselves.
fn keeps_its_own(path: &str) -> bool {
    // Moves of payouts, which are kept with the payout.
    if path.starts_with("/v1/admin/payouts/") {
        return true;
    }
    // Corrections of balances, which are kept with the ledger.
    if path.starts_with("/v1/admin/merchants/") && path.ends_with("/adjustments") {
        return true;
    }
    // Refunds, which are kept with the order.
    if path.starts_with("/v1/merchant/orders/") && path.ends_with("/refunds") {
        return true;
    }
    path.starts_with("/v1/store/")
        && ((path.starts_with("/v1/store/carts/") && path.ends_with("/complete"))
            || (path.starts_with("/v1/store/orders/") && path.ends_with("/payments")))
}

/// The layer around every route.
pub(crate) async fn layer(
    State(replays): State<Replays>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let repeatable = matches!(*request.method(), Method::POST | Method::PATCH);
    if !repeatable || keeps_its_own(request.uri().path()) {
        return Ok(next.run(request).await);
    }
    let Some(key) = key(request.headers())?.map(str::to_owned) else {
        return Ok(next.run(request).await);
    };
    let (parts, stream) = request.into_parts();
    let bytes = body::read(stream, LIMIT).await?;
    let Some(info) = parts.extensions.get::<Arc<Info>>().map(Arc::clone) else {
        return Err(Fault::unavailable("the request is not known").into());
    };
    let scope = scope(&parts.method, &info, &parts.headers, &key);
    let mut content = Sha256::new();
    content.update(parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], media_type));
    content.update([0]);
    content.update(&bytes);
    let claim = Claim { scope, request: content.finalize().into(), at: replays.clock.now() };
    match replays.store.claim(claim, claim.at.minus(ABANDONED)).await {
        Ok(Claimed::New) => {}
        Ok(Claimed::Done(answer)) => return replay(answer, &scope, &key),
        Ok(Claimed::Running) => {
            let fault = Fault::conflict("IDEMPOTENCY_IN_PROGRESS", "the first is still running");
            return Err(fault.retry_after(std::time::Duration::from_secs(1)).into());
        }
        Ok(Claimed::Reused) => {
            let message = "this key was used with another body";
            return Err(refuse(Code::Invalid, "IDEMPOTENCY_KEY_REUSED", message));
        }
        Err(fault) => {
            replays.passes_alone(fault, &parts)?;
            return Ok(next.run(Request::from_parts(parts, bytes.into())).await);
        }
    }
    let response = next.run(Request::from_parts(parts, bytes.into())).await;
    let passing = response.extensions().get::<Arc<Fault>>().is_some_and(|fault| passes(fault));
    let response = problem::render(response, &info);
    if passing || !is_definite(response.status()) {
        forgiven(replays.store.release(claim).await);
        return Ok(response);
    }
    let (parts, stream) = response.into_parts();
    let bytes = axum::body::to_bytes(stream, ANSWER_LIMIT).await;
    let bytes = bytes.map_err(|error| Problem(Fault::internal(error)))?;
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if let Some(body) = seal(&bytes, &scope, &key) {
        let content_type = kind.unwrap_or_default().to_owned();
        let answer = Answer { status: parts.status.as_u16(), content_type, body };
        forgiven(replays.store.finish(claim, answer).await);
    }
    Ok(Response::from_parts(parts, bytes.into()))
}

/// What was done is done, and its answer is true, though the store was lost in the meantime.
fn forgiven(kept: Result<(), Fault>) {
    if let Err(fault) = kept {
        tracing::warn!(why = fault.causes(), "an answer could not be kept for repeats");
    }
}

/// A boundary changes with each try of a multipart form; the media type does not.
fn media_type(value: &HeaderValue) -> &[u8] {
    let bytes = value.as_bytes();
    bytes.split(|byte| *byte == b';').next().unwrap_or(bytes)
}

/// Conflicts that end by themselves.
fn passes(fault: &Fault) -> bool {
    fault.retry_after.is_some() || fault.reason == "CART_CONTENDED"
}

/// Whether a repeat would surely end the same way.
fn is_definite(status: StatusCode) -> bool {
    status.is_success()
        || matches!(
            status,
            StatusCode::NOT_FOUND
                | StatusCode::CONFLICT
                | StatusCode::GONE
                | StatusCode::PRECONDITION_FAILED
        )
}

/// Who asks for what under which key. Keys of one caller never meet another's.
fn scope(method: &Method, info: &Info, headers: &HeaderMap, key: &str) -> [u8; 32] {
    let caller = Context::caller();
    let who = if let Some(user) = caller.user {
        user.to_string()
    } else if let Some((merchant, _)) = caller.merchant {
        format!("{merchant} {}", authorization(headers))
    } else if let Some(token) = headers.get("x-cart-token").and_then(|token| token.to_str().ok()) {
        format!("cart {token}")
    } else {
        format!("ip {}", info.ip)
    };
    let mut hash = Sha256::new();
    for part in [who.as_str(), method.as_str(), &info.path, key] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn authorization(headers: &HeaderMap) -> &str {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn replay(answer: Answer, scope: &[u8; 32], key: &str) -> Result<Response, Problem> {
    let body = unseal(answer.body, scope, key).ok_or_else(|| {
        Problem(Fault::new(Code::Internal, Code::Internal.reason(), "the answer cannot be read"))
    })?;
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    if let Ok(kind) = HeaderValue::try_from(answer.content_type)
        && !kind.is_empty()
    {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn cipher(scope: &[u8; 32], key: &str) -> Option<RandomizedNonceKey> {
    let mut hash = Sha256::new();
    hash.update(b"ultramarket replay\0");
    hash.update(scope);
    hash.update(key);
    RandomizedNonceKey::new(&AES_256_GCM, &hash.finalize()).ok()
}

fn seal(body: &[u8], scope: &[u8; 32], key: &str) -> Option<Vec<u8>> {
    let mut text = body.to_vec();
    let nonce = cipher(scope, key)?.seal_in_place_append_tag(Aad::empty(), &mut text).ok()?;
    text.extend_from_slice(nonce.as_ref());
    Some(text)
}

fn unseal(mut sealed: Vec<u8>, scope: &[u8; 32], key: &str) -> Option<Bytes> {
    let start = sealed.len().checked_sub(NONCE)?;
    let nonce = sealed.split_off(start);
    let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
    let body = cipher(scope, key)?.open_in_place(nonce, Aad::empty(), &mut sealed).ok()?.len();
    sealed.truncate(body);
    Some(sealed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_opens_with_the_key_alone() {
        let scope = [7; 32];
        let sealed = seal(b"secret", &scope, "k1").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(unseal(sealed.clone(), &scope, "k1").unwrap(), "secret");
        assert_eq!(unseal(sealed.clone(), &scope, "k2"), None);
        assert_eq!(unseal(sealed, &[8; 32], "k1"), None);
        assert_eq!(unseal(Vec::new(), &scope, "k1"), None);
    }

    #[test]
    fn keys_are_visible_and_short() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(KEY, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            key(&headers).map(|key| key.map(str::to_owned))
        };
        assert_eq!(with("a").unwrap().as_deref(), Some("a"));
        assert!(with(&"x".repeat(255)).is_ok());
        for wrong in ["", "with space", &"x".repeat(256), "ключ"] {
            assert_eq!(with(wrong).unwrap_err().0.reason, "IDEMPOTENCY_KEY_INVALID", "{wrong}");
        }
        assert!(key(&HeaderMap::new()).unwrap().is_none());
        assert!(required(&HeaderMap::new()).is_err());
    }

    #[test]
    fn only_answers_that_would_repeat_are_kept() {
        for kept in [200, 201, 202, 204, 404, 409, 412] {
            assert!(is_definite(StatusCode::from_u16(kept).unwrap()), "{kept}");
        }
        for passing in [400, 401, 403, 413, 415, 422, 429, 500, 502, 503, 504] {
            assert!(!is_definite(StatusCode::from_u16(passing).unwrap()), "{passing}");
        }
    }
}
