//! What providers of payments call. Bytes go in and out untouched; who calls is proven to the payment service, not here.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::any,
};
use fault::Fault;
use http::{HeaderValue, StatusCode, header};
use mesh::Context;
use proto::payment::{HandleCallbackRequest, HandleCallbackResponse};
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{app::App, body, info::Info, problem::Problem};

/// No provider sends more.
const LIMIT: usize = 64 * 1024;
/// Payme's code for "cannot answer now, ask again".
const PAYME_AWAY: i32 = -32400;

#[derive(OpenApi)]
#[openapi(paths(payme, click_prepare, click_complete, uzcard, stripe))]
struct Document;

/// Any method comes in: a wrong one is the provider's protocol to judge.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .route("/hooks/payme", any(payme))
        .route("/hooks/click/prepare", any(click_prepare))
        .route("/hooks/click/complete", any(click_complete))
        .route("/hooks/uzcard", any(uzcard))
        .route("/hooks/stripe", any(stripe))
}

type Caller = Extension<Arc<Info>>;

/// Payme's JSON-RPC.
#[utoipa::path(post, path = "/hooks/payme", tag = "provider callbacks", responses((status = 200)))]
async fn payme(app: State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    pass(app, caller, ("payme", ""), request).await
}

/// Click's first call.
#[utoipa::path(post, path = "/hooks/click/prepare", tag = "provider callbacks", responses((status = 200)))]
async fn click_prepare(
    app: State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    pass(app, caller, ("click", "prepare"), request).await
}

/// Click's second call.
#[utoipa::path(post, path = "/hooks/click/complete", tag = "provider callbacks", responses((status = 200)))]
async fn click_complete(
    app: State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    pass(app, caller, ("click", "complete"), request).await
}

/// ATMOS's call.
#[utoipa::path(post, path = "/hooks/uzcard", tag = "provider callbacks", responses((status = 200)))]
async fn uzcard(app: State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    pass(app, caller, ("uzcard", ""), request).await
}

/// Stripe's events.
#[utoipa::path(post, path = "/hooks/stripe", tag = "provider callbacks", responses((status = 200)))]
async fn stripe(app: State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    pass(app, caller, ("stripe", ""), request).await
}

async fn pass(
    State(app): State<App>,
    Extension(info): Caller,
    (provider, action): (&str, &str),
    request: Request,
) -> Result<Response, Problem> {
    let (parts, stream) = request.into_parts();
    let raw = body::read(stream, LIMIT).await?;
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let line = headers.entry(name.as_str().to_owned()).or_default();
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(&value);
    }
    let call = HandleCallbackRequest {
        provider: provider.to_owned(),
        action: action.to_owned(),
        method: parts.method.as_str().to_owned(),
        headers,
        body: raw.clone(),
        remote_ip: info.ip.to_string(),
    };
    let context = Context::current().as_service("gateway");
    match context.scope(app.mesh.payment().handle_callback(call)).await {
        Ok(answer) => Ok(relay(answer.into_inner())),
        Err(status) => {
            let fault = Fault::from(status);
            tracing::error!(provider, reason = %fault.reason, "a callback was not answered");
            if provider == "payme" {
                return Ok(payme_away(&raw));
            }
            Err(Fault::unavailable("payments are away").into())
        }
    }
}

fn relay(answer: HandleCallbackResponse) -> Response {
    let status = u16::try_from(answer.status).ok().and_then(|code| StatusCode::from_u16(code).ok());
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status.unwrap_or(StatusCode::OK);
    if let Ok(kind) = HeaderValue::try_from(answer.content_type)
        && !kind.is_empty()
    {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// Payme reads failures from JSON-RPC only, and asks again.
fn payme_away(raw: &Bytes) -> Response {
    let id = serde_json::from_slice::<Value>(raw).ok().and_then(|call| call.get("id").cloned());
    let message = json!({
        "uz": "Tizim vaqtincha ishlamayapti",
        "ru": "Система временно недоступна",
        "en": "The system is temporarily away",
    });
    let error = json!({ "code": PAYME_AWAY, "message": message });
    axum::Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response()
}
