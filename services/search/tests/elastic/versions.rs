//! Indexes of other versions of the program, and indexes that are lost.

use fault::Code;
use serde_json::{Value, json};

use crate::{Index, asked, catalogue, indexes, process, rebuild, renamed, server::Server, titled};

/// Puts the present rows behind the alias under the name of another version.
async fn pretend(server: &Server, version: u32) -> String {
    let alias = format!("{}-products", server.prefix);
    let found = asked(server, "GET", &alias, Value::Null).await;
    let (old, index) = found.as_object().unwrap().iter().next().unwrap();
    let new = format!("{alias}-v{version}-1");
    let mut mappings = index["mappings"].clone();
    mappings["_meta"] = json!({ "schema": version, "complete": true });
    let settings = json!({ "number_of_shards": 1, "auto_expand_replicas": "0-1" });
    let mut aliases = json!({});
    aliases[format!("{new}-write")] = json!({});
    let body = json!({ "settings": settings, "mappings": mappings, "aliases": aliases });
    asked(server, "PUT", &new, body).await;
    let swap = json!({ "actions": [
        { "remove_index": { "index": old } },
        { "add": { "index": new, "alias": alias, "is_write_index": true } },
    ] });
    let swapped = asked(server, "POST", "_aliases", swap).await;
    assert_eq!(swapped["acknowledged"], Value::Bool(true), "{swapped}");
    new
}

async fn refused(index: &Index) {
    let refused = index.apply(vec![renamed(0, "Navroz", 2)]).await.unwrap_err();
    assert_eq!(refused.code, Code::Unavailable);
    assert!(refused.retry_after.is_some());
}

#[tokio::test]
async fn an_index_of_an_older_version_is_built_anew_and_serves_meanwhile() {
    let Some(server) = Server::new() else { return };
    crate::store::migrate(&server.address()).await.unwrap();
    let old = pretend(&server, 0).await;
    let index = process(&server).await;
    assert_eq!(index.count().await.unwrap(), 0, "it can be asked");
    refused(&index).await;
    assert_eq!(index.ping().await.unwrap_err().code, Code::Unavailable, "but is not ready");
    assert!(!index.is_complete().await.unwrap());
    crate::store::migrate(&server.address()).await.unwrap();
    assert_eq!(
        indexes(&server).await.1,
        std::slice::from_ref(&old),
        "a migration leaves it in place"
    );

    assert_eq!(rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap(), 41);
    let (all, live) = indexes(&server).await;
    assert_eq!((all.len(), all == live, live.contains(&old)), (1, true, false));
    index.ping().await.unwrap();
    index.apply(vec![renamed(0, "Navroz", 2)]).await.unwrap();
}

#[tokio::test]
async fn an_index_of_a_newer_version_is_read_and_left_alone() {
    let Some(server) = Server::new() else { return };
    let index = process(&server).await;
    index.apply(catalogue::changes()).await.unwrap();
    let new = pretend(&server, 99).await;
    // This process still believes in the index that it has written to.
    refused(&index).await;
    index.ping().await.unwrap();
    assert!(index.is_complete().await.unwrap(), "it is not ours to fill");
    let reason = rebuild(&index, Vec::new()).await.unwrap_err().reason;
    assert_eq!(reason, "INDEX_IS_NEWER");
    assert_eq!(indexes(&server).await, (vec![new.clone()], vec![new]));
}

#[tokio::test]
async fn an_index_that_was_lost_is_made_anew_and_asks_to_be_filled() {
    let Some(server) = Server::new() else { return };
    let (index, reader) = (process(&server).await, process(&server).await);
    rebuild(&index, vec![Ok(catalogue::changes())]).await.unwrap();
    assert_eq!(reader.count().await.unwrap(), 41);
    assert!(index.is_complete().await.unwrap());
    let lost = indexes(&server).await.1;
    asked(&server, "DELETE", &lost[0], Value::Null).await;
    assert_eq!(titled(&reader, "blender").await, Vec::<&str>::new());
    assert!(!reader.is_complete().await.unwrap());
    index.apply(catalogue::changes()).await.unwrap();
    assert!(!index.is_complete().await.unwrap());
    assert_eq!(titled(&reader, "blender").await, ["blender"]);
    let (all, live) = indexes(&server).await;
    assert_eq!((all.len(), all == live), (1, true), "{all:?}");
}
