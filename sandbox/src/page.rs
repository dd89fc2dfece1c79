//! Pages: one frame, one stylesheet, no script.

use askama::Template;
use axum::{
    Router,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};

use crate::{
    body::Action,
    config::Provider,
    texts::{Lang, Texts},
    wire::Step,
};

/// Nothing but our stylesheet. `form-action` is left out: browsers apply it to the way back to the shop, too.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page in another language.
pub(crate) struct Other {
    lang: Lang,
    url: String,
}

/// What surrounds every page.
pub(crate) struct Frame {
    provider: Provider,
    lang: Lang,
    t: &'static Texts,
    /// The same page in each language; empty when it cannot be had again.
    others: Vec<Other>,
}

impl Frame {
    pub(crate) fn new(provider: Provider, lang: Lang) -> Self {
        Self { provider, lang, t: lang.texts(), others: Vec::new() }
    }

    /// What this server is instead of.
    fn footnote(&self) -> &'static str {
        match self.provider {
            Provider::Sms | Provider::Mail => self.t.kept_here,
            _ => self.t.stand_in,
        }
    }

    /// Offers the other languages under URLs made by `url`.
    pub(crate) fn with_languages(mut self, url: impl Fn(Lang) -> String) -> Self {
        self.others = Lang::ALL.into_iter().map(|lang| Other { lang, url: url(lang) }).collect();
        self
    }
}

/// The question: pay or not.
#[derive(Template)]
#[template(path = "checkout.html")]
pub(crate) struct Checkout {
    pub(crate) frame: Frame,
    pub(crate) merchant: String,
    pub(crate) reference: String,
    pub(crate) amount: String,
    /// Where the form goes.
    pub(crate) target: &'static str,
    /// What it carries besides the button.
    pub(crate) hidden: Vec<(&'static str, String)>,
}

/// How it ended.
#[derive(Template)]
#[template(path = "ending.html")]
pub(crate) struct Ending {
    pub(crate) frame: Frame,
    pub(crate) good: bool,
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
    /// What the shop said.
    pub(crate) said: Option<String>,
    pub(crate) back: Option<String>,
    pub(crate) steps: Vec<Step>,
}

/// What is served where, for people who open the bare address.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct Home {
    pub(crate) frame: Frame,
    pub(crate) calls: &'static [(&'static str, &'static str)],
}

/// Messages that were "sent".
#[derive(Template)]
#[template(path = "messages.html")]
pub(crate) struct Messages {
    pub(crate) frame: Frame,
    pub(crate) messages: Vec<crate::inbox::Message>,
}

/// Renders a page.
pub(crate) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page was not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The link does not say what to pay for.
pub(crate) fn bad_link(provider: Provider, lang: Lang, why: &str) -> Response {
    let t = lang.texts();
    let page = Ending {
        frame: Frame::new(provider, lang),
        good: false,
        title: t.bad_link,
        text: t.bad_link_more,
        said: Some(why.to_owned()),
        back: None,
        steps: Vec::new(),
    };
    render(StatusCode::BAD_REQUEST, &page)
}

/// How a payment ended, whatever the provider.
pub(crate) enum End {
    Paid,
    /// Declined by the payer.
    Declined,
    /// Declined by the provider: no funds.
    Failed,
    /// The shop said no, with these words.
    Refused(String),
    /// The shop did not answer.
    Silent,
}

/// Sends the payer back to the shop, at once or after a page that says why not.
pub(crate) fn after(
    frame: Frame,
    end: End,
    back: Option<String>,
    wait_seconds: u64,
    steps: Vec<Step>,
) -> Response {
    let t = frame.t;
    let shown = match (&end, &back) {
        (End::Paid, Some(back)) if wait_seconds == 0 => return Redirect::to(back).into_response(),
        (End::Declined, Some(back)) => return Redirect::to(back).into_response(),
        (End::Paid, _) => (t.paid, if back.is_some() { t.paid_more } else { "" }),
        (End::Declined | End::Failed, _) => (t.declined, t.declined_more),
        (End::Refused(_), _) => (t.refused, t.refused_more),
        (End::Silent, _) => (t.silent, t.silent_more),
    };
    let good = matches!(end, End::Paid);
    let said = if let End::Refused(words) = end { Some(words) } else { None };
    let refresh = back.as_ref().filter(|_| good).map(|back| format!("{wait_seconds};url={back}"));
    let page = Ending { frame, good, title: shown.0, text: shown.1, said, back, steps };
    let mut response = render(StatusCode::OK, &page);
    if let Some(value) = refresh.and_then(|text| text.parse().ok()) {
        response.headers_mut().insert(header::REFRESH, value);
    }
    response
}

/// A return address, when it is one that a browser may safely follow.
pub(crate) fn return_url(text: &str) -> Option<String> {
    let web = text.starts_with("http://") || text.starts_with("https://");
    let clean = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    (web && clean).then(|| text.to_owned())
}

/// The value of the pressed button.
pub(crate) fn pressed(action: Option<&String>) -> Option<Action> {
    match action.map(String::as_str) {
        Some("pay") => Some(Action::Pay),
        Some("decline") => Some(Action::Decline),
        _ => None,
    }
}

/// Adds the stylesheet and what every answer carries.
pub(crate) fn dress(router: Router) -> Router {
    router
        .route("/style.css", get(stylesheet))
        .route("/favicon.ico", get(StatusCode::NO_CONTENT))
        .layer(axum::middleware::map_response(with_headers))
}

async fn stylesheet() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../assets/style.css"))
}

async fn with_headers(mut response: Response) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_followed() {
        assert!(return_url("https://shop.uz/orders/1?paid=1").is_some());
        for wrong in [
            "javascript:alert(1)",
            "//evil.uz",
            "shop.uz",
            "",
            "https://a b",
            "https://a\r\nSet-Cookie: x",
        ] {
            assert_eq!(return_url(wrong), None, "{wrong}");
        }
    }
}
