//! Click: SHOP-API (Click calls us) and the payment link.

use std::collections::HashMap;

use md5::{Digest as _, Md5};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use subtle::ConstantTimeEq as _;

use super::{RawAnswer, RawRequest, form};
use crate::{
    config,
    domain::{
        Snapshot,
        click::{Call, Refusal, Transaction},
    },
};

/// A service of Click.
#[derive(Debug)]
pub(crate) struct Click {
    service_id: String,
    merchant_id: String,
    secret_key: SecretString,
    base_url: String,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Prepare(Call),
    Complete { prepare_id: i64, call: Call },
}

/// Why a request is not even looked at: the number and text to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem(pub(crate) i64, &'static str);

impl Problem {
    pub(crate) const SIGN: Self = Self(-1, "SIGN CHECK FAILED!");
    const ACTION: Self = Self(-3, "Action not found");
    const REQUEST: Self = Self(-8, "Error in request from click");
    /// Before any money moved only.
    pub(crate) const OURS: Self = Self(-7, "Failed to update user");
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Amount => Self(-2, "Incorrect parameter amount"),
            Refusal::Paid => Self(-4, "Already paid"),
            Refusal::NoOrder => Self(-5, "User does not exist"),
            Refusal::NoTransaction => Self(-6, "Transaction does not exist"),
            Refusal::Request => Self::REQUEST,
            Refusal::Cancelled => Self(-9, "Transaction cancelled"),
        }
    }
}

/// The decoded fields, read without a doubt about where one ends.
pub(crate) struct Fields(HashMap<String, String>);

impl Fields {
    /// What the journal keeps: everything but the signature.
    pub(crate) fn without_signature(&self) -> String {
        let fields: serde_json::Map<String, Value> = self
            .0
            .iter()
            .filter(|(name, _)| name.as_str() != "sign_string")
            .map(|(name, value)| (name.clone(), Value::String(value.clone())))
            .collect();
        Value::Object(fields).to_string()
    }

    /// The action's name: a label that strangers cannot make up.
    pub(crate) fn label(&self) -> &'static str {
        match self.0.get("action").map(String::as_str) {
            Some("0") => "prepare",
            Some("1") => "complete",
            _ => "unknown",
        }
    }

    fn text(&self, name: &str) -> Result<&str, Problem> {
        self.0.get(name).map(String::as_str).ok_or(Problem::REQUEST)
    }

    fn filled(&self, name: &str) -> Result<&str, Problem> {
        self.text(name)
            .and_then(|text| if text.is_empty() { Err(Problem::REQUEST) } else { Ok(text) })
    }

    fn integer(&self, name: &str) -> Result<i64, Problem> {
        self.text(name)?.parse().map_err(|_| Problem::REQUEST)
    }

    /// The call's number and the order's, for the answer; when they can be read.
    pub(crate) fn echo(&self) -> Option<(i64, &str)> {
        Some((self.integer("click_trans_id").ok()?, self.0.get("merchant_trans_id")?))
    }
}

/// Reads a body; `None` when it is no form.
pub(crate) fn read(request: &RawRequest) -> Option<Fields> {
    (request.method == "POST").then(|| form::decode(&request.body).map(Fields))?
}

impl Click {
    /// `None` when it is not configured.
    pub(crate) fn new(config: &config::Click) -> Option<Self> {
        let absent = config.service_id.is_empty()
            || config.merchant_id.is_empty()
            || config.secret_key.expose_secret().is_empty();
        (!absent).then(|| Self {
            service_id: config.service_id.clone(),
            merchant_id: config.merchant_id.clone(),
            secret_key: config.secret_key.clone(),
            base_url: config.base_url.trim_end_matches('/').to_owned(),
        })
    }

