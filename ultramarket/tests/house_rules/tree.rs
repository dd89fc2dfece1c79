//! The repository as the rules see it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 5] = ["target", "data", "node_modules", "vendor", "snapshots"];

/// Every file, by its path from the root with forward slashes.
pub(crate) struct Tree {
    root: PathBuf,
    paths: BTreeSet<String>,
    sources: Vec<Source>,
}

/// A Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text without comments.
    pub(crate) code: String,
}

/// A crate of the workspace.
pub(crate) struct Member {
    /// Its folder.
    pub(crate) path: String,
    pub(crate) manifest: toml::Table,
}

impl Tree {
    pub(crate) fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut paths = BTreeSet::new();
        walk(&root, "", &mut paths);
        let mut tree = Self { root, paths, sources: Vec::new() };
        let rust = tree.paths.iter().filter(|path| path.rsplit('.').next() == Some("rs"));
        tree.sources = rust.map(|path| Source::new(path.clone(), tree.text(path))).collect();
        assert!(tree.sources.len() > 100, "the repository was not found");
        tree
    }

    /// The text of a file; empty when it cannot be read.
    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    pub(crate) fn has_under(&self, folder: &str) -> bool {
        self.paths.iter().any(|path| path.starts_with(&format!("{folder}/")))
    }

    /// Rust files whose path begins so.
    pub(crate) fn rust(&self, start: &str) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(move |source| source.path.starts_with(start))
    }

    /// Rust files in a folder.
    pub(crate) fn under(&self, folder: &str) -> impl Iterator<Item = &Source> {
        let start = format!("{folder}/");
        self.sources.iter().filter(move |source| source.path.starts_with(&start))
    }

    /// The folders under `services/`.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        let inside = self.paths.iter().filter_map(|path| path.strip_prefix("services/"));
        inside.filter_map(|path| path.split_once('/')).map(|(name, _)| name.to_owned()).collect()
    }
}

impl Source {
    pub(crate) fn new(path: String, text: String) -> Self {
        let code = text.lines().map(code_of).collect::<Vec<_>>().join("\n");
        Self { path, text, code }
    }

    /// Whether the file is this module of its crate, or lies under it.
    pub(crate) fn is_in(&self, module: &str) -> bool {
        self.path.ends_with(&format!("/src/{module}.rs"))
            || self.path.contains(&format!("/src/{module}/"))
    }

    /// Part of what is built, not only of what is tested.
    pub(crate) fn is_source(&self) -> bool {
        self.path.contains("/src/")
    }

    pub(crate) fn mentions(&self, name: &str) -> bool {
        mentions(&self.code, name)
    }
}

impl Member {
    /// The entries of a table of dependencies.
    pub(crate) fn dependencies(&self, table: &str) -> impl Iterator<Item = (&str, &toml::Value)> {
        let table = self.manifest.get(table).and_then(toml::Value::as_table);
        table.into_iter().flatten().map(|(name, wanted)| (name.as_str(), wanted))
    }
}

/// Every crate of the workspace.
pub(crate) fn crates(tree: &Tree) -> Vec<Member> {
    let manifests = tree.paths.iter().filter_map(|path| path.strip_suffix("/Cargo.toml"));
    let members: Vec<_> = manifests
        .map(|path| {
            let text = tree.text(&format!("{path}/Cargo.toml"));
            Member { path: path.to_owned(), manifest: toml::from_str(&text).unwrap_or_default() }
        })
        .collect();
    assert!(members.len() > 15, "the workspace was not found");
    members
}

/// Whether `name` stands in `code` as a word of its own.
pub(crate) fn mentions(code: &str, name: &str) -> bool {
    let inside = |character: char| character.is_alphanumeric() || character == '_';
    code.match_indices(name).any(|(at, found)| {
        let before = code.get(..at).and_then(|before| before.chars().next_back());
        let after = code.get(at + found.len()..).and_then(|after| after.chars().next());
        let open = found.ends_with(':') || !after.is_some_and(inside);
        open && !before.is_some_and(inside)
    })
}

/// A line up to its comment. Two slashes behind a colon belong to an address.
fn code_of(line: &str) -> &str {
    let comment = line
        .match_indices("//")
        .find(|(at, _)| line.get(..*at).is_some_and(|before| !before.ends_with(':')));
    comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line)
}

fn walk(root: &Path, folder: &str, paths: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let hidden = name.starts_with('.');
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !hidden && !FOREIGN.contains(&name.as_str()) {
                walk(root, &path, paths);
            }
        } else if !hidden {
            paths.insert(path);
        }
    }
}
