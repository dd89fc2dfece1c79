//! The `[product]` table of the configuration.

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
}
