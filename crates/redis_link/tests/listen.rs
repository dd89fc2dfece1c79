//! Words between processes, against a real server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use redis_link::{Heard, Link};
use testkit::{Door, eventually};
use tokio::task::JoinSet;

type Log = Arc<Mutex<Vec<String>>>;

fn listen(ears: &mut JoinSet<()>, link: &Arc<Link>, name: &str) -> Log {
    let log = Log::default();
    let (link, name, noted) = (Arc::clone(link), name.to_owned(), Arc::clone(&log));
    ears.spawn(async move {
        let note = |heard: Heard<'_>| {
            let text = match heard {
                Heard::Began => "began".to_owned(),
                Heard::Said(words) => String::from_utf8(words.to_vec()).unwrap(),
                Heard::Ended => "ended".to_owned(),
            };
            noted.lock().unwrap().push(text);
        };
        match link.listen(&name, note).await {}
    });
    log
}

async fn came(log: &Log, expected: &[&str]) {
    eventually("it is heard", || {
        let there = *log.lock().unwrap() == expected;
        async move { there }
    })
    .await;
}

fn host(server: &str) -> (String, String) {
    let (_, rest) = server.split_once("://").unwrap();
    let (user, place) = rest.rsplit_once('@').map_or(("", rest), |(user, place)| (user, place));
    let user = if user.is_empty() { String::new() } else { format!("{user}@") };
    (user, place.split('/').next().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_said_is_heard_by_all_who_listen_and_again_after_the_server_was_lost() {
    let Some(server) = testkit::real_store("redis") else { return };
    let (user, host) = host(&server);
    let door = Door::new(&host).await;
    let address = format!("redis://{user}{}", door.address);
    let name = format!("um:test:{}:", ids::RequestId::new());
    let through = Arc::new(Link::new(&address, "um:test:").unwrap());
    let direct = Arc::new(Link::new(&server, "um:test:").unwrap());
    let mut ears = JoinSet::new();
    let (one, other) = (listen(&mut ears, &through, &name), listen(&mut ears, &direct, &name));
    came(&one, &["began"]).await;
    came(&other, &["began"]).await;
    assert_eq!(through.say(&name, b"a").await.unwrap(), 2);
    came(&one, &["began", "a"]).await;
    came(&other, &["began", "a"]).await;

    door.shut();
    came(&one, &["began", "a", "ended"]).await;
    assert!(through.say(&name, b"lost").await.is_err());
    assert_eq!(direct.say(&name, b"missed").await.unwrap(), 1);
    door.open();
    came(&one, &["began", "a", "ended", "began"]).await;
    assert_eq!(direct.say(&name, b"b").await.unwrap(), 2);
    came(&one, &["began", "a", "ended", "began", "b"]).await;
    came(&other, &["began", "a", "missed", "b"]).await;

    // A server that hangs is found out, although nothing breaks.
    door.silence();
    came(&one, &["began", "a", "ended", "began", "b", "ended"]).await;
    door.open();
    came(&one, &["began", "a", "ended", "began", "b", "ended", "began"]).await;
}
