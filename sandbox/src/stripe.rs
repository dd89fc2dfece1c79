//! Stripe: payment intents, Checkout sessions with their hosted page, refunds, and signed webhooks.
//!
//! Covers what a shop needs to take a card on Stripe's own page and to give money back. Payment methods, confirmation in the browser
//! and manual capture are not here.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
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
mod objects;
mod pages;
mod replay;

/// A payment intent, with the Checkout session it belongs to.
#[derive(Debug, Clone, Serialize)]
struct Intent {
    id: String,
    /// The order's number: `metadata.order_id`.
    reference: String,
    /// Minor units.
    amount: i64,
    /// Lower-case letters.
    currency: String,
    status: Status,
    metadata: BTreeMap<String, String>,
    #[serde(skip)]
    secret: String,
    session: Option<String>,
    #[serde(skip)]
    success_url: String,
    #[serde(skip)]
    cancel_url: String,
    charge: Option<String>,
    amount_refunded: i64,
    /// Unix seconds.
    created: i64,
    refunds: Vec<Refund>,
}

/// Money given back.
#[derive(Debug, Clone, Serialize)]
struct Refund {
    id: String,
    amount: i64,
    created: i64,
    metadata: BTreeMap<String, String>,
}

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    RequiresPaymentMethod,
    Succeeded,
    Canceled,
}

impl Entry for Intent {
    fn id(&self) -> &str {
        &self.id
    }

    fn reference(&self) -> &str {
        &self.reference
    }
}

struct Stripe {
    kit: Arc<Kit>,
    terms: config::Stripe,
    url: String,
    wire: Wire,
    ledger: Arc<Ledger<Intent>>,
    replays: Mutex<VecDeque<replay::Replay>>,
}

impl Stripe {
    /// Stripe's kind of name: a prefix and what nobody can guess.
    fn id(prefix: &str) -> String {
        format!("{prefix}_{:024x}", rand::random::<u128>() >> 32)
    }

    fn seconds(&self) -> i64 {
        self.kit.clock.now().millis() / 1000
    }
}

pub(crate) fn router(kit: &Arc<Kit>, config: &Config, url: String) -> Router {
    let control = Control::new(1);
    let ledger = Ledger::new();
    let stripe = Arc::new(Stripe {
        kit: Arc::clone(kit),
        terms: config.stripe.clone(),
        url,
        wire: Wire { http: kit.http.clone(), control: Arc::clone(&control) },
        ledger: Arc::clone(&ledger),
        replays: Mutex::default(),
    });
    Router::new()
        .route("/", get(pages::home))
        .route("/v1/payment_intents", post(api::create_intent))
        .route("/v1/payment_intents/{id}", get(api::intent))
        .route("/v1/payment_intents/{id}/cancel", post(api::cancel))
        .route("/v1/checkout/sessions", post(api::create_session))
        .route("/v1/checkout/sessions/{id}", get(api::session))
        .route("/v1/checkout/sessions/{id}/expire", post(api::cancel))
        .route("/v1/refunds", post(api::refund))
        .route("/v1/refunds/{id}", get(api::look_at_refund))
        .route("/c/pay/{id}", get(pages::checkout).post(pages::answer))
        .route("/pay", post(drive::pay))
        .with_state(stripe)
        .merge(ledger::routes(&ledger))
        .merge(control::routes(&control))
}
