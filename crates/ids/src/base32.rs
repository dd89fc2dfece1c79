//! Crockford base32 of 128 bits: 26 characters, most significant first, lower case.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 26 ASCII characters on the stack.
pub(crate) struct Text([u8; 26]);

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

pub(crate) fn encode(mut value: u128) -> Text {
    let mut text = [b'0'; 26];
    for place in text.iter_mut().rev() {
        let digit = usize::try_from(value & 31).unwrap_or(0);
        *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        value >>= 5;
    }
    Text(text)
}

pub(crate) fn decode(text: &str) -> Option<u128> {
    // 26 characters hold 130 bits: the first may only carry the top three.
    if text.len() != 26
        || text.as_bytes().first().is_none_or(|first| !(b'0'..=b'7').contains(first))
    {
        return None;
    }
    text.bytes().try_fold(0u128, |value, character| {
        let digit = ALPHABET.iter().position(|known| *known == character)?;
        Some((value << 5) | u128::try_from(digit).ok()?)
    })
}
