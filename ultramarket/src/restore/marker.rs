//! A note that stores are being put back: in the data directory, and in each PostgreSQL, since that may be used from other machines. It is
//! there before the first store is touched and goes after the last one, so that one that was cut off is never taken for the platform.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use mesh::Role;

use crate::{backup::Family, config::Config, exit};

/// The name of the file. It holds the path of the backup.
const FILE: &str = "RESTORING";

fn place(config: &Config) -> PathBuf {
    config.data_dir.join(FILE)
}

/// Keeps everybody from stores that hold something of one time and something of another. The notes in PostgreSQL are looked at by those who open
/// it, as soon as it answers.
pub(crate) fn refuse(config: &Config) -> anyhow::Result<()> {
    let Some(backup) = noted(config).map_err(exit::cannot_create)? else { return Ok(()) };
    Err(exit::cannot_create(anyhow::anyhow!(
        "a restore into these stores has not ended: run `ultramarket restore {backup}` again, with the same configuration ({} notes it)",
        place(config).display()
    )))
}

/// What the file says.
fn noted(config: &Config) -> anyhow::Result<Option<String>> {
    let place = place(config);
    match std::fs::read_to_string(&place) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        // A data directory that cannot be one is somebody else's to name.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| place.display().to_string()),
    }
}

/// The backup whose restore has begun and has not ended, wherever that is noted.
pub(super) async fn begun(config: &Config) -> anyhow::Result<Option<String>> {
    if let Some(backup) = noted(config)? {
        return Ok(Some(backup));
    }
    for (role, address) in databases(config) {
        let marked = postgres::backup::marked(address).await;
        if let Some(backup) = marked.with_context(|| role.to_string())? {
            return Ok(Some(backup));
        }
    }
    Ok(None)
}

/// Notes that a backup is being put back.
pub(super) async fn put(config: &Config, backup: &Path) -> anyhow::Result<()> {
    let backup = std::path::absolute(backup)?.display().to_string();
    archive::put_into_place(&mut format!("{backup}\n").as_bytes(), &place(config))?;
    for (role, address) in databases(config) {
        let marked = postgres::backup::mark(address, &backup).await;
        marked.with_context(|| role.to_string())?;
    }
    Ok(())
}

/// Notes that all of it is there. The file goes last: it keeps everybody of this machine out until nothing is left to be done.
pub(super) async fn remove(config: &Config) -> anyhow::Result<()> {
    for (role, address) in databases(config) {
        let unmarked = postgres::backup::unmark(address).await;
        unmarked.with_context(|| role.to_string())?;
    }
    Ok(archive::remove_for_good(&place(config))?)
}

fn databases(config: &Config) -> impl Iterator<Item = (Role, &str)> {
    let stores = Role::ALL.into_iter().map(|role| (role, config.store(role)));
    stores.filter(|(_, address)| matches!(Family::of(address), Ok(Family::Postgres)))
}
