//! The other side of the wire: payment providers, SMS and mail for demo and tests.
//!
//! Each stand-in is an HTTP server of its own on 127.0.0.1. The payment ones show the hosted pages of their provider and drive its
//! real sequence of callbacks against the gateway; the message ones keep what they are sent. Nothing here moves money.
//!
//! Reading order: [`Config`], [`start`], `wire` (how a callback is sent), then a folder per provider.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener as StdListener},
    sync::Arc,
};

use anyhow::Context as _;
use axum::Router;
use host::Tasks;
use tokio::net::TcpListener;

mod amounts;
mod body;
mod click;
mod config;
mod control;
mod digest;
mod inbox;
mod kit;
mod ledger;
mod page;
mod payme;
mod stripe;
mod texts;
mod uzcard;
mod wire;

pub use config::{AmountLookup, Click, Config, Hash, Payme, Ports, Provider, Stripe, Uzcard};

/// The stand-ins with their sockets bound: their URLs are known, nothing answers yet.
#[derive(Debug)]
pub struct Sandboxes {
    listeners: Vec<(Provider, TcpListener)>,
    urls: BTreeMap<&'static str, String>,
}

impl Sandboxes {
    /// Binds 127.0.0.1 on the given ports, any free one for 0. A taken port is the error and names itself.
    pub fn bind(ports: &Ports) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        let mut urls = BTreeMap::new();
        for provider in Provider::ALL {
            let name = provider.as_str();
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.of(provider)));
            let listener = listen(address)
                .with_context(|| format!("the {name} sandbox cannot listen on {address}"))?;
            urls.insert(name, format!("http://{}", listener.local_addr()?));
            listeners.push((provider, listener));
        }
        Ok(Self { listeners, urls })
    }

    /// The base URL of each stand-in by its name.
    pub fn urls(&self) -> &BTreeMap<&'static str, String> {
        &self.urls
    }

    /// Begins to answer, until the tasks are drained.
    pub fn start(self, config: &Config, tasks: &Tasks) -> anyhow::Result<Running> {
        let kit = Arc::new(kit::Kit::new(config, tasks)?);
        for (provider, listener) in self.listeners {
            let url = self.urls.get(provider.as_str()).cloned().unwrap_or_default();
            let router = match provider {
                Provider::Payme => payme::router(&kit, config),
                Provider::Click => click::router(&kit, config),
                Provider::Uzcard => uzcard::router(&kit, config, url),
                Provider::Stripe => stripe::router(&kit, config, url),
                Provider::Sms | Provider::Mail => inbox::router(&kit, provider),
            };
            serve(tasks, provider, listener, page::dress(router));
        }
        Ok(Running { urls: self.urls })
    }
}

/// The stand-ins at work. They end with the tasks they were started on.
#[derive(Debug, Clone)]
pub struct Running {
    urls: BTreeMap<&'static str, String>,
}

impl Running {
    /// The base URL of each stand-in by its name: payme, click, uzcard, stripe, sms, mail.
    pub fn urls(&self) -> &BTreeMap<&'static str, String> {
        &self.urls
    }

    /// The base URL of one stand-in, without a slash at its end.
    pub fn url(&self, provider: Provider) -> &str {
        self.urls.get(provider.as_str()).map_or("", String::as_str)
    }
}

/// Binds and starts every stand-in. Needs a Tokio runtime.
pub fn start(config: &Config, tasks: &Tasks) -> anyhow::Result<Running> {
    Sandboxes::bind(&config.ports)?.start(config, tasks)
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = StdListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

fn serve(tasks: &Tasks, provider: Provider, listener: TcpListener, router: Router) {
    let stop = tasks.stop_signal();
    tasks.spawn(async move {
        let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = server.await {
            tracing::error!(%error, sandbox = provider.as_str(), "the sandbox ended");
        }
    });
}
