//! `ultramarket restore`: puts a backup into the stores of the configuration in use.

use std::path::Path;

use anyhow::Context as _;
use archive::Manifest;
use clock::{Clock, Timestamp};
use mesh::Role;

use crate::{
    backup::{DATABASE, Family},
    cli::say,
    config::Config,
    exit, migrate, platform, roles,
};

pub(crate) mod marker;
mod running;

/// Numbers left out after a restore, however young the backup is: clocks differ, and the last order may be of this moment.
const SPARED: i64 = 1_000;
/// And for each second since the backup: more than are given on a day of a million orders.
const SPARED_A_SECOND: i64 = 12;

/// Checks everything that can be checked, and then replaces what there is by what the backup holds. One that was cut off is done again.
pub(crate) async fn run(
    config: &Config,
    backup: &Path,
    replace: bool,
    json: bool,
) -> anyhow::Result<()> {
    let manifest = archive::verify(backup)?;
    compare(config, &manifest)?;
    running::refuse(config).await?;
    // What there is then has been given up for this backup before, or is a part of it.
    let again = marker::begun(config).await.map_err(exit::cannot_create)?;
    let again = again.is_some_and(|known| Path::new(&known).file_name() == backup.file_name());
    refuse_what_must_not_be_lost(config, backup, replace || again).await?;
    platform::make_private(&config.data_dir).map_err(exit::cannot_create)?;
    marker::put(config, backup).await.map_err(exit::cannot_create)?;
    for role in Role::ALL {
        put_back(role, config, &backup.join(role.as_str())).await.with_context(|| {
            format!("the {role} role; nothing starts before the same restore was run to its end")
        })?;
        if !json {
            say(&format!("  {role}: {}", migrate::kind(config.store(role))));
        }
    }
    let spared = spared(manifest.taken_at, Clock::system().now());
    for role in Role::ALL {
        let skipped = roles::skip_numbers(role, config, spared).await;
        skipped.with_context(|| format!("the numbers that {role} gives"))?;
    }
    marker::remove(config).await?;
    if json {
        let line = serde_json::json!({ "restored": backup, "taken_at": manifest.taken_at });
        say(&serde_json::to_string(&line)?);
    } else {
        say(&format!(
            "restored as of {}; the index of search fills itself after the start",
            manifest.taken_at
        ));
    }
    Ok(())
}

/// How many numbers may have been given since the backup. Those are not given again: a payment of an order that is lost would meet another one
/// of the same number. It grows with time, so that two restores of one backup do not give the same numbers either.
fn spared(taken_at: Timestamp, now: Timestamp) -> i64 {
    let seconds = now.millis().saturating_sub(taken_at.millis()).max(0) / 1_000;
    SPARED.saturating_add(seconds.saturating_mul(SPARED_A_SECOND))
}

/// Whether the backup is of these engines and of schemas that this program knows.
fn compare(config: &Config, manifest: &Manifest) -> anyhow::Result<()> {
    for role in Role::ALL {
        let store = manifest.stores.get(role.as_str());
        let store = store.with_context(|| format!("the backup has no store of {role}"))?;
        let family = Family::of(config.store(role)).map_err(exit::usage)?;
        let rebuilt = store.copied == archive::Copied::Rebuilt;
        if store.kind != family.as_str() && !rebuilt {
            return Err(exit::usage(anyhow::anyhow!(
                "{role}: the backup is of {}, and the configuration says {}",
                Family::name_of(&store.kind),
                Family::name_of(family.as_str())
            )));
        }
        let known = roles::schema(role, config);
        anyhow::ensure!(
            store.schema <= known,
            "{role}: the backup has schema {}, and this program knows up to {known}: use version {} or a newer one",
            store.schema,
            manifest.program
        );
    }
    Ok(())
}

