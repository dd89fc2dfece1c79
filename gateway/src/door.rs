//! The outermost service: everything that happens to every request, in one place and in this order.
//!
//! 1. preflights and the address of the client; 2. rate limits; 3. finished catalogue answers, for requests without credentials;
//! 4. who asks; 5. the routes, in the context of the request; 6. problems in the client's language, compression, headers, figures.

use std::{
    convert::Infallible,
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, HttpBody as _},
    extract::{ConnectInfo, MatchedPath, Request},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use ids::RequestId;
use mesh::{Caller, Context};
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;

use crate::{
    authn::Authentication,
    cache::{self, Answers},
    config::Network,
    info::Info,
    locale::Locale,
    metrics::Figures,
    neighbours::Neighbours,
    problem::{self, Problem},
};

mod cors;
mod limits;
mod rest;
mod security;

pub(crate) use cors::Cors;
pub(crate) use limits::Limits;

/// How long a request may take in all.
const DEADLINE: Duration = Duration::from_secs(10);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The outermost service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Door(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) routes: Router,
    pub(crate) authentication: Arc<Authentication>,
    pub(crate) answers: Arc<Answers>,
    pub(crate) neighbours: Neighbours,
    pub(crate) limits: Arc<Limits>,
    pub(crate) cors: Cors,
    pub(crate) figures: Figures,
    pub(crate) trusted_proxies: Vec<Network>,
    pub(crate) tasks: host::Tasks,
}

impl Door {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Service<Request> for Door {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let door = Arc::clone(&self.0);
        Box::pin(async move {
            let request = rest::watched(request, &door.tasks);
            Ok(door.answer(request).await)
        })
    }
}

impl Inner {
    async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        let started = Instant::now();
        if let Some(preflight) = self.cors.preflight(&request) {
            return self.leave(preflight, request.headers().get(header::ORIGIN), None);
        }
        let origin = request.headers().get(header::ORIGIN).cloned();
        let id = RequestId::new();
        let given = request.headers().get(REQUEST_ID).filter(|given| is_request_id(given)).cloned();
        let request_id = given.or_else(|| HeaderValue::try_from(id.to_string()).ok());
        let ip = self.client(&request);

        let path = request.uri().path();
        let public = if request.method() == Method::GET { cache::route(path) } else { None };
        let allowance = self.limits.check(ip, request.method(), path, request.headers()).await;
        let locale = Locale::of(request.headers());

        if let (Some(route), Ok(allowance)) = (public, &allowance)
            && !request.headers().contains_key(header::AUTHORIZATION)
        {
            let key = self.answers.key(path, request.uri().query(), locale);
            if let Some(finished) = self.answers.get(&key).await {
                let mut response = finished.response(request.headers());
                allowance.write(response.headers_mut());
                self.figures.cached(route, response.status(), started.elapsed());
                return self.leave(response, origin.as_ref(), request_id);
            }
        }

