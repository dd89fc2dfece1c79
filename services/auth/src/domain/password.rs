//! Passwords, before and after hashing. Neither is ever shown.

use std::fmt;

use super::Wrong;

/// Refused although long enough: what is tried first. Lower case.
const COMMONEST: [&str; 52] = [
    "00000000",
    "11111111",
    "11223344",
    "12121212",
    "12341234",
    "1234567890",
    "123456789",
    "12345678",
    "123123123",
    "1234qwer",
    "147258369",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "55555555",
    "66666666",
    "77777777",
    "87654321",
    "88888888",
    "987654321",
    "99999999",
    "a1234567",
    "aa123456",
    "abc12345",
    "abcd1234",
    "admin123",
    "administrator",
    "asdfasdf",
    "asdfghjk",
    "asdfghjkl",
    "football",
    "iloveyou",
    "o'zbekiston",
    "ozbekiston",
    "p@ssw0rd",
    "parol123",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "princess",
    "q1w2e3r4",
    "qazwsxedc",
    "qwerty12",
    "qwerty123",
    "qwertyui",
    "qwertyuiop",
    "sunshine",
    "superman",
    "tashkent",
    "toshkent",
    "uzbekistan",
];

/// A password that may be set.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// 8 to 128 characters, and not one of the commonest.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let length = text.chars().count();
        if length == 0 {
            Err(Wrong::new("password", "REQUIRED", "must not be empty"))
        } else if !(8..=128).contains(&length) {
            Err(Wrong::new("password", "LENGTH", "expected 8 to 128 characters"))
        } else if COMMONEST.contains(&text.to_lowercase().as_str()) {
            Err(Wrong::new("password", "TOO_COMMON", "this is one of the commonest passwords"))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The text, for hashing.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// What is kept of a password: PHC text with algorithm, parameters, salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes over a PHC text.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        let code = |text: &str| Password::parse(text).map(drop).map_err(|wrong| wrong.code);
        assert_eq!(code(""), Err("REQUIRED"));
        assert_eq!(code("1234567"), Err("LENGTH"));
        assert_eq!(code(&"x".repeat(129)), Err("LENGTH"));
        assert_eq!(code("QWERTY123"), Err("TOO_COMMON"));
        assert_eq!(code("anorlar!"), Ok(()));
        // Characters, not bytes.
        assert_eq!(code("анорлар1"), Ok(()));
        assert_eq!(code(&"ў".repeat(128)), Ok(()));
    }

    #[test]
    fn nothing_shows_a_password() {
        let password = Password::parse("anorlar gullaganda").unwrap();
        assert!(!format!("{password:?}").contains("anorlar"));
        let hash = PasswordHash::new("$argon2id$secret".to_owned());
        assert!(!format!("{hash:?}").contains("argon2id"));
    }
}
