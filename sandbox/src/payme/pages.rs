//! The hosted checkout page.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Form, Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{Payme, drive::Outcome, link::Link};
use crate::{
    body::Action,
    config::Provider,
    page::{self, Checkout, End, Frame, Home},
    texts::Lang,
};

const HERE: Provider = Provider::Payme;

const CALLS: &[(&str, &str)] = &[
    ("GET /{base64}", "checkout page of a payment link: m, ac.order_id, a, l, c, ct"),
    ("POST /pay", "{reference, amount?, action?: pay | decline}: pays without a browser"),
    ("POST /refund", "{reference}: CancelTransaction with reason 5"),
    ("POST /rpc", "{method, params, id?, authorization?}: one raw call"),
    ("GET /transactions", "the books of this side; ?reference=&limit="),
    ("GET, POST, DELETE /control", "{delay_ms?, duplicate?, drop_answers?, fail_next?}"),
];

pub(super) async fn home(headers: HeaderMap) -> Response {
    let frame = Frame::new(HERE, Lang::of(&headers));
    page::render(StatusCode::OK, &Home { frame, calls: CALLS })
}

/// `GET /{base64}?l=`: the question.
pub(super) async fn checkout(
    State(payme): State<Arc<Payme>>,
    Path(encoded): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let chosen = query.get("l").and_then(|code| Lang::parse(code));
    let link = match payme.read(&encoded) {
        Ok(link) => link,
        Err(why) => {
            return page::bad_link(HERE, chosen.unwrap_or_else(|| Lang::of(&headers)), &why);
        }
    };
    payme.kit.amounts.remember(link.reference(), link.amount);
    let lang = chosen.unwrap_or(link.lang);
    // A relative address would lose slashes of the base64 text; the path is its own form of it.
    let path = encoded.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let frame = Frame::new(HERE, lang).with_languages(|lang| format!("/{path}?l={}", lang.code()));
    let page = Checkout {
        frame,
        merchant: payme.kit.merchant_name.clone(),
        reference: link.reference().to_owned(),
        amount: lang.money(link.amount),
        target: "/checkout",
        hidden: vec![("link", encoded), ("l", lang.code().to_owned())],
    };
    page::render(StatusCode::OK, &page)
}

/// `POST /checkout`: the button was pressed.
pub(super) async fn answer(
    State(payme): State<Arc<Payme>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let chosen = form.get("l").and_then(|code| Lang::parse(code));
    let fallback = chosen.unwrap_or_else(|| Lang::of(&headers));
    let link = match payme.read(form.get("link").map_or("", String::as_str)) {
        Ok(link) => link,
        Err(why) => return page::bad_link(HERE, fallback, &why),
    };
    let Some(action) = page::pressed(form.get("action")) else {
        return page::bad_link(HERE, fallback, "action");
    };
    let lang = chosen.unwrap_or(link.lang);
    let driver = Arc::clone(&payme);
    let (account, amount) = (link.account.clone(), link.amount);
    let driven = payme.kit.finish(async move { driver.pay(account, amount, action).await }).await;
    let Some(outcome) = driven else {
        return page::bad_link(HERE, lang, "-31623");
    };
    let back = link.back(outcome.transaction.as_deref());
    let end = end(&outcome, action, lang);
    page::after(Frame::new(HERE, lang), end, back, seconds(link.wait_ms), outcome.steps)
}

fn end(outcome: &Outcome, action: Action, lang: Lang) -> End {
    match &outcome.error {
        Some(refused) => End::Refused(refused.words(lang)),
        None if outcome.silent => End::Silent,
        None if !outcome.problems.is_empty() => End::Refused(outcome.problems.join("; ")),
        None if action == Action::Decline => End::Declined,
        None if outcome.failed => End::Failed,
        None => End::Paid,
    }
}

/// Whole seconds for the browser; Payme's usual 15 ms are none.
fn seconds(wait_ms: u64) -> u64 {
    (wait_ms / 1000).min(60)
}

impl Payme {
    fn read(&self, encoded: &str) -> Result<Link, String> {
        let link = Link::parse(encoded)?;
        if link.merchant != self.terms.merchant_id {
            return Err("-31601: no such merchant".to_owned());
        }
        Ok(link)
    }
}
