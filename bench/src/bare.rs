//! The limit: axum, one route, a small JSON body, nothing else.

use axum::{Json, Router, routing::get};
use serde::Serialize;
use tokio::net::TcpListener;

#[derive(Debug, Serialize)]
struct Greeting {
    message: &'static str,
    number: u32,
}

async fn greet() -> Json<Greeting> {
    Json(Greeting { message: "assalomu alaykum", number: 7 })
}

/// Serves until the process is killed.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    crate::say(&serde_json::json!({ "ready": true, "gateway": url }).to_string());
    axum::serve(listener, Router::new().route("/", get(greet))).await?;
    Ok(())
}
