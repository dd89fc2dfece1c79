//! Files that only their owner reads, written so that a crash leaves all or nothing.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Component, Path},
};

use sha2::{Digest as _, Sha256};

use crate::{Error, at};

/// Makes a folder, and those above it, for its owner only.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))
}

/// A new file for its owner only; one that is there is an error.
pub(crate) fn create(path: &Path) -> Result<File, Error> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))
}

/// Makes a file durable that somebody else wrote, and its owner's only.
pub(crate) fn seal(path: &Path) -> Result<(), Error> {
    restrict(path, 0o600)?;
    File::open(path).and_then(|file| file.sync_all()).map_err(at(path))
}

/// Says who may do what with a file or folder.
pub(crate) fn restrict(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at(path))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(at(folder))
}

/// The size and the sum of a file.
pub(crate) fn sum(path: &Path) -> Result<(u64, String), Error> {
    let mut digest = Digester::default();
    File::open(path).and_then(|mut file| pour(&mut file, &mut digest)).map_err(at(path))?;
    Ok(digest.finish())
}

/// Copies to the end.
pub(crate) fn pour(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => to.write_all(buffer.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Counts and sums what is written to it.
#[derive(Default)]
pub(crate) struct Digester {
    size: u64,
    sum: Sha256,
}

impl Digester {
    pub(crate) fn finish(self) -> (u64, String) {
        let mut text = String::with_capacity(64);
        for byte in self.sum.finalize() {
            for half in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(half), 16));
            }
        }
        (self.size, text)
    }
}

impl Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sum.update(bytes);
        self.size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses a path that would lead out of a backup.
pub fn check(path: &str) -> Result<(), Error> {
    let inside = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    // What is not written as it is read would be found under another name.
    let plain = path.split('/').all(|part| !part.is_empty() && part != ".");
    if inside && plain { Ok(()) } else { Err(Error::Path(path.to_owned())) }
}

/// Removes a file; none is fine.
pub fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

/// Removes a file so that it does not come back with the power; none is fine.
pub fn remove_for_good(path: &Path) -> Result<(), Error> {
    remove_if_there(path)?;
    match path.parent().filter(|folder| folder.is_dir()) {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Copies a file so that `to` is either as it was or complete and durable; for its owner only. Folders above it are made.
pub fn copy_into_place(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = File::open(from).map_err(at(from))?;
    put_into_place(&mut source, to)
}

/// The same with what is read from somewhere.
pub fn put_into_place(source: &mut impl Read, to: &Path) -> Result<(), Error> {
    let folder = to.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut draft = to.as_os_str().to_owned();
    draft.push(".restoring");
    let draft = Path::new(&draft);
    remove_if_there(draft)?;
    let mut file = create(draft)?;
    pour(source, &mut file).and_then(|()| file.sync_all()).map_err(at(draft))?;
    fs::rename(draft, to).map_err(at(to))?;
    sync_folder(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_put_there_whole_and_goes_for_good() {
        let folder = testkit::Folder::new("files");
        let place = folder.path().join("deep/down/note");
        put_into_place(&mut &b"one"[..], &place).unwrap();
        put_into_place(&mut &b"two"[..], &place).unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"two");
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 1, "no draft stays");
        for _ in 0..2 {
            remove_for_good(&place).unwrap();
            assert!(!place.exists());
        }
        remove_for_good(&folder.path().join("no/such/folder")).unwrap();
    }

    #[test]
    fn paths_stay_inside() {
        for good in ["a", "a/b.c", "records/once/x"] {
            check(good).unwrap();
        }
        for bad in ["", "/a", "../a", "a/../../b", "a//b", "a/./b", "a/", "."] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
