//! The files of one store.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{
    Copied, Entry, Error, Store, at,
    files::{self, Digester},
};

/// Takes the files of one store.
#[derive(Debug)]
pub struct Part {
    /// The folder of the whole backup.
    root: PathBuf,
    /// The name of the store's folder in it.
    name: String,
    entries: Vec<Entry>,
    counts: BTreeMap<String, u64>,
}

impl Part {
    pub(crate) fn create(root: &Path, name: &str) -> Result<Self, Error> {
        files::check(name)?;
        files::make_folder(&root.join(name))?;
        let (root, name) = (root.to_owned(), name.to_owned());
        Ok(Self { root, name, entries: Vec::new(), counts: BTreeMap::new() })
    }

    /// A new file at this path within the part; folders are made. It counts once it is [kept](Self::keep).
    pub fn sheet(&self, path: &str) -> Result<Sheet, Error> {
        let place = self.place(path)?;
        let file = BufWriter::with_capacity(256 * 1024, files::create(&place)?);
        Ok(Sheet { path: self.within(path), place, file, digest: Digester::default() })
    }

    /// Makes a file durable and enters it in the manifest.
    pub fn keep(&mut self, sheet: Sheet) -> Result<(), Error> {
        let Sheet { path, place, file, digest } = sheet;
        let file = file.into_inner().map_err(|error| at(&place)(error.into_error()))?;
        file.sync_all().map_err(at(&place))?;
        let (size, sha256) = digest.finish();
        self.entries.push(Entry { path, size, sha256 });
        Ok(())
    }

    /// Where somebody else may write a file, to be [adopted](Self::adopt) then; folders are made.
    pub fn place(&self, path: &str) -> Result<PathBuf, Error> {
        files::check(path)?;
        let place = self.root.join(&self.name).join(path);
        if let Some(folder) = place.parent() {
            files::make_folder(folder)?;
        }
        Ok(place)
    }

    /// Takes over a file that somebody else wrote.
    pub fn adopt(&mut self, path: &str) -> Result<(), Error> {
        let place = self.place(path)?;
        files::seal(&place)?;
        let (size, sha256) = files::sum(&place)?;
        self.entries.push(Entry { path: self.within(path), size, sha256 });
        Ok(())
    }

    /// Copies a file; false when there is none.
    pub fn copy(&mut self, from: &Path, path: &str) -> Result<bool, Error> {
        let mut source = match File::open(from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(at(from))?,
        };
        let mut sheet = self.sheet(path)?;
        files::pour(&mut source, &mut sheet).map_err(at(from))?;
        self.keep(sheet)?;
        Ok(true)
    }

    /// Notes how many of something were copied, for people.
    pub fn count(&mut self, what: impl Into<String>, number: u64) {
        self.counts.insert(what.into(), number);
    }

    /// The entry of the manifest.
    pub fn into_store(self, kind: impl Into<String>, schema: i64, copied: Copied) -> Store {
        let (counts, files) = (self.counts, self.entries);
        Store { kind: kind.into(), schema, copied, counts, files }
    }

    fn within(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }
}

/// A file that is being written.
pub struct Sheet {
    path: String,
    place: PathBuf,
    file: BufWriter<File>,
    digest: Digester,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sheet").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Sheet {
    /// Writes, and names the file when that fails.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write_all(bytes).map_err(at(&self.place))
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.write_all(bytes.get(..written).unwrap_or_default())?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
