//! A backup as it lies on a disk.
//!
//! [`Shelf`] is the folder with all backups. [`Shelf::begin`] makes a [`Draft`] beside them, whose [`Part`]s take the files of one store
//! each; [`Draft::finish`] writes the [`Manifest`] last and gives the whole its name. [`verify`] says whether a backup is what was written.

use std::{
    io,
    path::{Path, PathBuf},
};

mod files;
mod manifest;
mod part;
mod shelf;

pub use files::{check, copy_into_place, put_into_place, remove_for_good, remove_if_there};
pub use manifest::{Copied, Entry, FORMAT, Manifest, Store, verify};
pub use part::{Part, Sheet};
pub use shelf::{Draft, Shelf, complete};

/// What can go wrong with a backup on a disk.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder is out of reach.
    #[error("{}", .0.display())]
    Io(PathBuf, #[source] io::Error),
    /// It is not what was written.
    #[error("{} is not whole: {why}", .backup.display())]
    Broken {
        /// Where it is.
        backup: PathBuf,
        /// What is different.
        why: String,
    },
    /// A newer program wrote it.
    #[error("{} has the format {format}, and this program reads up to {FORMAT}: use the program that wrote it, or a newer one", .backup.display())]
    Newer {
        /// Where it is.
        backup: PathBuf,
        /// Its format.
        format: u32,
    },
    /// Another process works on the shelf.
    #[error("{}: another backup is under way there", .0.display())]
    Busy(PathBuf),
    /// A path would lead out of the backup.
    #[error("{0:?} is no path within a backup")]
    Path(String),
}

/// Says which file an error is about.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |error| Error::Io(path, error)
}
