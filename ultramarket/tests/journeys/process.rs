//! The binary under test as child processes that never outlive the test.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The binary under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_ultramarket");
/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// Variables of the environment.
pub(crate) type Environment = BTreeMap<String, String>;

/// A command that sees none of our own `UM_` variables and no `ultramarket.toml`.
fn command(program: &str, folder: &Path, environment: &Environment) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("UM_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).envs(environment);
    command
}

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    ready: Value,
    took: Duration,
}

impl Program {
    /// Starts the program and waits for its line `{"ready": true, ...}`.
    pub(crate) fn start(folder: &Path, arguments: &[&str], environment: &Environment) -> Self {
        let started = Instant::now();
        let log = std::fs::File::create(folder.join("stderr.log")).unwrap();
        let mut child = command(BINARY, folder, environment)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            drop(child.kill());
            let said = std::fs::read_to_string(folder.join("stderr.log")).unwrap_or_default();
            panic!("{arguments:?} was not ready: {line:?}\n{said}");
        };
        assert!(started.elapsed() < PATIENCE, "{arguments:?} took {:?}", started.elapsed());
        Self { child, ready, took: started.elapsed() }
    }

    /// What it said when it was ready.
    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    /// From the start of the process until it was ready.
    pub(crate) fn took(&self) -> Duration {
        self.took
    }

    /// As the power goes: nothing is asked, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As a machine hangs: connections stay, nothing answers.
    pub(crate) fn freeze(&self) {
        signal("STOP", self.child.id());
    }

    /// It goes on where it was.
    pub(crate) fn thaw(&self) {
        signal("CONT", self.child.id());
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        signal("TERM", self.child.id());
        wait(&mut self.child)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn signal(name: &str, process: u32) {
    let sent =
        Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(sent.success());
}

fn wait(child: &mut Child) -> ExitStatus {
    let asked = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(asked.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What a program that ends by itself said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the program to its end.
pub(crate) fn run(folder: &Path, arguments: &[&str], environment: &Environment) -> Ended {
    run_with_input(folder, arguments, environment, "")
}

/// Runs the program to its end with something on its standard input.
pub(crate) fn run_with_input(
    folder: &Path,
    arguments: &[&str],
    environment: &Environment,
    input: &str,
) -> Ended {
    use std::io::Write as _;
    let mut child = command(BINARY, folder, environment)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that refuses at once does not read it.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let status = wait(&mut child);
    let read = |stream: Option<&mut dyn std::io::Read>| {
        let mut text = String::new();
        stream.unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let stdout = read(child.stdout.as_mut().map(|stream| stream as _));
    let stderr = read(child.stderr.as_mut().map(|stream| stream as _));
    Ended { code: status.code().unwrap_or(-1), stdout, stderr }
}

/// Starts the program and kills it when it has come so far, without a warning; what it had said until then.
pub(crate) fn run_and_kill(
    folder: &Path,
    arguments: &[&str],
    environment: &Environment,
    so_far: impl FnOnce(),
) -> String {
    let mut child = command(BINARY, folder, environment)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    so_far();
    assert!(child.try_wait().unwrap().is_none(), "it has not ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut said).unwrap();
    said
}

/// A process that lives as long as this test binary, whatever way that ends: its guard reads from a pipe that only we hold, kills
/// the process when the pipe closes, and removes the data folder.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Held open, never written.
    _pipe: ChildStdin,
    ready: Value,
}

const GUARD: &str = r#"
folder=$1; shift
"$@" </dev/null 2>>"$folder/stderr.log" & child=$!
exec >&-
read -r nothing
kill -KILL "$child"; wait "$child"
rm -rf "$folder"; sleep 0.5; rm -rf "$folder"
"#;

impl Shared {
    /// Starts the program under a guard and waits until it is ready.
    pub(crate) fn start(folder: &Path, arguments: &[&str], environment: &Environment) -> Self {
        Self::begin(folder, arguments, environment).ready()
    }

    /// Starts the program under a guard.
    pub(crate) fn begin(folder: &Path, arguments: &[&str], environment: &Environment) -> Starting {
        let mut guard = command("sh", folder, environment)
            .args(["-c", GUARD, "guard"])
            .arg(folder)
            .arg(BINARY)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pipe = guard.stdin.take().unwrap();
        Starting { guard, pipe, log: folder.join("stderr.log") }
    }

    /// What the program said when it was ready.
    pub(crate) fn said(&self) -> &Value {
        &self.ready
    }
}

/// A shared program that has not said yet that it is ready.
#[derive(Debug)]
pub(crate) struct Starting {
    guard: Child,
    pipe: ChildStdin,
    log: std::path::PathBuf,
}

impl Starting {
    /// Waits until it is.
    pub(crate) fn ready(mut self) -> Shared {
        let mut line = String::new();
        BufReader::new(self.guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("it was not ready: {line:?}\n{said}");
        };
        Shared { _pipe: self.pipe, ready }
    }
}
