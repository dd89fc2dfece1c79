//! The `[notification]` table of the configuration.

use std::net::SocketAddr;

use secrecy::SecretString;
use serde::Deserialize;

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `sqlite:<file>` or `mongodb://<host>/<database>`.
    pub store: String,
    /// `redis://<host>` through which processes wake each other's subscribers at once. Empty: the store tells them, a little later.
    #[serde(default)]
    pub bell: String,
    /// Takes `POST {to, text}` for text messages. Empty: they are only logged, without their text.
    #[serde(default)]
    pub sms_url: String,
    /// Takes `POST {to, subject, text}` for letters. Empty: they are only logged, without their text.
    #[serde(default)]
    pub mail_url: String,
    /// Key of SendGrid's API, which letters then go to; `mail_url` may name another place for it.
    #[serde(default)]
    pub sendgrid_key: SecretString,
    /// The address that letters by SendGrid come from.
    #[serde(default)]
    pub mail_from: String,
}
