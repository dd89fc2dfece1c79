//! Text messages and letters: taken in, shown, never delivered.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
    routing::{get, post},
};
use clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    body::{self, Answer, Refusal},
    config::Provider,
    control::{self, Control},
    kit::Kit,
    page::{self, Frame, Messages},
    texts::Lang,
};

/// Messages kept; the oldest go first.
const KEPT: usize = 1000;
/// Messages on the page for people.
const ON_PAGE: usize = 50;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Message {
    pub(crate) to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) html: Option<String>,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Sent {
    to: String,
    subject: Option<String>,
    text: String,
    html: Option<String>,
}

struct Inbox {
    kit: Arc<Kit>,
    provider: Provider,
    control: Arc<Control>,
    messages: Mutex<VecDeque<Message>>,
}

impl Inbox {
    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<Message>) -> T) -> T {
        work(&mut self.messages.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(crate) fn router(kit: &Arc<Kit>, provider: Provider) -> Router {
    let control = Control::new(1);
    let knobs = control::routes(&control);
    let inbox = Inbox { kit: Arc::clone(kit), provider, control, messages: Mutex::default() };
    Router::new()
        .route("/", get(look))
        .route("/send", post(send))
        .route("/messages", get(list).delete(clear))
        .with_state(Arc::new(inbox))
        .merge(knobs)
}

async fn send(State(inbox): State<Arc<Inbox>>, bytes: Bytes) -> Answer {
    inbox.control.pause().await;
    if inbox.control.take_failure() {
        return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "told to fail".to_owned()));
    }
    let sent: Sent = body::read(&bytes)?;
    if sent.to.trim().is_empty() {
        return Err(Refusal(StatusCode::UNPROCESSABLE_ENTITY, "`to` is empty".to_owned()));
    }
    let Sent { to, subject, text, html } = sent;
    let message = Message { to, subject, text, html, at: inbox.kit.clock.now() };
    inbox.with(|messages| {
        messages.truncate(KEPT - 1);
        messages.push_front(message);
    });
    if inbox.control.take_drop() {
        return Err(Refusal(StatusCode::GATEWAY_TIMEOUT, "taken in, answer lost".to_owned()));
    }
    Ok(Json(json!({ "ok": true })))
}

#[derive(Debug, Deserialize)]
struct Filter {
    to: Option<String>,
}

/// Newest first.
async fn list(State(inbox): State<Arc<Inbox>>, Query(filter): Query<Filter>) -> Json<Value> {
    let data: Vec<Message> = inbox.with(|messages| {
        let fits = |message: &&Message| filter.to.as_deref().is_none_or(|to| to == message.to);
        messages.iter().filter(fits).cloned().collect()
    });
    Json(json!({ "data": data }))
}

async fn clear(State(inbox): State<Arc<Inbox>>) -> StatusCode {
    inbox.with(VecDeque::clear);
    StatusCode::NO_CONTENT
}

async fn look(State(inbox): State<Arc<Inbox>>, headers: HeaderMap) -> Response {
    let messages = inbox.with(|messages| messages.iter().take(ON_PAGE).cloned().collect());
    let frame = Frame::new(inbox.provider, Lang::of(&headers));
    page::render(StatusCode::OK, &Messages { frame, messages })
}
