//! `ultramarket backup`: every store of the configuration in use, the stores of money as of one moment, while the platform runs.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Context as _;
use archive::{Copied, Draft, FORMAT, Manifest, Shelf, Store};
use clock::Clock;
use mesh::Role;
use serde::Serialize;

use crate::{
    cli::{BackupOptions, say},
    config::Config,
    exit,
    restore::marker,
    roles,
};

mod cut;
mod family;
mod figures;

pub(crate) use family::Family;

/// What a copy of an embedded database is called.
pub(crate) const DATABASE: &str = "database.db";

/// The line that `--json` prints.
#[derive(Debug, Serialize)]
struct Line<'a> {
    backup: &'a Path,
    #[serde(flatten)]
    summary: Summary,
    uploaded: Option<&'a str>,
    removed: &'a [PathBuf],
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Summary {
    taken_at: clock::Timestamp,
    held_ms: u64,
    bytes: u64,
    files: usize,
    took_ms: u128,
}

/// Takes a backup, keeps the newest, and notes the outcome for whoever watches.
pub(crate) async fn run(
    config: &Config,
    options: &BackupOptions,
    json: bool,
) -> anyhow::Result<()> {
    marker::refuse(config)?;
    let to = options.to.as_ref().unwrap_or(&config.backup.to);
    let figures = figures::place(options.metrics.as_deref(), config, to);
    let shelf = Shelf::open(to).map_err(exit::cannot_create)?;
    let clock = Clock::system();
    let (begun, started) = (clock.now(), Instant::now());
    let outcome = take(config, options, &shelf, &clock, json).await;
    let noted = figures::write(&figures, to, begun, started.elapsed(), outcome.is_ok());
    outcome.and(noted)
}

/// Reads a backup to its last byte.
pub(crate) fn verify(backup: &Path, json: bool) -> anyhow::Result<()> {
    let manifest = archive::verify(backup)?;
    if json {
        say(&serde_json::to_string(&serde_json::json!({
            "verified": backup, "taken_at": manifest.taken_at, "bytes": manifest.size(),
            "files": manifest.files().count(),
        }))?);
    } else {
        let (files, size) = (manifest.files().count(), megabytes(manifest.size()));
        say(&format!(
            "{} is whole: {files} files, {size}, of {}",
            backup.display(),
            manifest.taken_at
        ));
    }
    Ok(())
}

/// Brings a backup from a bucket onto the shelf; the last part of the address is its name.
pub(crate) async fn fetch(
    config: &Config,
    address: &str,
    to: Option<&Path>,
    json: bool,
) -> anyhow::Result<()> {
    let (to, table) = (to.unwrap_or(&config.backup.to), &config.backup);
    let place = address.split('?').next().unwrap_or_default().trim_end_matches('/');
    let name = place.rsplit('/').next().unwrap_or_default();
    let shelf = Shelf::open(to).map_err(exit::cannot_create)?;
    let keys = file::store::backup::keys(&table.access_key, &table.secret_key);
    let bring =
        |folder: PathBuf| async move { file::store::backup::fetch(address, &keys, &folder).await };
    let backup = shelf.adopt(name, bring).await?;
    verify(&backup, json)
}

