//! `ultramarket migrate`: every store as this program needs it.

use mesh::Role;

use crate::{cli::say, config::Config, exit, roles};

/// Prepares the stores of these roles, or of all. Safe to run again, and by several at once.
pub(crate) async fn run(config: &Config, only: &[Role]) -> anyhow::Result<()> {
    for role in Role::ALL.into_iter().filter(|role| only.is_empty() || only.contains(role)) {
        roles::migrate(role, config).await.map_err(exit::cannot_create)?;
        say(&format!("{role}: {} is up to date", kind(config.store(role))));
    }
    Ok(())
}

/// What kind of store an address names; the rest of the address may hold a password.
pub(crate) fn kind(address: &str) -> &str {
    match address.split(':').next().unwrap_or_default() {
        "postgres" | "postgresql" => "PostgreSQL",
        "mongodb" | "mongodb+srv" => "MongoDB",
        "redis" | "rediss" => "Redis",
        "http" | "https" => "Elasticsearch",
        "s3" => "S3",
        "sqlite" => "SQLite",
        "tantivy" => "tantivy",
        "file" => "the folder of files",
        _ => "the store",
    }
}

/// Whether this process alone can use the store.
pub(crate) fn is_embedded(address: &str) -> bool {
    matches!(address.split(':').next(), Some("sqlite" | "tantivy" | "file"))
}
