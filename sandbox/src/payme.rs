//! Payme: the hosted checkout page, and the caller of the Merchant API.
//!
//! The page takes Payme's GET link. Paying drives CheckPerformTransaction, CreateTransaction and PerformTransaction against
//! `<gateway>/hooks/payme`, each changing call twice as Payme does, and judges the answers.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    routing::{get, post},
};

use crate::{
    config::{self, Config},
    control::{self, Control},
    kit::Kit,
    ledger::{self, Ledger},
    wire::Wire,
};

mod api;
mod drive;
mod link;
mod pages;
mod rpc;
mod transaction;

use transaction::Transaction;

/// How often Payme sends each call that changes something.
const COPIES: u32 = 2;
/// The account field of our cash desk.
const ACCOUNT: &str = "order_id";

pub(crate) struct Payme {
    kit: Arc<Kit>,
    terms: config::Payme,
    wire: Wire,
    ledger: Arc<Ledger<Transaction>>,
    rpc_ids: AtomicI64,
}

impl Payme {
    fn next_rpc_id(&self) -> i64 {
        self.rpc_ids.fetch_add(1, Ordering::Relaxed)
    }
}

pub(crate) fn router(kit: &Arc<Kit>, config: &Config) -> Router {
    let control = Control::new(COPIES);
    let ledger = Ledger::new();
    let payme = Arc::new(Payme {
        kit: Arc::clone(kit),
        terms: config.payme.clone(),
        wire: Wire { http: kit.http.clone(), control: Arc::clone(&control) },
        ledger: Arc::clone(&ledger),
        rpc_ids: AtomicI64::new(1),
    });
    Router::new()
        .route("/", get(pages::home))
        .route("/checkout", post(pages::answer))
        .route("/pay", post(api::pay))
        .route("/refund", post(api::refund))
        .route("/rpc", post(api::rpc))
        // Standard base64 may contain slashes.
        .route("/{*link}", get(pages::checkout))
        .with_state(payme)
        .merge(ledger::routes(&ledger))
        .merge(control::routes(&control))
}
