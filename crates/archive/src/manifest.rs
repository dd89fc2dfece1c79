//! What a backup says of itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use clock::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, at, files};

/// Raised when older programs would misread what is written.
pub const FORMAT: u32 = 1;

const MANIFEST: &str = "manifest.json";
/// The sum of the manifest itself.
const SUM: &str = "manifest.sha256";
/// Differences that are named; the rest is counted.
const NAMED: usize = 5;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// See [`FORMAT`].
    pub format: u32,
    /// The version of the program that wrote it.
    pub program: String,
    /// The moment whose state the stores of money have.
    pub taken_at: Timestamp,
    /// For how many milliseconds writers had to wait.
    pub held_ms: u64,
    /// Stores by role.
    pub stores: BTreeMap<String, Store>,
}

/// What is copied of one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// The scheme of its address, without variants: `sqlite`, `postgres`, `mongodb`, `redis`, `file`, `s3`, `tantivy`, `elasticsearch`.
    pub kind: String,
    /// The version of its schema; 0 where there is none.
    pub schema: i64,
    /// How it was read.
    pub copied: Copied,
    /// How many of what, for people.
    pub counts: BTreeMap<String, u64>,
    /// Its files.
    pub files: Vec<Entry>,
}

/// How a store was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copied {
    /// As it was at the one moment at which all writers were held.
    Cut,
    /// From a snapshot that its server took at that moment.
    Snapshot,
    /// While it was written to, by the rules in `docs/operations.md`.
    Live,
    /// Not at all: it is built again from the others.
    Rebuilt,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From the folder of the backup on, with forward slashes.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &Entry> {
        self.stores.values().flat_map(|store| &store.files)
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files().map(|file| file.size).sum()
    }

    pub(crate) fn write(&self, root: &Path) -> Result<(), Error> {
        let place = root.join(MANIFEST);
        let text = serde_json::to_vec_pretty(self).map_err(|error| at(&place)(error.into()))?;
        put(&place, &text)?;
        let (_, sum) = files::sum(&place)?;
        put(&root.join(SUM), format!("{sum}  {MANIFEST}\n").as_bytes())
    }

    /// Reads the manifest of a backup, without a look at its files.
    pub fn read(root: &Path) -> Result<Self, Error> {
        let broken = |why: &str| Error::Broken { backup: root.to_owned(), why: why.to_owned() };
        let place = root.join(MANIFEST);
        let (_, sum) = files::sum(&place)?;
        let said = fs::read_to_string(root.join(SUM)).map_err(at(&root.join(SUM)))?;
        if said != format!("{sum}  {MANIFEST}\n") {
            return Err(broken("manifest.json does not have the sum in manifest.sha256"));
        }
        let text = fs::read(&place).map_err(at(&place))?;
        let Format { format } =
            serde_json::from_slice(&text).map_err(|_| broken("manifest.json has no format"))?;
        if format > FORMAT {
            return Err(Error::Newer { backup: root.to_owned(), format });
        }
        serde_json::from_slice(&text).map_err(|_| broken("manifest.json cannot be read"))
    }
}

/// As much of a manifest as every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn put(place: &Path, text: &[u8]) -> Result<(), Error> {
    let mut file = files::create(place)?;
    file.write_all(text).and_then(|()| file.sync_all()).map_err(at(place))
}

/// Whether a manifest is there: what a complete backup has.
pub(crate) fn is_there(root: &Path) -> bool {
    root.join(MANIFEST).is_file() && root.join(SUM).is_file()
}

/// Reads every byte of a backup; its manifest, when all is as it was written.
pub fn verify(root: &Path) -> Result<Manifest, Error> {
    let manifest = Manifest::read(root)?;
    let mut problems = Vec::new();
    let mut known: BTreeSet<PathBuf> = [MANIFEST, SUM].map(PathBuf::from).into();
    for entry in manifest.files() {
        files::check(&entry.path)?;
        known.insert(PathBuf::from(&entry.path));
        let place = root.join(&entry.path);
        if !place.is_file() {
            problems.push(format!("{} is missing", entry.path));
            continue;
        }
        let (size, sha256) = files::sum(&place)?;
        if size != entry.size {
            problems.push(format!("{} has {size} bytes instead of {}", entry.path, entry.size));
        } else if sha256 != entry.sha256 {
            problems.push(format!("{} has another SHA-256", entry.path));
        }
    }
    for path in walk(root)? {
        if !known.contains(&path) {
            problems.push(format!("{} does not belong to it", path.display()));
        }
    }
    if problems.is_empty() {
        return Ok(manifest);
    }
    let more = problems.len().saturating_sub(NAMED);
    problems.truncate(NAMED);
    if more > 0 {
        problems.push(format!("and {more} more"));
    }
    let text = problems.join(", ");
    Err(Error::Broken { backup: root.to_owned(), why: text })
}

/// Every file below a folder, by its path from there.
fn walk(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let (mut found, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = open.pop() {
        let place = root.join(&folder);
        for entry in fs::read_dir(&place).map_err(at(&place))? {
            let entry = entry.map_err(at(&place))?;
            let path = folder.join(entry.file_name());
            // A link is a file too many: what it leads to is nobody's sum.
            if entry.file_type().map_err(at(&place))?.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    Ok(found)
}
