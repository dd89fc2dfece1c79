//! `ultramarket migrate`: every store as this program needs it.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use fault::{Code, Fault};
use mesh::Role;

use crate::{cli::say, config::Config, exit, restore::marker, roles};

/// How long a server that does not answer is waited for: where everything starts at the same time, stores may be the last.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// Prepares the stores of these roles, or of all. Safe to run again, and by several at once.
pub(crate) async fn run(config: &Config, only: &[Role]) -> anyhow::Result<()> {
    marker::refuse(config)?;
    for role in Role::ALL.into_iter().filter(|role| only.is_empty() || only.contains(role)) {
        prepare(role, config).await.map_err(exit::cannot_create)?;
        say(&format!("{role}: {} is up to date", kind(config.store(role))));
    }
    Ok(())
}

/// Prepares the store of one role; waits for its server.
pub(crate) async fn prepare(role: Role, config: &Config) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut told = false;
    loop {
        let outcome = roles::migrate(role, config).await;
        let Err(error) = &outcome else { return outcome };
        if !is_away(error) || began.elapsed() > PATIENCE {
            return outcome;
        }
        if !told {
            told = true;
            let what = kind(config.store(role));
            drop(writeln!(std::io::stderr(), "waiting for {what} of {role}: {error:#}"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn is_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<postgres::Error>().is_some_and(postgres::Error::is_away)
            || cause.downcast_ref::<mongo::Error>().is_some_and(mongo::Error::is_away)
            || cause.downcast_ref::<Fault>().is_some_and(|fault| fault.code == Code::Unavailable)
    })
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
