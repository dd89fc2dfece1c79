//! Hashes as lower-case hexadecimal text, as providers write them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;
use sha2::Sha256;

pub(crate) fn md5(text: &str) -> String {
    hex(&Md5::digest(text))
}

pub(crate) fn sha1(text: &str) -> String {
    hex(&Sha1::digest(text))
}

pub(crate) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

pub(crate) fn hmac_sha256(key: &str, text: &str) -> String {
    // HMAC takes keys of any length, so the error cannot occur.
    Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        },
    )
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn known_answers() {
        assert_eq!(super::md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(super::sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            super::hmac_sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
