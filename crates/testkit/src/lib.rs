//! The laboratory: roles on free ports, reached locally or over the network, with fresh stores and a clock that tests move.
//!
//! ```ignore
//! for wiring in testkit::WIRINGS {
//!     let lab = Lab::new(wiring)
//!         .role(Role::Cart, |host, mesh, dir| Box::pin(cart::mount(host, config(dir), mesh)))
//!         .role(Role::Order, |host, _, _| Box::pin(async move { host.grpc(Role::Order, fake_order()); Ok(()) }))
//!         .start()
//!         .await;
//!     lab.act(Caller::guest(), lab.mesh.cart().create_cart(CreateCartRequest {})).await;
//! }
//! ```

use std::{collections::BTreeMap, future::Future, path::PathBuf, pin::Pin, time::Duration};

use clock::{Clock, Timestamp};
use host::{Bound, Host, Running, Sockets};
use mesh::{Caller, Context, Mesh, Role, Token};

mod door;
mod folder;
mod stores;

pub use door::Door;
pub use folder::Folder;
pub use stores::{FreshDatabase, real_store};

/// Whether roles reach each other within the process or over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wiring {
    /// One host, local links.
    Local,
    /// A host for each role, remote links.
    Remote,
}

/// Both, for tests that run in both.
pub const WIRINGS: [Wiring; 2] = [Wiring::Local, Wiring::Remote];

/// What a role does to register itself.
type Mount = Box<
    dyn for<'a> FnOnce(
        &'a mut Host,
        &'a Mesh,
        PathBuf,
    ) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>,
>;

/// A platform under construction.
pub struct Lab {
    wiring: Wiring,
    mounts: Vec<(Role, Mount)>,
    clock: Clock,
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lab").field("wiring", &self.wiring).finish_non_exhaustive()
    }
}

/// A platform that runs until it is dropped.
#[derive(Debug)]
pub struct RunningLab {
    /// Clients of every role, from outside.
    pub mesh: Mesh,
    /// The clock of every role.
    pub clock: Clock,
    /// Where each role listens.
    pub bound: BTreeMap<Role, String>,
    /// The stores' folder; it goes with the lab.
    pub folder: Folder,
    hosts: Vec<Running>,
}

/// The moment at which the manual clock of a lab starts: 2026-11-21T09:30:00Z.
pub const START: Timestamp = Timestamp::from_millis(1_795_253_400_000);

impl Lab {
    /// An empty laboratory whose clock stands at [`START`].
    pub fn new(wiring: Wiring) -> Self {
        Self { wiring, mounts: Vec::new(), clock: Clock::manual(START) }
    }

    /// Uses the machine's clock.
    #[must_use]
    pub fn real_time(mut self) -> Self {
        self.clock = Clock::system();
        self
    }

    /// Adds a role; `mount` gets the folder for its store.
    #[must_use]
    pub fn role<F>(mut self, role: Role, mount: F) -> Self
    where
        F: for<'a> FnOnce(
                &'a mut Host,
                &'a Mesh,
                PathBuf,
            ) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>
            + 'static,
    {
        self.mounts.push((role, Box::new(mount)));
        self
    }

    /// Binds, mounts and serves.
    #[expect(
        clippy::expect_used,
        clippy::unwrap_used,
        reason = "a laboratory that cannot be set up fails its test"
    )]
    pub async fn start(self) -> RunningLab {
        let folder = Folder::new("lab");
        let token = Token::new("laboratory");
        let free = "127.0.0.1:0".parse().unwrap();
        let mut hosts = Vec::new();
        let mut peers = BTreeMap::new();
        let roles: Vec<Role> = self.mounts.iter().map(|(role, _)| *role).collect();

        let mesh = match self.wiring {
            Wiring::Local => {
                let addresses: Vec<_> = roles.iter().map(|role| (*role, free)).collect();
                let sockets = Sockets::bind(&addresses).expect("free ports");
                peers.extend(urls(&roles, sockets.bound()));
                let mesh = Mesh::new(&roles, &peers, token).expect("addresses");
                let mut host = Host::new(sockets, mesh.clone(), self.clock.clone());
                for (_, mount) in self.mounts {
                    mount(&mut host, &mesh, folder.path().to_owned()).await.expect("mounts");
                }
                hosts.push(host.start());
                mesh
            }
            Wiring::Remote => {
                let bound: Vec<Sockets> = roles
                    .iter()
                    .map(|role| Sockets::bind(&[(*role, free)]).expect("a free port"))
                    .collect();
                for sockets in &bound {
                    peers.extend(urls(&roles, sockets.bound()));
                }
                for ((role, mount), sockets) in self.mounts.into_iter().zip(bound) {
                    let mesh = Mesh::new(&[role], &peers, token.clone()).expect("addresses");
                    let mut host = Host::new(sockets, mesh.clone(), self.clock.clone());
                    mount(&mut host, &mesh, folder.path().to_owned()).await.expect("mounts");
                    hosts.push(host.start());
                }
                Mesh::new(&[], &peers, token).expect("addresses")
            }
        };
        RunningLab { mesh, clock: self.clock, bound: peers, folder, hosts }
    }
}

fn urls(roles: &[Role], bound: &Bound) -> Vec<(Role, String)> {
    roles.iter().filter_map(|role| bound.url(*role).map(|url| (*role, url))).collect()
}

impl RunningLab {
    /// Makes a call as somebody.
    pub async fn act<F: Future>(&self, caller: Caller, call: F) -> F::Output {
        Context::new(caller).scope(call).await
    }

    /// Makes a call as the platform itself.
    pub async fn as_service<F: Future>(&self, call: F) -> F::Output {
        Context::service("test").scope(call).await
    }

    /// Stops every role in order and closes the stores.
    pub async fn stop(self) {
        for host in self.hosts {
            host.until(std::future::ready(())).await;
        }
    }
}

/// Asks again until the answer is true; fails the test after ten seconds.
pub async fn eventually<F, R>(what: &str, question: F)
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    ask(1000, what, question).await;
}

/// The same for what hangs on a test server, which may be slow on a busy machine: fails the test after a minute.
pub async fn patiently<F, R>(what: &str, question: F)
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    ask(6000, what, question).await;
}

#[expect(clippy::panic, reason = "that is how a test fails")]
async fn ask<F, R>(times: u32, what: &str, mut question: F)
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    for _ in 0..times {
        if question().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come true: {what}");
}
