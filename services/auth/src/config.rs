//! The `[auth]` table of the configuration.

use std::{fmt, net::SocketAddr};

use serde::Deserialize;

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `sqlite:<file>` or `postgres://<user>:<password>@<host>/<database>`.
    pub store: String,
    /// Minutes that an access token is good for.
    pub access_minutes: u32,
    /// Days after which an unused refresh token ends.
    pub refresh_days: u32,
    /// Memory of one password hash in KiB (argon2id `m`).
    pub password_memory_kib: u32,
    /// Passes of one password hash (argon2id `t`).
    pub password_passes: u32,
    /// Minutes that a one-time code is good for.
    pub otp_minutes: u32,
    /// Wrong tries that end a one-time code.
    pub otp_attempts: u32,
    /// Seconds between two codes for the same phone.
    pub otp_resend_seconds: u32,
    /// Codes for the same phone within an hour.
    pub otp_per_hour: u32,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address of the store may hold a password.
        f.debug_struct("Config").field("listen", &self.listen).finish_non_exhaustive()
    }
}
