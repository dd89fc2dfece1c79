//! Payme: Merchant API (Payme calls us) and the checkout link.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::RawRequest;
use crate::{config, domain::Snapshot};

mod form;
mod rpc;
mod wire;

pub(crate) use rpc::{CHANGE_PASSWORD, Fiscal, Method, Problem, answer, read};
pub(crate) use wire::{
    Success, allowed, cancelled, checked, created, performed, refused, statement, success,
};

/// The login of every call.
const LOGIN: &str = "Paycom";

/// The digest of a credential.
pub(crate) type Digest = [u8; 32];

/// A cash desk.
#[derive(Debug)]
pub(crate) struct Payme {
    merchant_id: String,
    /// Digests of the credentials that are good.
    key: Option<SecretBox<Digest>>,
    test_key: Option<SecretBox<Digest>>,
    change_password: bool,
    base_url: String,
}

impl Payme {
    /// `None` when it is not configured. An empty key opens nothing.
    pub(crate) fn new(config: &config::Payme) -> Option<Self> {
        let known = |key: &SecretString| {
            let key = key.expose_secret();
            (!key.is_empty()).then(|| SecretBox::new(Box::new(credential(key))))
        };
        let (key, test_key) = (known(&config.key), known(&config.test_key));
        if config.merchant_id.is_empty() || (key.is_none() && test_key.is_none()) {
            return None;
        }
        Some(Self {
            merchant_id: config.merchant_id.clone(),
            key,
            test_key,
            change_password: config.change_password,
            base_url: config.base_url.trim_end_matches('/').to_owned(),
        })
    }

    /// The configured key, if Payme may replace it by ChangePassword.
    pub(crate) fn replaceable(&self) -> Option<Digest> {
        self.key.as_ref().filter(|_| self.change_password).map(|key| *key.expose_secret())
    }

    /// Whether it is Payme who calls. `replaced` stands in for the configured key. Takes the same time however much of a key is right.
    pub(crate) fn knows(&self, request: &RawRequest, replaced: Option<&Digest>) -> bool {
        let credentials = request
            .headers
            .get("authorization")
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
            .and_then(|(_, text)| STANDARD.decode(text.trim()).ok())
            .unwrap_or_default();
        let given = digest(&credentials);
        let key = replaced.or_else(|| self.key.as_ref().map(SecretBox::expose_secret));
        let test_key = self.test_key.as_ref().map(SecretBox::expose_secret);
        let mut known = subtle::Choice::from(0);
        for expected in [key, test_key].into_iter().flatten() {
            known |= given.ct_eq(expected);
        }
        known.into()
    }

    /// The checkout page of an order.
    pub(crate) fn page(&self, payable: &Snapshot, return_url: &str) -> String {
        let language = form::language(&payable.locale);
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

/// What a call with this key shows.
pub(crate) fn credential(key: &str) -> Digest {
    digest(format!("{LOGIN}:{key}").as_bytes())
}

/// Whether two digests are of the same key.
pub(crate) fn is_same(one: &Digest, other: &Digest) -> bool {
    one.ct_eq(other).into()
}

fn digest(credentials: &[u8]) -> Digest {
    Sha256::digest(credentials).into()
}
