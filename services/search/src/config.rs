//! The `[search]` table of the configuration.

use std::net::SocketAddr;

use serde::Deserialize;

/// How the role runs. `default.toml` of the binary documents each key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the role listens.
    pub listen: SocketAddr,
    /// Address of the index: `tantivy:<folder>`, or `http(s)://<host>:<port>/<index prefix>` of an Elasticsearch.
    pub store: String,
    /// Words and phrases that mean the same, beside those built in; each row is one meaning.
    #[serde(default)]
    pub synonyms: Vec<Vec<String>>,
}
