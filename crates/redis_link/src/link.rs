//! The connection to Redis: one for everybody, made when it is needed and made anew when it is lost.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use fault::{Breaker, Code, Fault};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, InfoDict,
    IntoConnectionInfo as _, ProtocolVersion, PushInfo, PushKind, RedisError, RedisResult,
    ScriptInvocation, ServerErrorKind, TlsCertificates, aio::MultiplexedConnection,
};
use tokio::sync::Mutex;

use crate::address::{self, Address};

/// How long anything may take, the connecting included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// How long the connecting may take.
const CONNECT: Duration = Duration::from_secs(1);
/// The only policy under which nothing disappears when memory is short.
const KEEPS_ALL: &str = "noeviction";

/// What can go wrong with Redis.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused, or the way to it broke.
    #[error("Redis failed")]
    Redis(#[from] RedisError),
    /// No answer in time, or none a moment ago.
    #[error("Redis does not answer")]
    Silent,
    /// The server may drop what it was given.
    #[error(
        "Redis has the maxmemory-policy {0:?} and would drop what it holds when memory is short: set maxmemory-policy noeviction"
    )]
    Evicts(String),
}

impl Error {
    /// Whether asking again later may help, without anybody mending the program.
    fn is_away(&self) -> bool {
        let Self::Redis(error) = self else { return true };
        match error.kind() {
            ErrorKind::Io
            | ErrorKind::AuthenticationFailed
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::NoPerm
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::TryAgain,
            ) => true,
            ErrorKind::Server(ServerErrorKind::ResponseError) => {
                error.detail().is_some_and(|text| text.starts_with("max number of clients"))
            }
            // Short of memory, of replicas, of a disk that takes the log, or of patience with a script.
            ErrorKind::Extension => error.code().is_some_and(|code| {
                let known = ["BUSY", "MISCONF", "NOAUTH", "NOREPLICAS", "OOM", "WRONGPASS"];
                known.contains(&code)
            }),
            _ => false,
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if !error.is_away() {
            return Self::internal(error);
        }
        let fault = match &error {
            Error::Evicts(_) => {
                let message = "the store could lose what it holds: its maxmemory-policy evicts";
                Self::new(Code::Unavailable, "MAXMEMORY_POLICY", message)
            }
            _ => Self::unavailable("the store is away"),
        };
        let fault = fault.retry_after(Duration::from_secs(2));
        Self { source: Some(Arc::new(error)), ..fault }
    }
}

/// A connection that many use at once; `lost` as soon as it is known to be of no use.
#[derive(Clone)]
struct Connection {
    commands: MultiplexedConnection,
    lost: Arc<AtomicBool>,
}

/// The way to one server, shared by all who use it.
pub struct Link {
    prefix: String,
    client: Client,
    /// Listens in the second protocol, which is the one that the driver's listener speaks.
    pub(crate) listener: Client,
    current: Mutex<Option<Connection>>,
    breaker: Breaker,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Link {
    /// Prepares the way to `redis://[user:password@]host[:port][/database]`, or `rediss://` with TLS, and perhaps `?prefix=<of keys>`
    /// and `&ca=<file>`: who certifies a server that no public authority does, as PEM. Nothing is connected yet.
    pub fn new(address: &str, prefix: &str) -> anyhow::Result<Self> {
        let Address { server, prefix, authority } = address::split(address, prefix)?;
        let root_cert = authority.map(std::fs::read).transpose();
        let root_cert = root_cert.context("the file of ca= cannot be read")?;
        // What the driver says of an address holds no part of it.
        let client = |protocol| {
            client(&server, root_cert.clone(), protocol).context("not an address of Redis")
        };
        // The third protocol tells of a lost connection before the next command is lost with it.
        let (client, listener) = (client(ProtocolVersion::RESP3)?, client(ProtocolVersion::RESP2)?);
        Ok(Self {
            prefix,
            client,
            listener,
            current: Mutex::new(None),
            breaker: Breaker::default(),
        })
    }

    /// What stands before every key.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What our connections are called, so that a restore sees who uses the keys. A name has no spaces.
    pub(crate) fn name(&self) -> String {
        let visible = |letter: char| if letter.is_ascii_graphic() { letter } else { '_' };
        format!("ultramarket/{}", self.prefix.chars().map(visible).collect::<String>())
    }

    /// Runs a command.
    pub async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        self.ask(|mut connection| async move { command.query_async(&mut connection).await }).await
    }

