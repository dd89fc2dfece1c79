//! The folder of an index: its generations and the one in use.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{generation::Writer, schema::VERSION};
use crate::domain::Rebuild;

/// The file that names the generation in use.
const CURRENT: &str = "CURRENT";

/// What the file says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Current {
    generation: String,
    /// Whether it was filled from a whole catalogue.
    pub(super) complete: bool,
    /// The rebuild that has filled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rebuild: Option<Rebuild>,
}

impl Current {
    /// A generation that a rebuild has filled.
    pub(super) fn complete(folder: &Path, rebuild: Rebuild) -> Self {
        Self { generation: name(folder), complete: true, rebuild: Some(rebuild) }
    }
}

fn name(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folder. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: PathBuf,
    /// The highest number that a generation has had.
    last: Arc<AtomicU64>,
}

impl Folder {
    pub(super) fn open(root: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&root).with_context(|| format!("search.store: {}", root.display()))?;
        let folder = Self { root, last: Arc::default() };
        let last = folder.generations()?.iter().filter_map(|path| number(path)).max().unwrap_or(0);
        folder.last.store(last, Ordering::SeqCst);
        Ok(folder)
    }

    /// The writer of the generation in use, and what is said of it. Without one, or when it cannot be read, an empty one is made.
    pub(super) fn writer(&self) -> anyhow::Result<(Writer, Current)> {
        let current = self
            .current()
            .filter(|current| current.generation.starts_with(&format!("v{VERSION}-")));
        let opened = match current {
            Some(current) => match Writer::open(&self.root.join(&current.generation)) {
                Ok(writer) => Some((writer, current)),
                Err(error @ tantivy::TantivyError::LockFailure(..)) => {
                    return Err(error).with_context(|| {
                        format!("{} is used by another process", self.root.display())
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the index cannot be read; it will be built anew");
                    None
                }
            },
            None => None,
        };
        let (writer, current) = match opened {
            Some(opened) => opened,
            None => {
                let writer = self.fresh()?;
                let generation = name(&writer.generation.folder);
                let current = Current { generation, complete: false, rebuild: None };
                self.point_to(&current)?;
                (writer, current)
            }
        };
        for path in self.generations()? {
            if path != writer.generation.folder {
                Self::remove(&path);
            }
        }
        Ok((writer, current))
    }

    /// A new, empty generation.
    pub(super) fn fresh(&self) -> tantivy::Result<Writer> {
        let number = self.last.fetch_add(1, Ordering::SeqCst) + 1;
        Writer::open(&self.root.join(format!("v{VERSION}-{number}")))
    }

    /// Names the generation in use, durably and at once.
    pub(super) fn point_to(&self, current: &Current) -> io::Result<()> {
        let draft = self.root.join("CURRENT.new");
        let mut file = fs::File::create(&draft)?;
        file.write_all(&serde_json::to_vec(current)?)?;
        file.sync_all()?;
        fs::rename(&draft, self.root.join(CURRENT))?;
        fs::File::open(&self.root)?.sync_all()
    }

    /// Deletes a generation that is not in use.
    pub(super) fn remove(generation: &Path) {
        if let Err(error) = fs::remove_dir_all(generation) {
            tracing::warn!(%error, generation = name(generation), "an old index was left behind");
        }
    }

    fn current(&self) -> Option<Current> {
        let text = fs::read(self.root.join(CURRENT)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn generations(&self) -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(&self.root)?.map(|entry| entry.map(|entry| entry.path()));
        let paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
        Ok(paths.into_iter().filter(|path| number(path).is_some()).collect())
    }
}

/// The number in `v1-12`.
fn number(path: &Path) -> Option<u64> {
    let name = name(path);
    let (version, number) = name.strip_prefix('v')?.split_once('-')?;
    version.parse::<u32>().ok()?;
    number.parse().ok()
}
