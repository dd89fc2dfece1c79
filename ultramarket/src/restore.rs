//! `ultramarket restore`: puts a backup into the stores of the configuration in use.

use std::path::Path;

use anyhow::Context as _;
use archive::Manifest;
use mesh::Role;

use crate::{
    backup::{DATABASE, Family},
    cli::say,
    config::Config,
    exit, migrate, platform, roles,
};

/// Checks everything that can be checked, and then replaces what there is by what the backup holds.
pub(crate) async fn run(
    config: &Config,
    backup: &Path,
    replace: bool,
    json: bool,
) -> anyhow::Result<()> {
    let manifest = archive::verify(backup)?;
    compare(config, &manifest)?;
    refuse_what_must_not_be_lost(config, backup, replace).await?;
    if Role::ALL.into_iter().any(|role| migrate::is_embedded(config.store(role))) {
        platform::make_private(&config.data_dir).map_err(exit::cannot_create)?;
    }
    for role in Role::ALL {
        put_back(role, config, &backup.join(role.as_str())).await.with_context(|| {
            format!("the {role} role; nothing may be started before a restore has ended well")
        })?;
        if !json {
            say(&format!("  {role}: {}", migrate::kind(config.store(role))));
        }
    }
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
            let is_filled = roles::keys(role, config)?.is_filled().await?;
            State { is_filled, ..State::default() }
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
