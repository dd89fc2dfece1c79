//! Numbers that are left out: those that may have been given between a backup and the loss that it mends.

use payment::{
    domain::Provider,
    store::{self, PaymentStore},
};

use crate::{
    NOW,
    fixtures::{Calls as _, call, opened},
};

async fn numbers_left_out_are_never_given(store: &dyn PaymentStore, address: &str) {
    opened(store, "77K", Provider::Click).await;
    let next = async |trans_id| {
        store.prepare(call(trans_id, "77K"), NOW).await.unwrap().unwrap().prepare_id
    };
    store::skip_numbers(address, 1_000).await.unwrap();
    let given = next(700).await;
    assert!(given > 1_000, "{given}: before the first one too");
    store::skip_numbers(address, 1_000).await.unwrap();
    store::skip_numbers(address, 1_000).await.unwrap();
    let after = next(701).await;
    assert!(after > given + 2_000, "{after} after {given}");
}

#[tokio::test]
async fn in_sqlite() {
    let (store, folder) = crate::sqlite().await.unwrap();
    let address = format!("sqlite:{}", folder.path().join("payment.db").display());
    numbers_left_out_are_never_given(store.as_ref(), &address).await;
    store.close_store().await;
    drop(folder);
}

#[tokio::test]
async fn in_postgresql() {
    let Some((store, fresh)) = crate::postgres().await else { return };
    numbers_left_out_are_never_given(store.as_ref(), &fresh.address).await;
    store.close_store().await;
    drop(fresh);
}
