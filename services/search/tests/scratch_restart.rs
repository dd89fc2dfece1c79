#![allow(warnings)]
use std::{process::Command, time::{Duration, Instant}};
use search::{domain::Search, store};
#[path = "support/catalogue.rs"] mod catalogue;
#[path = "support/server.rs"] mod server;
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restart() {
    let Some(server) = server::Server::new() else { return };
    let index = store::open(&server.address()).await.unwrap();
    index.rebuild(Box::pin(futures::stream::iter(vec![Ok(catalogue::changes())]))).await.unwrap();
    for round in 0..2 {
        let sh = |c: &str| assert!(Command::new("bash").arg("-c").arg(c).status().unwrap().success());
        sh("P=$(cat /tmp/es-search/pid); kill $P; while [ -e /proc/$P ]; do sleep 0.1; done");
        for _ in 0..4 {
            let t = Instant::now();
            let e = index.search(&Search::default()).await.unwrap_err();
            println!("down: {e} retry {:?} in {:?}", e.retry_after, t.elapsed());
        }
        assert!(index.apply(catalogue::changes()).await.is_err());
        sh("runuser -u es -- env ES_JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64 ES_JAVA_OPTS='-Xms512m -Xmx512m' /tmp/es-search/app/elasticsearch-8.19.8/bin/elasticsearch -d -p /tmp/es-search/pid >/dev/null 2>&1");
        let t = Instant::now();
        while index.ping().await.is_err() { tokio::time::sleep(Duration::from_millis(100)).await; assert!(t.elapsed() < Duration::from_secs(60)); }
        println!("ready {:?} after the launcher returned", t.elapsed());
        assert_eq!(index.search(&Search { limit: 50, ..Search::default() }).await.unwrap().ids.len(), 41);
        index.apply(catalogue::changes()).await.unwrap();
        assert!(index.is_complete().await.unwrap());
    }
}
