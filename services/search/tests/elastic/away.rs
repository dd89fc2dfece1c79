//! A server that is not there, does not answer, or comes and goes.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use fault::{Code, Fault};
use mesh::Context;
use search::{domain::Search, store};
use testkit::eventually;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{Index, catalogue, rebuild, server::Server, way::Way};

/// Whether every call fails as it should: UNAVAILABLE with the time to come back, within a time.
async fn all_fail(index: &Index, limit: Duration) {
    let away = |fault: Fault| {
        assert_eq!(fault.code, Code::Unavailable, "{fault}");
        assert!(fault.retry_after.is_some());
    };
    let began = Instant::now();
    let context = || Context::service("test").within(limit);
    away(context().scope(index.search(&Search::default())).await.unwrap_err());
    assert!(began.elapsed() < limit, "{:?}", began.elapsed());
    away(context().scope(index.apply(catalogue::changes())).await.unwrap_err());
    away(context().scope(index.suggest(&search::domain::Typed::default())).await.unwrap_err());
    away(context().scope(index.similar("telefon", 1)).await.unwrap_err());
    away(context().scope(index.count()).await.unwrap_err());
    away(context().scope(index.ping()).await.unwrap_err());
    away(context().scope(index.is_complete()).await.unwrap_err());
    away(context().scope(rebuild(index, Vec::new())).await.unwrap_err());
    assert!(began.elapsed() < limit * 8, "{:?}", began.elapsed());
}

/// An address at which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn a_server_that_is_not_there_fails_each_call_at_once() {
    let index = store::open(&format!("http://{}/um", nobody().await)).await.unwrap();
    all_fail(&index, Duration::from_secs(1)).await;
    let error = store::migrate(&format!("http://{}/um", nobody().await)).await.unwrap_err();
    assert!(error.to_string().contains("search.store"), "{error}");
}

#[tokio::test]
async fn a_server_that_hangs_fails_each_call_in_time_and_then_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let index =
        store::open(&format!("http://{}/um", listener.local_addr().unwrap())).await.unwrap();
    let hanging = async {
        let mut open = Vec::new();
        loop {
            open.push(listener.accept().await.unwrap());
        }
    };
    let calls = async {
        all_fail(&index, Duration::from_millis(600)).await;
        let began = Instant::now();
        let mut tried = 0;
        while tried < 50 {
            let search = Search::default();
            let call = index.search(&search);
            Context::service("test")
                .within(Duration::from_millis(600))
                .scope(call)
                .await
                .unwrap_err();
            tried += 1;
        }
        // One of them may have been let through to see whether it answers again.
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    };
    tokio::select! {
        () = hanging => {}
        () = calls => {}
    }
}

#[tokio::test]
async fn it_starts_without_its_server_and_recovers_by_itself() {
    let Some(server) = Server::new() else { return };
    let way = Way::to(&server).await;
    way.cut();
    let index = store::open(&way.address(&server)).await.unwrap();
    all_fail(&index, Duration::from_secs(1)).await;
    for _ in 0..2 {
        way.mend();
        eventually("it is ready", || async { index.ping().await.is_ok() }).await;
        index.apply(catalogue::changes()).await.unwrap();
        assert_eq!(index.count().await.unwrap(), 41);
        way.cut();
        all_fail(&index, Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn credentials_are_shown_to_the_server_and_to_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://elastic:p%40ss@{}/um", listener.local_addr().unwrap());
    let asked = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let refusal = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(refusal.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    };
    let (request, outcome) = futures::join!(asked, store::migrate(&address));
    assert!(request.contains("authorization: Basic ZWxhc3RpYzpwQHNz"), "{request}");
    let error = format!("{:?}", outcome.unwrap_err());
    assert!(!error.contains("p%40ss") && !error.contains("p@ss"), "{error}");
}
