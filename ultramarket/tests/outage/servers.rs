//! Servers of this test alone, which it stops and starts.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Instant,
};

use testkit::real_store;

use crate::{repository, support::process::Environment};

/// All servers. `scripts/stores` works on one set at a time, and one of these takes long: it gets a set of its own.
pub(crate) const ALL: &[&[&str]] = &[&["postgres", "mongodb", "redis", "s3"], &["elasticsearch"]];
/// What people cannot buy without.
pub(crate) const MONEY_AND_CARTS: &[&[&str]] = &[&["postgres", "redis"]];

/// The servers; they and their data go with this, whatever way the test ends.
pub(crate) struct Servers {
    sets: Vec<Set>,
}

struct Set {
    folder: PathBuf,
    names: &'static [&'static str],
    /// What `scripts/stores env` says.
    lines: Environment,
    /// Removes the servers when its standard input is closed.
    guard: Child,
}

const GUARD: &str = r#"
read -r nothing
"$1" down
rm -rf "$UM_STORES_DIR"
"#;

fn stores(folder: &Path) -> Command {
    let mut command = Command::new(repository::root().join("scripts/stores"));
    command.env("UM_STORES_DIR", folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, command: &str, names: &[&str]) -> Output {
    stores(folder).arg(command).args(names).output().unwrap()
}

impl Set {
    fn up(names: &'static [&'static str], place: &Path) -> Self {
        let folder = place.join(format!("um-outage-{}", ids::RequestId::new()));
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(repository::root().join("scripts/stores"))
            .env("UM_STORES_DIR", &folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut set = Self { folder, names, lines: Environment::new(), guard };
        let up = run(&set.folder, "up", names);
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
        let plain = stores(&set.folder).args(["env", "--plain"]).args(names).output().unwrap();
        for line in String::from_utf8_lossy(&plain.stdout).lines() {
            let (name, value) = line.split_once('=').unwrap();
            set.lines.insert(name.to_owned(), value.to_owned());
        }
        set
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}

impl Servers {
    /// Starts them; none where they cannot be had.
    pub(crate) fn up(sets: &'static [&[&str]]) -> Option<Self> {
        Self::up_in(&std::env::temp_dir(), sets)
    }

    /// Starts them with their data in a place of somebody's choice.
    pub(crate) fn up_in(place: &Path, sets: &'static [&[&str]]) -> Option<Self> {
        for name in sets.iter().copied().flatten() {
            real_store(name)?;
        }
        let began = Instant::now();
        let begin = |names: &&'static [&'static str]| {
            let (names, place) = (*names, place.to_owned());
            std::thread::spawn(move || Set::up(names, &place))
        };
        let starting: Vec<_> = sets.iter().map(begin).collect();
        let sets = starting.into_iter().map(|set| set.join().unwrap()).collect();
        println!("the servers are up after {:?}", began.elapsed());
        Some(Self { sets })
    }

    /// Addresses of the stores, for the configuration.
    pub(crate) fn addresses(&self) -> Environment {
        let lines = self.sets.iter().flat_map(|set| &set.lines);
        let stores = lines.filter(|(name, _)| name.ends_with("__STORE"));
        stores.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn folder(&self, server: &str) -> &Path {
        let set = self.sets.iter().find(|set| set.names.contains(&server)).unwrap();
        &set.folder
    }

    /// Ends a server in good order.
    pub(crate) async fn stop(&self, server: &'static str) {
        self.act("stop", server).await;
    }

    /// Brings it back, on the same port with the same data. When this returns it accepts connections.
    pub(crate) async fn start(&self, server: &'static str) {
        self.act("start", server).await;
    }

    async fn act(&self, command: &'static str, server: &'static str) {
        let folder = self.folder(server).to_owned();
        let act = move || run(&folder, command, &[server]);
        let output = tokio::task::spawn_blocking(act).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command} {server}: {said}");
    }

    /// Brings it back while others go on.
    pub(crate) fn begin_start(&self, server: &'static str) -> std::thread::JoinHandle<Output> {
        let folder = self.folder(server).to_owned();
        std::thread::spawn(move || run(&folder, "start", &[server]))
    }

    /// Brings one back that may have ended by itself.
    pub(crate) fn start_again(&self, server: &'static str) {
        let output = run(self.folder(server), "start", &[server]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Makes PostgreSQL write so much of its log that a full disk ends it, if the disk is full.
    pub(crate) fn write_log_until_it_gives_up(&self) {
        const WRITE: &str =
            "select pg_logical_emit_message(false, 'ballast', repeat('x', 1000000))";
        let server = self.sets.iter().find_map(|set| set.lines.get("UM_TEST_POSTGRES")).unwrap();
        for _ in 0..40 {
            let written = Command::new("psql").args([server, "-qtAc", WRITE]).output().unwrap();
            if !written.status.success() {
                println!("PostgreSQL: {}", String::from_utf8_lossy(&written.stderr).trim());
                return;
            }
        }
        panic!("it went on writing");
    }

    /// Ends PostgreSQL as the power does.
    pub(crate) fn kill_postgres(&self) {
        let known = std::fs::read_to_string(self.folder("postgres").join("postgres.env")).unwrap();
        let home = known.lines().find_map(|line| line.strip_prefix("home=")).unwrap();
        let file = Path::new(home).join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap();
        let process = text.lines().next().unwrap();
        let killed = Command::new("kill").args(["-KILL", process]).status().unwrap();
        assert!(killed.success());
    }
}
