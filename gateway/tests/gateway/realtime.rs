//! WebSockets.

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

use crate::kit::{Kit, problem};

#[tokio::test]
async fn messages_arrive_with_a_ticket_or_a_token() {
    let kit = Kit::new().await;
    let url = kit.base.replace("http://", "ws://");
    let ticket = format!("{url}/v1/ws?ticket={}&last_event_id=evt_0", kit.ticket("ws"));
    let mut with_token = format!("{url}/v1/ws").into_client_request().unwrap();
    let bearer = format!("Bearer {}", kit.shopper());
    with_token.headers_mut().insert("authorization", bearer.parse().unwrap());
    for request in [ticket.into_client_request().unwrap(), with_token] {
        let (mut socket, _) = connect_async(request).await.unwrap();
        let message = loop {
            if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
                break text;
            }
        };
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(
            message,
            json!({"id": "evt_1", "type": "order.paid", "at": "2026-11-21T09:30:00.000Z", "data": {"order_id": "ord_1"}})
        );
    }
    assert_eq!(*kit.world.last_event_id.lock().unwrap(), "");
}

#[tokio::test]
async fn strangers_hear_nothing() {
    let kit = Kit::new().await;
    let url = kit.base.replace("http://", "ws://");
    for query in [String::new(), "?ticket=x".to_owned(), format!("?ticket={}", kit.shopper())] {
        let refused = connect_async(format!("{url}/v1/ws{query}")).await.unwrap_err();
        let tungstenite::Error::Http(response) = refused else { panic!("{refused}") };
        assert_eq!(response.status(), 401, "{query}");
    }
    let plain = kit.get("/v1/ws").bearer_auth(kit.shopper()).send().await.unwrap();
    assert_eq!(problem(plain).await.1, "UPGRADE_REQUIRED");
}
