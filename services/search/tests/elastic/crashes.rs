//! A rebuild whose process ends in the middle.

use std::time::Duration;

use fault::Code;
use futures::{StreamExt as _, channel::mpsc};
use mesh::Context;
use serde_json::Value;

use crate::{
    Index, asked, catalogue, indexes, process, progress, rebuild, renamed, server::Server, titled,
};

/// Begins a rebuild and ends the process, as far as anybody can see, in the middle of it.
async fn broken_off(server: &Server) -> Index {
    let index = process(server).await;
    index.apply(catalogue::changes()).await.unwrap();
    let (pages, receiver) = mpsc::unbounded();
    pages.unbounded_send(Ok(catalogue::changes())).unwrap();
    let begun = async {
        while indexes(server).await.0.len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let progress = progress();
    tokio::select! {
        _ = index.rebuild(receiver.boxed(), &progress) => {}
        () = begun => {}
    }
    drop(pages);
    index
}

#[tokio::test]
async fn the_next_start_removes_what_a_crash_has_left_behind() {
    let Some(server) = Server::new() else { return };
    let (_, before) = {
        drop(broken_off(&server).await);
        indexes(&server).await
    };
    // It ended at the worst of times: after the index was blocked, before the alias was swapped.
    asked(&server, "PUT", &format!("{}/_block/write", before[0]), Value::Null).await;

    let index = process(&server).await;
    index.ping().await.unwrap();
    assert_eq!(titled(&index, "blender").await, ["blender"], "the old index serves");
    assert!(!index.is_complete().await.unwrap());
    let context = Context::service("test").within(Duration::from_millis(700));
    let refused = context.scope(index.apply(vec![renamed(0, "Navroz", 2)])).await.unwrap_err();
    assert_eq!(refused.code, Code::Unavailable);
    assert_eq!(rebuild(&index, Vec::new()).await.unwrap_err().reason, "REBUILD_RUNNING");

    // Its owner might live: that is believed for a while.
    let mut pings = 0;
    while indexes(&server).await.0.len() > 1 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        index.ping().await.unwrap();
        pings += 1;
        assert!(pings < 80, "nobody has removed it");
    }
    assert_eq!(indexes(&server).await.1, before);
    index.apply(vec![renamed(0, "Navroz", 2)]).await.unwrap();
    assert_eq!(titled(&index, "navroz").await, ["a55"]);
    assert_eq!(rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
}

#[tokio::test]
async fn a_process_that_broke_off_itself_begins_again_at_once() {
    let Some(server) = Server::new() else { return };
    let index = broken_off(&server).await;
    assert_eq!(rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
    let (all, live) = indexes(&server).await;
    assert_eq!((all.len(), all == live), (1, true));
}

#[tokio::test]
async fn a_process_that_is_stopped_while_it_builds_leaves_nothing_behind() {
    let Some(server) = Server::new() else { return };
    broken_off(&server).await.close().await;
    let (all, live) = indexes(&server).await;
    assert_eq!((all.len(), all == live), (1, true));
    let index = process(&server).await;
    assert_eq!(rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
}
