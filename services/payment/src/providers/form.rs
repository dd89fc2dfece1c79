//! `application/x-www-form-urlencoded`: read exactly, because signatures cover the decoded text.

use std::collections::HashMap;

/// Decoded fields. `None` when the text is malformed, is not UTF-8 or names a field twice: a signature must have one meaning.
pub(super) fn decode(body: &[u8]) -> Option<HashMap<String, String>> {
    let mut fields = HashMap::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let name = plain(halves.next()?)?;
        let value = plain(halves.next().unwrap_or_default())?;
        if fields.insert(name, value).is_some() {
            return None;
        }
    }
    Some(fields)
}

/// A value for a query.
pub(super) fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.push_str(&hex_text(&[byte]).to_ascii_uppercase());
        }
    }
    text
}

/// Bytes as lower-case hexadecimal text.
pub(super) fn hex_text(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn plain(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? * 16 + hex(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    #[test]
    fn reads_what_a_form_writes() {
        let fields = super::decode(b"sign_time=2026-11-21+14%3A30%3a00&empty=&alone").unwrap();
        assert_eq!(fields["sign_time"], "2026-11-21 14:30:00");
        assert_eq!((fields["empty"].as_str(), fields["alone"].as_str()), ("", ""));
        for wrong in ["a=1&a=2", "a=%4", "a=%zz", "a=%ff"] {
            assert_eq!(super::decode(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(value: String) {
            let body = format!("field={}", super::encode(&value));
            prop_assert_eq!(&super::decode(body.as_bytes()).unwrap()["field"], &value);
        }

        #[test]
        fn no_body_breaks_it(body: Vec<u8>) {
            let _ = super::decode(&body);
        }
    }
}