/// Names every store that is in use, or that holds something nobody said may go.
async fn refuse_what_must_not_be_lost(
    config: &Config,
    backup: &Path,
    replace: bool,
) -> anyhow::Result<()> {
    let (mut used, mut filled) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        let state = state(role, config, &backup.join(role.as_str())).await;
        let state = state.with_context(|| format!("the {role} role"));
        let State { in_use, is_filled } = state.map_err(exit::cannot_create)?;
        if in_use {
            used.push(role.as_str());
        }
        if is_filled {
            filled.push(role.as_str());
        }
    }
    if !used.is_empty() {
        let used = used.join(", ");
        return Err(exit::cannot_create(anyhow::anyhow!(
            "the platform runs on the stores of {used}: end it first"
        )));
    }
    if !filled.is_empty() && !replace {
        let filled = filled.join(", ");
        return Err(exit::cannot_create(anyhow::anyhow!(
            "there are data in the stores of {filled}: --replace throws them away"
        )));
    }
    Ok(())
}

#[derive(Debug, Default)]
struct State {
    in_use: bool,
    is_filled: bool,
}

async fn state(role: Role, config: &Config, copy: &Path) -> anyhow::Result<State> {
    let address = config.store(role);
    Ok(match Family::of(address)? {
        Family::Sqlite => State {
            in_use: sqlite::backup::is_in_use(address)?,
            is_filled: sqlite::backup::is_there(address),
        },
        Family::Folder => {
            let records = file::store::backup::records(address)?.unwrap_or_default();
            State {
                in_use: sqlite::backup::is_in_use(&records)?,
                is_filled: file::store::backup::is_filled(address, &config.file.keys()).await?,
            }
        }
        Family::Postgres => {
            let mut target = postgres::backup::Target::open(address, copy).await?;
            let state = target.state().await?;
            State { in_use: state.in_use, is_filled: state.filled }
        }
        Family::Mongodb => {
            State { is_filled: mongo::backup::is_filled(address).await?, ..State::default() }
        }
        Family::Redis => {
            let keys = roles::keys(role, config)?;
            State { in_use: keys.is_in_use().await?, is_filled: keys.is_filled().await? }
        }
        Family::S3 => {
            let is_filled = file::store::backup::is_filled(address, &config.file.keys()).await?;
            State { is_filled, ..State::default() }
        }
        // Nothing is lost that is not built again.
        Family::Tantivy | Family::Elasticsearch => State::default(),
    })
}

async fn put_back(role: Role, config: &Config, copy: &Path) -> anyhow::Result<()> {
    let address = config.store(role);
    match Family::of(address)? {
        // It is brought up to date when it is opened.
        Family::Sqlite => sqlite::backup::restore(address, &copy.join(DATABASE))?,
        Family::Folder => {
            let (keys, name) = (config.file.keys(), file::store::backup::RECORDS);
            file::store::backup::clear(address, &keys).await?;
            file::store::backup::load(address, &keys, copy).await?;
            let records = file::store::backup::records(address)?.unwrap_or_default();
            sqlite::backup::restore(&records, &copy.join(name))?;
        }
        Family::Postgres => {
            let mut target = postgres::backup::Target::open(address, copy).await?;
            target.clear().await?;
            // The tables as they were, what was in them, and only then what has been added since.
            roles::migrate_to(role, config, target.version()).await?;
            target.load(copy).await?;
            roles::migrate(role, config).await?;
        }
        Family::Mongodb => {
            mongo::backup::clear(address).await?;
            roles::migrate(role, config).await?;
            mongo::backup::load(address, copy).await?;
        }
        Family::Redis => {
            let keys = roles::keys(role, config)?;
            keys.clear().await?;
            keys.load(copy).await?;
        }
        Family::S3 => {
            let keys = config.file.keys();
            file::store::backup::clear(address, &keys).await?;
            roles::migrate(role, config).await?;
            file::store::backup::load(address, &keys, copy).await?;
        }
        Family::Tantivy | Family::Elasticsearch => {
            search::store::forget(address).await?;
            roles::migrate(role, config).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_the_backup_the_more_numbers_are_spared() {
        let taken = Timestamp::from_millis(1_795_253_400_000);
        let after =
            |seconds: i64| spared(taken, Timestamp::from_millis(taken.millis() + seconds * 1_000));
        assert_eq!((after(0), after(-5)), (1_000, 1_000), "a clock that is behind");
        assert_eq!(after(86_400), 1_000 + 86_400 * 12);
        assert!(after(60) - after(0) >= 60 * 12, "another restore of it gives others");
    }
}
