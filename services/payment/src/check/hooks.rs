//! The providers that call us: the same calls are made here, with a wrong key and with the right one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::{Check, State, json as read};
use crate::providers::click_api::ClickApi;

/// An order that nobody has: real numbers begin with a digit.
const NOBODY: &str = "CHECK-0";

impl Check<'_> {
    pub(super) async fn payme(&mut self) {
        let payme = &self.config.payme;
        let id = &payme.merchant_id;
        let hex = id.len() == 24 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        match (id.is_empty(), hex) {
            (true, _) => self.say("keys", State::Bad, "payment.payme.merchant_id is not set"),
            (_, true) => self.say("keys", State::Good, "payment.payme.merchant_id is set"),
            (_, false) => {
                let text = "payment.payme.merchant_id is not 24 hexadecimal digits: it is the id of the cash desk";
                self.say("keys", State::Doubtful, text);
            }
        }
        let has_test_key = !payme.test_key.expose_secret().is_empty();
        let has_key = if has_test_key && payme.key.expose_secret().is_empty() {
            false
        } else {
            self.secret("payme.key", &payme.key)
        };
        if has_test_key {
            let text = "payment.payme.test_key is set: the sandbox can pay orders. Take it out before you sell";
            self.say("keys", State::Doubtful, text);
            if payme.key.expose_secret() == payme.test_key.expose_secret() {
                self.say("keys", State::Bad, "payment.payme.key and .test_key are the same");
            }
        }
        let page = payme.base_url.clone();
        self.reach("page", &page).await;
        self.public();
        let url = format!("{}/hooks/payme", self.public_url);
        self.payme_call(&url, "not-the-key", -32504, "a wrong key is refused").await;
        let key = if has_key { &payme.key } else { &payme.test_key };
        let key = key.expose_secret().to_owned();
        if !key.is_empty() {
            let text = "the key that is configured here is in force there";
            self.payme_call(&url, &key, -31050, text).await;
        }
    }

    async fn payme_call(&mut self, url: &str, key: &str, expected: i64, good: &str) {
        let params = json!({ "amount": 100, "account": { "order_id": NOBODY } });
        let body = json!({ "id": 1, "method": "CheckPerformTransaction", "params": params });
        let basic = STANDARD.encode(format!("Paycom:{key}"));
        let request = self.http.post(url).header("authorization", format!("Basic {basic}"));
        let request = request.header("content-type", "text/json; charset=UTF-8");
        let answer = read(request.body(body.to_string()).send().await).await;
        self.judge(url, answer, "/error/code", expected, good);
    }

    pub(super) async fn click(&mut self) {
        let click = &self.config.click;
        let service = self.digits("click.service_id", &click.service_id);
        self.digits("click.merchant_id", &click.merchant_id);
        let secret = self.secret("click.secret_key", &click.secret_key);
        let page = click.base_url.clone();
        self.reach("page", &page).await;
        self.public();
        let url = format!("{}/hooks/click/prepare", self.public_url);
        self.click_call(&url, "not-the-key", -1, "a wrong signature is refused").await;
        if service && secret {
            let key = click.secret_key.expose_secret().to_owned();
            let text = "the key that is configured here is in force there";
            self.click_call(&url, &key, -5, text).await;
        }
        if click.merchant_user_id.is_empty() {
            let text = "payment.click.merchant_user_id is not set: people send refunds, there are no fiscal receipts, and nothing is compared";
            self.say("api", State::Doubtful, text);
            return;
        }
        self.digits("click.merchant_user_id", &click.merchant_user_id);
        let Some(api) = ClickApi::new(click) else {
            self.say("api", State::Bad, "payment.click.api_url is not set");
            return;
        };
        let now = clock::Clock::system().now();
        let request = self.http.get(api.status(1)).header("auth", api.auth(now));
        let answer = request.header("accept", "application/json").send().await;
        if let Ok(answer) = &answer {
            self.clock(answer);
        }
        match read(answer).await {
            Err(error) => {
                self.say("api", State::Bad, format!("{} does not answer: {error}", click.api_url));
            }
            Ok((401 | 403, _)) => {
                let text = "Click's Merchant API does not know these keys: compare merchant_user_id, secret_key, service_id and the clock";
                self.say("api", State::Bad, text);
            }
            Ok((_, body)) if body.get("error_code").is_some_and(Value::is_i64) => {
                self.say("api", State::Good, "Click's Merchant API knows these keys");
            }
            Ok((status, _)) => {
                let text =
                    format!("{} answers with HTTP {status} and no error_code", click.api_url);
                self.say("api", State::Bad, text);
            }
        }
    }

    async fn click_call(&mut self, url: &str, key: &str, expected: i64, good: &str) {
        let (attempt, amount, action, at) = ("1", "1000", "0", "2026-01-01 00:00:00");
        let service = &self.config.click.service_id;
        let text = [attempt, service, key, NOBODY, amount, action, at].concat();
        let sign = Md5::digest(text.as_bytes());
        let sign = sign.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let fields = [
            ("click_trans_id", attempt),
            ("service_id", service),
            ("click_paydoc_id", "1"),
            ("merchant_trans_id", NOBODY),
            ("amount", amount),
            ("action", action),
            ("error", "0"),
            ("error_note", "check"),
            ("sign_time", at),
            ("sign_string", &sign),
        ];
        let answer = read(self.http.post(url).form(&fields).send().await).await;
        self.judge(url, answer, "/error", expected, good);
    }

    /// What our own door said.
    fn judge(
        &mut self,
        url: &str,
        answer: Result<(u16, Value), String>,
        place: &str,
        expected: i64,
        good: &str,
    ) {
        let (state, text) = match answer {
            Err(error) => (State::Bad, format!("{url} does not answer: {error}")),
            Ok((404, _)) => (
                State::Bad,
                format!(
                    "{url} is not found: the provider is off there, or the address is another one"
                ),
            ),
            Ok((status, body)) => match body.pointer(place).and_then(Value::as_i64) {
                Some(code) if code == expected => (State::Good, format!("{url}: {good}")),
                Some(code) => (
                    State::Bad,
                    format!(
                        "{url} answers {code} and should answer {expected}: another key is in force there"
                    ),
                ),
                None => (
                    State::Bad,
                    format!("{url} answers with HTTP {status} and not by the protocol"),
                ),
            },
        };
        self.say("callback", state, text);
    }
}
