//! Copies files, and puts copies back. Files are written once and never changed, so they may be read while others are added: what was recorded
//! before the copy began is in it.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use archive::Part;
use secrecy::SecretString;

use super::{Keys, Place, place, s3, s3::S3Store, sqlite};

/// The folder of bytes, in the store and in a copy.
const BLOBS: &str = "blobs";
/// What is known of the files, in the store and in a copy.
pub const RECORDS: &str = "files.db";

/// The version of the schema that this program works with behind an address; 0 where there is none.
pub(super) fn schema(address: &str) -> i64 {
    match place(address) {
        Ok(Place::Folder(_)) => i64::try_from(sqlite::MIGRATIONS.len()).unwrap_or(i64::MAX),
        _ => 0,
    }
}

/// The address of the database that belongs to a folder of files; none for a server, which keeps its records among the objects.
pub fn records(address: &str) -> anyhow::Result<Option<String>> {
    match place(address)? {
        Place::Folder(folder) => {
            Ok(Some(format!("sqlite:{}", Path::new(folder).join(RECORDS).display())))
        }
        Place::S3 => Ok(None),
    }
}

/// Copies all bytes to a part; of a folder without [`records`], which are to be copied before.
pub async fn copy(address: &str, keys: &Keys, part: &mut Part) -> anyhow::Result<()> {
    match place(address)? {
        Place::Folder(folder) => copy_folder(&Path::new(folder).join(BLOBS), part),
        Place::S3 => S3Store::connect(address, keys)?.copy(part).await,
    }
}

/// Whether there is anything behind an address.
pub async fn is_filled(address: &str, keys: &Keys) -> anyhow::Result<bool> {
    match place(address)? {
        Place::Folder(folder) => match std::fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            entries => Ok(entries.context(folder.to_owned())?.next().is_some()),
        },
        Place::S3 => S3Store::connect(address, keys)?.is_filled().await,
    }
}

/// Removes everything behind an address.
pub async fn clear(address: &str, keys: &Keys) -> anyhow::Result<()> {
    match place(address)? {
        Place::Folder(folder) => match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).context(folder.to_owned())
            }
            _ => Ok(()),
        },
        Place::S3 => S3Store::connect(address, keys)?.clear().await,
    }
}

/// Puts the bytes of the copy in a folder back. Buckets have to be there: see [`super::migrate`].
pub async fn load(address: &str, keys: &Keys, from: &Path) -> anyhow::Result<()> {
    match place(address)? {
        Place::Folder(folder) => {
            for path in files(&from.join(BLOBS))? {
                let name = path.strip_prefix(from)?;
                archive::copy_into_place(&path, &Path::new(folder).join(name))?;
            }
            Ok(())
        }
        Place::S3 => S3Store::connect(address, keys)?.load(from).await,
    }
}

/// Sends a finished backup to `s3://[access:secret@]host[:port]/bucket[/prefix]`, its manifest last; the keys are for an address that
/// holds none. Where it is then, without keys.
pub async fn upload(address: &str, keys: &Keys, backup: &Path) -> anyhow::Result<String> {
    s3::upload(address, keys, backup).await
}

/// Brings the backup at `s3://[access:secret@]host[:port]/bucket[/prefix]/name` into a folder that is there and empty.
pub async fn fetch(address: &str, keys: &Keys, folder: &Path) -> anyhow::Result<()> {
    s3::fetch(address, keys, folder).await
}

/// Keys as they are configured.
pub fn keys(access: &str, secret: &SecretString) -> Keys {
    Keys { access: access.to_owned(), secret: secret.clone() }
}

fn copy_folder(blobs: &Path, part: &mut Part) -> anyhow::Result<()> {
    let mut count = 0;
    for path in files(blobs)? {
        let name = path.strip_prefix(blobs)?.to_str().context("a name of a file")?.to_owned();
        part.copy(&path, &format!("{BLOBS}/{name}"))?;
        count += 1;
    }
    part.count(BLOBS, count);
    Ok(())
}

/// Every file below a folder; none when it is not there.
pub(super) fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries.with_context(|| folder.display().to_string())?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
