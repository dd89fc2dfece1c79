//! Numbers that are left out: those that may have been given between a backup and the loss that it mends.

use order::store::{self, OrderStore};

use crate::{placed, placing, stocked};

async fn numbers_left_out_are_never_given(store: &dyn OrderStore, address: &str) {
    let goods = stocked(store, 50, 100).await;
    let next = async || placed(store, placing(&[(goods.id, 1)])).await.seq;
    let given = next().await;
    store::skip_numbers(address, 1_000).await.unwrap();
    let after = next().await;
    assert!(after > given + 1_000, "{after} after {given}");
    assert_eq!(next().await, after + 1, "and on as before");
    // Once more before anybody has bought: both gaps count.
    store::skip_numbers(address, 1_000).await.unwrap();
    store::skip_numbers(address, 1_000).await.unwrap();
    let last = next().await;
    assert!(last > after + 1 + 2_000, "{last} after {after}");
    assert_eq!(store.numbered(given + 1).await.unwrap(), None);
}

#[tokio::test]
async fn in_sqlite() {
    let folder = testkit::Folder::new("order");
    let address = format!("sqlite:{}", folder.path().join("order.db").display());
    // Nothing is there yet.
    store::skip_numbers(&address, 5).await.unwrap();
    let store = store::open(&address, order::encode_event).await.unwrap();
    numbers_left_out_are_never_given(store.as_ref(), &address).await;
    store.close().await;
}

#[tokio::test]
async fn in_postgresql() {
    let Some((store, fresh)) = crate::postgres().await else { return };
    numbers_left_out_are_never_given(store.as_ref(), &fresh.address).await;
    store.close().await;
    drop(fresh);
}
