//! The hosted checkout page.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Form, Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Redirect, Response},
};
use money::{Currency, Money};

use super::{Intent, Status, Stripe, drive::Outcome};
use crate::{
    body::Action,
    config::Provider,
    page::{self, Checkout, End, Frame, Home},
    texts::Lang,
};

const HERE: Provider = Provider::Stripe;

const CALLS: &[(&str, &str)] = &[
    ("POST /v1/payment_intents, GET /{id}, POST /{id}/cancel", "payment intents"),
    ("POST /v1/checkout/sessions, GET /{id}, POST /{id}/expire", "Checkout sessions"),
    ("POST /v1/refunds, GET /{id}", "refunds, whole and partial"),
    ("GET /c/pay/{id}", "payment page of a session or an intent"),
    ("POST /pay", "{reference, action?: pay | decline}: pays the latest open intent"),
    ("GET /transactions", "the books of this side; ?reference=&limit="),
    ("GET, POST, DELETE /control", "{delay_ms?, duplicate?, drop_answers?, fail_next?}"),
];

type Params = HashMap<String, String>;

pub(super) async fn home(headers: HeaderMap) -> Response {
    let frame = Frame::new(HERE, Lang::of(&headers));
    page::render(StatusCode::OK, &Home { frame, calls: CALLS })
}

/// `GET /c/pay/{id}`: the question.
pub(super) async fn checkout(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response {
    let lang = language(&params, &headers);
    let it = match stripe.find(&id) {
        Ok(it) if it.status != Status::Canceled => it,
        _ => return page::bad_link(HERE, lang, "checkout session"),
    };
    let frame = Frame::new(HERE, lang).with_languages(|lang| format!("?lang={}", lang.code()));
    let page = Checkout {
        frame,
        merchant: stripe.kit.merchant_name.clone(),
        reference: it.reference.clone(),
        amount: sum(&it, lang),
        // The page's own address.
        target: "",
        hidden: vec![("lang", lang.code().to_owned())],
    };
    page::render(StatusCode::OK, &page)
}

/// `POST /c/pay/{id}`: the button was pressed.
pub(super) async fn answer(
    State(stripe): State<Arc<Stripe>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Response {
    let lang = language(&params, &headers);
    let (Ok(it), Some(action)) = (stripe.find(&id), page::pressed(params.get("action"))) else {
        return page::bad_link(HERE, lang, "checkout session");
    };
    let session = it.session.clone().unwrap_or_default();
    let success = page::return_url(&it.success_url.replace("{CHECKOUT_SESSION_ID}", &session));
    let cancel = page::return_url(&it.cancel_url);
    let frame = Frame::new(HERE, lang);
    match (it.status, action) {
        (Status::Canceled, _) => return page::bad_link(HERE, lang, "checkout session"),
        // Pressed once more after the money was taken: nothing more to do.
        (Status::Succeeded, _) => return page::after(frame, End::Paid, success, 0, Vec::new()),
        (Status::RequiresPaymentMethod, Action::Decline) => {
            if let Some(back) = cancel {
                return Redirect::to(&back).into_response();
            }
        }
        (Status::RequiresPaymentMethod, Action::Pay) => {}
    }
    let driver = Arc::clone(&stripe);
    let driven = stripe.kit.finish(async move { driver.pay(&it, action).await }).await;
    let Some(outcome) = driven else {
        return page::bad_link(HERE, lang, "500");
    };
    let end = end(&outcome);
    let back = if outcome.status == Status::Succeeded { success } else { cancel };
    page::after(frame, end, back, 0, outcome.steps)
}

/// Stripe takes the money whether or not the shop hears of it at once.
fn end(outcome: &Outcome) -> End {
    match outcome.status {
        Status::Succeeded => End::Paid,
        _ if outcome.failed => End::Failed,
        _ => End::Declined,
    }
}

fn language(params: &Params, headers: &HeaderMap) -> Lang {
    params.get("lang").and_then(|code| Lang::parse(code)).unwrap_or_else(|| Lang::of(headers))
}

fn sum(it: &Intent, lang: Lang) -> String {
    match it.currency.to_uppercase().parse::<Currency>() {
        Ok(currency) => lang.sum(Money::new(it.amount, currency)),
        Err(_) => format!("{} {}", money::format_decimal(it.amount), it.currency.to_uppercase()),
    }
}
