//! ATMOS, which charges UzCard and Humo cards: the API that a shop calls first, the hosted page, and the callback.
//!
//! Covers token, create, get, reverse and partial reverse, the hosted invoice page, and the callback that asks the shop before the
//! debit. Cards, one-time codes and bulk payments are not here: the platform never sees them.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    routing::{get, post},
};
use serde::Serialize;

use crate::{
    config::{self, Config},
    control::{self, Control},
    kit::Kit,
    ledger::{self, Entry, Ledger},
    wire::Wire,
};

mod api;
mod drive;
mod pages;

/// A row of the stand-in's own books.
#[derive(Debug, Clone, Serialize)]
struct Transaction {
    #[serde(skip)]
    key: String,
    #[serde(rename = "transaction_id")]
    number: i64,
    /// Given with the debit; refunds name it.
    success_trans_id: Option<i64>,
    /// The order's number: `account`.
    reference: String,
    /// Tiyin.
    amount: i64,
    lang: Option<String>,
    state: State,
    /// Unix milliseconds; 0 for what has not happened.
    created_at: i64,
    confirmed_at: i64,
    /// Tiyin given back.
    reversed: i64,
    /// Partial refunds that wait for their confirmation.
    #[serde(skip)]
    asked_back: Vec<(i64, i64)>,
}

/// Where a transaction stands in ATMOS's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Created,
    Confirmed,
    Reversed,
}

impl Entry for Transaction {
    fn id(&self) -> &str {
        &self.key
    }

    fn reference(&self) -> &str {
        &self.reference
    }
}

struct Uzcard {
    kit: Arc<Kit>,
    terms: config::Uzcard,
    url: String,
    wire: Wire,
    ledger: Arc<Ledger<Transaction>>,
    ids: AtomicI64,
    /// The one access token; it lives as long as the process.
    token: String,
}

impl Uzcard {
    fn next_id(&self) -> i64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

pub(crate) fn router(kit: &Arc<Kit>, config: &Config, url: String) -> Router {
    let control = Control::new(1);
    let ledger = Ledger::new();
    let uzcard = Arc::new(Uzcard {
        kit: Arc::clone(kit),
        terms: config.uzcard.clone(),
        url,
        wire: Wire { http: kit.http.clone(), control: Arc::clone(&control) },
        ledger: Arc::clone(&ledger),
        ids: AtomicI64::new(kit.clock.now().millis()),
        token: format!("{:032x}", rand::random::<u128>()),
    });
    Router::new()
        .route("/", get(pages::home))
        .route("/token", post(api::token))
        .route("/merchant/pay/create", post(api::create))
        .route("/merchant/pay/get", post(api::look))
        .route("/merchant/pay/reverse", post(api::reverse))
        .route("/merchant/pay/create-reverse-partial", post(api::create_partial))
        .route("/merchant/pay/confirm-reverse-partial", post(api::confirm_partial))
        .route("/invoice/get", get(pages::checkout).post(pages::answer))
        .route("/pay", post(drive::pay))
        .with_state(uzcard)
        .merge(ledger::routes(&ledger))
        .merge(control::routes(&control))
}
