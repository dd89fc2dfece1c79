//! The program under load, as a child process.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use serde_json::Value;

/// The key that Payme's calls are signed with here.
pub(crate) const PAYME_KEY: &str = "bench-kassa-key-of-36-characters-001";

/// A server that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    ready: Value,
    took: Duration,
    folder: Option<PathBuf>,
}

impl Server {
    /// The bare handler, where the program itself would run.
    pub(crate) fn bare(core: Option<usize>) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        Self::start(command(&own, &["bare"], core), None)
    }

    /// The demo on a fresh folder.
    pub(crate) fn demo(binary: &Path, core: Option<usize>) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("ultramarket-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let data = folder.display().to_string();
        let arguments = ["demo", "--json", "--port-base", "0", "--data-dir", &data];
        // It runs elsewhere: a path from here would name nothing.
        let binary = binary.canonicalize().context("--binary")?;
        let mut command = command(&binary, &arguments, core);
        command
            .env("UM_GATEWAY__RATE_LIMIT__ENABLED", "false")
            .env("UM_TELEMETRY__LEVEL", "warn")
            // Nobody signs in again during a long run.
            .env("UM_AUTH__ACCESS_MINUTES", "240")
            .env("UM_PAYMENT__PAYME__KEY", PAYME_KEY)
            .current_dir(&folder);
        Self::start(command, Some(folder))
    }

    fn start(mut command: Command, folder: Option<PathBuf>) -> anyhow::Result<Self> {
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let took = started.elapsed();
        let mut server = Self { child, ready: Value::Null, took, folder };
        server.ready =
            serde_json::from_str(&line).with_context(|| format!("not ready: {line:?}"))?;
        Ok(server)
    }

    /// What it said when it was ready.
    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    /// From the start of the process until it was ready.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        let url = self.ready.get("gateway").and_then(Value::as_str).context("no gateway")?;
        Ok(url.trim_start_matches("http://").parse()?)
    }

    /// A line of `/proc/<pid>/status` in KiB.
    pub(crate) fn memory(&self, name: &str) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let text = line.with_context(|| format!("no {name}"))?;
        Ok(text.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Measured and done with: nothing of it is needed.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(folder) = &self.folder {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

/// A command on the server's core, or on every core although we ourselves may be tied to one.
fn command(program: &Path, arguments: &[&str], core: Option<usize>) -> Command {
    let Some(core) = core else {
        let mut command = Command::new(program);
        command.args(arguments);
        return command;
    };
    // `taskset` becomes the program: the process id stays.
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(program).args(arguments);
    command
}
