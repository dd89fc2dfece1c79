//! The providers that we call: UzCard by ATMOS, and Stripe.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{Check, State, json as read};

impl Check<'_> {
    pub(super) async fn uzcard(&mut self) {
        let uzcard = &self.config.uzcard;
        self.digits("uzcard.store_id", &uzcard.store_id);
        let named = !uzcard.consumer_key.is_empty();
        if !named {
            self.say("keys", State::Bad, "payment.uzcard.consumer_key is not set");
        }
        let secret = self.secret("uzcard.consumer_secret", &uzcard.consumer_secret);
        self.secret("uzcard.api_key", &uzcard.api_key);
        let base = uzcard.base_url.trim_end_matches('/');
        if named && secret {
            let url = format!("{base}/token?grant_type=client_credentials");
            let password = uzcard.consumer_secret.expose_secret();
            let request = self.http.post(url).basic_auth(&uzcard.consumer_key, Some(password));
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = request.send().await;
            if let Ok(answer) = &answer {
                self.clock(answer);
            }
            let (state, text) = match read(answer).await {
                Ok((200, body)) if body.get("access_token").is_some_and(Value::is_string) => {
                    (State::Good, "ATMOS gives a token for these keys".to_owned())
                }
                Ok((status @ (400 | 401), _)) => {
                    (State::Bad, format!("ATMOS does not know these keys (HTTP {status})"))
                }
                Ok((status, _)) => (
                    State::Bad,
                    format!(
                        "{base} answers with HTTP {status}: is this machine's address on ATMOS's list?"
                    ),
                ),
                Err(error) => (
                    State::Bad,
                    format!("{base} does not answer: {error}. ATMOS lets in known addresses only"),
                ),
            };
            self.say("api", state, text);
        }
        self.public();
        self.door("/hooks/uzcard").await;
    }

    pub(super) async fn stripe(&mut self) {
        let stripe = &self.config.stripe;
        if self.secret("stripe.secret_key", &stripe.secret_key) {
            let key = stripe.secret_key.expose_secret();
            if key.starts_with("sk_test_") || key.starts_with("rk_test_") {
                let text = "payment.stripe.secret_key is a test key: no money moves";
                self.say("keys", State::Doubtful, text);
            }
            let url = format!("{}/v1/balance", stripe.base_url.trim_end_matches('/'));
            let answer = self.http.get(url).bearer_auth(key).send().await;
            if let Ok(answer) = &answer {
                self.clock(answer);
            }
            let (state, text) = match read(answer).await {
                Ok((200, _)) => (State::Good, "Stripe knows the key".to_owned()),
                Ok((401, _)) => (State::Bad, "Stripe does not know the key".to_owned()),
                // A restricted key need not see the balance.
                Ok((403, _)) => (
                    State::Doubtful,
                    "Stripe knows the key, which may not read the balance".to_owned(),
                ),
                Ok((status, _)) => (State::Bad, format!("Stripe answers with HTTP {status}")),
                Err(error) => (State::Bad, format!("Stripe does not answer: {error}")),
            };
            self.say("api", state, text);
        }
        let webhook = stripe.webhook_secret.expose_secret();
        if webhook.is_empty() {
            self.say("keys", State::Bad, "payment.stripe.webhook_secret is not set");
        } else if webhook.starts_with("whsec_") {
            self.say("keys", State::Good, "payment.stripe.webhook_secret is set");
        } else {
            let text = "payment.stripe.webhook_secret does not begin with whsec_";
            self.say("keys", State::Doubtful, text);
        }
        self.public();
        self.door("/hooks/stripe").await;
    }

    /// Whether somebody is behind a callback address. An empty call is refused there, which is right.
    async fn door(&mut self, path: &str) {
        let url = format!("{}{path}", self.public_url);
        let answer = read(self.http.post(&url).body("{}").send().await).await;
        let (state, text) = match answer {
            Err(error) => (State::Bad, format!("{url} does not answer: {error}")),
            Ok((404, _)) => (State::Bad, format!("{url} is not found: the provider is off there")),
            Ok((status, _)) if status >= 500 => {
                (State::Bad, format!("{url} answers with HTTP {status}"))
            }
            Ok(_) => (State::Good, format!("{url} is listened at")),
        };
        self.say("callback", state, text);
    }
}
