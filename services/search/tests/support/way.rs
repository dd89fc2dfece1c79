//! A way to a server that can be cut: what a client sees when the server goes and comes back.

use std::net::SocketAddr;

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use crate::server::Server;

/// A way to a server that can be cut.
pub(crate) struct Way {
    address: SocketAddr,
    open: watch::Sender<bool>,
    /// Ends with it.
    _tasks: JoinSet<()>,
}

impl Way {
    /// An open one.
    pub(crate) async fn to(server: &Server) -> Self {
        let target = server.url.rsplit('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, watched) = watch::channel(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                let (target, mut watched) = (target.clone(), watched.clone());
                connections.spawn(async move {
                    let Ok(mut to) = TcpStream::connect(target).await else { return };
                    tokio::select! {
                        biased;
                        _ = watched.wait_for(|open| !*open) => {}
                        _ = tokio::io::copy_bidirectional(&mut from, &mut to) => {}
                    }
                });
            }
        });
        Self { address, open, _tasks: tasks }
    }

    /// The address of the index by this way.
    pub(crate) fn address(&self, server: &Server) -> String {
        format!("http://{}/{}", self.address, server.prefix)
    }

    /// Ends all connections, and each new one.
    pub(crate) fn cut(&self) {
        self.open.send(false).unwrap();
    }

    /// Lets new connections through.
    pub(crate) fn mend(&self) {
        self.open.send(true).unwrap();
    }
}
