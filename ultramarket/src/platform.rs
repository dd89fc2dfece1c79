//! Sockets, mesh, roles, run, drain.

use std::path::Path;

use anyhow::Context as _;
use clock::Clock;
use host::{Host, Running, Sockets};
use mesh::{Mesh, Role, Token};
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::{self, Config, Profile},
    exit, ready,
    restore::marker,
    roles,
};

/// Runs roles until a signal; all of them when none is named.
pub(crate) async fn serve(config: Config, only: &[Role], json: bool) -> anyhow::Result<()> {
    let chosen: Vec<Role> =
        Role::ALL.into_iter().filter(|role| only.is_empty() || only.contains(role)).collect();
    let sockets = bind(&config, &chosen)?;
    if config.profile == Profile::Production {
        for (name, instead) in config::without_effect() {
            tracing::warn!(name, instead, "this variable of the environment has no effect");
        }
    }
    let platform = start(config, &chosen, sockets).await?;
    let signals = Signals::listen()?;
    ready::announce(&platform, json);
    drain(platform.running, signals).await
}

/// A platform that answers.
pub(crate) struct Platform {
    pub(crate) running: Running,
    pub(crate) mesh: Mesh,
    pub(crate) tasks: host::Tasks,
    /// Roles and their URLs.
    pub(crate) urls: Vec<(Role, String)>,
    /// Where the gateway's metrics can be read.
    pub(crate) ops: Option<String>,
}

/// Sockets first: a taken port is the first error.
pub(crate) fn bind(config: &Config, chosen: &[Role]) -> anyhow::Result<Sockets> {
    let addresses: Vec<_> = chosen.iter().map(|role| (*role, config.listen(*role))).collect();
    let mut sockets = Sockets::bind(&addresses).map_err(exit::cannot_create)?;
    if chosen.contains(&Role::Gateway) {
        sockets.bind_ops(config.gateway.ops_listen).map_err(exit::cannot_create)?;
    }
    Ok(sockets)
}

/// Mounts the roles and begins to serve.
pub(crate) async fn start(
    mut config: Config,
    chosen: &[Role],
    sockets: Sockets,
) -> anyhow::Result<Platform> {
    marker::refuse(&config)?;
    let token = mesh_token(&config).map_err(exit::cannot_create)?;
    let mesh =
        Mesh::new(chosen, &config.peers()?, token).map_err(|error| exit::usage(error.into()))?;
    let urls: Vec<(Role, String)> = chosen
        .iter()
        .filter_map(|role| sockets.bound().url(*role).map(|url| (*role, url)))
        .collect();
    let ops = sockets.ops_url();
    let gateway = urls.iter().find(|(role, _)| *role == Role::Gateway);
    let default = format!("http://127.0.0.1:{}", config.gateway.listen.port());
    config.settle(gateway.map_or(&default, |(_, url)| url));
    let mut host = Host::new(sockets, mesh.clone(), Clock::system());
    for role in chosen {
        roles::mount(&mut host, *role, &config, &mesh).await.map_err(exit::cannot_create)?;
    }
    let tasks = host.tasks();
    Ok(Platform { running: host.start(), mesh, tasks, urls, ops })
}

/// The signals that end the platform. From here on they drain it, instead of ending the process at once.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens; before anybody is told that the platform is ready.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Serves until a signal, then lets everything end in order. A second signal ends at once.
pub(crate) async fn drain(running: Running, mut signals: Signals) -> anyhow::Result<()> {
    let stop = async move {
        signals.next().await;
        #[expect(clippy::disallowed_methods, reason = "must live beside the drain itself")]
        tokio::spawn(async move {
            signals.next().await;
            std::process::exit(130);
        });
    };
    if running.until(stop).await { Ok(()) } else { anyhow::bail!("not everything ended in time") }
}

/// The configured secret, or one that all processes on this data directory share.
fn mesh_token(config: &Config) -> anyhow::Result<Token> {
    let configured = config.mesh.token.expose_secret();
    if !configured.is_empty() {
        return Ok(Token::new(configured));
    }
    let folder = &config.data_dir;
    make_private(folder).with_context(|| {
        format!("the data directory {} cannot be used (UM_DATA_DIR)", folder.display())
    })?;
    let file = folder.join("mesh.token");
    write_new(&file, &ids::token::secret("mesh_"))
        .and_then(|()| std::fs::read_to_string(&file))
        .map(|secret| Token::new(secret.trim()))
        .with_context(|| format!("{} cannot be used (UM_DATA_DIR)", file.display()))
}

/// The secret of a platform that runs; none is made.
pub(crate) fn known_token(config: &Config) -> anyhow::Result<Token> {
    let configured = config.mesh.token.expose_secret();
    if !configured.is_empty() {
        return Ok(Token::new(configured));
    }
    let file = config.data_dir.join("mesh.token");
    let secret = std::fs::read_to_string(&file).with_context(|| {
        format!("{}: no platform has run here (UM_DATA_DIR, UM_MESH__TOKEN)", file.display())
    })?;
    Ok(Token::new(secret.trim()))
}

/// Makes a folder for keys and customers' data, which only its owner may enter; one that is there stays as it is.
pub(crate) fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a secret that only its owner may read, unless another process was quicker.
fn write_new(file: &Path, secret: &str) -> std::io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    if file.exists() {
        return Ok(());
    }
    // Complete before it has its name: another process never reads half of it.
    let draft = file.with_extension(format!("{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let mut handle = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    handle.write_all(secret.as_bytes())?;
    handle.sync_all()?;
    let linked = std::fs::hard_link(&draft, file);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_its_owner_enters_the_data_directory() {
        let folder = std::env::temp_dir().join(format!("um-private-{}", ids::RequestId::new()));
        super::make_private(&folder).unwrap();
        super::make_private(&folder).unwrap();
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        std::fs::remove_dir(&folder).unwrap();
        assert_eq!(mode & 0o777, 0o700);
    }
}
