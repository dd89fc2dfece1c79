//! The `[cart]` table of the configuration.

use std::net::SocketAddr;

use serde::Deserialize;

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `sqlite:<file>`, `redis://<host>` or `rediss://<host>`.
    pub store: String,
    /// Days after which a guest's untouched cart is forgotten.
    pub guest_cart_days: u32,
}
