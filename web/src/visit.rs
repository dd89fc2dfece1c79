//! What is known of a request before its handler runs: who, in which language, with which cart; and what its answer gets on the
//! way out: cookies, headers, a page where a handler failed.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Query, Request, State},
    http::{HeaderMap, HeaderValue, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use fault::{Code, Fault};
use mesh::{Caller, Context};
use proto::auth::Client;

use crate::{
    App, Locale, Texts,
    cookies::{self, CartRef, Cookie},
    failure::{Failure, Unshown},
    link::Link,
    storefront,
};

/// A page that is not there by then is not waited for.
const DEADLINE: Duration = Duration::from_secs(5);

/// One request of one visitor. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Inner>);

struct Inner {
    locale: Locale,
    caller: Caller,
    path: String,
    query: Vec<(String, String)>,
    cart: Option<CartRef>,
    orders: String,
    csrf_sent: Option<String>,
    csrf: OnceLock<String>,
    secure: bool,
    client: Client,
    public_url: String,
    cookies: Mutex<Vec<HeaderValue>>,
}

impl Visit {
    pub(crate) fn locale(&self) -> Locale {
        self.0.locale
    }

    pub(crate) fn texts(&self) -> Texts {
        Texts::new(self.0.locale)
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.0.caller
    }

    pub(crate) fn signed_in(&self) -> bool {
        self.0.caller.user.is_some()
    }

    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    /// The cart that the browser knows of.
    pub(crate) fn cart(&self) -> Option<&CartRef> {
        self.0.cart.as_ref()
    }

    /// Where the visitor comes from, for the list of sessions.
    pub(crate) fn client(&self) -> Client {
        self.0.client.clone()
    }

    /// A parameter of the address; empty when it is absent.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.0.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// Parameters whose names begin so, without that beginning.
    pub(crate) fn params<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.query.iter().filter_map(move |(name, value)| {
            Some((name.strip_prefix(prefix)?, value.trim())).filter(|(_, value)| !value.is_empty())
        })
    }

    /// This address, to change a parameter of it.
    pub(crate) fn here(&self) -> Link {
        Link::with_query(&self.0.path, &self.0.query).set("lang", "")
    }

    /// This address in a language, absolute where we know where we are.
    pub(crate) fn in_language(&self, locale: Locale) -> String {
        format!("{}{}", self.0.public_url, self.here().set("lang", locale.tag()))
    }

    /// What a form on this page must carry. The first call of a request without the cookie makes one.
    pub(crate) fn csrf(&self) -> String {
        let make = || {
            self.0.csrf_sent.clone().unwrap_or_else(|| {
                let token = ids::token::secret("");
                self.set(Cookie::Csrf, &token);
                token
            })
        };
        self.0.csrf.get_or_init(make).clone()
    }

    pub(crate) fn csrf_sent(&self) -> Option<&str> {
        self.0.csrf_sent.as_deref()
    }

    /// Sets a cookie with the answer; an empty value removes it.
    pub(crate) fn set(&self, cookie: Cookie, value: &str) {
        match cookie.write(value, self.0.secure) {
            Some(header) => {
                self.0.cookies.lock().unwrap_or_else(PoisonError::into_inner).push(header);
            }
            None => tracing::error!(?cookie, "a value that no cookie can hold"),
        }
    }

    /// The token with which this browser reads an order.
    pub(crate) fn order_token(&self, order_id: &str) -> String {
        cookies::order_token(&self.0.orders, order_id).unwrap_or_default()
    }

    /// Keeps the token of a guest's order.
    pub(crate) fn keep_order(&self, order_id: &str, token: &str) {
        if !token.is_empty() {
            self.set(Cookie::Orders, &cookies::with_order(&self.0.orders, order_id, token));
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let missing = || Fault::internal(std::io::Error::other("a handler outside of the pages"));
        Ok(parts.extensions.get::<Self>().cloned().ok_or_else(missing)?)
    }
}

/// Around every page.
pub(crate) async fn middleware(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Infallible> {
    let headers = request.headers();
    let text = |name: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let mut context = Context::new(Caller::guest()).within(DEADLINE);
    context.request_id = text("x-request-id").into();
    context.traceparent = text("traceparent").into();

    let address = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let ip = address.map(|ConnectInfo(address)| address.ip().to_string()).unwrap_or_default();
    let client = Client { ip, user_agent: text("user-agent") };
    let visit = context.clone().scope(arrive(&app, request.uri(), headers, client)).await;

    context.caller = Arc::new(visit.caller().clone());
    context.locale = visit.locale().tag().into();
    request.extensions_mut().insert(visit.clone());
    let response = context.clone().scope(next.run(request)).await;
    let response = match response.extensions().get::<Unshown>().cloned() {
        Some(Unshown(fault)) => show_failure(&visit, &fault, response),
        None => response,
    };
    Ok(leave(&app, &visit, response))
}

async fn arrive(app: &App, uri: &Uri, headers: &HeaderMap, client: Client) -> Visit {
    let secure = app.config.secure_cookies;
    let query: Vec<(String, String)> =
        Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let chosen =
        query.iter().find(|(name, _)| name == "lang").and_then(|(_, tag)| Locale::parse(tag));
    let locale = chosen
        .or_else(|| Cookie::Language.read(headers, secure).as_deref().and_then(Locale::parse))
        .unwrap_or_else(|| {
            let header = headers.get(header::ACCEPT_LANGUAGE);
            Locale::negotiate(header.and_then(|value| value.to_str().ok()).unwrap_or_default())
        });
    let (caller, renewed) = match Cookie::Session.read(headers, secure) {
        Some(cookie) => {
            let resolved = app.sessions.resolve(&cookie, client.clone()).await;
            (resolved.caller, resolved.cookie)
        }
        None => (Caller::guest(), None),
    };
    let visit = Visit(Arc::new(Inner {
        locale,
        caller,
        path: uri.path().to_owned(),
        query,
        cart: Cookie::Cart.read(headers, secure).as_deref().and_then(CartRef::parse),
        orders: Cookie::Orders.read(headers, secure).unwrap_or_default(),
        csrf_sent: Cookie::Csrf.read(headers, secure),
        csrf: OnceLock::new(),
        secure,
        client,
        public_url: app.config.public_url.trim_end_matches('/').to_owned(),
        cookies: Mutex::default(),
    }));
    if let Some(locale) = chosen {
        visit.set(Cookie::Language, locale.tag());
    }
    if let Some(value) = renewed {
        visit.set(Cookie::Session, &value);
    }
    visit
}

fn show_failure(visit: &Visit, fault: &Fault, response: Response) -> Response {
    match fault.code {
        Code::Internal => {
            tracing::error!(path = visit.path(), causes = fault.causes(), %fault, "a page failed");
        }
        Code::Unavailable | Code::Timeout => {
            tracing::warn!(path = visit.path(), %fault, "a page failed");
        }
        _ => tracing::debug!(path = visit.path(), %fault, "a page was refused"),
    }
    match storefront::error_page(visit, fault) {
        Ok(page) => (response.status(), page).into_response(),
        Err(_) => response,
    }
}

fn leave(app: &App, visit: &Visit, mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut put = |name, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    put(header::CACHE_CONTROL, "private, no-cache");
    put(header::VARY, "Accept-Language, Cookie");
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(header::REFERRER_POLICY, "strict-origin-when-cross-origin");
    if let Ok(language) = HeaderValue::from_str(visit.locale().tag()) {
        headers.insert(header::CONTENT_LANGUAGE, language);
    }
    // A page that is to be kept as a file brings its own.
    if let Ok(policy) = HeaderValue::try_from(app.config.content_security_policy()) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    let cookies =
        std::mem::take(&mut *visit.0.cookies.lock().unwrap_or_else(PoisonError::into_inner));
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}
