//! Knobs that make a stand-in misbehave as its original may.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Json, Router, body::Bytes, extract::State, routing::get};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::body::{self, Answer};

/// Longest pause before a callback.
const LONGEST: u64 = 60_000;
/// Most copies of a callback.
const COPIES: u32 = 20;

/// How the stand-in behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Knobs {
    /// Pause before every callback, milliseconds.
    delay_ms: u64,
    /// How many times each callback that changes something is sent.
    duplicate: u32,
    /// How many of the next answers get lost on the way back.
    drop_answers: u32,
    /// How many of the next payments fail on the provider's side (no funds).
    fail_next: u32,
}

/// What to change; absent members stay as they are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    delay_ms: Option<u64>,
    duplicate: Option<Count>,
    drop_answers: Option<Count>,
    fail_next: Option<Count>,
}

/// A number, or plain yes and no.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u32),
    Switch(bool),
}

impl Count {
    fn or(self, off: u32, on: u32) -> u32 {
        match self {
            Self::Number(number) => number,
            Self::Switch(true) => on,
            Self::Switch(false) => off,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Control {
    usual: Knobs,
    knobs: Mutex<Knobs>,
}

impl Control {
    /// `copies` is how often this provider sends each callback when it behaves.
    pub(crate) fn new(copies: u32) -> Arc<Self> {
        let usual = Knobs { delay_ms: 0, duplicate: copies, drop_answers: 0, fail_next: 0 };
        Arc::new(Self { usual, knobs: Mutex::new(usual) })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Knobs) -> T) -> T {
        work(&mut self.knobs.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn copies(&self) -> u32 {
        self.with(|knobs| knobs.duplicate)
    }

    /// Whether this payment is to fail; counts down.
    pub(crate) fn take_failure(&self) -> bool {
        self.with(|knobs| take(&mut knobs.fail_next))
    }

    /// Whether this answer is to be lost; counts down.
    pub(crate) fn take_drop(&self) -> bool {
        self.with(|knobs| take(&mut knobs.drop_answers))
    }

    pub(crate) async fn pause(&self) {
        let millis = self.with(|knobs| knobs.delay_ms);
        if millis > 0 {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
    }

    fn change(&self, change: &Change) -> Knobs {
        self.with(|knobs| {
            if let Some(millis) = change.delay_ms {
                knobs.delay_ms = millis.min(LONGEST);
            }
            if let Some(count) = change.duplicate {
                knobs.duplicate = count.or(1, 2).clamp(1, COPIES);
            }
            if let Some(count) = change.drop_answers {
                knobs.drop_answers = count.or(0, u32::MAX);
            }
            if let Some(count) = change.fail_next {
                knobs.fail_next = count.or(0, 1);
            }
            *knobs
        })
    }
}

fn take(left: &mut u32) -> bool {
    let any = *left > 0;
    // "All of them" does not run out.
    if any && *left != u32::MAX {
        *left -= 1;
    }
    any
}

/// `GET /control` shows, `POST` changes, `DELETE` brings back the usual manners.
pub(crate) fn routes(control: &Arc<Control>) -> Router {
    let routes = get(read).post(change).delete(reset);
    Router::new().route("/control", routes).with_state(Arc::clone(control))
}

async fn read(State(control): State<Arc<Control>>) -> Json<Knobs> {
    Json(control.with(|knobs| *knobs))
}

async fn change(State(control): State<Arc<Control>>, bytes: Bytes) -> Answer {
    let change: Change = body::read(&bytes)?;
    body::show(&control.change(&change))
}

async fn reset(State(control): State<Arc<Control>>) -> Json<Value> {
    control.with(|knobs| *knobs = control.usual);
    Json(serde_json::json!(control.usual))
}
