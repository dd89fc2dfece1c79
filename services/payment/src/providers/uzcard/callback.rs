//! ATMOS asks, before it takes money, whether it may. The answer is a hint to look how the payment stands: no money is taken for
//! granted by it.

use md5::Md5;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Atmos;
use crate::{
    config::CallbackHash,
    domain::hosted::{Refusal, Sum},
    providers::{RawAnswer, RawRequest, form},
};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) transaction: String,
    pub(crate) sum: Sum,
}

/// Why it is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// It cannot be read.
    Unreadable,
    /// Somebody else signed it.
    Sign,
}

fn field(body: &Value, name: &str) -> Option<String> {
    match body.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Atmos {
    /// What a callback asks, when it is ATMOS that asks.
    pub(crate) fn asked(&self, raw: &RawRequest) -> Result<Asked, Unheard> {
        if raw.method != "POST" {
            return Err(Unheard::Unreadable);
        }
        let body: Value = serde_json::from_slice(&raw.body).map_err(|_| Unheard::Unreadable)?;
        let text = |name: &str| field(&body, name).ok_or(Unheard::Unreadable);
        let (store, transaction) = (text("store_id")?, text("transaction_id")?);
        // Clients have seen either name.
        let account = text("invoice").or_else(|_| text("account"))?;
        let (amount, sign) = (text("amount")?, text("sign")?);
        let key = self.api_key.expose_secret();
        let signed = format!("{store}{transaction}{account}{amount}{key}");
        if store != self.store_id || !self.is_signed(&signed, &sign) {
            return Err(Unheard::Sign);
        }
        let amount = amount.parse().map_err(|_| Unheard::Unreadable)?;
        Ok(Asked { transaction, sum: Sum { amount, currency: "UZS".to_owned(), account } })
    }

    /// The pages of ATMOS do not name the hash: it is told by the length of what was received, unless the configuration names it.
    fn is_signed(&self, text: &str, sign: &str) -> bool {
        let expected = match (self.hash, sign.len()) {
            (CallbackHash::Md5, _) | (CallbackHash::Auto, 32) => form::hex_text(&Md5::digest(text)),
            (CallbackHash::Sha256, _) | (CallbackHash::Auto, 64) => {
                form::hex_text(&Sha256::digest(text))
            }
            (CallbackHash::Auto, _) => return false,
        };
        expected.as_bytes().ct_eq(sign.to_ascii_lowercase().as_bytes()).into()
    }
}

/// What the journal keeps of a call: everything but the signature.
pub(crate) fn without_signature(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(mut fields)) => {
            fields.remove("sign");
            Value::Object(fields).to_string()
        }
        _ => String::new(),
    }
}

/// It may take the money.
pub(crate) fn agreed() -> RawAnswer {
    RawAnswer::json(json!({ "status": 1, "message": "Успешно" }).to_string())
}

/// It may not.
pub(crate) fn refused(message: &str) -> RawAnswer {
    RawAnswer::json(json!({ "status": 0, "message": message }).to_string())
}

/// Why not, for people.
pub(crate) const fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Unknown => "Транзакция не найдена",
        Refusal::Sum => "Неверная сумма или счёт",
        Refusal::Paid => "Заказ уже оплачен",
        Refusal::Over => "Заказ закрыт для оплаты",
        Refusal::Busy => "Заказ оплачивается другим способом",
    }
}
