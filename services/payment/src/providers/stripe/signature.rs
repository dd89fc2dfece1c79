//! The signature of a webhook: over its time and its bytes as they came.

use clock::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::providers::form;

/// How old, or how far ahead, a signature may be: seconds.
const TOLERANCE: u64 = 300;

/// Why a webhook is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// There is no signature of the kind that counts.
    Unsigned,
    /// Somebody else signed it.
    Sign,
    /// It was signed too long ago.
    Time,
}

/// Whether Stripe signed these bytes, lately. Any of several signatures will do: a secret is changed by using two for a while.
pub(crate) fn check(
    secret: &SecretString,
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Unheard> {
    let mut time = None;
    let mut signatures = Vec::new();
    for item in header.split(',') {
        match item.trim().split_once('=') {
            Some(("t", value)) => time = value.parse::<i64>().ok(),
            Some(("v1", value)) => signatures.push(value),
            // Other kinds do not count.
            _ => {}
        }
    }
    let time = time.filter(|_| !signatures.is_empty()).ok_or(Unheard::Unsigned)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .map_err(|_| Unheard::Sign)?;
    mac.update(format!("{time}.").as_bytes());
    mac.update(body);
    let expected = form::hex_text(&mac.finalize().into_bytes());
    let mut good = subtle::Choice::from(0);
    for signature in signatures {
        good |= expected.as_bytes().ct_eq(signature.as_bytes());
    }
    if !bool::from(good) {
        return Err(Unheard::Sign);
    }
    if (now.millis() / 1000).abs_diff(time) > TOLERANCE {
        return Err(Unheard::Time);
    }
    Ok(())
}