async fn take(
    config: &Config,
    options: &BackupOptions,
    shelf: &Shelf,
    clock: &Clock,
    json: bool,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let tell = |text: &str| {
        if !json {
            say(text);
        }
    };
    let draft = shelf.begin(clock.now()).map_err(exit::cannot_create)?;
    let mut manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at: clock.now(),
        held_ms: 0,
        stores: std::collections::BTreeMap::new(),
    };
    let mut add = |role: Role, store: Store| {
        let what = match store.copied {
            Copied::Rebuilt => "not copied, it is built again from the others".to_owned(),
            _ => megabytes(store.files.iter().map(|file| file.size).sum()),
        };
        tell(&format!("  {role}: {}, {what}", Family::name_of(&store.kind)));
        manifest.stores.insert(role.as_str().to_owned(), store);
    };

    let mut sources = cut::open(config).await.map_err(exit::cannot_create)?;
    for role in before(config) {
        add(role, copy_live(role, config, &draft).await?);
    }
    let cut = cut::cut(&mut sources, clock).await?;
    let held = cut.held.as_millis();
    tell(&format!("all stores were held for {held} ms at {}; copying", cut.taken_at));
    for source in sources {
        let (role, mut part) = (source.role, draft.part(source.role.as_str())?);
        let (schema, copied) = source.copy(&mut part).await?;
        if role == Role::File {
            // The bytes were there before they were recorded.
            let file = &config.file;
            file::store::backup::copy(&file.store, &file.keys(), &mut part).await?;
        }
        add(role, part.into_store(Family::of(config.store(role))?.as_str(), schema, copied));
    }
    for role in after(config) {
        add(role, copy_live(role, config, &draft).await?);
    }
    manifest.taken_at = cut.taken_at;
    manifest.held_ms = u64::try_from(held).unwrap_or(u64::MAX);
    let backup = draft.finish(&manifest)?;

    let uploaded = upload(config, options, &backup).await?;
    // Only now: until the new one is known to be whole, the old ones are all there is.
    let keep = options.keep.unwrap_or(config.backup.keep);
    let removed = shelf.retain(usize::try_from(keep).unwrap_or(usize::MAX))?;
    let summary = Summary {
        taken_at: manifest.taken_at,
        held_ms: manifest.held_ms,
        bytes: manifest.size(),
        files: manifest.files().count(),
        took_ms: started.elapsed().as_millis(),
    };
    if json {
        let uploaded = uploaded.as_deref();
        let line = Line { backup: &backup, summary, uploaded, removed: &removed };
        say(&serde_json::to_string(&line)?);
        return Ok(());
    }
    if let Some(place) = uploaded {
        say(&format!("sent to {place}"));
    }
    for old in removed {
        say(&format!("removed {}", old.display()));
    }
    let (size, took) = (megabytes(summary.bytes), summary.took_ms);
    say(&format!("{}: {} files, {size}, in {took} ms", backup.display(), summary.files));
    Ok(())
}

/// Copied before the moment: what it refers to, the others are sure to have.
fn before(config: &Config) -> Vec<Role> {
    live(config).filter(|role| *role == Role::Gateway).collect()
}

/// Copied after the moment: what the others had sent to it by then, it is sure to have.
fn after(config: &Config) -> Vec<Role> {
    live(config).filter(|role| *role != Role::Gateway).collect()
}

/// Stores that are not held.
fn live(config: &Config) -> impl Iterator<Item = Role> {
    Role::ALL.into_iter().filter(|role| {
        let family = Family::of(config.store(*role));
        family.is_ok_and(|family| !family.is_held())
    })
}

async fn copy_live(role: Role, config: &Config, draft: &Draft) -> anyhow::Result<Store> {
    let address = config.store(role);
    let family = Family::of(address)?;
    let mut part = draft.part(role.as_str())?;
    let copied = match family {
        Family::Redis => {
            roles::keys(role, config)?.copy(&mut part).await.with_context(|| role.to_string())?;
            Copied::Live
        }
        Family::S3 => {
            file::store::backup::copy(address, &config.file.keys(), &mut part).await?;
            Copied::Live
        }
        _ => Copied::Rebuilt,
    };
    Ok(part.into_store(family.as_str(), roles::schema(role, config), copied))
}

async fn upload(
    config: &Config,
    options: &BackupOptions,
    backup: &Path,
) -> anyhow::Result<Option<String>> {
    let table = &config.backup;
    let address = options.upload.as_ref().unwrap_or(&table.upload);
    if address.is_empty() {
        return Ok(None);
    }
    let keys = file::store::backup::keys(&table.access_key, &table.secret_key);
    let sent = file::store::backup::upload(address, &keys, backup).await;
    sent.map(Some).with_context(|| format!("{} is whole, but could not be sent", backup.display()))
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