    /// The call in the fields: shape (-8), signature (-1), action (-3), service (-8). The action decides, whatever the path says.
    pub(crate) fn asked(&self, fields: &Fields) -> Result<Asked, Problem> {
        let call = Call {
            trans_id: fields.integer("click_trans_id")?,
            paydoc_id: fields.integer("click_paydoc_id")?,
            reference: fields.filled("merchant_trans_id")?.to_owned(),
            amount: money::parse_decimal(fields.text("amount")?).map_err(|_| Problem::REQUEST)?,
            amount_text: fields.text("amount")?.to_owned(),
            error: fields.integer("error")?,
        };
        fields.integer("service_id")?;
        fields.integer("action")?;
        fields.text("error_note")?;
        fields.filled("sign_time")?;
        fields.filled("sign_string")?;
        let complete = fields.text("action")? == "1";
        let prepare_id = if complete { Some(fields.integer("merchant_prepare_id")?) } else { None };
        if !self.signed(fields, complete)? {
            return Err(Problem::SIGN);
        }
        let asked = match (fields.text("action")?, prepare_id) {
            ("0", _) => Asked::Prepare(call),
            ("1", Some(prepare_id)) => Asked::Complete { prepare_id, call },
            _ => return Err(Problem::ACTION),
        };
        if fields.text("service_id")? != self.service_id {
            return Err(Problem::REQUEST);
        }
        Ok(asked)
    }

    /// Whether the signature covers the received text. Takes the same time however much of it is right.
    fn signed(&self, fields: &Fields, complete: bool) -> Result<bool, Problem> {
        let mut hash = Md5::new();
        for name in ["click_trans_id", "service_id"] {
            hash.update(fields.text(name)?);
        }
        hash.update(self.secret_key.expose_secret());
        hash.update(fields.text("merchant_trans_id")?);
        if complete {
            hash.update(fields.text("merchant_prepare_id")?);
        }
        for name in ["amount", "action", "sign_time"] {
            hash.update(fields.text(name)?);
        }
        let expected = form::hex_text(&hash.finalize());
        let given = fields.text("sign_string")?.to_ascii_lowercase();
        Ok(expected.as_bytes().ct_eq(given.as_bytes()).into())
    }

    /// The payment page of an order.
    pub(crate) fn page(&self, payable: &Snapshot, return_url: &str) -> String {
        let mut link = format!(
            "{}/services/pay?service_id={}&merchant_id={}&amount={}&transaction_param={}",
            self.base_url,
            form::encode(&self.service_id),
            form::encode(&self.merchant_id),
            money::format_decimal(payable.amount.amount),
            form::encode(&payable.reference),
        );
        if !return_url.is_empty() {
            link.push_str("&return_url=");
            link.push_str(&form::encode(return_url));
        }
        link
    }
}

pub(crate) fn prepared(transaction: &Transaction) -> RawAnswer {
    let body = json!({
        "click_trans_id": transaction.trans_id,
        "merchant_trans_id": transaction.reference,
        "merchant_prepare_id": transaction.prepare_id,
        "error": 0,
        "error_note": "Success",
    });
    RawAnswer::json(body.to_string())
}

pub(crate) fn completed(transaction: &Transaction) -> RawAnswer {
    let body = json!({
        "click_trans_id": transaction.trans_id,
        "merchant_trans_id": transaction.reference,
        "merchant_confirm_id": transaction.prepare_id,
        "error": 0,
        "error_note": "Success",
    });
    RawAnswer::json(body.to_string())
}

/// The number and text of a problem; `echo` is the call's number and the order's.
pub(crate) fn refused(echo: Option<(i64, &str)>, problem: Problem) -> RawAnswer {
    let Problem(code, note) = problem;
    let mut body = json!({ "error": code, "error_note": note });
    if let (Some((trans_id, reference)), Some(body)) = (echo, body.as_object_mut()) {
        body.insert("click_trans_id".to_owned(), trans_id.into());
        body.insert("merchant_trans_id".to_owned(), reference.into());
    }
    RawAnswer::json(body.to_string())
}

/// A request that is no form.
pub(crate) const UNREADABLE: Problem = Problem::REQUEST;
