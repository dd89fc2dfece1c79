//! The `[notification]` table of the configuration.

use std::net::SocketAddr;

use serde::Deserialize;

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `sqlite:<file>` or `mongodb://<host>/<database>`.
    pub store: String,
    /// Takes `POST {to, text}` for text messages. Empty: they are only logged, without their text.
    #[serde(default)]
    pub sms_url: String,
    /// Takes `POST {to, subject, text}` for letters. Empty: they are only logged, without their text.
    #[serde(default)]
    pub mail_url: String,
}
