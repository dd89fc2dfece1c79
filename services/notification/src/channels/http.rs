//! A provider that takes messages as JSON over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, StatusCode, Url, redirect::Policy};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::{Channel, Refused};
use crate::domain::Delivery;

/// How long a provider may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Where SendGrid takes letters.
pub(crate) const SENDGRID: &str = "https://api.sendgrid.com/v3/mail/send";

/// What the provider takes.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// `{to, text}`
    Sms,
    /// `{to, subject, text}`
    Letter,
    /// A letter as SendGrid's API (version 3) takes it.
    SendGrid {
        /// Lets us in.
        key: SecretString,
        /// Whom letters come from.
        from: String,
    },
}

impl Form {
    fn body(&self, to: &str, subject: &str, text: &str) -> Value {
        match self {
            Self::Sms => json!({ "to": to, "text": text }),
            Self::Letter => json!({ "to": to, "subject": subject, "text": text }),
            Self::SendGrid { from, .. } => json!({
                "personalizations": [{ "to": [{ "email": to }] }],
                "from": { "email": from },
                "subject": subject,
                "content": [{ "type": "text/plain", "value": text }],
            }),
        }
    }
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
        let body = self.form.body(&delivery.address, &delivery.subject, &delivery.text);
        // The same key at each try: a provider that looks at it sends once even when its answer was lost.
        let mut request = self.client.post(self.url.clone());
        if let Form::SendGrid { key, .. } = &self.form {
            request = request.bearer_auth(key.expose_secret());
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_for_sendgrid_shows_no_key() {
        let form = Form::SendGrid { key: "SG.hidden".into(), from: "shop@example.uz".to_owned() };
        let body = form.body("a@example.uz", "Salom", "matn");
        assert_eq!(body["personalizations"][0]["to"][0]["email"], "a@example.uz");
        assert_eq!(
            (&body["from"]["email"], &body["subject"]),
            (&json!("shop@example.uz"), &json!("Salom"))
        );
        assert_eq!(body["content"][0], json!({ "type": "text/plain", "value": "matn" }));
        assert!(!format!("{form:?} {body}").contains("hidden"));
    }
}
