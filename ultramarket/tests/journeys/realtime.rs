//! Somebody who listens on the WebSocket.

use std::time::Duration;

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use super::{client::Client, platform::Platform, shop::text};

/// Longer than any message takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open connection.
pub(crate) struct Listener(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Listener {
    /// As a page does it: with a ticket in the address.
    pub(crate) async fn open(platform: &Platform, client: &Client) -> Self {
        let ticket = client.post("/v1/auth/ws-ticket", json!({})).await.expect(201);
        Self::connect(platform, &format!("?ticket={}", text(&ticket["ticket"])), None).await
    }

    /// The same, from what came after a message on.
    pub(crate) async fn resume(platform: &Platform, client: &Client, last: &str) -> Self {
        let ticket = client.post("/v1/auth/ws-ticket", json!({})).await.expect(201);
        let query = format!("?ticket={}&last_event_id={last}", text(&ticket["ticket"]));
        Self::connect(platform, &query, None).await
    }

    /// As an application does it: with the header of every request.
    pub(crate) async fn open_with_header(platform: &Platform, client: &Client) -> Self {
        Self::connect(platform, "", client.credential()).await
    }

    async fn connect(platform: &Platform, query: &str, credential: Option<HeaderValue>) -> Self {
        let url = format!("{}/v1/ws{query}", platform.gateway.replace("http://", "ws://"));
        let mut request = url.into_client_request().unwrap();
        if let Some(credential) = credential {
            request.headers_mut().insert("authorization", credential);
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        Self(socket)
    }

    /// The message of this kind about this order.
    pub(crate) async fn hear(&mut self, kind: &str, order: &str) -> Value {
        self.hear_of(kind, "order_id", order).await
    }

    /// The message of this kind whose data name this.
    pub(crate) async fn hear_of(&mut self, kind: &str, member: &str, id: &str) -> Value {
        let listen = async {
            let mut heard = Vec::new();
            while let Some(message) = self.0.next().await {
                let Ok(Message::Text(message)) = message else { continue };
                let message: Value = serde_json::from_str(&message).unwrap();
                if message["type"] == kind && message["data"][member] == id {
                    return message;
                }
                heard.push(message);
            }
            panic!("closed without {kind}: {heard:?}")
        };
        tokio::time::timeout(PATIENCE, listen)
            .await
            .unwrap_or_else(|_| panic!("nothing of {kind} about {id}"))
    }
}
