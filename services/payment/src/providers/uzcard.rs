//! ATMOS, which charges UzCard and Humo cards: OAuth2 tokens, payments on its hosted page, reversals, and the callback that asks
//! before the debit. No card number and no code comes past here.

use clock::Timestamp;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::form;
use crate::{
    config::{self, CallbackHash},
    domain::hosted::{Charge, Limits, Quote},
};

pub(crate) mod answer;
pub(crate) mod callback;
pub(crate) mod token;

/// Sums that ATMOS can be asked for, in tiyin.
const LIMITS: Limits = Limits { min: 1, max: 999_999_999_999 };

/// A store of ATMOS.
#[derive(Debug)]
pub(crate) struct Atmos {
    store_id: String,
    terminal_id: String,
    consumer_key: String,
    consumer_secret: SecretString,
    api_key: SecretString,
    hash: CallbackHash,
    digits_only: bool,
    url: String,
    page_url: String,
    pub(crate) tokens: token::Tokens,
}

impl Atmos {
    /// `None` when it is not configured.
    pub(crate) fn new(config: &config::Uzcard) -> Option<Self> {
        use secrecy::ExposeSecret as _;
        let absent = config.store_id.is_empty()
            || config.consumer_key.is_empty()
            || config.consumer_secret.expose_secret().is_empty()
            || config.api_key.expose_secret().is_empty();
        (!absent).then(|| Self {
            store_id: config.store_id.clone(),
            terminal_id: config.terminal_id.clone(),
            consumer_key: config.consumer_key.clone(),
            consumer_secret: config.consumer_secret.clone(),
            api_key: config.api_key.clone(),
            hash: config.callback_hash,
            digits_only: config.digits_only,
            url: config.base_url.trim_end_matches('/').to_owned(),
            page_url: config.page_url.trim_end_matches('/').to_owned(),
            tokens: token::Tokens::default(),
        })
    }

    pub(crate) fn quote() -> Quote {
        Quote { currency: "UZS".to_owned(), rate: None, limits: LIMITS }
    }

    /// What ATMOS calls an order.
    pub(crate) fn account(&self, reference: &str) -> String {
        let digits: String = reference.chars().filter(char::is_ascii_digit).collect();
        if self.digits_only && !digits.is_empty() { digits } else { reference.to_owned() }
    }

    /// Where a token is asked for, and with which credentials.
    pub(crate) fn token_url(&self) -> String {
        format!("{}/token?grant_type=client_credentials", self.url)
    }

    pub(crate) fn credentials(&self) -> (&str, &SecretString) {
        (&self.consumer_key, &self.consumer_secret)
    }

    /// Where a call goes.
    pub(crate) fn endpoint(&self, call: &str) -> String {
        format!("{}/merchant/pay/{call}", self.url)
    }

    /// The page of a transaction.
    pub(crate) fn page(&self, transaction: &str, return_url: &str) -> String {
        let (store, id) = (form::encode(&self.store_id), form::encode(transaction));
        let back = form::encode(return_url);
        format!(
            "{}/invoice/get?storeId={store}&transactionId={id}&redirectLink={back}",
            self.page_url
        )
    }

    pub(crate) fn create(&self, charge: &Charge, locale: &str) -> Value {
        let mut body = json!({
            "amount": charge.sum.amount,
            "account": charge.sum.account,
            "store_id": number(&self.store_id),
            "lang": language(locale),
        });
        if let Some(body) = body.as_object_mut()
            && !self.terminal_id.is_empty()
        {
            body.insert("terminal_id".to_owned(), self.terminal_id.clone().into());
        }
        body
    }

    pub(crate) fn get(&self, transaction: &str) -> Value {
        json!({ "transaction_id": number(transaction), "store_id": number(&self.store_id) })
    }

    /// Gives all of it back. `charge` is the number of the debit.
    pub(crate) fn reverse(charge: &str, reason: &str) -> Value {
        json!({ "transaction_id": number(charge), "reason": reason })
    }

    /// Announces that some of it is to go back; moves no money.
    pub(crate) fn create_partial(&self, charge: &str, amount: i64, name: &str) -> Value {
        json!({
            "transaction_id": number(charge),
            "store_id": number(&self.store_id),
            "amount": amount,
            "reason": name,
            "request_id": name,
        })
    }

    /// Gives back what was announced, once.
    pub(crate) fn confirm_partial(&self, charge: &str, partial: &str, name: &str) -> Value {
        json!({
            "transaction_id": number(charge),
            "store_id": number(&self.store_id),
            "transaction_partial_reverse_id": number(partial),
            "ofd_items": [],
            "request_id": name,
        })
    }
}

/// ATMOS writes its numbers as numbers.
fn number(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

fn language(locale: &str) -> &'static str {
    match locale {
        "ru" => "ru",
        "en" => "en",
        _ => "uz",
    }
}

/// A token that has run out before its time, or never was one.
pub(crate) const fn is_refused(status: u16) -> bool {
    status == 401
}

/// How long a token is good for at most.
pub(crate) fn good_until(now: Timestamp, expires_in: i64) -> Timestamp {
    // Asked for again a minute early.
    let seconds = u64::try_from(expires_in.saturating_sub(60)).unwrap_or(0).min(3540);
    now.plus(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
