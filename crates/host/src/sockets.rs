//! Sockets are bound before any other work: a taken port is the first error.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener as StdListener},
};

use mesh::Role;
use tokio::net::TcpListener;

/// Bound sockets, one for each role, and one for the gateway's metrics.
#[derive(Debug, Default)]
pub struct Sockets {
    listeners: BTreeMap<Role, TcpListener>,
    bound: Bound,
    ops: Option<TcpListener>,
}

/// Where each role can be reached.
#[derive(Debug, Default, Clone)]
pub struct Bound(BTreeMap<Role, SocketAddr>);

/// An address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} for {what}: {cause}; set {key} to another address")]
pub struct BindError {
    what: String,
    address: SocketAddr,
    key: String,
    cause: std::io::Error,
}

impl Sockets {
    /// Binds one address for each role. Port 0 takes any free port.
    pub fn bind(addresses: &[(Role, SocketAddr)]) -> Result<Self, BindError> {
        let mut sockets = Self::default();
        for (role, address) in addresses {
            let key = format!("{role}.listen (UM_{}__LISTEN)", role.as_str().to_uppercase());
            let listener = listen(role.as_str(), *address, key)?;
            let local = listener.local_addr().unwrap_or(*address);
            sockets.bound.0.insert(*role, local);
            sockets.listeners.insert(*role, listener);
        }
        Ok(sockets)
    }

    /// Binds the listener for the gateway's metrics.
    pub fn bind_ops(&mut self, address: SocketAddr) -> Result<SocketAddr, BindError> {
        let key = "gateway.ops_listen (UM_GATEWAY__OPS_LISTEN)".to_owned();
        let listener = listen("the gateway's metrics", address, key)?;
        let local = listener.local_addr().unwrap_or(address);
        self.ops = Some(listener);
        Ok(local)
    }

    /// Where each role can be reached.
    pub fn bound(&self) -> &Bound {
        &self.bound
    }

    /// Where the gateway's metrics can be read.
    pub fn ops_url(&self) -> Option<String> {
        self.ops.as_ref().and_then(|ops| ops.local_addr().ok()).map(url)
    }

    pub(crate) fn roles(&self) -> impl Iterator<Item = Role> + '_ {
        self.bound.0.keys().copied()
    }

    pub(crate) fn take(&mut self, role: Role) -> Option<TcpListener> {
        self.listeners.remove(&role)
    }

    pub(crate) fn take_ops(&mut self) -> Option<TcpListener> {
        self.ops.take()
    }
}

impl Bound {
    /// The address of a role of this process.
    pub fn address(&self, role: Role) -> Option<SocketAddr> {
        self.0.get(&role).copied()
    }

    /// The URL of a role of this process; an unspecified address is reached over loopback.
    pub fn url(&self, role: Role) -> Option<String> {
        self.address(role).map(url)
    }
}

fn url(address: SocketAddr) -> String {
    let host = if address.ip().is_unspecified() {
        "127.0.0.1".to_owned()
    } else {
        address.ip().to_string()
    };
    format!("http://{host}:{}", address.port())
}

fn listen(what: &str, address: SocketAddr, key: String) -> Result<TcpListener, BindError> {
    let bound = StdListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    });
    bound.map_err(|cause| BindError { what: what.to_owned(), address, key, cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_names_itself_and_its_key() {
        let taken = StdListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = Sockets::bind(&[(Role::Order, address)]).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
        assert!(error.contains("UM_ORDER__LISTEN"), "{error}");
    }
}