        let info = Arc::new(Self::info(&request, request_id.as_ref(), id, (ip, locale)));
        request.extensions_mut().insert(Arc::clone(&info));
        let method = request.method().clone();
        let gzip = cache::takes_gzip(request.headers());
        let (allowance, outcome) = match allowance {
            Ok(allowance) => {
                let span = tracing::info_span!("http", method = %method, path = %info.path, request.id = %info.request_id);
                telemetry::trace::adopt(&span, &info.traceparent);
                let outcome = self.admit(request, public, &info).instrument(span).await;
                (Some(allowance), outcome)
            }
            Err(refused) => {
                let (allowance, problem) = *refused;
                (Some(allowance), Err(problem))
            }
        };
        let response = outcome.unwrap_or_else(Problem::into_response);
        let mut response = problem::render(response, &info);
        let matched = response.extensions_mut().remove::<MatchedPath>();
        let cached = public.and_then(|route| cache::ROUTES.get(route)).copied();
        let template = cached.or(matched.as_ref().map(MatchedPath::as_str)).unwrap_or("unmatched");
        self.figures.observe(&method, template, response.status(), started.elapsed());
        if let Some(allowance) = allowance {
            allowance.write(response.headers_mut());
        }
        let response = if gzip { compressed(response).await } else { response };
        self.leave(response, origin.as_ref(), request_id)
    }

    /// Finds out who asks, and lets them through.
    async fn admit(
        self: &Arc<Self>,
        request: Request,
        public: Option<usize>,
        info: &Info,
    ) -> Result<Response, Problem> {
        let context = |caller: Arc<Caller>| Context {
            caller,
            request_id: Arc::clone(&info.request_id),
            traceparent: Arc::clone(&info.traceparent),
            locale: info.locale.shared(),
            deadline: Some(Instant::now() + DEADLINE),
        };
        let nobody = context(Arc::new(Caller::guest()));
        let (parts, body) = request.into_parts();
        let caller = nobody.clone().scope(self.caller(&parts)).await?;
        let request = Request::from_parts(parts, body);
        if public.is_some() {
            // The same for everybody, so it is worked out as for nobody in particular.
            let key = self.answers.key(request.uri().path(), request.uri().query(), info.locale);
            let asked = request.headers().clone();
            let work = nobody.scope(self.route(request, info));
            return Ok(self.answers.get_or(key, work).await.response(&asked));
        }
        if request.method().is_safe() {
            return Ok(context(caller).scope(self.route(request, info)).await);
        }
        // A client that hangs up does not stop what it has begun.
        let door = Arc::clone(self);
        let info = request.extensions().get::<Arc<Info>>().map(Arc::clone);
        let work = async move {
            let catalogue = changes_catalogue(request.uri().path());
            let response = match info {
                Some(info) => door.route(request, &info).await,
                None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            };
            if catalogue {
                door.neighbours.catalogue_changed().await;
            }
            response
        };
        Ok(context(caller).scope(mesh::detach(work)).await?)
    }

    async fn caller(&self, request: &Parts) -> Result<Arc<Caller>, Problem> {
        let path = request.uri.path();
        if path == "/v1/ws"
            && let Some(ticket) = request.uri.query().and_then(ticket)
        {
            return self.authentication.ticket(ticket).await;
        }
        if path.starts_with("/hooks/") {
            // Providers sign in their own way, which is none of ours.
            return Ok(Arc::new(Caller::guest()));
        }
        self.authentication.caller(&request.headers).await
    }

    async fn route(&self, request: Request, info: &Info) -> Response {
        let response = match self.routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        problem::render(response, info)
    }

    fn info(
        request: &Request,
        request_id: Option<&HeaderValue>,
        id: RequestId,
        (ip, locale): (IpAddr, Locale),
    ) -> Info {
        let text = |name: HeaderName| {
            request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let given = text(HeaderName::from_static("traceparent"));
        let traceparent = if telemetry::trace::is_traceparent(given) {
            given.into()
        } else {
            telemetry::trace::begin(id.as_u128()).into()
        };
        let mut user_agent = text(header::USER_AGENT).to_owned();
        user_agent.truncate(256);
        Info {
            request_id: request_id.and_then(|id| id.to_str().ok()).unwrap_or_default().into(),
            traceparent,
            path: request.uri().path().to_owned(),
            locale,
            ip,
            user_agent,
        }
    }

    /// The address of the client, as far as those between are to be believed.
    fn client(&self, request: &Request) -> IpAddr {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let mut ip =
            peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip()).to_canonical();
        let trusted = |ip: IpAddr| self.trusted_proxies.iter().any(|network| network.contains(ip));
        if self.trusted_proxies.is_empty() || !trusted(ip) {
            return ip;
        }
        let hops = request.headers().get_all(FORWARDED).iter().filter_map(|hop| hop.to_str().ok());
        let hops: Vec<&str> = hops.flat_map(|line| line.split(',')).collect();
        for hop in hops.into_iter().rev() {
            let Ok(next) = hop.trim().parse::<IpAddr>() else { break };
            ip = next.to_canonical();
            if !trusted(ip) {
                break;
            }
        }
        ip
    }

    fn leave(
        &self,
        mut response: Response,
        origin: Option<&HeaderValue>,
        request_id: Option<HeaderValue>,
    ) -> Response {
        let headers = response.headers_mut();
        if let Some(id) = request_id {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(origin) = origin {
            self.cors.write(headers, origin);
        }
        security::write(headers);
        response
    }
}

/// Visible ASCII of a reasonable length: it goes into logs.
fn is_request_id(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=128).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

fn ticket(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("ticket=")).filter(|value| !value.is_empty())
}

/// Whether a change behind this path can show in the public catalogue.
fn changes_catalogue(path: &str) -> bool {
    path.starts_with("/v1/merchant/")
        || path.starts_with("/v1/admin/")
        || path.starts_with("/v1/store/reviews")
}

/// JSON answers that are worth it are compressed; everything else is left as it is.
async fn compressed(response: Response) -> Response {
    let size = response.body().size_hint().exact().unwrap_or(0);
    let small = usize::try_from(size).map_or(true, |size| size <= cache::SMALL);
    if small
        || response.headers().contains_key(header::CONTENT_ENCODING)
        || !is_json(response.headers())
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Some(zipped) = cache::gzip(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    Response::from_parts(parts, Body::from(zipped))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    kind.starts_with(b"application/json") || kind.starts_with(b"application/problem+json")
}
