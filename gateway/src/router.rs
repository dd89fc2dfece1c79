//! All routes and the layers between the door and a handler.

use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{self, Next},
    response::Response,
};
use fault::{Code, Fault};
use http::{HeaderValue, header};
use tower::ServiceExt as _;
use utoipa_swagger_ui::SwaggerUi;

use crate::{
    app::App,
    authz,
    idempotency::{self, Replays},
    openapi,
    problem::{Problem, refuse},
};

/// Scripts and styles of the documentation are our own files; its styles are partly inline.
const DOCS_POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/// The routes of the API, then `pages` for everything else.
pub(crate) fn build(app: App, replays: Replays, pages: Router) -> Router {
    let pages = pages.layer(middleware::from_fn(remember_route));
    let (api, document) = openapi::routes().split_for_parts();
    let api = api
        .route_layer(middleware::from_fn_with_state(replays, idempotency::layer))
        .route_layer(middleware::from_fn(authz::layer))
        .with_state(app);
    let docs = Router::from(SwaggerUi::new("/docs").url("/openapi.json", document))
        .layer(middleware::map_response(with_docs_policy));
    api.merge(docs)
        .layer(middleware::from_fn(remember_route))
        .method_not_allowed_fallback(wrong_method)
        .fallback(move |request: Request| async move {
            if is_api(request.uri().path()) {
                return Err(unknown(&request));
            }
            match pages.clone().oneshot(request).await {
                Ok(response) => Ok(response),
                Err(never) => match never {},
            }
        })
}

fn is_api(path: &str) -> bool {
    ["/v1/", "/hooks/", "/files/", "/.well-known/", "/problems/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

fn unknown(request: &Request) -> Problem {
    let message = format!("there is nothing at {}", request.uri().path());
    Problem(Fault::new(Code::NotFound, Code::NotFound.reason(), message))
}

async fn wrong_method() -> Problem {
    refuse(Code::Invalid, "METHOD_NOT_ALLOWED", "this path does not know the method")
}

/// Lets the door see which route it was, for the figures.
async fn remember_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

async fn with_docs_policy(mut response: Response) -> Response {
    let policy = HeaderValue::from_static(DOCS_POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
