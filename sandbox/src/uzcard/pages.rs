//! The hosted invoice page.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Form, Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{State as Stage, Transaction, Uzcard, drive::Outcome};
use crate::{
    body::Action,
    config::Provider,
    page::{self, Checkout, End, Frame, Home},
    texts::Lang,
};

const HERE: Provider = Provider::Uzcard;

const CALLS: &[(&str, &str)] = &[
    ("POST /token", "access token for consumer key and secret"),
    ("POST /merchant/pay/create, /get, /reverse", "transactions of the shop"),
    ("POST /merchant/pay/create-reverse-partial, /confirm-reverse-partial", "partial refunds"),
    ("GET /invoice/get", "payment page: storeId, transactionId, redirectLink"),
    ("POST /pay", "{reference, action?: pay | decline}: pays the latest created transaction"),
    ("GET /transactions", "the books of this side; ?reference=&limit="),
    ("GET, POST, DELETE /control", "{delay_ms?, duplicate?, drop_answers?, fail_next?}"),
];

type Params = HashMap<String, String>;

pub(super) async fn home(headers: HeaderMap) -> Response {
    let frame = Frame::new(HERE, Lang::of(&headers));
    page::render(StatusCode::OK, &Home { frame, calls: CALLS })
}

/// `GET /invoice/get?storeId&transactionId&redirectLink`: the question.
pub(super) async fn checkout(
    State(uzcard): State<Arc<Uzcard>>,
    Query(params): Query<Params>,
    headers: HeaderMap,
) -> Response {
    let open = match uzcard.read(&params) {
        Ok(open) => open,
        Err(why) => return page::bad_link(HERE, Lang::of(&headers), why),
    };
    let lang = language(&params, &open, &headers);
    let back = params.get("redirectLink").cloned().unwrap_or_default();
    let mut page = Checkout {
        frame: Frame::new(HERE, lang),
        merchant: uzcard.kit.merchant_name.clone(),
        reference: open.reference.clone(),
        amount: lang.money(open.amount),
        target: "/invoice/get",
        hidden: vec![
            ("storeId", uzcard.terms.store_id.to_string()),
            ("transactionId", open.number.to_string()),
            ("redirectLink", back.clone()),
            ("lang", lang.code().to_owned()),
        ],
    };
    let (store, id) = (uzcard.terms.store_id, open.number);
    if let Ok(link) = reqwest::Url::parse_with_params(
        &format!("{}/invoice/get?storeId={store}&transactionId={id}", uzcard.url),
        [("redirectLink", &back)],
    ) {
        page.frame = page.frame.with_languages(|lang| format!("{link}&lang={}", lang.code()));
    }
    page::render(StatusCode::OK, &page)
}

/// `POST /invoice/get`: the button was pressed.
pub(super) async fn answer(
    State(uzcard): State<Arc<Uzcard>>,
    headers: HeaderMap,
    Form(params): Form<Params>,
) -> Response {
    let open = match uzcard.read(&params) {
        Ok(open) => open,
        Err(why) => return page::bad_link(HERE, Lang::of(&headers), why),
    };
    let lang = language(&params, &open, &headers);
    let back = params.get("redirectLink").and_then(|url| page::return_url(url));
    let Some(action) = page::pressed(params.get("action")) else {
        return page::bad_link(HERE, lang, "action");
    };
    let frame = Frame::new(HERE, lang);
    // Pressed once more after the money was taken: nothing more to do.
    if open.state == Stage::Confirmed {
        return page::after(frame, End::Paid, back, 0, Vec::new());
    }
    let driver = Arc::clone(&uzcard);
    let driven = uzcard.kit.finish(async move { driver.pay(&open, action).await }).await;
    let Some(outcome) = driven else {
        return page::bad_link(HERE, lang, "500");
    };
    page::after(frame, end(&outcome, action), back, 0, outcome.steps)
}

fn end(outcome: &Outcome, action: Action) -> End {
    match &outcome.error {
        Some(words) => End::Refused(words.clone()),
        None if outcome.silent => End::Silent,
        None if action == Action::Decline => End::Declined,
        None if outcome.failed => End::Failed,
        None => End::Paid,
    }
}

fn language(params: &Params, open: &Transaction, headers: &HeaderMap) -> Lang {
    let code = params.get("lang").or(open.lang.as_ref());
    code.and_then(|code| Lang::parse(code)).unwrap_or_else(|| Lang::of(headers))
}

impl Uzcard {
    fn read(&self, params: &Params) -> Result<Transaction, &'static str> {
        let number = |name: &str| params.get(name).and_then(|text| text.parse::<i64>().ok());
        if number("storeId") != Some(self.terms.store_id) {
            return Err("storeId");
        }
        let id = number("transactionId");
        let it = self.ledger.last(|each| Some(each.number) == id).ok_or("transactionId")?;
        (it.state != Stage::Reversed).then_some(it).ok_or("transactionId")
    }
}
