//! How a callback is sent: with the pauses, losses and repeats that the knobs ask for, and written down.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::control::Control;

/// How often a callback without a usable answer is sent.
const ATTEMPTS: u32 = 3;
/// Pause before the second try; then twice as long.
const PAUSE: Duration = Duration::from_millis(150);

/// One callback and what came back.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    pub(crate) method: &'static str,
    pub(crate) request: Value,
    /// HTTP status; none when nothing came back.
    pub(crate) status: Option<u16>,
    /// JSON, or the text when it was none.
    pub(crate) response: Value,
    /// The answer arrived and was thrown away, as if the line had gone dead.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) dropped: bool,
}

pub(crate) struct Wire {
    pub(crate) http: Client,
    pub(crate) control: Arc<Control>,
}

/// A callback before it is sent.
pub(crate) struct Call<'a> {
    pub(crate) method: &'static str,
    /// As it is written down; secrets stay out of it.
    pub(crate) request: Value,
    /// Makes the request anew for each try.
    pub(crate) build: &'a (dyn Fn(&Client) -> RequestBuilder + Sync),
    /// Whether a well-formed answer still counts as none.
    pub(crate) useless: fn(&Value) -> bool,
    /// Whether any 2xx will do, whatever its body; otherwise only 200 with JSON.
    pub(crate) lenient: bool,
}

impl Wire {
    /// Sends until there is an answer to work with. `None` when there is none after all tries.
    pub(crate) async fn send(&self, steps: &mut Vec<Step>, call: Call<'_>) -> Option<Value> {
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            let (step, answer) = self.once(&call).await;
            steps.push(step);
            if answer.as_ref().is_some_and(|answer| !(call.useless)(answer)) {
                return answer;
            }
        }
        None
    }

    async fn once(&self, call: &Call<'_>) -> (Step, Option<Value>) {
        self.control.pause().await;
        let mut step = Step {
            method: call.method,
            request: call.request.clone(),
            status: None,
            response: Value::Null,
            dropped: false,
        };
        let answer = async {
            let response = (call.build)(&self.http).send().await?;
            let status = response.status();
            response.text().await.map(|text| (status, text))
        };
        let (status, text) = match answer.await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(%error, method = call.method, "no answer to a callback");
                step.response = Value::String(error.without_url().to_string());
                return (step, None);
            }
        };
        step.status = Some(status.as_u16());
        let parsed = serde_json::from_str::<Value>(&text).ok();
        step.response = parsed.clone().unwrap_or(Value::String(text));
        step.dropped = self.control.take_drop();
        let answer = if call.lenient {
            status.is_success().then(|| step.response.clone())
        } else {
            parsed.filter(|_| status == StatusCode::OK)
        };
        let answer = answer.filter(|_| !step.dropped);
        (step, answer)
    }
}
