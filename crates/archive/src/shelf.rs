//! The folder with all backups.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clock::Timestamp;

use crate::{
    Error, Manifest, Part, at, files,
    manifest::{self, verify},
};

/// What a backup is called while it is written.
const PARTIAL: &str = ".partial";
const LOCK: &str = ".lock";

/// A folder with backups, for one process at a time.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// Let go when it is closed, however the process ends.
    _lock: File,
}

impl Shelf {
    /// Makes the folder when it is not there.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        files::make_folder(folder)?;
        let place = folder.join(LOCK);
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o600).open(&place);
        let lock = lock.map_err(at(&place))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::Busy(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(at(&place)(error)),
        }
    }

    /// Begins a backup. It is no backup before [`Draft::finish`].
    pub fn begin(&self, now: Timestamp) -> Result<Draft, Error> {
        self.draft(&name(now))
    }

    fn draft(&self, name: &str) -> Result<Draft, Error> {
        if !is_name(name) {
            return Err(Error::Path(name.to_owned()));
        }
        let draft = self.folder.join(format!("{name}{PARTIAL}"));
        let place = self.folder.join(name);
        if place.exists() {
            let taken = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(at(&place)(taken));
        }
        // What a cut-off one of this name left.
        match fs::remove_dir_all(&draft) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(at(&draft)(error));
            }
            _ => {}
        }
        files::make_folder(&draft)?;
        Ok(Draft { shelf: self.folder.clone(), root: draft, place, finished: false })
    }

    /// Takes a backup of this name over from elsewhere: `bring` fills the folder that it is given. Where it is.
    pub async fn adopt<F: Future<Output = Result<(), E>>, E: From<Error>>(
        &self,
        name: &str,
        bring: impl FnOnce(PathBuf) -> F,
    ) -> Result<PathBuf, E> {
        let mut draft = self.draft(name)?;
        bring(draft.root.clone()).await?;
        draft.lock_up()?;
        Ok(draft.settle()?)
    }

    /// Removes the oldest backups beyond `keep`, and what cut-off ones left. Those removed.
    pub fn retain(&self, keep: usize) -> Result<Vec<PathBuf>, Error> {
        let all = complete(&self.folder)?;
        let old = all.len().saturating_sub(keep.max(1));
        let mut gone: Vec<PathBuf> = all.into_iter().take(old).collect();
        for path in entries(&self.folder)? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.strip_suffix(PARTIAL).is_some_and(is_name) {
                gone.push(path);
            }
        }
        for path in &gone {
            // Without its manifest it is no backup any more, should the rest not go in one step.
            if manifest::is_there(path) {
                let half_gone = self.folder.join(format!("{}{PARTIAL}", path_name(path)));
                fs::rename(path, &half_gone).map_err(at(path))?;
                fs::remove_dir_all(&half_gone).map_err(at(&half_gone))?;
            } else {
                fs::remove_dir_all(path).map_err(at(path))?;
            }
        }
        Ok(gone)
    }
}

/// A backup that is being written; removed when it is dropped unfinished.
#[derive(Debug)]
pub struct Draft {
    shelf: PathBuf,
    root: PathBuf,
    place: PathBuf,
    finished: bool,
}

impl Draft {
    /// The part of one store.
    pub fn part(&self, name: &str) -> Result<Part, Error> {
        Part::create(&self.root, name)
    }

    /// Writes the manifest, reads everything back, and gives the backup its name. Where it is.
    pub fn finish(mut self, manifest: &Manifest) -> Result<PathBuf, Error> {
        for folder in folders(&self.root)? {
            files::sync_folder(&folder)?;
        }
        manifest.write(&self.root)?;
        self.settle()
    }

    /// For its owner only, whatever it was where it comes from.
    fn lock_up(&self) -> Result<(), Error> {
        for folder in folders(&self.root)? {
            files::restrict(&folder, 0o700)?;
            for path in entries(&folder)?.iter().filter(|path| path.is_file()) {
                files::restrict(path, 0o600)?;
            }
            files::sync_folder(&folder)?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<PathBuf, Error> {
        files::sync_folder(&self.root)?;
        verify(&self.root)?;
        fs::rename(&self.root, &self.place).map_err(at(&self.place))?;
        self.finished = true;
        files::sync_folder(&self.shelf)?;
        Ok(self.place.clone())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed is no backup either, and goes with the next one.
            drop(fs::remove_dir_all(&self.root));
        }
    }
}

/// The complete backups of a folder, oldest first.
pub fn complete(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found: Vec<PathBuf> = entries(folder)?;
    found.retain(|path| is_name(path_name(path)) && manifest::is_there(path));
    found.sort();
    Ok(found)
}

fn path_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, _>>();
    read().map_err(at(folder))
}

/// The folder and all below it.
fn folders(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = vec![root.to_owned()];
    let mut next = 0;
    while let Some(folder) = found.get(next).cloned() {
        found.extend(entries(&folder)?.into_iter().filter(|path| path.is_dir()));
        next += 1;
    }
    Ok(found)
}

/// `20261121T093000.123Z`: sorts by time.
fn name(now: Timestamp) -> String {
    now.to_string().replace(['-', ':'], "")
}

fn is_name(text: &str) -> bool {
    text.len() == 20
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 => byte == b'T',
            15 => byte == b'.',
            19 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
