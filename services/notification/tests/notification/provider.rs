//! A provider of text messages and letters that keeps what it is sent, and fails as often as it is told to.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::Value;

#[derive(Clone, Default)]
pub(crate) struct Provider {
    taken: Arc<Mutex<Vec<Value>>>,
    failures: Arc<Mutex<usize>>,
    asked: Arc<Mutex<usize>>,
}

impl Provider {
    /// Takes everything sent so far, oldest first.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }

    /// How often it was asked so far.
    pub(crate) fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }

    /// Refuses the next so many.
    pub(crate) fn fail(&self, times: usize) {
        *self.failures.lock().unwrap() = times;
    }

    /// Serves on a free port as long as the test runs; its address.
    pub(crate) async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/send", post(take)).with_state(self.clone());
        host::Tasks::new().spawn(async move { axum::serve(listener, router).await.unwrap() });
        format!("http://{address}/send")
    }
}

async fn take(State(provider): State<Provider>, Json(message): Json<Value>) -> StatusCode {
    *provider.asked.lock().unwrap() += 1;
    let mut failures = provider.failures.lock().unwrap();
    if *failures > 0 {
        *failures -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    provider.taken.lock().unwrap().push(message);
    StatusCode::OK
}
