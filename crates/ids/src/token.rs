//! Secrets that stand for a right: guest cart tokens, refresh tokens, API keys.

use rand::Rng as _;

use crate::base32;

/// 256 bits from the system's generator as 52 lower-case characters, behind `prefix`.
pub fn secret(prefix: &str) -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    let (high, low) = bytes.split_at(16);
    let number =
        |half: &[u8]| half.iter().fold(0u128, |value, byte| (value << 8) | u128::from(*byte));
    format!(
        "{prefix}{}{}",
        base32::encode(number(high)).as_str(),
        base32::encode(number(low)).as_str()
    )
}

/// A code of `digits` decimal digits, each equally likely.
pub fn code(digits: u32) -> String {
    use rand::RngExt as _;
    let mut random = rand::rng();
    (0..digits).map(|_| char::from(random.random_range(b'0'..=b'9'))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn secrets_differ() {
        let (a, b) = (super::secret("sk_"), super::secret("sk_"));
        assert_ne!(a, b);
        assert_eq!(a.len(), 3 + 52);
    }

    #[test]
    fn codes_are_digits() {
        let code = super::code(6);
        assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()));
    }
}
