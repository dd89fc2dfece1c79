//! A door before a real server, so that a test can make the server be away without ending it.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    Shut,
    Silent,
}

#[derive(Debug, Clone, Copy)]
struct State {
    way: Way,
    /// How often everybody inside was forgotten.
    forgotten: u32,
}

/// Passes connections on to a server while it is open.
#[derive(Debug)]
pub struct Door {
    /// Where it listens, on loopback.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    // Ends with the door.
    _porter: JoinSet<()>,
}

impl Door {
    /// A door before `server` (`host:port`), open.
    ///
    /// # Panics
    /// When there is no free port.
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    pub async fn new(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, watch) = watch::channel(State { way: Way::Open, forgotten: 0 });
        let mut porter = JoinSet::new();
        porter.spawn(receive(listener, server.to_owned(), watch));
        Self { address, state, _porter: porter }
    }

    /// Passes on again.
    pub fn open(&self) {
        self.state.send_modify(|state| state.way = Way::Open);
    }

    /// Cuts what is connected and whatever connects from now on.
    pub fn shut(&self) {
        self.state.send_modify(|state| state.way = Way::Shut);
    }

    /// Lets everybody in and answers nothing, as a server that hangs.
    pub fn silence(&self) {
        self.state.send_modify(|state| state.way = Way::Silent);
    }

    /// On what is connected nothing comes any more, and nobody is told, as when a router forgets its connections. Whoever connects
    /// from now on is let in.
    pub fn forget(&self) {
        self.state.send_modify(|state| state.forgotten += 1);
    }
}

async fn receive(listener: TcpListener, server: String, state: watch::Receiver<State>) {
    let mut guests = JoinSet::new();
    while let Ok((guest, _)) = listener.accept().await {
        guests.spawn(pass(guest, server.clone(), state.clone()));
        while guests.try_join_next().is_some() {}
    }
}

async fn pass(mut guest: TcpStream, server: String, mut state: watch::Receiver<State>) {
    // Nobody knows yet who is behind the door when it is silent.
    if state.wait_for(|state| state.way != Way::Silent).await.is_err() {
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let known = state.borrow().forgotten;
    loop {
        let now = *state.borrow_and_update();
        match now.way {
            Way::Shut => return,
            _ if now.forgotten > known => {}
            Way::Silent => {}
            Way::Open => tokio::select! {
                _ = copy_bidirectional(&mut guest, &mut server) => return,
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    continue;
                }
            },
        }
        if state.changed().await.is_err() {
            return;
        }
    }
}
