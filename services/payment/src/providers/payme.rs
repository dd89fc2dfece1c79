//! Payme: Merchant API (Payme calls us) and the checkout link.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::RawRequest;
use crate::{config, domain::Snapshot};

mod rpc;
mod wire;

pub(crate) use rpc::{Fiscal, Method, Problem, answer, read};
pub(crate) use wire::{
    Success, allowed, cancelled, checked, created, performed, refused, statement, success,
};

/// The login of every call.
const LOGIN: &str = "Paycom";

/// A cash desk.
#[derive(Debug)]
pub(crate) struct Payme {
    merchant_id: String,
    /// Digests of the credentials that are good.
    known: Vec<SecretBox<[u8; 32]>>,
    base_url: String,
}

impl Payme {
    /// `None` when it is not configured. An empty key opens nothing.
    pub(crate) fn new(config: &config::Payme) -> Option<Self> {
        let known: Vec<_> = [&config.key, &config.test_key]
            .into_iter()
            .map(SecretString::expose_secret)
            .filter(|key| !key.is_empty())
            .map(|key| SecretBox::new(Box::new(digest(format!("{LOGIN}:{key}").as_bytes()))))
            .collect();
        if config.merchant_id.is_empty() || known.is_empty() {
            return None;
        }
        let base_url = config.base_url.trim_end_matches('/').to_owned();
        Some(Self { merchant_id: config.merchant_id.clone(), known, base_url })
    }

    /// Whether it is Payme who calls. Takes the same time however much of a key is right.
    pub(crate) fn knows(&self, request: &RawRequest) -> bool {
        let credentials = request
            .headers
            .get("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, text)| STANDARD.decode(text.trim()).ok())
            .unwrap_or_default();
        let given = digest(&credentials);
        let mut known = subtle::Choice::from(0);
        for expected in &self.known {
            known |= given.ct_eq(expected.expose_secret());
        }
        known.into()
    }

    /// The checkout page of an order.
    pub(crate) fn page(&self, payable: &Snapshot, return_url: &str) -> String {
        let language = match payable.locale.as_str() {
            "ru" => "ru",
            "en" => "en",
            _ => "uz",
        };
        let mut link = String::new();
        // The text becomes standard base64 in a path. Only `?`, `>` and `~` at every third place give the two letters that a path
        // would have to encode; the pause before the return (milliseconds) moves them to another place.
        for pause in ["", "ct=1;", "ct=10;", "ct=100;"] {
            let back = match return_url {
                "" => String::new(),
                url => format!(";{pause}c={}", url.replace(';', "%3B")),
            };
            let text = format!(
                "m={};ac.order_id={};a={};l={language}{back}",
                self.merchant_id, payable.reference, payable.amount.amount
            );
            link = STANDARD.encode(text);
            if !link.contains(['/', '+']) {
                break;
            }
        }
        format!("{}/{link}", self.base_url)
    }
}

fn digest(credentials: &[u8]) -> [u8; 32] {
    Sha256::digest(credentials).into()
}
