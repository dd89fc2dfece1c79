//! The `[file]` table of the configuration.

use std::net::SocketAddr;

use secrecy::SecretString;
use serde::Deserialize;

use crate::store::Keys;

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the store: `file:<folder>` or `s3://<host>`.
    pub store: String,
    /// What stands before the path in addresses of files: "/files", or the URL of a CDN.
    #[serde(default = "public_url")]
    pub public_url: String,
    /// The name of the key to an `s3://` store whose address holds none.
    #[serde(default)]
    pub access_key: String,
    /// Its secret.
    #[serde(default)]
    pub secret_key: SecretString,
}

impl Config {
    /// Who we are to a server of files whose address does not say it.
    pub fn keys(&self) -> Keys {
        Keys { access: self.access_key.clone(), secret: self.secret_key.clone() }
    }
}

fn public_url() -> String {
    "/files".to_owned()
}
