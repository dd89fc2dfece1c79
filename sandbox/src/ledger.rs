//! What the stand-in itself knows of its transactions: the truth outside of the platform.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Transactions kept; the oldest go first.
const KEPT: usize = 100_000;
/// Transactions in one answer, unless asked otherwise.
const SHOWN: usize = 1000;
/// And at most.
const SHOWN_AT_MOST: usize = 10_000;

pub(crate) trait Entry: Clone + Serialize + Send + 'static {
    fn id(&self) -> &str;
    fn reference(&self) -> &str;
}

pub(crate) struct Ledger<T>(Mutex<VecDeque<T>>);

impl<T: Entry> Ledger<T> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::default()))
    }

    fn with<R>(&self, work: impl FnOnce(&mut VecDeque<T>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn push(&self, entry: T) {
        self.with(|rows| {
            if rows.len() >= KEPT {
                rows.pop_front();
            }
            rows.push_back(entry);
        });
    }

    /// Changes an entry and gives it as it is then.
    pub(crate) fn update(&self, id: &str, change: impl FnOnce(&mut T)) -> Option<T> {
        self.with(|rows| {
            let entry = rows.iter_mut().rev().find(|entry| entry.id() == id)?;
            change(entry);
            Some(entry.clone())
        })
    }

    /// The latest entry that fits.
    pub(crate) fn last(&self, fits: impl Fn(&T) -> bool) -> Option<T> {
        self.with(|rows| rows.iter().rev().find(|entry| fits(entry)).cloned())
    }

    /// The latest entry of a reference that fits.
    pub(crate) fn last_of(&self, reference: &str, fits: impl Fn(&T) -> bool) -> Option<T> {
        self.last(|entry| entry.reference() == reference && fits(entry))
    }
}

#[derive(Debug, Deserialize)]
struct Filter {
    reference: Option<String>,
    limit: Option<usize>,
}

/// `GET /transactions?reference=&limit=`: newest first, with the number of all that fit.
pub(crate) fn routes<T: Entry>(ledger: &Arc<Ledger<T>>) -> Router {
    Router::new().route("/transactions", get(list::<T>)).with_state(Arc::clone(ledger))
}

async fn list<T: Entry>(
    State(ledger): State<Arc<Ledger<T>>>,
    Query(filter): Query<Filter>,
) -> Json<Value> {
    let limit = filter.limit.unwrap_or(SHOWN).min(SHOWN_AT_MOST);
    let (data, count) = ledger.with(|rows| {
        let fits =
            |entry: &&T| filter.reference.as_deref().is_none_or(|text| text == entry.reference());
        let data: Vec<T> = rows.iter().rev().filter(fits).take(limit).cloned().collect();
        (data, rows.iter().filter(fits).count())
    });
    Json(json!({ "data": data, "meta": { "count": count } }))
}
