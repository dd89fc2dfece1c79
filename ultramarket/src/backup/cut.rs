//! One moment for several stores: writers of all of them wait for a few milliseconds, and while they do, each store opens its view of the data.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use archive::{Copied, Part};
use clock::{Clock, Timestamp};
use mesh::Role;

use super::{DATABASE, Family};
use crate::config::Config;

/// How long writers may have to wait at most.
const HOLD: Duration = Duration::from_secs(2);
/// How long to wait for one embedded database.
const PATIENCE: Duration = Duration::from_millis(500);
/// Times that the moment is tried for.
const TRIES: u32 = 10;
/// The first pause between them; later ones are longer.
const PAUSE: Duration = Duration::from_millis(200);

/// A store that is read as of the moment.
pub(super) struct Source {
    pub(super) role: Role,
    engine: Engine,
}

enum Engine {
    Postgres(Box<postgres::backup::Source>),
    Sqlite(Box<sqlite::backup::Source>, &'static str),
    /// Its writers are not held: its own snapshot is fixed while all it exchanges events with stand still.
    Mongo(Box<mongo::backup::Source>, Copied),
}

/// The moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) taken_at: Timestamp,
    /// How long writers had to wait.
    pub(super) held: Duration,
}

/// Connects to every store that is read as of the moment. Those whose locks may take longest come first, snapshots last.
pub(super) async fn open(config: &Config) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for role in Role::ALL {
        let address = config.store(role);
        let opened = open_one(address).await.with_context(|| format!("the {role} role"))?;
        sources.extend(opened.map(|engine| Source { role, engine }));
    }
    sources.sort_by_key(|source| match source.engine {
        Engine::Postgres(_) => 0,
        Engine::Sqlite(..) => 1,
        Engine::Mongo(..) => 2,
    });
    Ok(sources)
}

async fn open_one(address: &str) -> anyhow::Result<Option<Engine>> {
    Ok(Some(match Family::of(address)? {
        Family::Sqlite => {
            Engine::Sqlite(Box::new(sqlite::backup::Source::open(address)?), DATABASE)
        }
        Family::Folder => {
            let records = file::store::backup::records(address)?.unwrap_or_default();
            let source = sqlite::backup::Source::open(&records)?;
            Engine::Sqlite(Box::new(source), file::store::backup::RECORDS)
        }
        Family::Postgres => {
            Engine::Postgres(Box::new(postgres::backup::Source::open(address).await?))
        }
        Family::Mongodb => {
            Engine::Mongo(Box::new(mongo::backup::Source::open(address).await?), Copied::Live)
        }
        Family::Redis | Family::S3 | Family::Tantivy | Family::Elasticsearch => return Ok(None),
    }))
}

/// Finds the moment. When somebody is in the way for too long, everybody goes on, and it is tried again.
pub(super) async fn cut(sources: &mut [Source], clock: &Clock) -> anyhow::Result<Cut> {
    let mut in_the_way = None;
    for attempt in 1..=TRIES {
        let began = Instant::now();
        let outcome = tokio::time::timeout(HOLD, look(sources, began + HOLD)).await;
        let taken_at = clock.now();
        for source in sources.iter_mut() {
            source.release().await?;
        }
        let held = began.elapsed();
        match outcome {
            Ok(Ok(None)) => return Ok(Cut { taken_at, held }),
            Ok(Ok(busy)) => in_the_way = busy,
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
        for source in sources.iter_mut() {
            source.forget().await?;
        }
        tokio::time::sleep(PAUSE * attempt).await;
    }
    let whom = in_the_way.map_or("the stores".to_owned(), |role| format!("the store of {role}"));
    anyhow::bail!(
        "{whom} could not be held for a moment in {TRIES} tries: something writes for longer than it may; try again when it has ended"
    )
}

/// Holds all and looks; the one that could not be held, if there is one.
async fn look(sources: &mut [Source], until: Instant) -> anyhow::Result<Option<Role>> {
    for source in sources.iter_mut() {
        if !source.hold(until).await? {
            return Ok(Some(source.role));
        }
    }
    for source in sources.iter_mut() {
        source.snapshot().await?;
    }
    Ok(None)
}

impl Source {
    /// Keeps others from writing; false when somebody is in the way.
    async fn hold(&mut self, until: Instant) -> anyhow::Result<bool> {
        let held = match &mut self.engine {
            Engine::Postgres(source) => match source.hold().await {
                Err(error) if error.is_contention() => Ok(false),
                outcome => outcome.map(|()| true).map_err(anyhow::Error::from),
            },
            Engine::Sqlite(source, _) => {
                let patience = PATIENCE.min(until.saturating_duration_since(Instant::now()));
                match tokio::task::block_in_place(|| source.hold(patience)) {
                    Err(sqlite::Error::Busy) => Ok(false),
                    outcome => outcome.map(|()| true).map_err(anyhow::Error::from),
                }
            }
            Engine::Mongo(..) => Ok(true),
        };
        held.with_context(|| self.role.to_string())
    }

    async fn snapshot(&mut self) -> anyhow::Result<()> {
        let looked = match &mut self.engine {
            Engine::Postgres(source) => source.snapshot().await.map_err(anyhow::Error::from),
            Engine::Sqlite(source, _) => source.snapshot().map_err(anyhow::Error::from),
            Engine::Mongo(source, copied) => match source.snapshot().await {
                Ok(exact) => {
                    *copied = if exact { Copied::Snapshot } else { Copied::Live };
                    Ok(())
                }
                Err(error) => Err(error.into()),
            },
        };
        looked.with_context(|| self.role.to_string())
    }

    async fn release(&mut self) -> anyhow::Result<()> {
        let released = match &mut self.engine {
            Engine::Postgres(source) => source.release().await.map_err(anyhow::Error::from),
            Engine::Sqlite(source, _) => source.release().map_err(anyhow::Error::from),
            Engine::Mongo(..) => Ok(()),
        };
        released.with_context(|| self.role.to_string())
    }

    async fn forget(&mut self) -> anyhow::Result<()> {
        let forgotten = match &mut self.engine {
            Engine::Postgres(source) => source.forget().await.map_err(anyhow::Error::from),
            Engine::Sqlite(source, _) => source.forget().map_err(anyhow::Error::from),
            Engine::Mongo(..) => Ok(()),
        };
        forgotten.with_context(|| self.role.to_string())
    }

    /// Copies what it saw; the version of its schema, and how it was read.
    pub(super) async fn copy(self, part: &mut Part) -> anyhow::Result<(i64, Copied)> {
        let copied = match self.engine {
            Engine::Postgres(source) => {
                source.copy(part).await.map(|schema| (schema, Copied::Cut)).map_err(Into::into)
            }
            Engine::Sqlite(source, name) => tokio::task::block_in_place(|| source.copy(part, name))
                .map(|schema| (schema, Copied::Cut))
                .map_err(Into::into),
            Engine::Mongo(source, copied) => {
                source.copy(part).await.map(|schema| (schema, copied)).map_err(Into::into)
            }
        };
        copied.map_err(|error: anyhow::Error| error.context(self.role.to_string()))
    }
}
