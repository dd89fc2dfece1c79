//! Whether a provider is connected rightly: keys, addresses and clocks. Run by a person, before the first payment and when something
//! does not work. It moves no money and changes nothing.

use std::time::Duration;

use clock::{Clock, Timestamp};
use reqwest::{Client, Response, redirect::Policy};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::{Config, domain::Provider};

mod hooks;
mod partners;

/// How long anybody may take to answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// Clocks that differ more refuse each other's signatures.
const SKEW: Duration = Duration::from_secs(30);

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Good,
    /// It works, and should be looked at.
    Doubtful,
    /// Payments will not work with it.
    Bad,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Doubtful => "warning",
            Self::Bad => "error",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: "keys", "page", "callback", "api" or "clock".
    pub what: &'static str,
    /// How it is.
    pub state: State,
    /// In words; holds no secret.
    pub text: String,
}

impl Finding {
    fn new(what: &'static str, state: State, text: impl Into<String>) -> Self {
        Self { what, state, text: text.into() }
    }
}

/// Everything that is needed to look.
struct Check<'a> {
    config: &'a Config,
    public_url: &'a str,
    http: Client,
    found: Vec<Finding>,
}

/// Looks at one provider. `public_url` is where providers reach this platform.
pub async fn check(
    config: &Config,
    public_url: &str,
    provider: Provider,
) -> anyhow::Result<Vec<Finding>> {
    let http = Client::builder().timeout(PATIENCE).redirect(Policy::none()).build()?;
    let public_url = public_url.trim_end_matches('/');
    let mut check = Check { config, public_url, http, found: Vec::new() };
    match provider {
        Provider::Payme => check.payme().await,
        Provider::Click => check.click().await,
        Provider::Uzcard => check.uzcard().await,
        Provider::Stripe => check.stripe().await,
        Provider::Cash => check.say("keys", State::Good, "cash needs none"),
    }
    Ok(check.found)
}

/// The providers that have any key.
pub fn configured(config: &Config) -> Vec<Provider> {
    let has = |provider: &Provider| match provider {
        Provider::Payme => !config.payme.merchant_id.is_empty(),
        Provider::Click => !config.click.service_id.is_empty(),
        Provider::Uzcard => !config.uzcard.store_id.is_empty(),
        Provider::Stripe => !config.stripe.secret_key.expose_secret().is_empty(),
        Provider::Cash => false,
    };
    Provider::ALL.into_iter().filter(has).collect()
}

impl Check<'_> {
    fn say(&mut self, what: &'static str, state: State, text: impl Into<String>) {
        self.found.push(Finding::new(what, state, text));
    }

    /// A key that must be there.
    fn secret(&mut self, name: &str, key: &SecretString) -> bool {
        let there = !key.expose_secret().is_empty();
        if key.expose_secret() != key.expose_secret().trim() {
            let text = format!("payment.{name} begins or ends with a space");
            self.say("keys", State::Bad, text);
        } else if there {
            self.say("keys", State::Good, format!("payment.{name} is set"));
        } else {
            self.say("keys", State::Bad, format!("payment.{name} is not set"));
        }
        there
    }

    /// A number that the provider gave.
    fn digits(&mut self, name: &str, text: &str) -> bool {
        let right = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        let (state, says) = match (text, right) {
            ("", _) => (State::Bad, "is not set"),
            (_, true) => (State::Good, "is a number"),
            (_, false) => (State::Bad, "is no number"),
        };
        self.say("keys", state, format!("payment.{name} {says}"));
        right
    }

    /// An address that shoppers or calls go to; what answered there.
    async fn reach(&mut self, what: &'static str, url: &str) -> Option<Response> {
        if !url.starts_with("https://") {
            let text = format!("{url} is not reached by https: for tests only");
            self.say(what, State::Doubtful, text);
        }
        match self.http.get(url).send().await {
            Ok(answer) => {
                let text = format!("{url} answers ({})", answer.status().as_u16());
                self.say(what, State::Good, text);
                self.clock(&answer);
                Some(answer)
            }
            Err(error) => {
                let text = format!("{url} does not answer: {}", reason(&error));
                self.say(what, State::Bad, text);
                None
            }
        }
    }

    /// Compares the clocks by the header of an answer.
    fn clock(&mut self, answer: &Response) {
        let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(moment) else { return };
        let ours = Clock::system().now();
        let skew = ours.since(theirs).max(theirs.since(ours));
        let seconds = skew.as_secs();
        let (state, text) = if skew > SKEW {
            (State::Bad, format!("the clocks differ by {seconds} s: set this machine's by NTP"))
        } else {
            (State::Good, format!("the clocks differ by {seconds} s"))
        };
        self.say("clock", state, text);
    }

    /// The platform's own address, as the provider has it.
    fn public(&mut self) {
        let https = self.public_url.starts_with("https://");
        let local = ["//localhost", "//127.", "//10.", "//192.168."];
        if self.public_url.is_empty() {
            self.say("callback", State::Bad, "gateway.public_url is not set");
        } else if !https || local.iter().any(|part| self.public_url.contains(part)) {
            let text = format!(
                "{} is not an https address that a provider could reach from the internet",
                self.public_url
            );
            self.say("callback", State::Doubtful, text);
        }
    }
}

/// What a client may say of an error: nothing of the address, which may hold a key.
fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection (name, port, firewall or certificate)"
    } else {
        "the call broke off"
    }
}

async fn json(answer: Result<Response, reqwest::Error>) -> Result<(u16, Value), String> {
    let answer = answer.map_err(|error| reason(&error).to_owned())?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(|error| reason(&error).to_owned())?;
    Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// Reads the header `date`: "Sun, 06 Nov 1994 08:49:37 GMT".
fn moment(date: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = date.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else { return None };
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    format!("{year}-{month:02}-{day}T{time}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_answers() {
        let at = moment("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(at.to_string(), "1994-11-06T08:49:37.000Z");
        for wrong in ["", "yesterday", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT"]
        {
            assert_eq!(moment(wrong), None, "{wrong}");
        }
    }
}
