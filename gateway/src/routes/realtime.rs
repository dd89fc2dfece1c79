//! What happens, as it happens.

use std::time::Duration;

use axum::{
    Json,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::StatusCode,
    response::Response,
};
use clock::Timestamp;
use fault::Code;
use futures::StreamExt as _;
use prometheus::IntGauge;
use proto::{
    auth::IssueWsTicketRequest,
    notification::{RealtimeMessage, SubscribeRequest},
};
use serde::Serialize;
use serde_json::value::RawValue;
use telemetry::IntGaugeVec;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use utoipa::ToSchema;

use crate::{
    app::App,
    body::NoBody,
    params::Params,
    problem::{Problem, refuse},
    reply::{Made, at},
};

/// How often the other side is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// Clients only answer pings here.
const INCOMING: usize = 4 * 1024;

/// A token for opening a WebSocket from a page.
#[derive(Serialize, ToSchema)]
pub(crate) struct Ticket {
    ticket: String,
    /// Seconds until it ends.
    expires_in: u32,
}

/// Issues a token for opening a WebSocket, where no `Authorization` header can be sent.
#[utoipa::path(post, path = "/v1/auth/ws-ticket", tag = "real time", responses((status = 201, body = Ticket)))]
pub(crate) async fn issue_ticket(State(app): State<App>, _: NoBody) -> Made<Ticket> {
    let answer = app.mesh.auth().issue_ws_ticket(IssueWsTicketRequest {}).await?.into_inner();
    let ticket = Ticket { ticket: answer.ticket, expires_in: answer.expires_in };
    Ok((StatusCode::CREATED, Json(ticket)))
}

/// Something that happened.
#[derive(Debug, Serialize)]
struct Happening<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    at: Timestamp,
    data: Option<&'a RawValue>,
}

fn text(message: &RealtimeMessage) -> String {
    let happening = Happening {
        id: &message.id,
        kind: &message.r#type,
        at: at(message.at_ms),
        data: serde_json::from_str(&message.data).ok(),
    };
    serde_json::to_string(&happening).unwrap_or_default()
}

/// Messages for the caller and the caller's merchant: `{id, type, at, data}`. With `last_event_id`, first what came after it.
#[utoipa::path(get, path = "/v1/ws", tag = "real time",
    params(("ticket" = Option<String>, Query, description = "Instead of the Authorization header"), ("last_event_id" = Option<String>, Query)),
    responses((status = 101)))]
pub(crate) async fn open(
    State(app): State<App>,
    params: Params,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade
        .map_err(|_| refuse(Code::Invalid, "UPGRADE_REQUIRED", "open this path as a WebSocket"))?;
    let last_event_id = params.get("last_event_id").unwrap_or_default().to_owned();
    let request = SubscribeRequest { last_event_id };
    let messages = app.mesh.notification().subscribe(request).await?.into_inner();
    let (closing, open) = (app.closing, Open::new(&app.sockets));
    let upgrade = upgrade.max_message_size(INCOMING).max_frame_size(INCOMING);
    Ok(upgrade.on_upgrade(async move |socket| {
        talk(socket, messages, closing).await;
        drop(open);
    }))
}

/// Counts a socket for as long as it is open.
struct Open(IntGauge);

impl Open {
    fn new(sockets: &IntGaugeVec) -> Self {
        let sockets = sockets.with_label_values::<&str>(&[]);
        sockets.inc();
        Self(sockets)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Passes messages on until one side has enough.
async fn talk(
    mut socket: WebSocket,
    mut messages: Streaming<RealtimeMessage>,
    closing: CancellationToken,
) {
    let mut ping = tokio::time::interval(PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Something must have come since the ping before.
    let mut alive = true;
    loop {
        let sent = tokio::select! {
            () = closing.cancelled() => break,
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                Some(Ok(_)) => {
                    alive = true;
                    continue;
                }
            },
            message = messages.next() => match message {
                Some(Ok(message)) => socket.send(Message::Text(text(&message).into())).await,
                Some(Err(_)) | None => break,
            },
            _ = ping.tick() => {
                if !std::mem::take(&mut alive) {
                    break;
                }
                socket.send(Message::Ping(axum::body::Bytes::new())).await
            }
        };
        if sent.is_err() {
            return;
        }
    }
    // The other side may be gone already.
    drop(socket.send(Message::Close(None)).await);
}
