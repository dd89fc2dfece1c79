//! The hosted payment page.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};

use super::{Click, drive::Outcome, payment::State as Stage};
use crate::{
    config::Provider,
    page::{self, Checkout, End, Frame, Home},
    texts::Lang,
};

const HERE: Provider = Provider::Click;

/// Parameters of the link that the form carries on.
const CARRIED: [&str; 5] =
    ["service_id", "merchant_id", "amount", "transaction_param", "return_url"];

const CALLS: &[(&str, &str)] = &[
    (
        "GET /services/pay",
        "payment page: service_id, merchant_id, amount, transaction_param, return_url",
    ),
    ("POST /pay", "{reference, amount?, action?: pay | decline}: pays without a browser"),
    ("POST /prepare, POST /complete", "{fields, sign?}: one form as given"),
    ("GET /transactions", "the books of this side; ?reference=&limit="),
    ("GET, POST, DELETE /control", "{delay_ms?, duplicate?, drop_answers?, fail_next?}"),
    ("GET /v2/merchant/payment/status/{service_id}/{payment_id}", "Merchant API"),
    ("GET /v2/merchant/payment/status_by_mti/{service_id}/{mti}/{date}", "Merchant API"),
    ("DELETE /v2/merchant/payment/reversal/{service_id}/{payment_id}", "Merchant API"),
    (
        "DELETE /v2/merchant/payment/partial_reversal/{service_id}/{payment_id}/{amount}",
        "Merchant API, amount in so'm",
    ),
];

type Params = HashMap<String, String>;

/// What to pay for, as the link says.
struct Link {
    reference: String,
    /// Tiyin.
    amount: i64,
    /// As it is spelled.
    amount_text: String,
    back: Option<String>,
}

pub(super) async fn home(headers: HeaderMap) -> Response {
    let frame = Frame::new(HERE, Lang::of(&headers));
    page::render(StatusCode::OK, &Home { frame, calls: CALLS })
}

/// `GET /services/pay`: the question.
pub(super) async fn checkout(
    State(click): State<Arc<Click>>,
    Query(params): Query<Params>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let lang = language(&params, &headers);
    let link = match click.read(&params) {
        Ok(link) => link,
        Err(why) => return page::bad_link(HERE, lang, &why),
    };
    click.kit.amounts.remember(&link.reference, link.amount);
    let query = uri.query().unwrap_or("");
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("lang=")).collect();
    let kept = kept.join("&");
    let frame = Frame::new(HERE, lang)
        .with_languages(|lang| format!("/services/pay?{kept}&lang={}", lang.code()));
    let mut hidden: Vec<_> =
        CARRIED.into_iter().filter_map(|name| Some((name, params.get(name)?.clone()))).collect();
    hidden.push(("lang", lang.code().to_owned()));
    let page = Checkout {
        frame,
        merchant: click.kit.merchant_name.clone(),
        reference: link.reference,
        amount: lang.money(link.amount),
        target: "/services/pay",
        hidden,
    };
    page::render(StatusCode::OK, &page)
}

/// `POST /services/pay`: the button was pressed.
pub(super) async fn answer(
    State(click): State<Arc<Click>>,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Response {
    let lang = language(&params, &headers);
    let link = match click.read(&params) {
        Ok(link) => link,
        Err(why) => return page::bad_link(HERE, lang, &why),
    };
    let Some(action) = page::pressed(params.get("action")) else {
        return page::bad_link(HERE, lang, "action");
    };
    let driver = Arc::clone(&click);
    let Link { reference, amount, amount_text, back } = link;
    let work = async move { driver.pay(&reference, amount, &amount_text, action).await };
    let Some(outcome) = click.kit.finish(work).await else {
        return page::bad_link(HERE, lang, "500");
    };
    page::after(Frame::new(HERE, lang), end(&outcome), back, 0, outcome.steps)
}

fn end(outcome: &Outcome) -> End {
    match (&outcome.error, outcome.state) {
        (Some(refused), _) => End::Refused(format!("{} ({})", refused.note, refused.code)),
        (None, _) if outcome.silent => End::Silent,
        (None, _) if !outcome.problems.is_empty() => End::Refused(outcome.problems.join("; ")),
        (None, Stage::Paid) => End::Paid,
        (None, _) if outcome.failed => End::Failed,
        (None, _) => End::Declined,
    }
}

fn language(params: &Params, headers: &HeaderMap) -> Lang {
    params.get("lang").and_then(|code| Lang::parse(code)).unwrap_or_else(|| Lang::of(headers))
}

impl Click {
    fn read(&self, params: &Params) -> Result<Link, String> {
        let text = |name: &str| {
            let value =
                params.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
            value.ok_or_else(|| format!("{name}: missing"))
        };
        for (name, ours) in
            [("service_id", self.terms.service_id), ("merchant_id", self.terms.merchant_id)]
        {
            if text(name)?.parse() != Ok(ours) {
                return Err(format!("{name}: unknown"));
            }
        }
        let amount_text = text("amount")?;
        let amount = money::parse_decimal(amount_text).ok().filter(|amount| *amount > 0);
        Ok(Link {
            reference: text("transaction_param")?.to_owned(),
            amount: amount.ok_or("amount: not a sum in so'm")?,
            amount_text: amount_text.to_owned(),
            back: params.get("return_url").and_then(|url| page::return_url(url)),
        })
    }
}