    /// Runs a script; one that the server has not yet, or no longer, is brought along.
    pub async fn script<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Error> {
        self.ask(|mut connection| async move { script.invoke_async(&mut connection).await }).await
    }

    /// Whether the server answers and keeps all it is given.
    pub async fn check(&self) -> Result<(), Error> {
        let policy =
            self.ask(|mut connection| async move { policy(&mut connection).await }).await?;
        keeps_all(policy)
    }

    /// The same at the start of a role: a server that is away is waited for, one that may drop things is refused.
    pub async fn greet(&self) -> Result<(), Error> {
        match self.check().await {
            Err(error @ Error::Evicts(_)) => return Err(error),
            Err(error) => {
                let error = Fault::from(error).causes();
                tracing::warn!(error, "Redis is away; it is tried again with each use");
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// Lets go.
    pub async fn close(&self) {
        *self.current.lock().await = None;
    }

    pub(crate) async fn ask<T, R>(
        &self,
        work: impl FnOnce(MultiplexedConnection) -> R,
    ) -> Result<T, Error>
    where
        R: Future<Output = RedisResult<T>>,
    {
        if !self.breaker.may_try() {
            return Err(Error::Silent);
        }
        let mut used = None;
        let asked = async {
            let Connection { commands, lost } = self.connection().await?;
            used = Some(lost);
            work(commands).await.map_err(Error::from)
        };
        let outcome = tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(Error::Silent));
        let useless = match &outcome {
            // A server that was frozen answers on this connection when it thaws; one that is no more never will.
            Err(Error::Silent) => true,
            Err(Error::Redis(error)) => {
                // What became a replica may have a successor at the same address.
                let replaced = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
                error.is_unrecoverable_error() || replaced
            }
            _ => false,
        };
        if let Some(lost) = used.filter(|_| useless) {
            lost.store(true, Ordering::Relaxed);
        }
        match &outcome {
            Err(Error::Silent) => self.breaker.silent(),
            Err(Error::Redis(error)) if error.is_timeout() => self.breaker.silent(),
            _ => self.breaker.answered(),
        }
        outcome
    }

    /// The connection there is, or a new one. Whoever needs it meanwhile waits here.
    async fn connection(&self) -> Result<Connection, Error> {
        let mut current = self.current.lock().await;
        if let Some(known) = current.as_ref().filter(|known| !known.lost.load(Ordering::Relaxed)) {
            return Ok(known.clone());
        }
        *current = None;
        let lost = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&lost);
        let notice = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                told.store(true, Ordering::Relaxed);
            }
            Ok::<_, Infallible>(())
        };
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None)
            .set_push_sender(notice);
        let mut commands =
            self.client.get_multiplexed_async_connection_with_config(&settings).await?;
        // The server may be another one than last time.
        keeps_all(policy(&mut commands).await?)?;
        let mut named = redis::cmd("CLIENT");
        named.arg("SETNAME").arg(self.name());
        // A server that forbids it works as well.
        drop(named.query_async::<()>(&mut commands).await);
        let connection = Connection { commands, lost };
        *current = Some(connection.clone());
        Ok(connection)
    }
}

fn client(
    server: &str,
    root_cert: Option<Vec<u8>>,
    protocol: ProtocolVersion,
) -> RedisResult<Client> {
    let info = server.into_connection_info()?;
    let settings = info.redis_settings().clone().set_protocol(protocol);
    let tcp = info.tcp_settings().clone().set_nodelay(true);
    let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
    match root_cert {
        None => Client::open(info),
        root_cert => Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }),
    }
}

/// What the server does when memory is short. INFO tells it where CONFIG is forbidden, as managed servers do.
async fn policy(connection: &mut MultiplexedConnection) -> RedisResult<String> {
    let info: InfoDict = redis::cmd("INFO").arg("memory").query_async(connection).await?;
    Ok(info.get("maxmemory_policy").unwrap_or_default())
}

fn keeps_all(policy: String) -> Result<(), Error> {
    if policy == KEEPS_ALL { Ok(()) } else { Err(Error::Evicts(policy)) }
}
