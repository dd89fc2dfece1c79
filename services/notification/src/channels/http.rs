//! A provider that takes messages as JSON over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, StatusCode, Url, redirect::Policy};
use serde_json::json;

use super::{Channel, Refused};
use crate::domain::Delivery;

/// How long a provider may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What the provider takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{to, text}`
    Sms,
    /// `{to, subject, text}`
    Letter,
}

/// Posts messages to one address.
pub(crate) struct HttpChannel {
    client: Client,
    url: Url,
    form: Form,
}

impl HttpChannel {
    pub(crate) fn new(url: Url, form: Form) -> anyhow::Result<Self> {
        let client = Client::builder().timeout(LIMIT).redirect(Policy::none()).build()?;
        Ok(Self { client, url, form })
    }
}

#[async_trait]
impl Channel for HttpChannel {
    async fn send(&self, delivery: &Delivery) -> Result<(), Refused> {
        let body = match self.form {
            Form::Sms => json!({ "to": delivery.address, "text": delivery.text }),
            Form::Letter => json!({
                "to": delivery.address,
                "subject": delivery.subject,
                "text": delivery.text,
            }),
        };
        // The same key at each try: a provider that looks at it sends once even when its answer was lost.
        let request = self.client.post(self.url.clone());
        let request = request.header("idempotency-key", delivery.id.to_string()).json(&body);
        let answer = request.send().await;
        // Without the address, which may hold a key.
        let answer = answer.map_err(|error| Refused::ForNow(error.without_url().to_string()))?;
        let status = answer.status();
        let later = status.is_server_error()
            || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        match status {
            _ if status.is_success() => Ok(()),
            _ if later => Err(Refused::ForNow(format!("the provider answered {status}"))),
            _ => Err(Refused::ForGood(format!("the provider answered {status}"))),
        }
    }
}
