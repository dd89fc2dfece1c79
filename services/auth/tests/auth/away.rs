//! A store that is not there when the role starts, that comes, goes and comes again.

use fault::{Code, Fault};
use mesh::{Caller, Role};
use proto::auth as pb;
use testkit::{FreshDatabase, Lab, Wiring, eventually};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::platform::{PASSWORD, config};

/// A way to a server that can be shut.
struct Door {
    near: String,
    far: String,
    traffic: JoinSet<()>,
}

impl Door {
    /// Shut.
    fn to(far: String) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let near = free.local_addr().unwrap().to_string();
        Self { near, far, traffic: JoinSet::new() }
    }

    async fn open(&mut self) {
        let listener = TcpListener::bind(&self.near).await.unwrap();
        let far = self.far.clone();
        self.traffic.spawn(async move {
            let mut guests = JoinSet::new();
            while let Ok((mut guest, _)) = listener.accept().await {
                let far = far.clone();
                guests.spawn(async move {
                    let mut server = TcpStream::connect(far).await.unwrap();
                    // Either side may hang up as it likes.
                    tokio::io::copy_bidirectional(&mut guest, &mut server).await.ok();
                });
            }
        });
    }

    /// Everybody inside is put out.
    async fn shut(&mut self) {
        self.traffic.shutdown().await;
    }
}

/// The status that the role's readiness answers with.
async fn readiness(url: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    let request = "GET /health/ready HTTP/1.1\r\nhost: auth\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_store_that_is_away_is_waited_for() {
    let Some(fresh) = FreshDatabase::create().await else { return };
    auth::migrate(&config(fresh.address.clone())).await.unwrap();
    let (head, tail) = fresh.address.rsplit_once('@').unwrap();
    let (server, database) = tail.split_once('/').unwrap();
    let mut door = Door::to(server.to_owned());
    let address = format!("{head}@{}/{database}", door.near);
    let lab = Lab::new(Wiring::Local)
        .role(Role::Auth, |host, mesh, _| {
            Box::pin(async move { auth::mount(host, config(address), mesh).await })
        })
        .start()
        .await;
    let url = lab.bound[&Role::Auth].clone();
    let keys = async || {
        let mut client = lab.mesh.auth();
        lab.act(Caller::guest(), client.get_keys(pb::GetKeysRequest {})).await
    };
    let login = async || {
        let (login, password) = ("901234567".to_owned(), PASSWORD.to_owned());
        let request = pb::LoginRequest { login, password, ..pb::LoginRequest::default() };
        let mut client = lab.mesh.auth();
        let refused = lab.act(Caller::guest(), client.login(request)).await.unwrap_err();
        Fault::from(refused)
    };

    let away = Fault::from(keys().await.unwrap_err());
    assert_eq!(away.code, Code::Unavailable);
    assert!(away.retry_after.is_some());
    assert_eq!(readiness(&url).await, "503");

    door.open().await;
    eventually("the keys are there", async || keys().await.is_ok()).await;
    eventually("the role is ready", async || readiness(&url).await == "200").await;
    assert_eq!(login().await.reason, "INVALID_CREDENTIALS");

    door.shut().await;
    eventually("the store is missed", async || login().await.code == Code::Unavailable).await;
    assert!(keys().await.is_ok(), "who verifies tokens goes on");
    assert_eq!(readiness(&url).await, "503");

    door.open().await;
    eventually("the store is found", async || login().await.reason == "INVALID_CREDENTIALS").await;
    lab.stop().await;
    door.shut().await;
    drop(fresh);
}
