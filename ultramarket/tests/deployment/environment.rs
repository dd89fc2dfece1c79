//! `.env.production`, the compose file and the program know the same names.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    names::{Meaning, NAMES, is_example},
    repository::{hold, text},
};

/// Every variable that the documents name from which the platform was drawn.
const DOCUMENTED: [&str; 28] = [
    "ANTHROPIC_API_KEY",
    "API_RATE_LIMIT_PER_MINUTE",
    "CLICK_MERCHANT_ID",
    "CORS_ORIGINS",
    "DATABASE_URL",
    "DB_MAX_OVERFLOW",
    "DB_POOL_SIZE",
    "IDEOGRAM_API_KEY",
    "JWT_REFRESH_SECRET",
    "JWT_SECRET",
    "MONGODB_PASSWORD",
    "NODE_ENV",
    "OPENAI_API_KEY",
    "PAYME_MERCHANT_ID",
    "PORT",
    "POSTGRES_PASSWORD",
    "RAILWAY_ENVIRONMENT",
    "REDIS_HOST",
    "REDIS_PASSWORD",
    "REDIS_PORT",
    "REDIS_URL",
    "REPLICATE_API_KEY",
    "SECRET_KEY",
    "SENDGRID_API_KEY",
    "SESSION_SECRET",
    "SQLITE_PATH",
    "STRIPE_SECRET_KEY",
    "UZCARD_MERCHANT_ID",
];

/// A line of the template: its value, and whether a comment stands above it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) value: String,
    explained: bool,
}

/// The template: names in it, each once.
pub(crate) fn template() -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let mut explained = false;
    for line in text(".env.production").lines() {
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            // A comment is for all lines below it, up to the next empty one.
            explained = line.starts_with('#');
            continue;
        };
        let entry = Entry { value: value.to_owned(), explained };
        assert!(entries.insert(name.to_owned(), entry).is_none(), "{name} stands there twice");
    }
    entries
}

/// Names that the compose file reads, and whether it refuses an empty value.
pub(crate) fn read_by_compose() -> BTreeMap<String, bool> {
    let mut names = BTreeMap::new();
    let compose = text("docker-compose.production.yml");
    let lines = compose.lines().filter(|line| !line.trim_start().starts_with('#'));
    for part in lines.flat_map(|line| line.split("${").skip(1)) {
        let name: String =
            part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let required = part.get(name.len()..).is_some_and(|rest| rest.starts_with(":?"));
        *names.entry(name).or_insert(false) |= required;
    }
    names
}

/// Names that do nothing here.
fn idle() -> BTreeSet<&'static str> {
    let idle = |(name, meaning): &(&'static str, Meaning)| {
        matches!(meaning, Meaning::Instead(_)).then_some(*name)
    };
    NAMES.iter().filter_map(idle).collect()
}

#[test]
fn every_documented_name_is_mapped_or_has_its_reason() {
    let (known, template) =
        (NAMES.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), template());
    let mut violations = Vec::new();
    for name in DOCUMENTED {
        if !known.contains(name) {
            violations.push(format!("{name}: ultramarket/src/config/names.rs does not know it"));
        }
        if !template.contains_key(name) {
            violations.push(format!("{name} is not in .env.production"));
        }
    }
    for name in idle() {
        if template.get(name).is_none_or(|entry| !entry.explained) {
            violations.push(format!("{name}: .env.production does not say what does its work"));
        }
    }
    hold("Every name of the documents is accepted.", &violations);
}

#[test]
fn the_template_and_the_compose_file_know_the_same_names() {
    let (compose, idle) = (read_by_compose(), idle());
    let template = template();
    let mut violations = Vec::new();
    for name in compose.keys().filter(|name| !template.contains_key(*name)) {
        violations.push(format!("{name} is read by the compose file and not in .env.production"));
    }
    for name in template.keys() {
        if !compose.contains_key(name) && !idle.contains(name.as_str()) {
            violations.push(format!("{name} is in .env.production and nobody reads it"));
        }
    }
    for (name, _) in NAMES {
        if !compose.contains_key(*name) && !idle.contains(name) {
            violations.push(format!("{name}: the compose file does not hand it on"));
        }
    }
    hold("A variable in one place is in the other.", &violations);
}

#[test]
fn the_template_holds_no_secret_and_no_example() {
    let mut violations = Vec::new();
    for (name, required) in read_by_compose() {
        let Some(entry) = template().remove(&name) else { continue };
        let secret = ["PASSWORD", "SECRET", "TOKEN", "API_KEY", "CONSUMER_KEY"];
        if (required || secret.iter().any(|word| name.contains(word))) && !entry.value.is_empty() {
            violations.push(format!("{name} has a value"));
        }
        if is_example(&entry.value) {
            violations.push(format!("{name} has a value that the program refuses"));
        }
    }
    hold(
        "What has to be chosen is empty, so that nobody starts with what everybody knows.",
        &violations,
    );
}
