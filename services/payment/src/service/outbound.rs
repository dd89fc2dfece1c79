//! Calls to providers: each is counted, and says nothing of its credentials.

use reqwest::{RequestBuilder, header::HeaderMap};

use super::Payments;
use crate::{domain::Provider, providers::outbound::Reply};

/// Answers of providers are short.
const LONGEST: usize = 256 * 1024;

fn again(headers: &HeaderMap) -> Option<bool> {
    match headers.get("stripe-should-retry")?.to_str().ok()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

impl Payments {
    /// Sends a request and counts what came of it.
    pub(super) async fn send(
        &self,
        provider: Provider,
        call: &'static str,
        request: RequestBuilder,
    ) -> Reply {
        let reply = match request.send().await {
            Ok(answer) => {
                let (status, again) = (answer.status().as_u16(), again(answer.headers()));
                match answer.bytes().await {
                    Ok(body) if body.len() <= LONGEST => {
                        Reply::Got { status, body: body.to_vec(), again }
                    }
                    Ok(_) | Err(_) => Reply::Lost,
                }
            }
            Err(error) if error.is_connect() || error.is_builder() => Reply::Unsent,
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(provider = provider.as_str(), call, %error, "a provider did not answer");
                Reply::Lost
            }
        };
        self.count_call(provider, call, reply.label());
        reply
    }

    pub(super) fn count_call(&self, provider: Provider, call: &str, outcome: &str) {
        self.outbound.with_label_values(&[provider.as_str(), call, outcome]).inc();
    }
}
