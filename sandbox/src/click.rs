//! Click: the hosted payment page, the caller of the SHOP-API, and the Merchant API v2.
//!
//! Paying drives Prepare and Complete against `<gateway>/hooks/click/{prepare,complete}` as signed forms.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{
    Router,
    routing::{delete, get, post},
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
mod fiscal;
mod form;
mod merchant;
mod pages;
mod payment;

use payment::Payment;

pub(crate) struct Click {
    kit: Arc<Kit>,
    terms: config::Click,
    wire: Wire,
    ledger: Arc<Ledger<Payment>>,
    ids: AtomicI64,
}

impl Click {
    fn next_id(&self) -> i64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

pub(crate) fn router(kit: &Arc<Kit>, config: &Config) -> Router {
    let control = Control::new(1);
    let ledger = Ledger::new();
    // Ids need more than 32 bits, as at Click, and do not come again after a restart.
    let first = kit.clock.now().millis().saturating_mul(1000);
    let click = Arc::new(Click {
        kit: Arc::clone(kit),
        terms: config.click.clone(),
        wire: Wire { http: kit.http.clone(), control: Arc::clone(&control) },
        ledger: Arc::clone(&ledger),
        ids: AtomicI64::new(first),
    });
    let payment = "/v2/merchant/payment";
    Router::new()
        .route("/", get(pages::home))
        .route("/services/pay", get(pages::checkout).post(pages::answer))
        .route("/pay", post(api::pay))
        .route("/prepare", post(api::prepare))
        .route("/complete", post(api::complete))
        .route(&format!("{payment}/status/{{service_id}}/{{payment_id}}"), get(merchant::status))
        .route(
            &format!("{payment}/status_by_mti/{{service_id}}/{{mti}}/{{date}}"),
            get(merchant::status_by_mti),
        )
        .route(
            &format!("{payment}/reversal/{{service_id}}/{{payment_id}}"),
            delete(merchant::reversal),
        )
        .route(
            &format!("{payment}/partial_reversal/{{service_id}}/{{payment_id}}/{{amount}}"),
            delete(merchant::partial_reversal),
        )
        .route(&format!("{payment}/ofd_data/submit_items"), post(fiscal::submit))
        .route(&format!("{payment}/ofd_data/{{service_id}}/{{payment_id}}"), get(fiscal::read))
        .with_state(click)
        .merge(ledger::routes(&ledger))
        .merge(control::routes(&control))
}
