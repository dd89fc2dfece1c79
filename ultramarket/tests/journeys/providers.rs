//! Payme and Click as they call a merchant.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    client::Client,
    platform::{CLICK_SECRET, CLICK_SERVICE, PAYME_KEY},
};

/// Milliseconds since 1970, as Payme writes them.
#[expect(clippy::disallowed_methods, reason = "the provider has a clock of its own")]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Payme's side of the Merchant API.
#[derive(Debug, Clone)]
pub(crate) struct Payme {
    client: Client,
}

/// A new transaction's id: 24 hexadecimal digits.
pub(crate) fn payme_id() -> String {
    let hash = Md5::digest(ids::RequestId::new().to_string());
    let mut text = hex(&hash);
    text.truncate(24);
    text
}

impl Payme {
    pub(crate) fn new(client: &Client) -> Self {
        Self::with_key(client, PAYME_KEY)
    }

    pub(crate) fn with_key(client: &Client, key: &str) -> Self {
        let login = STANDARD.encode(format!("Paycom:{key}"));
        Self { client: client.with("authorization", &format!("Basic {login}")) }
    }

    /// The body of a call as Payme writes it: no `jsonrpc` member.
    pub(crate) fn body(method: &str, params: &Value) -> String {
        json!({ "id": now() % 100_000, "method": method, "params": params }).to_string()
    }

    /// A call as Payme makes it; no answer is an error.
    pub(crate) async fn try_call(&self, method: &str, params: &Value) -> reqwest::Result<Value> {
        let body = Self::body(method, params);
        let kind = Some("text/json; charset=UTF-8");
        let answer =
            self.client.try_send(Method::POST, "/hooks/payme", kind, body.into_bytes()).await?;
        Ok(answer.expect(200))
    }

    /// A call as Payme makes it: the whole answer.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, &params).await.unwrap()
    }

    /// A call that must succeed.
    #[track_caller]
    pub(crate) fn result(answer: &Value) -> Value {
        assert!(answer.get("error").is_none_or(Value::is_null), "{answer}");
        answer["result"].clone()
    }

    /// The error's number of a call that must fail.
    #[track_caller]
    pub(crate) fn error(answer: &Value) -> i64 {
        assert!(answer.get("result").is_none_or(Value::is_null), "{answer}");
        for language in ["uz", "ru", "en"] {
            assert!(answer["error"]["message"][language].is_string(), "{answer}");
        }
        answer["error"]["code"].as_i64().unwrap()
    }

    /// The whole of a payment: may it be paid, create twice, perform twice, look once more.
    pub(crate) async fn pay(&self, reference: &str, amount: i64) -> String {
        let account = json!({ "order_id": reference });
        let id = payme_id();
        let check = json!({ "amount": amount, "account": account });
        let allowed = Self::result(&self.call("CheckPerformTransaction", check).await);
        assert_eq!(allowed["allow"], true);

        let create = json!({ "id": id, "time": now(), "amount": amount, "account": account });
        let created = Self::result(&self.call("CreateTransaction", create.clone()).await);
        assert_eq!(created["state"], 1);
        let again = Self::result(&self.call("CreateTransaction", create).await);
        assert_eq!(again, created, "a repeat says the same");

        let perform = json!({ "id": id });
        let performed = Self::result(&self.call("PerformTransaction", perform.clone()).await);
        assert_eq!(performed["state"], 2);
        assert_eq!(performed["transaction"], created["transaction"]);
        let again = Self::result(&self.call("PerformTransaction", perform.clone()).await);
        assert_eq!(again, performed, "a repeat says the same");

        let seen = Self::result(&self.call("CheckTransaction", perform).await);
        assert_eq!(seen["state"], 2);
        assert_eq!(seen["perform_time"], performed["perform_time"]);
        assert_eq!(seen["create_time"], created["create_time"]);
        assert_eq!(seen["cancel_time"], 0);
        assert_eq!(seen["reason"], Value::Null);
        id
    }
}

/// A payment at Click.
#[derive(Debug, Clone)]
pub(crate) struct Click {
    client: Client,
    pub(crate) trans_id: i64,
    reference: String,
    /// As Click writes it: so'm with two decimals.
    amount: String,
}

impl Click {
    pub(crate) fn new(client: &Client, reference: &str, tiyin: i64) -> Self {
        let amount = format!("{}.{:02}", tiyin / 100, tiyin % 100);
        let trans_id = now() % 1_000_000_000;
        Self { client: client.clone(), trans_id, reference: reference.to_owned(), amount }
    }

    async fn call(
        &self,
        path: &str,
        action: &str,
        prepare_id: &str,
        error: i64,
        secret: &str,
    ) -> Value {
        let sign_time = "2026-11-21 14:30:00";
        let signed = format!(
            "{}{CLICK_SERVICE}{secret}{}{prepare_id}{}{action}{sign_time}",
            self.trans_id, self.reference, self.amount
        );
        let sign = hex(&Md5::digest(signed));
        let mut fields = vec![
            ("click_trans_id", self.trans_id.to_string()),
            ("service_id", CLICK_SERVICE.to_owned()),
            ("click_paydoc_id", (self.trans_id + 1).to_string()),
            ("merchant_trans_id", self.reference.clone()),
            ("amount", self.amount.clone()),
            ("action", action.to_owned()),
            ("error", error.to_string()),
            ("error_note", if error == 0 { "Success" } else { "Failed" }.to_owned()),
            ("sign_time", sign_time.replace(' ', "+").replace(':', "%3A")),
            ("sign_string", sign),
        ];
        if !prepare_id.is_empty() {
            fields.push(("merchant_prepare_id", prepare_id.to_owned()));
        }
        let pairs: Vec<String> =
            fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let kind = "application/x-www-form-urlencoded";
        self.client.raw(Method::POST, path, kind, pairs.join("&")).await.expect(200)
    }

    pub(crate) async fn prepare(&self) -> Value {
        self.call("/hooks/click/prepare", "0", "", 0, CLICK_SECRET).await
    }

    pub(crate) async fn prepare_signed_with(&self, secret: &str) -> Value {
        self.call("/hooks/click/prepare", "0", "", 0, secret).await
    }

    pub(crate) async fn complete(&self, prepare_id: i64, error: i64) -> Value {
        let prepare_id = prepare_id.to_string();
        self.call("/hooks/click/complete", "1", &prepare_id, error, CLICK_SECRET).await
    }
}
