//! What is told of a rebuild.

use serde::{Deserialize, Serialize};

/// Where a rebuild stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildState {
    /// Nothing is known of any.
    #[default]
    Unknown,
    /// It goes on.
    Running,
    /// Its index is the one in use.
    Done,
    /// The index in use is the one from before.
    Failed,
}

/// A rebuild of the index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rebuild {
    /// Where it stands.
    pub state: RebuildState,
    /// Products taken over so far; at the end those that can be found.
    pub indexed: u64,
    /// Products in the catalogue when it began.
    pub total: u64,
    /// Unix milliseconds.
    pub started_at: i64,
    /// Unix milliseconds; 0 while it runs.
    pub finished_at: i64,
    /// The reason of its failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub error: String,
}
