//! The `[file]` table of the configuration.

use std::net::SocketAddr;

use serde::Deserialize;

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `file:<folder>`.
    pub store: String,
    /// What stands before the path in addresses of files: "/files", or the URL of a CDN.
    #[serde(default = "public_url")]
    pub public_url: String,
}

fn public_url() -> String {
    "/files".to_owned()
}
