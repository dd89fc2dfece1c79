//! `ultramarket reindex`: asks the search role of a platform that runs to build its index anew, and shows how far it has come.

use std::{
    io::Write as _,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use anyhow::bail;
use fault::{Code, Fault};
use mesh::{Context, Mesh, Role};
use proto::search::{GetRebuildRequest, Rebuild, RebuildRequest, RebuildState};
use serde::Serialize;

use crate::{cli::say, config::Config, exit, platform};

/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a person is told.
const NEWS: Duration = Duration::from_secs(1);
/// How long the role may be away meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// The line that `--json` prints.
#[derive(Debug, Serialize)]
struct Line {
    indexed: u64,
    total: u64,
    took_ms: i64,
}

pub(crate) async fn run(config: &Config, json: bool) -> anyhow::Result<()> {
    let mut peers = config.peers().map_err(exit::usage)?;
    peers.entry(Role::Search).or_insert_with(|| {
        let mut listen = config.listen(Role::Search);
        if listen.ip().is_unspecified() {
            listen.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{listen}")
    });
    let token = platform::known_token(config).map_err(exit::cannot_create)?;
    let mesh = Mesh::new(&[], &peers, token).map_err(|error| exit::usage(error.into()))?;
    let done = Context::service("command line").scope(follow(&mesh, !json)).await?;
    let took_ms = done.finished_at_ms - done.started_at_ms;
    if json {
        let line = Line { indexed: done.indexed, total: done.total, took_ms };
        say(&serde_json::to_string(&line)?);
    } else {
        say(&format!("{} products can be found; it took {took_ms} ms", done.indexed));
    }
    Ok(())
}

/// Begins one and waits for its end.
async fn follow(mesh: &Mesh, tell: bool) -> anyhow::Result<Rebuild> {
    let mut client = mesh.search();
    let begun = client.rebuild(RebuildRequest {}).await.map_err(|status| refused(status.into()))?;
    let begun = begun.into_inner().rebuild.unwrap_or_default();
    let started = Instant::now();
    let (mut heard, mut told) = (started, started);
    loop {
        tokio::time::sleep(PAUSE).await;
        let answer = client.get_rebuild(GetRebuildRequest {}).await.map_err(Fault::from);
        let now = match answer {
            Ok(answer) => answer.into_inner().rebuild.unwrap_or_default(),
            Err(fault) if fault.code == Code::Unavailable && heard.elapsed() < PATIENCE => continue,
            Err(fault) => return Err(refused(fault)),
        };
        heard = Instant::now();
        // A newer one, which somebody else has begun since, serves as well.
        match now.state() {
            _ if now.started_at_ms < begun.started_at_ms => {
                bail!("it was broken off; the index is the old one");
            }
            RebuildState::Running => {}
            RebuildState::Done => return Ok(now),
            RebuildState::Failed => bail!("it failed ({}); the index is the old one", now.error),
            RebuildState::Unspecified => bail!("the search role knows nothing of it"),
        }
        if tell && told.elapsed() >= NEWS {
            told = heard;
            let took = started.elapsed().as_secs_f64();
            // Whoever closed standard error does not want to hear it.
            drop(writeln!(
                std::io::stderr(),
                "  {took:>5.1} s  {} of {} products",
                now.indexed,
                now.total
            ));
        }
    }
}

fn refused(fault: Fault) -> anyhow::Error {
    if fault.code == Code::Unavailable {
        return exit::cannot_create(anyhow::Error::new(fault).context("the search role"));
    }
    anyhow::Error::new(fault).context("the search role")
}
