//! Where the server is, and what our indexes are called there.

use std::fmt;

use anyhow::{Context as _, ensure};
use ids::EventId;
use reqwest::Url;

/// Changes when the mapping or the text analysis does: an index of an older version is built anew.
pub(super) const SCHEMA: u32 = 1;

/// The longest prefix: names of indexes have at most 255 bytes.
const PREFIX_MAX: usize = 100;

/// The alias and the indexes behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    alias: String,
}

/// One index: `<prefix>-products-v<schema>-<timestamp>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    name: String,
    /// The version of the mapping that it has.
    pub(super) schema: u32,
}

/// Takes an address apart: the server, with credentials when there are some, and the names.
pub(super) fn parse(address: &str) -> anyhow::Result<(Url, Names)> {
    // The address may hold a password: no error repeats it.
    let mut server = Url::parse(address).context("search.store: not an address")?;
    let prefix = server.path().trim_matches('/').to_owned();
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let begins_well = prefix.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    ensure!(
        begins_well && prefix.len() <= PREFIX_MAX && prefix.chars().all(allowed),
        "search.store: expected http(s)://<host>:<port>/<index prefix>; a prefix has at most {PREFIX_MAX} of a-z 0-9 - _ and begins with a letter or digit"
    );
    ensure!(server.host_str().is_some(), "search.store: the address names no host");
    ensure!(
        server.query().is_none() && server.fragment().is_none(),
        "search.store: nothing may follow the index prefix"
    );
    server.set_path("/");
    Ok((server, Names { alias: format!("{prefix}-products") }))
}

impl Names {
    /// What searches ask.
    pub(super) fn alias(&self) -> &str {
        &self.alias
    }

    /// Everything that may be an index of ours, and more.
    pub(super) fn pattern(&self) -> String {
        format!("{}-v*", self.alias)
    }

    /// The name of a new index.
    pub(super) fn fresh(&self) -> Index {
        // The upper 48 bits of a new id are the time in milliseconds.
        let stamp = EventId::new().as_u128() >> 80;
        Index { name: format!("{}-v{SCHEMA}-{stamp}", self.alias), schema: SCHEMA }
    }

    /// Reads a name; none when it is not one of ours.
    pub(super) fn read(&self, name: &str) -> Option<Index> {
        let rest = name.strip_prefix(&self.alias)?.strip_prefix("-v")?;
        let (schema, stamp) = rest.split_once('-')?;
        stamp.parse::<u64>().ok()?;
        Some(Index { name: name.to_owned(), schema: schema.parse().ok()? })
    }
}

impl Index {
    /// What writes go to: it goes with the index, so that no write makes a new one by accident.
    pub(super) fn writing(&self) -> String {
        format!("{}-write", self.name)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_server_and_the_prefix() {
        let (server, names) = parse("https://elastic:p%40ss@search.internal:9200/um").unwrap();
        assert_eq!(
            (server.host_str(), server.port(), server.path()),
            (Some("search.internal"), Some(9200), "/")
        );
        assert_eq!(server.username(), "elastic");
        assert_eq!((names.alias(), names.pattern().as_str()), ("um-products", "um-products-v*"));
    }

    #[test]
    fn a_bad_address_is_refused_without_being_told() {
        for wrong in [
            "http://u:geheim@h:9200",
            "http://u:geheim@h:9200/",
            "http://u:geheim@h:9200/Um",
            "http://u:geheim@h:9200/_um",
            "http://u:geheim@h:9200/a/b",
            "http://u:geheim@h:9200/a,b",
            "http://u:geheim@h:9200/um?x=1",
            "http://u:geheim@h:99999/um",
            &format!("http://u:geheim@h/{}", "a".repeat(101)),
        ] {
            let error = format!("{:#}", parse(wrong).unwrap_err());
            assert!(error.contains("search.store") && !error.contains("geheim"), "{error}");
        }
    }

    #[test]
    fn names_of_indexes_are_read_back() {
        let (_, names) = parse("http://h:1/um").unwrap();
        let fresh = names.fresh();
        assert_eq!(names.read(&fresh.to_string()), Some(fresh.clone()));
        assert_eq!(fresh.writing(), format!("{fresh}-write"));
        assert_eq!(names.read("um-products-v7-12").unwrap().schema, 7);
        for other in [
            "um-products",
            "um-products-vx-1",
            "um-products-v1-x",
            "um-2-products-v1-1",
            "um-products-v1-1-write",
        ] {
            assert_eq!(names.read(other), None, "{other}");
        }
    }
}
